package decide_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/approval"
)

var bob = bot.Actor{Person: "bob", Name: "Bob", Surface: "cli"}

func TestADeniedPlanIsNotProposedAgainUnlessAsked(t *testing.T) {
	h := newHouse(t)
	id := h.receive(alertOf{severity: bot.SeverityHigh})
	denied, err := approval.Cast(h.approvals(id)[0], bot.Person{ID: "bob", Name: "Bob", Roles: []bot.Role{bot.RoleResponder}}, bot.Vote{Digest: h.approvals(id)[0].Digest, Reason: "wrong host"}, h.now)
	require.NoError(t, err)
	h.commit(bot.Change{Approvals: []bot.Approval{denied}})
	h.person(id, func(*bot.Incident) {})
	require.Len(t, h.approvals(id), 1)
	require.Contains(t, h.incident(id).Decision.Headline, "restart on web-1 is not started: Bob denied this plan (A-1): wrong host")
	h.receive(alertOf{severity: bot.SeverityHigh, starts: h.now.Add(time.Minute)})
	require.Len(t, h.approvals(id), 1, "not for a later alert either")
	h.person(id, func(i *bot.Incident) { i.Asked = []bot.Ask{{Kind: bot.AskRun, By: bob, Playbook: "restart"}} })
	require.Len(t, h.approvals(id), 2)
	require.Contains(t, h.approvals(id)[0].Verdict.Reason, "Bob asked for it")
	require.Empty(t, h.incident(id).Asked)
}

func TestAsksThatComeToNothingSayWhy(t *testing.T) {
	h := newHouse(t)
	id := h.receive(alertOf{severity: bot.SeverityHigh})
	ask := func(a bot.Ask) string {
		a.By, a.At = bob, h.now
		h.person(id, func(i *bot.Incident) { i.Asked = []bot.Ask{a} })
		inc := h.incident(id)
		require.Empty(t, inc.Asked)
		require.NotEmpty(t, inc.Notes)
		return inc.Notes[len(inc.Notes)-1].Text
	}
	require.Contains(t, ask(bot.Ask{Kind: bot.AskRun, Playbook: "nonesuch"}), "Bob asked for nonesuch, which is not proposed: ")
	require.Contains(t, ask(bot.Ask{Kind: "dance"}), `"dance"`)
	require.Contains(t, ask(bot.Ask{Kind: bot.AskUndo, Run: 99}), "there is no run R-99")
	h.person(id, func(i *bot.Incident) { i.Asked = []bot.Ask{{Kind: bot.AskRun, By: bob, Playbook: "restart"}} })
	require.Len(t, h.approvals(id), 2)
	require.Equal(t, bot.ApprovalWithdrawn, h.approvals(id)[1].State, "what the alerts asked makes room")
	require.Contains(t, ask(bot.Ask{Kind: bot.AskRun, Playbook: "restart"}), "already asks about restart on web-1; decide that first")
	h.receive(alertOf{severity: bot.SeverityHigh, ended: true})
	require.Contains(t, ask(bot.Ask{Kind: bot.AskRun, Playbook: "restart"}), "nothing to fix")
}

func TestAPersonMayAskForAPlaybookThatDoesNotFit(t *testing.T) {
	h := newHouse(t)
	id := h.receive(alertOf{service: "bank"})
	h.person(id, func(i *bot.Incident) { i.Asked = []bot.Ask{{Kind: bot.AskRun, By: bob, Playbook: "restart"}} })
	asked := h.approvals(id)
	require.Len(t, asked, 1)
	require.Equal(t, []bot.PersonID{"bob"}, asked[0].Rule.Excluded, "whoever asks does not approve")
	require.Equal(t, asked[0].ID, h.incident(id).Decision.Candidates[0].Approval)
	h.person(id, func(i *bot.Incident) { i.Owner, i.OwnerName = "bob", "Bob" })
	require.Equal(t, bot.ApprovalPending, h.approvals(id)[0].State, "it stays through a take")
}

func TestAnUndoIsAQuestionOfItsOwn(t *testing.T) {
	h := newHouse(t)
	id := h.receive(alertOf{})
	run := h.runs(id)[0]
	undo := func() {
		h.person(id, func(i *bot.Incident) { i.Asked = []bot.Ask{{Kind: bot.AskUndo, By: bob, Run: run.ID}} })
	}
	undo()
	require.Contains(t, h.incident(id).Notes[0].Text, "is not over")
	h.end(run, bot.RunFixed)
	h.receive(alertOf{ended: true})
	h.after(10 * time.Minute)
	require.Equal(t, bot.IncidentClosed, h.incident(id).State())
	undo()
	asked := h.approvals(id)
	require.Len(t, asked, 1)
	plan, err := h.store.Plan(t.Context(), asked[0].Plan)
	require.NoError(t, err)
	require.Equal(t, bot.PlanUndo, plan.Kind)
	require.Equal(t, run.ID, plan.Undoes)
	require.Equal(t, asked[0].ExpiresAt, h.incident(id).DueAt)
	h.after(25 * time.Hour)
	require.Equal(t, bot.ApprovalExpired, h.approvals(id)[0].State)
	undo()
	notes := h.incident(id).Notes
	require.Contains(t, notes[len(notes)-1].Text, "could be undone until")
}
