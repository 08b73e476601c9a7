package decide_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

func TestWhatRanIsNotRepeatedForTheSameAlert(t *testing.T) {
	h := newHouse(t)
	id := h.receive(alertOf{})
	h.now = h.now.Add(time.Second)
	h.end(h.runs(id)[0], bot.RunFixed)
	h.after(time.Minute)
	require.Len(t, h.runs(id), 1)
	require.Contains(t, h.incident(id).Decision.Headline, "R-1 carried out this plan since the alert came in and ended as fixed")
	require.Zero(t, h.incident(id).DueAt)
	h.receive(alertOf{ended: true})
	h.receive(alertOf{starts: h.now})
	require.Len(t, h.runs(id), 1)
	require.Contains(t, h.approvals(id)[0].Verdict.Reason, "within the cooldown of 15m")
}

func TestAFailedRunMakesTheNextOneAsk(t *testing.T) {
	h := newHouse(t, playbook(func(p *bot.Playbook) { p.Cooldown = 0 }))
	id := h.receive(alertOf{})
	h.end(h.runs(id)[0], bot.RunNotFixed)
	h.now = h.now.Add(time.Minute)
	h.receive(alertOf{starts: h.now})
	require.Len(t, h.runs(id), 1)
	require.Contains(t, h.approvals(id)[0].Verdict.Reason, "did not fix it in this incident")
}

func TestAHaltedPlanIsAskedForAndNeverStartsByItself(t *testing.T) {
	h := newHouse(t)
	h.brake.halts = []bot.Halt{{Scope: bot.HaltAll, By: bob, At: h.now}}
	id := h.receive(alertOf{})
	require.Empty(t, h.runs(id))
	require.Contains(t, h.approvals(id)[0].Verdict.Reason, "halted by Bob since 2026-03-01 14:00 UTC; a person must start it")
	h.brake.halts = nil
	h.person(id, func(*bot.Incident) {})
	h.after(time.Hour)
	require.Empty(t, h.runs(id))
	require.Equal(t, bot.ApprovalExpired, h.approvals(id)[0].State)
}

func TestWhatAHaltAndAnotherRunHeldBackIsAskedForLater(t *testing.T) {
	h := newHouse(t)
	first := h.receive(alertOf{group: "1"})
	h.brake.halts = []bot.Halt{{Scope: bot.HaltAll, By: bob, At: h.now}}
	second := h.receive(alertOf{name: "other", group: "2"})
	require.Empty(t, h.approvals(second))
	h.brake.halts = nil
	h.now = h.now.Add(time.Hour)
	h.end(h.runs(first)[0], bot.RunFixed, func(r *bot.Run) { r.EndedAt = t0 })
	h.after(time.Minute)
	require.Empty(t, h.runs(second))
	require.Contains(t, h.approvals(second)[0].Verdict.Reason, "a halt stopped it before")
}

func TestARunThatTheGuardStoppedBeforeItBeganIsAskedFor(t *testing.T) {
	h := newHouse(t)
	id := h.receive(alertOf{})
	h.end(h.runs(id)[0], bot.RunCancelled, func(r *bot.Run) { r.Reason = "halted by Bob" })
	h.after(time.Minute)
	require.Len(t, h.runs(id), 1)
	require.Contains(t, h.approvals(id)[0].Verdict.Reason, "R-1 was stopped before it began (halted by Bob), so a person must start it")
}

func TestABusyTargetIsWaitedFor(t *testing.T) {
	h := newHouse(t)
	h.commit(bot.Change{Observed: []bot.Alert{h.alert(alertOf{group: "1"}), h.alert(alertOf{name: "other", group: "2"})}})
	h.settle()
	running, waiting := bot.IncidentID(1), bot.IncidentID(2)
	if len(h.runs(running)) == 0 {
		running, waiting = waiting, running
	}
	require.Len(t, h.runs(running), 1, "one active run a target")
	require.Empty(t, h.runs(waiting))
	require.Contains(t, h.incident(waiting).Decision.Headline, "is planned on web-1")
	require.Equal(t, h.now.Add(5*time.Second), h.incident(waiting).DueAt)
	h.now = h.now.Add(time.Hour)
	h.end(h.runs(running)[0], bot.RunFixed, func(r *bot.Run) { r.EndedAt = t0 })
	h.after(2 * time.Minute)
	require.Len(t, h.runs(waiting), 1)
}

func TestHaltsThatCannotBeReadDenyUntilTheyCan(t *testing.T) {
	h := newHouse(t)
	h.brake.err = errBroken
	id := h.receive(alertOf{})
	require.Empty(t, h.runs(id))
	require.Contains(t, h.incident(id).Decision.Headline, "not known: which halts stand")
	h.brake.err = nil
	h.after(5 * time.Second)
	require.Len(t, h.runs(id), 1)
}
