package decide_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/runner"
)

func withDepth(p *bot.Playbook) {
	least, most := int64(1), int64(9)
	p.Params = map[string]bot.Param{
		"depth": {Type: bot.ParamInteger, Default: "3", Min: &least, Max: &most},
		"on":    {Type: bot.ParamEnum, Default: "web", Values: []string{"web", "db"}},
	}
	p.Target = `alert.labels["instance"] + (params.on == "db" ? "-db" : "")`
	p.Steps[0].With["body"] = map[string]any{"depth": "${{ params.depth }}"}
}

func TestAnEditedPlanTakesThePlaceOfTheOneThatWasOpen(t *testing.T) {
	h := newHouse(t, playbook(withDepth))
	id := h.receive(alertOf{severity: bot.SeverityHigh})
	first := h.approvals(id)[0]
	ask := func(by bot.Actor, replaces bot.ApprovalID, params map[string]string) {
		h.person(id, func(i *bot.Incident) {
			i.Asked = []bot.Ask{{Kind: bot.AskRun, By: by, At: h.now, Playbook: "restart", Params: params, Replaces: replaces}}
		})
	}
	ask(bob, first.ID, map[string]string{"depth": "5", "on": "web"})
	all := h.approvals(id)
	require.Len(t, all, 2)
	require.Equal(t, bot.ApprovalPending, all[0].State)
	require.NotEqual(t, first.Digest, all[0].Digest)
	require.Equal(t, []bot.PersonID{"bob"}, all[0].Rule.Excluded, "who edited it asked for it")
	require.Equal(t, bot.ApprovalWithdrawn, all[1].State)
	require.Equal(t, "superseded by "+all[0].ID.String()+", asked for by Bob", all[1].Reason)
	plan, err := h.store.Plan(t.Context(), all[0].Plan)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"depth": "5", "on": "web"}, plan.Params)

	second := all[0].ID
	ask(bot.Actor{Person: "ann", Name: "Ann"}, second, map[string]string{"depth": "7", "on": "web"})
	all = h.approvals(id)
	require.Len(t, all, 3, "what a person asked for can be edited too")
	require.Equal(t, []bot.PersonID{"ann"}, all[0].Rule.Excluded)
	require.Equal(t, bot.ApprovalWithdrawn, all[1].State)

	refusal := func() string {
		notes := h.incident(id).Notes
		require.NotEmpty(t, notes)
		require.Equal(t, all, h.approvals(id), "nothing moved")
		return notes[len(notes)-1].Text
	}
	ask(bob, second, map[string]string{"depth": "2", "on": "web"})
	require.Contains(t, refusal(), second.String()+" is not open any more")
	ask(bob, all[0].ID, map[string]string{"depth": "99", "on": "web"})
	require.Contains(t, refusal(), "99 is above 9")
	ask(bob, all[0].ID, map[string]string{"depth": "2", "on": "db"})
	require.Contains(t, refusal(), "it would touch web-1-db and not web-1")
}

func TestWhatAnEditedPlanFixedIsNotProposedAnewAsItWas(t *testing.T) {
	h := newHouse(t, playbook(withDepth, func(p *bot.Playbook) { p.Cooldown = 0 }))
	id := h.receive(alertOf{severity: bot.SeverityHigh})
	first := h.approvals(id)[0]
	h.person(id, func(i *bot.Incident) {
		i.Asked = []bot.Ask{{Kind: bot.AskRun, By: bob, At: h.now, Playbook: "restart", Params: map[string]string{"depth": "5", "on": "web"}, Replaces: first.ID}}
	})
	edited := h.approvals(id)[0]
	plan, err := h.store.Plan(t.Context(), edited.Plan)
	require.NoError(t, err)
	edited.State, edited.DecidedAt = bot.ApprovalApproved, h.now
	run := runner.New(bot.RunID(h.store.NextID(bot.KindRun)), plan, bob, edited.ID, h.now)
	h.commit(bot.Change{Approvals: []bot.Approval{edited}, Runs: []bot.Run{run}})
	h.now = h.now.Add(time.Second)
	h.end(h.runs(id)[0], bot.RunFixed)
	h.now = h.now.Add(time.Minute)
	h.person(id, func(*bot.Incident) {}) // it is due again
	require.Len(t, h.runs(id), 1)
	require.Len(t, h.approvals(id), 2)
	require.Contains(t, h.incident(id).Decision.Headline, run.ID.String()+" carried out restart in the place of this plan, and it is fixed")

	h.receive(alertOf{severity: bot.SeverityHigh, ended: true})
	h.receive(alertOf{severity: bot.SeverityHigh, starts: h.now})
	require.Len(t, h.approvals(id), 3, "an alert that comes after it is another matter")
}
