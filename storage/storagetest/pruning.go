package storagetest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

// Pruning drops the oldest Events at a signed head.
type Pruning interface {
	Boundary(ctx context.Context) (bot.Boundary, error)
	FirstNeeded(ctx context.Context) (int64, error)
	PruneEvents(ctx context.Context, b bot.Boundary, e bot.Event) (int64, error)
}

var pruningTests = map[string]func(*testing.T, *house){
	"events go up to a boundary and the chain goes on": func(t *testing.T, h *house) {
		none, err := h.Boundary(t.Context())
		require.NoError(t, err)
		require.Zero(t, none)
		for range 12 {
			var more []bot.Event
			for range 100 {
				more = append(more, event(bot.EventNoted, 0))
			}
			h.must(bot.Change{Events: more})
		}
		kept := bot.Boundary{Size: 1100, Note: []byte("a head\n"), Edge: []byte("1100 x"), Carried: []bot.Event{event(bot.EventPerson, 0)}}
		n, err := h.PruneEvents(t.Context(), kept, event(bot.EventPruned, 0))
		require.NoError(t, err)
		require.Equal(t, int64(1100), n)
		h.reopen()
		all, err := h.Events(t.Context(), bot.EventQuery{Limit: 1000})
		require.NoError(t, err)
		require.Equal(t, int64(1101), all[0].Seq)
		last := all[len(all)-1]
		require.Equal(t, bot.EventPruned, last.Kind)
		require.Equal(t, int64(1202), last.Seq)
		got, err := h.Boundary(t.Context())
		require.NoError(t, err)
		require.Equal(t, kept.Size, got.Size)
		require.Equal(t, string(kept.Note)+string(kept.Edge), string(got.Note)+string(got.Edge))
		require.Equal(t, kept.Carried[0].Text, got.Carried[0].Text)

		h.must(bot.Change{Events: []bot.Event{event(bot.EventNoted, 0)}})
		n, err = h.PruneEvents(t.Context(), bot.Boundary{Size: 1100}, event(bot.EventPruned, 0))
		require.NoError(t, err)
		require.Zero(t, n, "a repeat changes nothing")
		newest, err := h.Events(t.Context(), bot.EventQuery{Last: true, Limit: 1})
		require.NoError(t, err)
		require.Equal(t, int64(1203), newest[0].Seq)
		require.Equal(t, last.Hash, newest[0].Prev)
	},
	"the last event is never dropped": func(t *testing.T, h *house) {
		h.must(bot.Change{Events: []bot.Event{event(bot.EventNoted, 0)}})
		_, err := h.PruneEvents(t.Context(), bot.Boundary{Size: 2}, event(bot.EventPruned, 0))
		require.ErrorIs(t, err, bot.ErrConflict)
		require.Len(t, h.events(), 2)
	},
	"what an incident needs that is not closed is told": func(t *testing.T, h *house) {
		first, err := h.FirstNeeded(t.Context())
		require.NoError(t, err)
		require.Zero(t, first)
		h.must(bot.Change{Events: []bot.Event{event(bot.EventNoted, 0)}})
		id := h.observe(firing("g", "f1", 0))[0].Incident
		h.must(bot.Change{Events: []bot.Event{event(bot.EventNoted, id)}})
		first, err = h.FirstNeeded(t.Context())
		require.NoError(t, err)
		require.Equal(t, int64(3), first)
		inc, err := h.Incident(t.Context(), id)
		require.NoError(t, err)
		inc.ClosedAt = time.Now()
		h.must(bot.Change{Incidents: []bot.Incident{inc}, Events: []bot.Event{event(bot.EventClosed, id)}})
		first, err = h.FirstNeeded(t.Context())
		require.NoError(t, err)
		require.Zero(t, first)
	},
}
