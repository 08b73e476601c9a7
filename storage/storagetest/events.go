package storagetest

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

var eventTests = map[string]func(*testing.T, *house){
	"events are one chain from its first event on": func(t *testing.T, h *house) {
		h.observe(firing("g", "f1", 0))
		h.must(bot.Change{Events: []bot.Event{event(bot.EventTaken, 1), event(bot.EventNoted, 1)}})
		h.reopen()
		h.must(bot.Change{Events: []bot.Event{event(bot.EventReleased, 1)}})
		all := h.events()
		require.Len(t, all, 5)
		require.Equal(t, bot.EventGenesis, all[0].Kind)
		h.proves()
	},
	"a conflict leaves no hole in the chain": func(t *testing.T, h *house) {
		p := h.newPlan(1, "a")
		h.must(bot.Change{Plans: []bot.Plan{p}})
		h.refused(bot.ErrConflict, bot.Change{Observed: []bot.Alert{firing("g", "f1", 0)}, Plans: []bot.Plan{p}, Events: []bot.Event{event(bot.EventTaken, 1)}})
		h.must(bot.Change{Events: []bot.Event{event(bot.EventNoted, 1)}})
		require.Len(t, h.events(), 2)
		h.proves()
	},
	"events of observations come before those of their change": func(t *testing.T, h *house) {
		h.must(bot.Change{Observed: []bot.Alert{firing("g", "f1", 0)}, By: sender, Events: []bot.Event{event(bot.EventReplayed, 0)}})
		all := h.events()
		require.Equal(t, bot.EventAlerts, all[1].Kind)
		require.Equal(t, bot.EventReplayed, all[2].Kind)
	},
	"events are selected by incident, run and number": func(t *testing.T, h *house) {
		var given []bot.Event
		for n := range 6 {
			e := event(bot.EventNoted, bot.IncidentID(n%2+1))
			e.Run, e.Plan, e.Approval = bot.RunID(n%3), 4, 5
			given = append(given, e)
		}
		h.must(bot.Change{Events: given})
		for _, c := range []struct {
			query bot.EventQuery
			want  []int64
		}{
			{bot.EventQuery{}, []int64{1, 2, 3, 4, 5, 6, 7}},
			{bot.EventQuery{Limit: 2}, []int64{1, 2}},
			{bot.EventQuery{Limit: 2, Last: true}, []int64{6, 7}},
			{bot.EventQuery{After: 5}, []int64{6, 7}},
			{bot.EventQuery{Incident: 2}, []int64{3, 5, 7}},
			{bot.EventQuery{Incident: 2, Last: true, Limit: 2}, []int64{5, 7}},
			{bot.EventQuery{Run: 2}, []int64{4, 7}},
			{bot.EventQuery{Run: 2, Incident: 1}, []int64{4}},
		} {
			found, err := h.Events(t.Context(), c.query)
			require.NoError(t, err)
			var got []int64
			for _, e := range found {
				got = append(got, e.Seq)
			}
			require.Equal(t, c.want, got, "%+v", c.query)
		}
	},
	"each event ends at the first error": func(t *testing.T, h *house) {
		h.must(bot.Change{Events: []bot.Event{event(bot.EventNoted, 1)}})
		enough, n := errors.New("enough"), 0
		require.ErrorIs(t, h.EachEvent(t.Context(), func(bot.Event) error { n++; return enough }), enough)
		require.Equal(t, 1, n)
	},
	"a change that says nothing is fine": func(t *testing.T, h *house) {
		before := h.events()
		require.Equal(t, bot.Receipt{}, h.must(bot.Change{}))
		require.Equal(t, before, h.events())
	},
	"who has left before is not served": func(t *testing.T, h *house) {
		ctx, leave := context.WithCancel(t.Context())
		leave()
		_, err := h.Commit(ctx, bot.Change{Events: []bot.Event{event(bot.EventNoted, 1)}})
		require.ErrorIs(t, err, context.Canceled)
		require.Len(t, h.events(), 1)
	},
}

// proves checks the whole chain.
func (h *house) proves() {
	h.t.Helper()
	prev := bot.Event{}
	for _, e := range h.events() {
		again, err := e.Seal(e.Chain, prev.Seq+1, prev.Hash)
		require.NoError(h.t, err)
		require.Equal(h.t, again, e)
		prev = e
	}
}
