package storagetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

var reopenTests = map[string]func(*testing.T, *house){
	"everything is there again": func(t *testing.T, h *house) {
		id := h.observe(firing("g", "f1", 0), firing("g", "f2", 1))[0].Incident
		p := h.newPlan(id, "a")
		r, q := h.newRun(p), h.quarantined("x")
		h.must(bot.Change{
			Plans: []bot.Plan{p}, Approvals: []bot.Approval{h.newApproval(p)}, Runs: []bot.Run{r}, Quarantined: []bot.Quarantined{q},
			Halts: []bot.Halt{{Scope: bot.HaltAll}}, Claims: []bot.Claim{{Target: "a", Incident: id}},
			People: []bot.Person{{ID: "p"}}, Tokens: []bot.Token{{Hash: "ab", Person: "p"}},
			Posts: []bot.Post{shownPost("x", id, 1)}, Offers: []bot.Offer{offer("t", 1)}, Gestures: []bot.Gesture{gesture("E1", 0)}, Cursors: []bot.Cursor{{Name: "post", Seq: 2}},
		})
		before := h.everything(id)
		h.reopen()
		require.Equal(t, before, h.everything(id))
		require.Equal(t, bot.OutcomeRepeat, h.observe(firing("g", "f1", 0))[0].Outcome)
		require.Equal(t, id, h.observe(firing("g", "f3", 2))[0].Incident)
		for _, kind := range []bot.Kind{bot.KindPlan, bot.KindApproval, bot.KindRun, bot.KindQuarantine} {
			require.Equal(t, int64(2), h.NextID(kind), kind)
		}
		h.proves()
	},
	"the epoch rises and shows which runs were interrupted": func(t *testing.T, h *house) {
		epoch := h.Epoch()
		mine := func(target string, f func(*bot.Run)) bot.Run {
			p := h.newPlan(1, target)
			r := h.newRun(p)
			r.State, r.DueAt = bot.RunRunning, time.Time{}
			f(&r)
			h.must(bot.Change{Plans: []bot.Plan{p}, Runs: []bot.Run{r}})
			return r
		}
		flying := mine("a", func(r *bot.Run) { r.Steps[0].State = bot.StepStarted })
		mine("b", func(r *bot.Run) { r.State = bot.RunWaiting })
		mine("c", func(r *bot.Run) { r.DueAt = at(3) })
		mine("d", func(r *bot.Run) { r.State = bot.RunFixed })
		none, err := h.Interrupted(t.Context())
		require.NoError(t, err)
		require.Empty(t, none, "they are in the hands of this process")
		h.reopen()
		require.Equal(t, epoch+1, h.Epoch())
		found, err := h.Interrupted(t.Context())
		require.NoError(t, err)
		require.Len(t, found, 1)
		require.Equal(t, flying.ID, found[0].ID)
		found[0].Epoch = h.Epoch()
		h.must(bot.Change{Runs: found})
		none, err = h.Interrupted(t.Context())
		require.NoError(t, err)
		require.Empty(t, none)
	},
	"a closed store is not available": func(t *testing.T, h *house) {
		require.NoError(t, h.Close())
		_, err := h.Commit(t.Context(), bot.Change{Events: []bot.Event{event(bot.EventNoted, 1)}})
		require.ErrorIs(t, err, bot.ErrUnavailable)
		_, err = h.Incident(t.Context(), 1)
		require.ErrorIs(t, err, bot.ErrUnavailable)
		require.ErrorIs(t, h.Ping(t.Context()), bot.ErrUnavailable)
		_, err = h.Prune(t.Context(), at(1), time.Hour, 1)
		require.ErrorIs(t, err, bot.ErrUnavailable)
		_, err = h.PruneChat(t.Context(), at(1))
		require.ErrorIs(t, err, bot.ErrUnavailable)
		_, err = h.Cursor(t.Context(), "post")
		require.ErrorIs(t, err, bot.ErrUnavailable, "that is not a cursor at the beginning")
		require.NoError(t, h.Close(), "closing twice is fine")
	},
	"what was answered before a close is there after it": func(t *testing.T, h *house) {
		done := make(chan int)
		go func() {
			n := 0
			for {
				if _, err := h.Commit(t.Context(), bot.Change{Observed: []bot.Alert{firing("g", number(n), 0)}}); err != nil {
					break
				}
				n++
			}
			done <- n
		}()
		for len(h.alerts(1)) < 10 { // it is writing by now
		}
		require.NoError(t, h.Close())
		answered := <-done
		h.Store = h.open(t, h.dir)
		require.Len(t, h.alerts(1), answered)
		h.sound()
	},
}

// everything is what is stored, for comparing.
func (h *house) everything(id bot.IncidentID) []any {
	h.t.Helper()
	ctx := h.t.Context()
	var all []any
	add := func(v any, err error) {
		h.t.Helper()
		require.NoError(h.t, err)
		require.NotEmpty(h.t, v)
		all = append(all, v)
	}
	incident, err := h.Incident(ctx, id)
	add(incident, err)
	plans, err := h.Plans(ctx, id)
	add(plans, err)
	approvals, err := h.Approvals(ctx, bot.ApprovalQuery{})
	add(approvals, err)
	runs, err := h.Runs(ctx, bot.RunQuery{})
	add(runs, err)
	halts, err := h.Halts(ctx)
	add(halts, err)
	claims, err := h.ClaimsOf(ctx, id)
	add(claims, err)
	people, err := h.People(ctx)
	add(people, err)
	token, err := h.Token(ctx, "ab")
	add(token, err)
	item, err := h.QuarantineItem(ctx, 1)
	add(item, err)
	posts, err := h.Posts(ctx, bot.PostQuery{Incident: id})
	add(posts, err)
	shown, err := h.PostAt(ctx, "slack", posts[0].Mark)
	add(shown, err)
	offered, err := h.Offer(ctx, "t")
	add(offered, err)
	due, err := h.DueGestures(ctx, at(1), 9)
	add(due, err)
	add(h.cursor("post"), nil)
	add(h.alerts(id), nil)
	add(h.events(), nil)
	return all
}
