package storagetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

var workTests = map[string]func(*testing.T, *house){
	"a plan survives whole and is written once": func(t *testing.T, h *house) {
		id := h.observe(firing("g", "f1", 0))[0].Incident
		p, q := h.newPlan(id, "disk-1"), h.newPlan(id, "disk-2")
		var err error
		p.Digest, err = p.ComputeDigest()
		require.NoError(t, err)
		h.must(bot.Change{Plans: []bot.Plan{p, q}})
		got, err := h.Plan(t.Context(), p.ID)
		require.NoError(t, err)
		require.Equal(t, p, got)
		digest, err := got.ComputeDigest()
		require.NoError(t, err)
		require.Equal(t, p.Digest, digest)
		all, err := h.Plans(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, []bot.Plan{p, q}, all)
		h.refused(bot.ErrConflict, bot.Change{Plans: []bot.Plan{p}})
	},
	"approvals and runs name plans that exist": func(t *testing.T, h *house) {
		p := h.newPlan(1, "disk-1")
		h.refused(bot.ErrNotFound, bot.Change{Approvals: []bot.Approval{h.newApproval(p)}})
		h.refused(bot.ErrNotFound, bot.Change{Runs: []bot.Run{h.newRun(p)}})
	},
	"an approval survives whole and is decided by version": func(t *testing.T, h *house) {
		p := h.newPlan(1, "disk-1")
		a := h.newApproval(p)
		h.must(bot.Change{Plans: []bot.Plan{p}, Approvals: []bot.Approval{a}})
		a.Version = 1
		got, err := h.Approval(t.Context(), a.ID)
		require.NoError(t, err)
		require.Equal(t, a, got)
		a.State, a.DecidedAt, a.DecidedBy = bot.ApprovalApproved, at(5), ann
		a.Votes = []bot.Vote{{Person: "p-ann", Yes: true, At: at(5)}}
		h.must(bot.Change{Approvals: []bot.Approval{a}})
		h.refused(bot.ErrConflict, bot.Change{Approvals: []bot.Approval{a}})
		a.Version = 2
		got, err = h.Approval(t.Context(), a.ID)
		require.NoError(t, err)
		require.Equal(t, a, got)
	},
	"one approval is pending for an incident and target": func(t *testing.T, h *house) {
		p, q, other := h.newPlan(1, "disk-1"), h.newPlan(1, "disk-1"), h.newPlan(2, "disk-1")
		a, b := h.newApproval(p), h.newApproval(q)
		h.must(bot.Change{Plans: []bot.Plan{p, q, other}, Approvals: []bot.Approval{a, h.newApproval(other)}})
		h.refused(bot.ErrConflict, bot.Change{Approvals: []bot.Approval{b}})
		a.Version, a.State = 1, bot.ApprovalWithdrawn
		h.must(bot.Change{Approvals: []bot.Approval{b, a}})
		found, err := h.Approvals(t.Context(), bot.ApprovalQuery{Incident: 1, States: []bot.ApprovalState{bot.ApprovalPending}})
		require.NoError(t, err)
		require.Len(t, found, 1)
		require.Equal(t, b.ID, found[0].ID)
		found, err = h.Approvals(t.Context(), bot.ApprovalQuery{Limit: 2})
		require.NoError(t, err)
		require.Len(t, found, 2)
		require.Greater(t, found[0].ID, found[1].ID)
	},
	"a run survives whole and is found": func(t *testing.T, h *house) {
		p, q := h.newPlan(1, "disk-1"), h.newPlan(2, "disk-2")
		r, s := h.newRun(p), h.newRun(q)
		s.Playbook = "other"
		h.must(bot.Change{Plans: []bot.Plan{p, q}, Runs: []bot.Run{r, s}})
		r.Version, s.Version = 1, 1
		got, err := h.Run(t.Context(), r.ID)
		require.NoError(t, err)
		require.Equal(t, r, got)
		s.State, s.EndedAt, s.DueAt = bot.RunFixed, at(9), time.Time{}
		h.must(bot.Change{Runs: []bot.Run{s}})
		s.Version = 2
		for _, c := range []struct {
			query bot.RunQuery
			want  []bot.Run
		}{
			{bot.RunQuery{}, []bot.Run{s, r}},
			{bot.RunQuery{Limit: 1}, []bot.Run{s}},
			{bot.RunQuery{Before: s.ID}, []bot.Run{r}},
			{bot.RunQuery{Incident: 2}, []bot.Run{s}},
			{bot.RunQuery{Target: "disk-1"}, []bot.Run{r}},
			{bot.RunQuery{Playbook: "other"}, []bot.Run{s}},
			{bot.RunQuery{Active: true}, []bot.Run{r}},
			{bot.RunQuery{Active: true, Target: "disk-2"}, nil},
		} {
			found, err := h.Runs(t.Context(), c.query)
			require.NoError(t, err)
			require.Equal(t, c.want, found, "%+v", c.query)
		}
	},
	"one run is active on a target": func(t *testing.T, h *house) {
		p := h.newPlan(1, "disk-1")
		r, next := h.newRun(p), h.newRun(p)
		h.must(bot.Change{Plans: []bot.Plan{p}, Runs: []bot.Run{r}})
		h.refused(bot.ErrConflict, bot.Change{Runs: []bot.Run{next}})
		r.Version = 1
		for _, state := range []bot.RunState{bot.RunRunning, bot.RunVerifying, bot.RunUndoing, bot.RunWaiting} {
			r.State = state
			h.must(bot.Change{Runs: []bot.Run{r}})
			r.Version++
			h.refused(bot.ErrConflict, bot.Change{Runs: []bot.Run{next}})
		}
		r.State = bot.RunFixed
		h.must(bot.Change{Runs: []bot.Run{next, r}})
		h.refused(bot.ErrConflict, bot.Change{Runs: []bot.Run{r}})
	},
	"due runs come by their time and only while active": func(t *testing.T, h *house) {
		p, q, z := h.newPlan(1, "a"), h.newPlan(1, "b"), h.newPlan(1, "c")
		r, s, over := h.newRun(p), h.newRun(q), h.newRun(z)
		s.DueAt, over.State = at(2), bot.RunCancelled
		h.must(bot.Change{Plans: []bot.Plan{p, q, z}, Runs: []bot.Run{r, s, over}})
		due, err := h.DueRuns(t.Context(), at(4), 10)
		require.NoError(t, err)
		require.Len(t, due, 2)
		require.Equal(t, s.ID, due[0].ID)
		due, err = h.DueRuns(t.Context(), at(3), 10)
		require.NoError(t, err)
		require.Len(t, due, 1)
		due, err = h.DueRuns(t.Context(), at(9), 1)
		require.NoError(t, err)
		require.Len(t, due, 1)
	},
	"history knows the active run, the last one that changed something, and claims": func(t *testing.T, h *house) {
		p := h.newPlan(1, "disk-1")
		done, idle, other, active := h.newRun(p), h.newRun(p), h.newRun(p), h.newRun(p)
		done.State, done.EndedAt = bot.RunFixed, at(5)
		done.Steps[0].State = bot.StepSucceeded
		older := done
		older.ID, older.EndedAt = bot.RunID(h.NextID(bot.KindRun)), at(4)
		idle.State, idle.EndedAt = bot.RunCancelled, at(6)
		other.Playbook, other.State, other.EndedAt, other.Steps = "other", bot.RunFixed, at(7), done.Steps
		claim := bot.Claim{Target: "disk-1", Incident: 1, Holder: "p-ann", Name: "ann", At: at(1)}
		h.must(bot.Change{Plans: []bot.Plan{p}, Runs: []bot.Run{done, idle, other, older}, Claims: []bot.Claim{claim}})
		got, err := h.History(t.Context(), "restart", "disk-1")
		require.NoError(t, err)
		require.Nil(t, got.Active)
		require.Equal(t, done.ID, got.Last.ID)
		require.Equal(t, []bot.Claim{claim}, got.Claims)
		h.must(bot.Change{Runs: []bot.Run{active}})
		got, err = h.History(t.Context(), "none", "disk-1")
		require.NoError(t, err)
		require.Equal(t, active.ID, got.Active.ID)
		require.Nil(t, got.Last)
		got, err = h.History(t.Context(), "restart", "elsewhere")
		require.NoError(t, err)
		require.Equal(t, bot.History{}, got)
	},
	"claims are set, kept apart by incident, and released": func(t *testing.T, h *house) {
		one := bot.Claim{Target: "a", Incident: 1, Holder: "p-ann", At: at(1)}
		two := bot.Claim{Target: "a", Incident: 2, Holder: "p-bob", At: at(2)}
		h.must(bot.Change{Claims: []bot.Claim{one, two}})
		one.Name = "ann"
		h.must(bot.Change{Claims: []bot.Claim{one}})
		got, err := h.ClaimsOf(t.Context(), 1)
		require.NoError(t, err)
		require.Equal(t, []bot.Claim{one}, got)
		one.Released = true
		h.must(bot.Change{Claims: []bot.Claim{one}})
		history, err := h.History(t.Context(), "p", "a")
		require.NoError(t, err)
		require.Equal(t, []bot.Claim{two}, history.Claims)
	},
	"halts are set once for each scope and name, and lifted": func(t *testing.T, h *house) {
		all, book := bot.Halt{Scope: bot.HaltAll, By: ann, At: at(1)}, bot.Halt{Scope: bot.HaltPlaybook, Name: "restart", By: ann, Reason: "r", At: at(2)}
		h.must(bot.Change{Halts: []bot.Halt{all, book}})
		all.Reason = "again"
		h.must(bot.Change{Halts: []bot.Halt{all}})
		got, err := h.Halts(t.Context())
		require.NoError(t, err)
		require.Equal(t, []bot.Halt{all, book}, got)
		older := all
		older.At, older.Lifted = at(0), true
		h.refused(bot.ErrConflict, bot.Change{Halts: []bot.Halt{older}})
		all.Lifted = true
		h.must(bot.Change{Halts: []bot.Halt{all}})
		h.refused(bot.ErrConflict, bot.Change{Halts: []bot.Halt{all}})
		got, err = h.Halts(t.Context())
		require.NoError(t, err)
		require.Equal(t, []bot.Halt{book}, got)
	},
}
