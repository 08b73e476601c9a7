package command_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

func TestAskingLeavesARequestForThePlanner(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(1)
	c := bot.Command{Verb: bot.VerbRun, Incident: inc.ID, Playbook: "restart", Params: map[string]string{"unit": "web"}}
	h.twice(rita, c)
	after := h.read(inc.ID)
	require.Len(t, after.Asked, 1)
	require.Equal(t, bot.AskRun, after.Asked[0].Kind)
	require.Equal(t, c.Params, after.Asked[0].Params)
	require.Equal(t, bot.PersonID("rita"), after.Asked[0].By.Person)
	require.False(t, after.DueAt.IsZero())
	h.twice(rob, c)
	require.Len(t, h.read(inc.ID).Asked, 2, "somebody else asks for himself")
}

func TestAskingAgainFindsTheQuestionThatCameOfIt(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(1)
	a := h.asks(inc, func(p *bot.Plan) {
		p.AskedBy, p.Params = bot.Actor{Person: "rita", Name: "Rita"}, map[string]string{"unit": "web", "grace": "5s"}
	})
	c := bot.Command{Verb: bot.VerbRun, Incident: inc.ID, Playbook: "restart", Params: map[string]string{"unit": "web"}}
	answer := h.says(rita, c)
	require.True(t, answer.Repeated)
	require.Equal(t, a.ID, answer.Approval)
	c.Params = map[string]string{"unit": "db"}
	require.False(t, h.says(rita, c).Repeated)
}

func TestAnUndoIsAskedForWhileItMayBe(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(1)
	r := h.runs(inc, over)
	h.says(rita, bot.Command{Verb: bot.VerbClose, Incident: inc.ID, Reason: "done"})
	h.twice(rita, bot.Command{Verb: bot.VerbUndo, Run: r.ID})
	asked := h.read(inc.ID).Asked
	require.Len(t, asked, 1, "also when the incident is closed already")
	require.Equal(t, r.ID, asked[0].Run)

	tests := map[string]func(*bot.Run){
		"salve cancel":         planned,
		"could be undone":      func(r *bot.Run) { over(r); r.UndoUntil = time.Now().Add(-time.Second) },
		"is an undo itself":    func(r *bot.Run) { over(r); r.Kind = bot.PlanUndo },
		"did nothing that cou": func(r *bot.Run) { over(r); r.Steps[0].State = bot.StepSkipped },
	}
	for says, state := range tests {
		r := h.runs(h.incident(1), state)
		h.refused(rita, bot.Command{Verb: bot.VerbUndo, Run: r.ID}, bot.RefusedState, says)
	}
	undone := h.runs(h.incident(1), func(r *bot.Run) { over(r); r.UndoneBy = 7 })
	require.True(t, h.says(rita, bot.Command{Verb: bot.VerbUndo, Run: undone.ID}).Repeated)
}

func TestACancelIsSeenBeforeTheNextStep(t *testing.T) {
	t.Parallel()
	h := open(t)
	unbegun := h.runs(h.incident(1), planned)
	h.twice(rita, bot.Command{Verb: bot.VerbCancel, Run: unbegun.ID})
	require.Equal(t, bot.RunCancelled, h.run(unbegun.ID).State)
	require.Equal(t, unbegun.ID, h.last(bot.EventRunEnded).Run)

	flying := h.runs(h.incident(1), func(r *bot.Run) {
		r.State, r.DueAt, r.Steps[0].State, r.Steps[0].Attempt = bot.RunRunning, time.Time{}, bot.StepStarted, 1
	})
	h.twice(rita, bot.Command{Verb: bot.VerbCancel, Run: flying.ID})
	require.Equal(t, bot.RunRunning, h.run(flying.ID).State)
	require.Equal(t, bot.PersonID("rita"), h.run(flying.ID).CancelBy.Person)
	ended := h.runs(h.incident(1), over)
	h.refused(rita, bot.Command{Verb: bot.VerbCancel, Run: ended.ID}, bot.RefusedState, "over already")
}

func TestAPersonSettlesARunThatWaits(t *testing.T) {
	t.Parallel()
	h := open(t)
	states := map[bot.Settlement]bot.RunState{
		bot.SettleDone: bot.RunUnverified, bot.SettleNotDone: bot.RunFailed, bot.SettleRetry: bot.RunRunning,
		bot.SettleUndo: bot.RunUndoing, bot.SettleAbandon: bot.RunFailed,
	}
	for say, want := range states {
		r := h.runs(h.incident(1), waiting)
		h.twice(rita, bot.Command{Verb: bot.VerbSettle, Run: r.ID, Settle: say})
		require.Equal(t, want, h.run(r.ID).State, "%s", say)
		require.Equal(t, string(say), h.last(bot.EventStepSettled).Data["settlement"])
		require.Equal(t, h.run(r.ID).Active(), h.run(r.ID).EndedAt.IsZero())
		other := bot.SettleAbandon
		if say == other {
			other = bot.SettleDone
		}
		h.refused(rita, bot.Command{Verb: bot.VerbSettle, Run: r.ID, Settle: other}, bot.RefusedState)
	}
	r := h.runs(h.incident(1), waiting)
	h.refused(rita, bot.Command{Verb: bot.VerbSettle, Run: r.ID, Settle: "dunno"}, bot.RefusedInput)
	h.refused(rita, bot.Command{Verb: bot.VerbSettle, Run: r.ID, Settle: bot.SettleContinue}, bot.RefusedState, "judged first")
}

func TestAnUndoThatAPersonSettlesIsMarkedOnWhatItUndid(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(1)
	of := h.runs(inc, over)
	p := h.plan(inc, func(p *bot.Plan) { p.Kind, p.Undoes = bot.PlanUndo, of.ID })
	undo := h.runs(inc, func(r *bot.Run) { waiting(r); r.Kind, r.Plan = bot.PlanUndo, p.ID })
	h.says(rita, bot.Command{Verb: bot.VerbSettle, Run: undo.ID, Settle: bot.SettleDone})
	require.Equal(t, undo.ID, h.run(of.ID).UndoneBy)
}

func TestAPayloadGoesToTheQuarantine(t *testing.T) {
	t.Parallel()
	h := open(t)
	for _, verb := range []bot.Verb{bot.VerbReplay, bot.VerbDiscard} {
		require.Equal(t, bot.QuarantineID(1), h.says(rita, bot.Command{Verb: verb, Quarantine: 1}).Quarantine)
	}
}

func TestAnybodyHaltsAndAResumerLiftsIt(t *testing.T) {
	t.Parallel()
	h := open(t)
	for _, halt := range []bot.Command{
		{Verb: bot.VerbHalt, Reason: "smoke"}, {Verb: bot.VerbHalt, Scope: bot.HaltTarget, Name: "db-1"}, {Verb: bot.VerbHalt, Scope: bot.HaltPlaybook, Name: "restart"},
	} {
		h.twice(stranger, halt)
		require.Equal(t, "uid 1000 (unknown)", h.last(bot.EventHalted).Actor.Name)
		lift := halt
		lift.Verb, lift.Reason = bot.VerbResume, ""
		h.refused(rita, lift, bot.RefusedForbidden, "resumers")
		h.twice(rosa, lift)
		halts, err := h.brake.Halts(t.Context())
		require.NoError(t, err)
		require.Empty(t, halts)
	}
}

func TestHaltingEverythingNeedsNoStore(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.store.breakWith(bot.ErrUnavailable)
	answer := h.says(stranger, bot.Command{Verb: bot.VerbHalt, Reason: "smoke"})
	require.Contains(t, answer.Text, "not in the audit log")
	require.Contains(t, h.brake.flag, "smoke")
	require.True(t, h.says(rita, bot.Command{Verb: bot.VerbHalt}).Repeated)
	h.refused(rosa, bot.Command{Verb: bot.VerbResume}, bot.RefusedLater)
	require.NotEmpty(t, h.brake.flag, "what could not be put on record is not lifted")
	h.store.breakWith(nil)
	h.says(rosa, bot.Command{Verb: bot.VerbResume})
	require.Empty(t, h.brake.flag)

	h.store.breakWith(bot.ErrUnavailable)
	h.brake.fail = errors.New("the disk is gone")
	h.refused(stranger, bot.Command{Verb: bot.VerbHalt}, bot.RefusedLater, "neither", "stop Salve itself")
}

func TestAHaltIsNotRefusedOverItsWording(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.says(stranger, bot.Command{Verb: bot.VerbHalt, Reason: "sm\aoke\xff " + strings.Repeat("!", 9000), Name: "\x00", To: strings.Repeat("x", 999)})
	halts, err := h.brake.Halts(t.Context())
	require.NoError(t, err)
	require.Len(t, halts, 1)
	require.Equal(t, bot.HaltAll, halts[0].Scope)
	require.Empty(t, halts[0].Name)
	require.True(t, strings.HasPrefix(halts[0].Reason, "smoke !!!"))
	h.refused(stranger, bot.Command{Verb: bot.VerbHalt, Scope: bot.HaltTarget, Name: "\x00"}, bot.RefusedInput)
}

func TestLiftingOneHaltSaysWhichStillStand(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.says(stranger, bot.Command{Verb: bot.VerbHalt})
	h.says(rita, bot.Command{Verb: bot.VerbHalt, Scope: bot.HaltTarget, Name: "DB-1"})
	require.Contains(t, h.last(bot.EventHalted).Text, "halted target DB-1", "a name is written as it is")
	require.Contains(t, h.says(rosa, bot.Command{Verb: bot.VerbResume}).Text, "Still halted: target DB-1.")
	require.Contains(t, h.says(rosa, bot.Command{Verb: bot.VerbResume}).Text, "There is no halt of everything. Still halted: target DB-1.")
	require.NotContains(t, h.says(rosa, bot.Command{Verb: bot.VerbResume, Scope: bot.HaltTarget, Name: "DB-1"}).Text, "Still")
}

func TestAFlagThatCannotBeRemovedStillHalts(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.store.breakWith(bot.ErrUnavailable)
	h.says(stranger, bot.Command{Verb: bot.VerbHalt})
	require.Equal(t, "uid 1000 (unknown)", h.brake.flag)
	h.store.breakWith(nil)
	h.brake.stuck = errors.New("read-only")
	_, err := h.tries(rosa, bot.Command{Verb: bot.VerbResume})
	require.ErrorContains(t, err, "still halted")
	h.brake.stuck = nil
	require.False(t, h.says(rosa, bot.Command{Verb: bot.VerbResume}).Repeated)
	require.Empty(t, h.brake.flag)
}

func TestARunWithoutAnyUndoSaysSo(t *testing.T) {
	t.Parallel()
	h := open(t)
	r := h.runs(h.incident(1), func(r *bot.Run) { over(r); r.UndoUntil = time.Time{} })
	h.refused(rita, bot.Command{Verb: bot.VerbUndo, Run: r.ID}, bot.RefusedState, "nothing that could be undone")
}

func TestACancelledRunThatWaitsSaysWhatFor(t *testing.T) {
	t.Parallel()
	h := open(t)
	r := h.runs(h.incident(1), func(r *bot.Run) { waiting(r); r.CancelBy = bot.Actor{Name: "Rob"} })
	answer := h.says(rita, bot.Command{Verb: bot.VerbCancel, Run: r.ID})
	require.True(t, answer.Repeated)
	require.Contains(t, answer.Text, "settle")
}

func TestARequestTooManyIsPutOff(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(1)
	for range 20 {
		inc.Asked = append(inc.Asked, bot.Ask{Kind: bot.AskRun, Playbook: "other"})
	}
	h.commit(bot.Change{Incidents: []bot.Incident{inc}})
	h.refused(rita, bot.Command{Verb: bot.VerbRun, Incident: inc.ID, Playbook: "restart"}, bot.RefusedLater, "20 requests")
}

func TestAnUndoThatWaitsForApprovalIsNotAskedForAgain(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(1)
	r := h.runs(inc, over)
	a := h.asks(inc, func(p *bot.Plan) { p.Kind, p.Undoes = bot.PlanUndo, r.ID })
	answer := h.says(rob, bot.Command{Verb: bot.VerbUndo, Run: r.ID})
	require.True(t, answer.Repeated)
	require.Equal(t, a.ID, answer.Approval)
}
