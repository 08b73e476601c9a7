package guard_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/guard"
)

var now = time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC)

const digest = bot.Digest("3fa9c1d2aaaabbbb")

func plan(change ...func(*bot.Plan)) bot.Plan {
	p := bot.Plan{
		ID: 3, Incident: 142, Kind: bot.PlanRespond, Playbook: "restart", Target: "web-1",
		Steps: []bot.PlanStep{{ID: "restart", Action: "http"}}, Digest: digest,
		Mode: bot.ModeAuto, AutoBelow: bot.SeverityMedium, Cooldown: bot.Duration(15 * time.Minute),
	}
	for _, c := range change {
		c(&p)
	}
	return p
}

func facts(change ...func(*guard.Facts)) guard.Facts {
	f := guard.Facts{Now: now, Severity: bot.SeverityLow, Incident: bot.Incident{ID: 142, Fold: bot.Fold{Firing: 2}}}
	for _, c := range change {
		c(&f)
	}
	return f
}

func approved(f *guard.Facts) {
	f.Approved = &bot.Approval{
		ID: 7, State: bot.ApprovalApproved, Digest: digest, Incident: 142,
		Votes: []bot.Vote{{Person: "alice", Name: "Alice", Yes: true, Digest: digest}},
	}
}

func child(t *testing.T, v bot.Verdict, rule string) bot.Verdict {
	t.Helper()
	for _, c := range v.Children {
		if c.Rule == rule {
			return c
		}
	}
	t.Fatalf("no rule %s in %+v", rule, v)
	return bot.Verdict{}
}

type ruleCase struct {
	name   string
	plan   func(*bot.Plan)
	facts  func(*guard.Facts)
	rule   string
	want   bot.Ruling
	says   string
	retry  time.Time
	agreed bot.Ruling // the ruling once people have agreed
}

func ruleCases() []ruleCase {
	ago := func(d time.Duration) *bot.Run {
		return &bot.Run{ID: 12, Playbook: "restart", Target: "web-1", State: bot.RunFixed, EndedAt: now.Add(-d)}
	}
	attempt := func(s bot.RunState, change ...func(*bot.Run)) func(*guard.Facts) {
		r := bot.Run{ID: 12, Incident: 142, Playbook: "restart", Target: "web-1", State: s}
		for _, c := range change {
			c(&r)
		}
		return func(f *guard.Facts) { f.Attempts = []bot.Run{r} }
	}
	return []ruleCase{
		{name: "below the threshold runs by itself", rule: guard.RuleSeverity, want: bot.Allow, says: "low is below medium"},
		{name: "at the threshold asks", facts: func(f *guard.Facts) { f.Severity = bot.SeverityMedium }, rule: guard.RuleSeverity, want: bot.AskPerson, says: "the severity is medium; by itself it runs only below medium", agreed: bot.Allow},
		{name: "unknown severity counts as critical", facts: func(f *guard.Facts) { f.Severity = bot.SeverityUnknown }, rule: guard.RuleSeverity, want: bot.AskPerson, says: "counts as critical", agreed: bot.Allow},
		{name: "no threshold asks", plan: func(p *bot.Plan) { p.AutoBelow = bot.SeverityUnknown }, rule: guard.RuleSeverity, want: bot.AskPerson, says: "no auto_below", agreed: bot.Allow},
		{name: "propose asks", plan: func(p *bot.Plan) { p.Mode = bot.ModePropose }, rule: guard.RuleMode, want: bot.AskPerson, says: "propose", agreed: bot.Allow},
		{name: "observe denies", plan: func(p *bot.Plan) { p.Mode = bot.ModeObserve }, rule: guard.RuleMode, want: bot.Deny, says: "observe", agreed: bot.Deny},
		{name: "an unknown mode denies", plan: func(p *bot.Plan) { p.Mode = "yolo" }, rule: guard.RuleMode, want: bot.Deny, says: `"yolo"`, agreed: bot.Deny},
		{name: "a halt of everything denies", facts: func(f *guard.Facts) {
			f.Halts = []bot.Halt{{Scope: bot.HaltAll, By: bot.Actor{Name: "Bob"}, At: now, Reason: "deploy"}}
		}, rule: guard.RuleHalt, want: bot.Deny, says: "halted by Bob since 2026-03-01 14:00 UTC (deploy)", agreed: bot.Deny},
		{name: "a halt of the playbook denies", facts: func(f *guard.Facts) { f.Halts = []bot.Halt{{Scope: bot.HaltPlaybook, Name: "restart"}} }, rule: guard.RuleHalt, want: bot.Deny, says: "playbook restart", agreed: bot.Deny},
		{name: "a halt of the target denies", facts: func(f *guard.Facts) { f.Halts = []bot.Halt{{Scope: bot.HaltTarget, Name: "web-1"}} }, rule: guard.RuleHalt, want: bot.Deny, says: "target web-1", agreed: bot.Deny},
		{name: "a halt of another target does not count", facts: func(f *guard.Facts) { f.Halts = []bot.Halt{{Scope: bot.HaltTarget, Name: "web-2"}} }, rule: guard.RuleHalt, want: bot.Allow, says: "nothing is halted"},
		{name: "a halt of unknown scope denies", facts: func(f *guard.Facts) { f.Halts = []bot.Halt{{Scope: "moon"}} }, rule: guard.RuleHalt, want: bot.Deny, says: "halted", agreed: bot.Deny},
		{name: "within the cooldown asks", facts: func(f *guard.Facts) { f.History.Last = ago(4 * time.Minute) }, rule: guard.RuleCooldown, want: bot.AskPerson, says: "R-12 ended at 2026-03-01 13:56 UTC on web-1, within the cooldown of 15m", retry: now.Add(11 * time.Minute), agreed: bot.Allow},
		{name: "after the cooldown allows", facts: func(f *guard.Facts) { f.History.Last = ago(15 * time.Minute) }, rule: guard.RuleCooldown, want: bot.Allow, says: "longer ago than the cooldown of 15m"},
		{name: "an end in the future is within the cooldown", facts: func(f *guard.Facts) { f.History.Last = ago(-time.Minute) }, rule: guard.RuleCooldown, want: bot.AskPerson, says: "ended at 2026-03-01 14:01 UTC", retry: now.Add(16 * time.Minute), agreed: bot.Allow},
		{name: "an end that is not known asks", facts: func(f *guard.Facts) { f.History.Last = &bot.Run{ID: 12} }, rule: guard.RuleCooldown, want: bot.AskPerson, says: "not known", agreed: bot.Allow},
		{name: "a busy target denies", facts: func(f *guard.Facts) {
			f.History.Active = &bot.Run{ID: 20, Playbook: "drain", State: bot.RunRunning}
		}, rule: guard.RuleTarget, want: bot.Deny, says: "R-20 (drain) is running on web-1", retry: now.Add(5 * time.Second), agreed: bot.Deny},
		{name: "its own run does not count as busy", facts: func(f *guard.Facts) { f.History.Active, f.Run = &bot.Run{ID: 20}, 20 }, rule: guard.RuleTarget, want: bot.Allow, says: "free"},
		{name: "an owner asks", facts: func(f *guard.Facts) { f.Incident.Owner, f.Incident.OwnerName = "bob", "Bob" }, rule: guard.RuleTaken, want: bot.AskPerson, says: "Bob has taken the incident", agreed: bot.Allow},
		{name: "a claim through another incident asks", facts: func(f *guard.Facts) {
			f.History.Claims = []bot.Claim{{Target: "web-1", Incident: 9, Holder: "bob"}}
		}, rule: guard.RuleTaken, want: bot.AskPerson, says: "bob has taken web-1 with I-9", agreed: bot.Allow},
		{name: "a person's own claim asks until it is over", facts: func(f *guard.Facts) {
			f.History.Claims = []bot.Claim{{Target: "web-1", Holder: "bob", Name: "Bob", Until: now.Add(time.Hour), Reason: "a deploy"}}
		}, rule: guard.RuleTaken, want: bot.AskPerson, says: "Bob holds web-1 until 2026-03-01 15:00 UTC (a deploy), so automation pauses", retry: now.Add(time.Hour), agreed: bot.Allow},
		{name: "a claim that is over does not count", facts: func(f *guard.Facts) {
			f.History.Claims = []bot.Claim{{Target: "web-1", Holder: "bob", Name: "Bob", Until: now}}
		}, rule: guard.RuleTaken, want: bot.Allow, says: "nobody has taken it", agreed: bot.Allow},
		{name: "a claim on another target does not count", facts: func(f *guard.Facts) {
			f.History.Claims = []bot.Claim{{Target: "web-2", Holder: "bob", Name: "Bob", Until: now.Add(time.Hour)}}
		}, rule: guard.RuleTaken, want: bot.Allow, says: "nobody has taken it", agreed: bot.Allow},
		{name: "snoozed asks", facts: func(f *guard.Facts) { f.Incident.SnoozedUntil = now.Add(time.Hour) }, rule: guard.RuleSnoozed, want: bot.AskPerson, says: "snoozed until 2026-03-01 15:00 UTC", retry: now.Add(time.Hour), agreed: bot.Allow},
		{name: "resolved denies", facts: func(f *guard.Facts) { f.Incident.Firing = 0 }, rule: guard.RuleIncident, want: bot.Deny, says: "nothing to fix", agreed: bot.Deny},
		{name: "closed denies", facts: func(f *guard.Facts) { f.Incident.ClosedAt = now }, rule: guard.RuleIncident, want: bot.Deny, says: "closed", agreed: bot.Deny},
		{name: "merged denies", facts: func(f *guard.Facts) { f.Incident.MergedInto = 9 }, rule: guard.RuleIncident, want: bot.Deny, says: "I-9", agreed: bot.Deny},
		{name: "a failed attempt asks", facts: attempt(bot.RunFailed), rule: guard.RuleAttempts, want: bot.AskPerson, says: "R-12 (restart) failed in this incident", agreed: bot.Allow},
		{name: "an attempt that did not fix it asks", facts: attempt(bot.RunNotFixed), rule: guard.RuleAttempts, want: bot.AskPerson, says: "did not fix it", agreed: bot.Allow},
		{name: "an attempt nobody could verify asks", facts: attempt(bot.RunUnverified), rule: guard.RuleAttempts, want: bot.AskPerson, says: "could not be verified", agreed: bot.Allow},
		{name: "an attempt that a person cancelled asks", facts: attempt(bot.RunCancelled, func(r *bot.Run) { r.CancelBy.Name = "Bob" }), rule: guard.RuleAttempts, want: bot.AskPerson, says: "cancelled by Bob", agreed: bot.Allow},
		{name: "an attempt cancelled half way asks", facts: attempt(bot.RunCancelled, func(r *bot.Run) { r.Steps = []bot.Step{{State: bot.StepSucceeded}} }), rule: guard.RuleAttempts, want: bot.AskPerson, says: "half way", agreed: bot.Allow},
		{name: "an attempt that never began allows", facts: attempt(bot.RunCancelled), rule: guard.RuleAttempts, want: bot.Allow, says: "none in vain"},
		{name: "an attempt that helped allows", facts: attempt(bot.RunFixed), rule: guard.RuleAttempts, want: bot.Allow, says: "1 earlier run"},
		{name: "an attempt on another target allows", facts: attempt(bot.RunFailed, func(r *bot.Run) { r.Target = "web-2" }), rule: guard.RuleAttempts, want: bot.Allow, says: "nothing was tried"},
		{name: "what a person asked for asks", plan: func(p *bot.Plan) { p.AskedBy = bot.Actor{Person: "bob", Name: "Bob"} }, rule: guard.RuleAsked, want: bot.AskPerson, says: "Bob asked for it", agreed: bot.Allow},
		{name: "an undo asks", plan: func(p *bot.Plan) { p.Kind = bot.PlanUndo }, rule: guard.RuleAsked, want: bot.AskPerson, says: "undo", agreed: bot.Allow},
		{name: "an unknown kind denies", plan: func(p *bot.Plan) { p.Kind = "dance" }, rule: guard.RuleAsked, want: bot.Deny, says: `"dance"`, agreed: bot.Deny},
		{name: "a fact that is missing denies", facts: func(f *guard.Facts) { f.Missing = []string{"the halts"} }, rule: guard.RuleFacts, want: bot.Deny, says: "not known: the halts", agreed: bot.Deny},
		{name: "no time denies", facts: func(f *guard.Facts) { f.Now = time.Time{} }, rule: guard.RuleFacts, want: bot.Deny, says: "the time", agreed: bot.Deny},
		{name: "a plan without a target denies", plan: func(p *bot.Plan) { p.Target = "" }, rule: guard.RuleFacts, want: bot.Deny, says: "lacks", agreed: bot.Deny},
	}
}

func TestEveryRule(t *testing.T) {
	t.Parallel()
	for _, tt := range ruleCases() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, f := plan(), facts()
			if tt.plan != nil {
				tt.plan(&p)
			}
			if tt.facts != nil {
				tt.facts(&f)
			}
			v := guard.Evaluate(p, f)
			require.Equal(t, tt.want, v.Ruling, v.Reason)
			require.Equal(t, "guard", v.Rule)
			c := child(t, v, tt.rule)
			require.Equal(t, tt.want, c.Ruling)
			require.Contains(t, c.Reason, tt.says)
			require.Equal(t, tt.retry, c.RetryAt)
			if tt.want == bot.Allow {
				return
			}
			approved(&f)
			v = guard.Evaluate(p, f)
			require.Equal(t, tt.agreed, v.Ruling, v.Reason)
			if tt.agreed == bot.Allow {
				require.Contains(t, child(t, v, tt.rule).Reason, "approved by Alice")
			}
		})
	}
}

func TestOnlyTheSameQuestionSatisfies(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*bot.Approval){
		"another digest":   func(a *bot.Approval) { a.Digest = "99999999" },
		"no digest":        func(a *bot.Approval) { a.Digest = "" },
		"another incident": func(a *bot.Approval) { a.Incident = 9 },
		"pending":          func(a *bot.Approval) { a.State = bot.ApprovalPending },
		"denied":           func(a *bot.Approval) { a.State = bot.ApprovalDenied },
		"expired":          func(a *bot.Approval) { a.State = bot.ApprovalExpired },
		"withdrawn":        func(a *bot.Approval) { a.State = bot.ApprovalWithdrawn },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := facts(approved, func(f *guard.Facts) { change(f.Approved) })
			p := plan(func(p *bot.Plan) { p.Mode = bot.ModePropose })
			require.Equal(t, bot.AskPerson, guard.Evaluate(p, f).Ruling)
		})
	}
}

func TestAnUndoNeedsNeitherAFiringAlertNorACooldown(t *testing.T) {
	t.Parallel()
	f := facts(approved, func(f *guard.Facts) {
		f.Incident.Firing, f.Incident.ClosedAt = 0, now
		f.History.Last = &bot.Run{ID: 12, EndedAt: now}
		f.Attempts = []bot.Run{{ID: 12, Incident: 142, Target: "web-1", State: bot.RunFailed}}
	})
	v := guard.Evaluate(plan(func(p *bot.Plan) { p.Kind = bot.PlanUndo }), f)
	require.Equal(t, bot.Allow, v.Ruling, v.Reason)
}

func TestAVerdictIsAtreeThatSurvivesJSON(t *testing.T) {
	t.Parallel()
	v := guard.Evaluate(plan(), facts())
	b, err := json.Marshal(v)
	require.NoError(t, err)
	var back bot.Verdict
	require.NoError(t, json.Unmarshal(b, &back))
	require.Equal(t, v, back)
	for _, c := range v.Children {
		require.NotEmpty(t, c.Reason, c.Rule)
	}
}
