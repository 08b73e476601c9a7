package guard_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"salve/bot"
	"salve/bot/guard"
)

func drawPlan(t *rapid.T) bot.Plan {
	return plan(func(p *bot.Plan) {
		p.Mode = rapid.SampledFrom([]bot.Mode{bot.ModeObserve, bot.ModePropose, bot.ModeAuto, bot.ModeAuto, ""}).Draw(t, "mode")
		p.Kind = rapid.SampledFrom([]bot.PlanKind{bot.PlanRespond, bot.PlanRespond, bot.PlanUndo, ""}).Draw(t, "kind")
		p.AutoBelow = bot.Severity(rapid.IntRange(-1, 7).Draw(t, "auto_below"))
		p.Cooldown = bot.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "cooldown"))
		p.Target = rapid.SampledFrom([]string{"web-1", "web-2", ""}).Draw(t, "target")
		if rapid.Bool().Draw(t, "asked") {
			p.AskedBy = bot.Actor{Person: "bob", Name: "Bob"}
		}
	})
}

func drawRun(t *rapid.T, label string) *bot.Run {
	if rapid.Bool().Draw(t, label+" none") {
		return nil
	}
	states := []bot.RunState{bot.RunPlanned, bot.RunRunning, bot.RunWaiting, bot.RunFixed, bot.RunNotFixed, bot.RunFailed, bot.RunCancelled, bot.RunUnverified, "?"}
	return &bot.Run{
		ID: bot.RunID(rapid.IntRange(1, 3).Draw(t, label+" id")), Incident: 142, Target: "web-1",
		State:   rapid.SampledFrom(states).Draw(t, label+" state"),
		EndedAt: now.Add(-time.Duration(rapid.Int64Range(int64(-time.Hour), int64(2*time.Hour)).Draw(t, label+" ended"))),
	}
}

func drawFacts(t *rapid.T) guard.Facts {
	return facts(func(f *guard.Facts) {
		f.Severity = bot.Severity(rapid.IntRange(-1, 7).Draw(t, "severity"))
		f.Incident.Firing = rapid.IntRange(0, 2).Draw(t, "firing")
		f.Incident.Owner = rapid.SampledFrom([]bot.PersonID{"", "", "alice"}).Draw(t, "owner")
		f.Run = bot.RunID(rapid.IntRange(0, 3).Draw(t, "run"))
		f.History.Active, f.History.Last = drawRun(t, "active"), drawRun(t, "last")
		if r := drawRun(t, "attempt"); r != nil {
			f.Attempts = []bot.Run{*r}
		}
		if rapid.Bool().Draw(t, "claimed") {
			f.History.Claims = []bot.Claim{{Target: "web-1", Holder: "alice", Until: rapid.SampledFrom([]time.Time{{}, now, now.Add(time.Hour)}).Draw(t, "until")}}
		}
		if rapid.IntRange(0, 4).Draw(t, "halted") == 0 {
			f.Halts = []bot.Halt{{Scope: rapid.SampledFrom([]bot.HaltScope{bot.HaltAll, bot.HaltPlaybook, bot.HaltTarget, "?"}).Draw(t, "scope"), Name: "web-1"}}
		}
		if rapid.IntRange(0, 4).Draw(t, "missing") == 0 {
			f.Missing = []string{"x"}
		}
		if rapid.Bool().Draw(t, "snoozed") {
			f.Incident.SnoozedUntil = now.Add(time.Minute)
		}
		if rapid.Bool().Draw(t, "approval") {
			approved(f)
			f.Approved.State = rapid.SampledFrom([]bot.ApprovalState{bot.ApprovalApproved, bot.ApprovalApproved, bot.ApprovalDenied, bot.ApprovalPending}).Draw(t, "approval state")
			f.Approved.Digest = rapid.SampledFrom([]bot.Digest{digest, digest, "99999999"}).Draw(t, "approved digest")
		}
	})
}

func TestNoInputSlipsThrough(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p, f := drawPlan(t), drawFacts(t)
		v := guard.Evaluate(p, f)
		require.Equal(t, v, guard.Evaluate(p, f), "the same input gives the same verdict")
		strictest := bot.Allow
		for _, c := range v.Children {
			strictest = strictest.Stricter(c.Ruling)
		}
		require.Equal(t, strictest, v.Ruling)
		if v.Ruling != bot.Allow {
			return
		}
		agreed := f.Approved != nil && f.Approved.State == bot.ApprovalApproved && f.Approved.Digest == p.Digest
		require.Empty(t, f.Missing)
		require.NotEqual(t, bot.ModeObserve, p.Mode)
		require.False(t, f.History.Active != nil && f.History.Active.ID != f.Run, "the target is busy")
		for _, h := range f.Halts {
			require.False(t, h.Stops(p.Playbook, p.Target))
		}
		if !agreed {
			require.Equal(t, bot.ModeAuto, p.Mode)
			require.True(t, f.Severity.Below(p.AutoBelow))
			require.Equal(t, bot.PlanRespond, p.Kind)
			require.Empty(t, p.AskedBy.Person)
			require.Empty(t, f.Incident.Owner)
			require.Empty(t, f.Incident.SnoozedUntil)
		}
	})
}
