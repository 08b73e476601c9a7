package storagetest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

// Watched is what a store offers to whoever looks whether it is well.
type Watched interface {
	Store
	TryWrite(ctx context.Context) error
	RunsInHand(ctx context.Context, after bot.RunID, limit int) ([]bot.Run, error)
	OpenAlertsOf(ctx context.Context, source string, limit int) ([]bot.Alert, error)
	NoteHeard(ctx context.Context, at map[string]time.Time) error
	LastHeard(ctx context.Context) (map[string]time.Time, error)
}

// RunWatch runs the suite of a Watched store.
func RunWatch(t *testing.T, open func(t *testing.T, dir string) Watched) {
	for name, test := range map[string]func(*testing.T, *house, Watched){
		"a try to write leaves no event":                 tryLeavesNoEvent,
		"a store that is closed says so":                 tryOfAClosedStore,
		"runs in hand come oldest first, page by page":   runsInHand,
		"the latest word of who was heard stays":         lastHeard,
		"the open alerts of a source are its firing own": openAlerts,
	} {
		t.Run("watch/"+name, func(t *testing.T) {
			t.Parallel()
			var w Watched
			h := newHouse(t, func(t *testing.T, dir string) Store {
				w = open(t, dir)
				return w
			})
			test(t, h, w)
		})
	}
}

func tryLeavesNoEvent(t *testing.T, h *house, w Watched) {
	before := h.events()
	for range 3 {
		require.NoError(t, w.TryWrite(t.Context()))
	}
	require.Equal(t, before, h.events())
	h.observe(firing("g", "f", 0))
	require.NoError(t, w.TryWrite(t.Context()), "the log went on meanwhile")
}

func tryOfAClosedStore(t *testing.T, h *house, w Watched) {
	require.NoError(t, h.Close())
	require.ErrorIs(t, w.TryWrite(t.Context()), bot.ErrUnavailable)
	_, err := w.RunsInHand(t.Context(), 0, 10)
	require.Error(t, err)
	_, err = w.OpenAlertsOf(t.Context(), "am", 10)
	require.Error(t, err)
}

func lastHeard(t *testing.T, h *house, w Watched) {
	note := func(at map[string]time.Time) { require.NoError(t, w.NoteHeard(t.Context(), at)) }
	note(nil)
	note(map[string]time.Time{"source/prod": at(10), "replica/a": at(10)})
	note(map[string]time.Time{"source/prod": at(9)}) // another process says so, later
	note(map[string]time.Time{"replica/a": at(11)})
	_, err := h.Tick(t.Context(), "another number", at(0), time.Minute)
	require.NoError(t, err)
	heard, err := w.LastHeard(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string]time.Time{"source/prod": at(10), "replica/a": at(11)}, heard)
	note(map[string]time.Time{"replica/b": at(11 + 30*24*60)})
	heard, err = w.LastHeard(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string]time.Time{"replica/a": at(11), "replica/b": at(11 + 30*24*60)}, heard, "who is gone for a month is forgotten")
}

func runsInHand(t *testing.T, h *house, w Watched) {
	incident := h.observe(firing("g", "f", 0))[0].Incident
	var all []bot.RunID
	for range 5 {
		plan := h.newPlan(incident, "db-"+number(len(all)))
		run := h.newRun(plan)
		h.must(bot.Change{Plans: []bot.Plan{plan}, Runs: []bot.Run{run}})
		all = append(all, run.ID)
	}
	over, err := h.Run(t.Context(), all[2])
	require.NoError(t, err)
	over.State = bot.RunFixed
	h.must(bot.Change{Runs: []bot.Run{over}})
	ids := func(after bot.RunID, limit int) (out []bot.RunID) {
		runs, err := w.RunsInHand(t.Context(), after, limit)
		require.NoError(t, err)
		for _, r := range runs {
			out = append(out, r.ID)
		}
		return out
	}
	require.Equal(t, []bot.RunID{all[0], all[1], all[3], all[4]}, ids(0, 10))
	require.Equal(t, []bot.RunID{all[0], all[1]}, ids(0, 2))
	require.Equal(t, []bot.RunID{all[3], all[4]}, ids(all[1], 2))
	require.Empty(t, ids(all[4], 2))
}

func openAlerts(t *testing.T, h *house, w Watched) {
	own := func(fingerprint string) bot.Alert {
		a := firing("g", fingerprint, 0)
		a.Source = bot.SourceSalve
		return a
	}
	h.observe(firing("g", "of-others", 0), own("a"), own("b"), resolved(own("ended"), 1))
	fingerprints := func() (out []string) {
		alerts, err := w.OpenAlertsOf(t.Context(), bot.SourceSalve, 10)
		require.NoError(t, err)
		for _, a := range alerts {
			require.Equal(t, bot.SourceSalve, a.Source)
			require.Equal(t, at(0), a.StartsAt)
			require.NotZero(t, a.Incident)
			out = append(out, a.Fingerprint)
		}
		return out
	}
	require.ElementsMatch(t, []string{"a", "b"}, fingerprints())
	h.observe(resolved(own("a"), 2))
	require.Equal(t, []string{"b"}, fingerprints())
}
