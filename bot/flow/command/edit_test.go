package command_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

func withParams(p *bot.Plan) { p.Params = map[string]string{"count": "3", "how": "soft"} }

func (h *house) editable() bot.Approval {
	h.Helper()
	inc := h.incident(1)
	alerts, err := h.store.Store.Alerts(h.Context(), inc.ID, 1)
	require.NoError(h, err)
	return h.asks(inc, withParams, func(p *bot.Plan) { p.Alert = alerts[0].AlertKey })
}

func TestAnOpenQuestionIsAskedForWithOtherParams(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.editable()
	c := bot.Command{Verb: bot.VerbRun, Approval: a.ID, Params: map[string]string{"count": "5"}}
	h.twice(rita, c)
	inc := h.read(a.Incident)
	require.Len(t, inc.Asked, 1)
	ask := inc.Asked[0]
	require.Equal(t, bot.Ask{Kind: bot.AskRun, By: ask.By, At: ask.At, Playbook: "restart", Params: map[string]string{"count": "5", "how": "soft"}, Replaces: a.ID}, ask)
	require.Equal(t, bot.PersonID("rita"), ask.By.Person)
	require.Equal(t, bot.ApprovalPending, h.approval(a.ID).State, "it stands until the new one is put")
	require.Contains(t, h.last(bot.EventAsked).Text, "with other parameters than "+a.ID.String()+" (count=5)")
}

func TestWhatAnEditMayNotDo(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.editable()
	edit := func(params map[string]string) bot.Command {
		return bot.Command{Verb: bot.VerbRun, Approval: a.ID, Params: params}
	}
	h.refused(rita, edit(map[string]string{"count": "12"}), bot.RefusedInput, "Param count: 12 is above 9; write that or less.")
	h.refused(rita, edit(map[string]string{"count": "3"}), bot.RefusedInput, "already", "-p NAME=VALUE")
	h.refused(rita, edit(nil), bot.RefusedInput)
	h.refused(rita, edit(map[string]string{"host": "db-1"}), bot.RefusedInput, "it would touch db-1 and not "+a.Target)
	elsewhere := edit(map[string]string{"count": "5"})
	elsewhere.Incident = h.incident(1).ID
	h.refused(rita, elsewhere, bot.RefusedInput, a.ID.String()+" is about restart for "+a.Incident.String())
	h.refused(vera, edit(map[string]string{"count": "5"}), bot.RefusedForbidden)
	h.refused(rita, bot.Command{Verb: bot.VerbRun, Approval: 999, Params: map[string]string{"count": "5"}}, bot.RefusedUnknown)
	h.refused(rita, bot.Command{Verb: bot.VerbRun, Incident: a.Incident, Playbook: "restart", Params: map[string]string{"count": "12"}}, bot.RefusedInput, "above 9")

	undo := h.asks(h.incident(1), func(p *bot.Plan) { p.Kind = bot.PlanUndo })
	h.refused(rita, bot.Command{Verb: bot.VerbRun, Approval: undo.ID, Params: map[string]string{"count": "5"}}, bot.RefusedState, "undo")
	h.says(rita, bot.Command{Verb: bot.VerbDeny, Approval: a.ID, Reason: "no"})
	h.refused(rita, edit(map[string]string{"count": "5"}), bot.RefusedState, "denied by Rita")
	done := h.editable()
	h.says(olga, bot.Command{Verb: bot.VerbApprove, Approval: done.ID, Digest: done.Digest.Short()})
	h.refused(rita, bot.Command{Verb: bot.VerbRun, Approval: done.ID, Params: map[string]string{"count": "5"}}, bot.RefusedState, "approved by Olga")
	shut := h.editable()
	h.says(rita, bot.Command{Verb: bot.VerbClose, Incident: shut.Incident, Reason: "done"})
	h.refused(rita, bot.Command{Verb: bot.VerbRun, Approval: shut.ID, Params: map[string]string{"count": "5"}}, bot.RefusedState, "is closed")
	late := h.asks(h.incident(1), withParams, func(p *bot.Plan) { p.Rule.ExpiresIn = bot.Duration(time.Minute) })
	h.refused(rita, bot.Command{Verb: bot.VerbRun, Approval: late.ID, Params: map[string]string{"count": "5"}}, bot.RefusedState, "expired")
}

func TestAnEditThatCameToAQuestionIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.editable()
	c := bot.Command{Verb: bot.VerbRun, Approval: a.ID, Params: map[string]string{"count": "5"}}
	h.says(rita, c)
	inc := h.read(a.Incident)
	inc.Asked = nil
	gone := h.approval(a.ID)
	gone.State, gone.Reason = bot.ApprovalWithdrawn, "superseded by A-2, asked for by Rita"
	h.commit(bot.Change{Incidents: []bot.Incident{inc}, Approvals: []bot.Approval{gone}})
	b := h.asks(inc, func(p *bot.Plan) {
		p.Params, p.AskedBy = map[string]string{"count": "5", "how": "soft"}, bot.Actor{Person: "rita", Name: "Rita"}
	})
	answer := h.says(rita, c)
	require.True(t, answer.Repeated)
	require.Equal(t, b.ID, answer.Approval)
	h.refused(rob, c, bot.RefusedState, "was withdrawn: superseded by A-2, asked for by Rita")
}
