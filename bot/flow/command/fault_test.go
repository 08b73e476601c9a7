package command_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

// asked is a command with who gives it.
type asked struct {
	who bot.Person
	bot.Command
}

// chances makes, for each verb that reads and writes the store, something that
// it can be carried out on.
func (h *house) chances() map[string]asked {
	question := func() bot.Approval { return h.asks(h.incident(1)) }
	held := func() bot.Incident {
		inc := h.incident(2)
		h.says(rob, bot.Command{Verb: bot.VerbTake, Incident: inc.ID})
		h.asks(inc)
		return inc
	}
	closed := held()
	h.says(rita, bot.Command{Verb: bot.VerbClose, Incident: closed.ID, Reason: "done"})
	split, undo, late := h.incident(2), h.incident(1), h.asks(h.incident(1), func(p *bot.Plan) { p.Rule.ExpiresIn = bot.Duration(time.Minute) })
	yes, no, odd := question(), question(), question()
	of := h.runs(undo, over)
	p := h.plan(undo, func(p *bot.Plan) { p.Kind, p.Undoes = bot.PlanUndo, of.ID })
	settled := h.runs(undo, func(r *bot.Run) { waiting(r); r.Kind, r.Plan = bot.PlanUndo, p.ID })
	fingerprint := func(id bot.IncidentID) string {
		alerts, err := h.store.Store.Alerts(h.Context(), id, 1)
		require.NoError(h, err)
		return alerts[0].Fingerprint
	}
	h.says(rob, claim("db-2", time.Hour))
	return map[string]asked{
		"approve":      {olga, bot.Command{Verb: bot.VerbApprove, Incident: yes.Incident, Digest: yes.Digest.Short()}},
		"approve late": {olga, bot.Command{Verb: bot.VerbApprove, Incident: late.Incident, Digest: late.Digest.Short()}},
		"deny":         {rita, bot.Command{Verb: bot.VerbDeny, Incident: no.Incident, Reason: "no"}},
		"deny by id":   {rita, bot.Command{Verb: bot.VerbDeny, Approval: odd.ID, Reason: "no"}},
		"raise":        {rita, bot.Command{Verb: bot.VerbRaise, Title: "the shop is slow"}},
		"edit":         {rita, bot.Command{Verb: bot.VerbRun, Approval: h.editable().ID, Params: map[string]string{"count": "5"}}},
		"claim":        {rita, claim("db-1", time.Hour)},
		"unclaim":      {rita, unclaim("db-2")},
		"take":         {rita, bot.Command{Verb: bot.VerbTake, Incident: held().ID}},
		"release":      {rita, bot.Command{Verb: bot.VerbRelease, Incident: held().ID}},
		"assign":       {rita, bot.Command{Verb: bot.VerbAssign, Incident: held().ID, To: "rita"}},
		"handover":     {rita, bot.Command{Verb: bot.VerbHandover, Incident: held().ID, To: "rita", Reason: "night"}},
		"note":         {rita, bot.Command{Verb: bot.VerbNote, Incident: held().ID, Reason: "so it is"}},
		"snooze":       {rita, bot.Command{Verb: bot.VerbSnooze, Incident: held().ID, For: bot.Duration(time.Hour)}},
		"close":        {rita, bot.Command{Verb: bot.VerbClose, Incident: held().ID, Reason: "done"}},
		"reopen":       {rita, bot.Command{Verb: bot.VerbReopen, Incident: closed.ID}},
		"merge":        {rita, bot.Command{Verb: bot.VerbMerge, Incident: held().ID, Into: held().ID}},
		"split":        {rita, bot.Command{Verb: bot.VerbSplit, Incident: split.ID, Alerts: []string{fingerprint(split.ID)}}},
		"run":          {rita, bot.Command{Verb: bot.VerbRun, Incident: held().ID, Playbook: "restart"}},
		"undo":         {rita, bot.Command{Verb: bot.VerbUndo, Run: h.runs(held(), over).ID}},
		"cancel":       {rita, bot.Command{Verb: bot.VerbCancel, Run: h.runs(held(), planned).ID}},
		"settle":       {rita, bot.Command{Verb: bot.VerbSettle, Run: settled.ID, Settle: bot.SettleDone}},
	}
}

func TestWhicheverCallOfTheStoreFailsNothingIsRecorded(t *testing.T) {
	t.Parallel()
	h := open(t)
	for name, c := range h.chances() {
		for n := 0; ; n++ {
			require.Less(t, n, 20, name)
			events := h.events()
			h.store.breakCall(n)
			_, err := h.tries(c.who, c.Command)
			if !h.store.broke() {
				h.store.breakCall(-1)
				break // n calls are all that it needs
			}
			r, ok := errors.AsType[*bot.Refusal](err)
			require.True(t, ok, "%s, call %d: %v", name, n, err)
			if name == "approve late" && r.Code == bot.RefusedState {
				continue // that it expired is written; that somebody voted after it could not be
			}
			require.Equal(t, bot.RefusedLater, r.Code, "%s, call %d: %v", name, n, err)
			require.Equal(t, events, h.events(), "%s, call %d", name, n)
		}
	}
}

// Somebody writes the same incident, run and questions just before a command
// does: what the other wrote stays, and the command comes after it.
func TestAWriteThatCameBetweenIsNotLost(t *testing.T) {
	t.Parallel()
	h := open(t)
	for name, c := range h.chances() {
		if name == "approve late" {
			continue
		}
		ids := h.about(c.Command)
		h.store.meanwhile(func() { h.jot(ids, "the other") })
		answer := h.says(c.who, c.Command)
		require.False(t, answer.Repeated, name)
		for _, id := range ids {
			require.Equal(t, "the other", h.read(id).Diagnosis.Summary, "%s: %s", name, id)
		}
	}
}

// about are the incidents that a command writes.
func (h *house) about(c bot.Command) []bot.IncidentID {
	h.Helper()
	switch {
	case c.Name != "", c.Title != "":
		return nil
	case c.Run != 0:
		return []bot.IncidentID{h.run(c.Run).Incident}
	case c.Approval != 0:
		return []bot.IncidentID{h.approval(c.Approval).Incident}
	case c.Into != 0:
		return []bot.IncidentID{c.Incident, c.Into}
	default:
		return []bot.IncidentID{c.Incident}
	}
}

// jot writes incidents as the decide leg does.
func (h *house) jot(ids []bot.IncidentID, what string) {
	for _, id := range ids {
		inc, err := h.store.Store.Incident(h.Context(), id)
		require.NoError(h, err)
		inc.Diagnosis.Summary = what
		_, err = h.store.Store.Commit(h.Context(), bot.Change{Incidents: []bot.Incident{inc}})
		require.NoError(h, err)
	}
}

// What came between decides: the command is judged again by how things stand.
func TestWhatCameBetweenIsJudgedAgain(t *testing.T) {
	t.Parallel()
	h := open(t)
	direct := func(who bot.Person, c bot.Command) func() {
		return func() { h.says(who, c) }
	}
	closes := func(id bot.IncidentID) func() {
		return direct(rob, bot.Command{Verb: bot.VerbClose, Incident: id, Reason: "gone"})
	}

	inc := h.incident(1)
	a := h.asks(inc)
	h.store.meanwhile(direct(rita, bot.Command{Verb: bot.VerbDeny, Incident: inc.ID, Reason: "wrong host"}))
	h.refuses(olga, bot.Command{Verb: bot.VerbApprove, Incident: inc.ID, Digest: a.Digest.Short()}, "denied by Rita")

	inc = h.incident(1)
	a = h.asks(inc)
	h.store.meanwhile(direct(olga, bot.Command{Verb: bot.VerbApprove, Incident: inc.ID, Digest: a.Digest.Short()}))
	h.refuses(rita, bot.Command{Verb: bot.VerbClose, Incident: inc.ID, Reason: "done"}, "salve cancel")

	inc = h.incident(1)
	a = h.asks(inc)
	h.store.meanwhile(closes(inc.ID))
	h.refuses(olga, bot.Command{Verb: bot.VerbApprove, Incident: inc.ID, Digest: a.Digest.Short()}, "withdrawn")

	for _, c := range []bot.Command{{Verb: bot.VerbTake}, {Verb: bot.VerbSnooze, For: bot.Duration(time.Hour)}, {Verb: bot.VerbRun, Playbook: "restart"}, {Verb: bot.VerbMerge, Into: h.incident(1).ID}} {
		c.Incident = h.incident(1).ID
		h.store.meanwhile(closes(c.Incident))
		h.refuses(rita, c, "is closed: gone")
	}

	r := h.runs(h.incident(1), waiting)
	h.store.meanwhile(direct(rob, bot.Command{Verb: bot.VerbSettle, Run: r.ID, Settle: bot.SettleNotDone}))
	h.refuses(rita, bot.Command{Verb: bot.VerbSettle, Run: r.ID, Settle: bot.SettleDone}, "does not wait")
	require.Equal(t, bot.RunFailed, h.run(r.ID).State)

	one, two := h.incident(1), h.incident(1)
	h.store.meanwhile(direct(rob, bot.Command{Verb: bot.VerbMerge, Incident: two.ID, Into: one.ID}))
	h.refuses(rita, bot.Command{Verb: bot.VerbMerge, Incident: one.ID, Into: two.ID}, "is part of")
	require.Equal(t, bot.IncidentOpen, h.read(one.ID).State())
}

// refuses gives a command that must be refused for how things stand.
func (h *house) refuses(who bot.Person, c bot.Command, words string) {
	h.Helper()
	_, err := h.tries(who, c)
	r, ok := errors.AsType[*bot.Refusal](err)
	require.True(h, ok, "%v", err)
	require.Equal(h, bot.RefusedState, r.Code)
	require.Contains(h, r.Error(), words)
}

// The act leg starts the first step of a run just when a person cancels it: the
// step is waited for and nothing looks as if it had not begun.
func TestACancelThatMeetsAStepStartingWaitsForIt(t *testing.T) {
	t.Parallel()
	h := open(t)
	r := h.runs(h.incident(1), planned)
	h.store.meanwhile(func() {
		r.State, r.DueAt, r.Steps[0].State, r.Steps[0].Attempt = bot.RunRunning, time.Time{}, bot.StepStarted, 1
		_, err := h.store.Store.Commit(t.Context(), bot.Change{Runs: []bot.Run{r}})
		require.NoError(t, err)
	})
	answer := h.says(rita, bot.Command{Verb: bot.VerbCancel, Run: r.ID})
	require.Contains(t, answer.Text, "when its present step is over")
	after := h.run(r.ID)
	require.Equal(t, bot.RunRunning, after.State)
	require.Equal(t, bot.StepStarted, after.Steps[0].State)
	require.Equal(t, bot.PersonID("rita"), after.CancelBy.Person)
}

func TestWhoIsAlwaysOvertakenIsToldToTryAgain(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(1)
	var again func()
	again = func() {
		h.jot([]bot.IncidentID{inc.ID}, "the other")
		h.store.meanwhile(again)
	}
	h.store.meanwhile(again)
	h.refused(rita, bot.Command{Verb: bot.VerbTake, Incident: inc.ID}, bot.RefusedLater, "nothing was recorded")
	require.Empty(t, h.read(inc.ID).Owner)
}
