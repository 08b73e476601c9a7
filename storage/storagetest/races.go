package storagetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

const racers = 8

// race runs f in many goroutines that start together and returns their errors.
func race(f func(n int) error) []error {
	var running sync.WaitGroup
	gate := make(chan struct{})
	errs := make([]error, racers)
	for n := range racers {
		running.Go(func() {
			<-gate
			errs[n] = f(n)
		})
	}
	close(gate)
	running.Wait()
	return errs
}

// oneWins checks that exactly one got through and the others had a conflict.
func oneWins(t *testing.T, errs []error) {
	t.Helper()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		require.ErrorIs(t, err, bot.ErrConflict)
	}
	require.Equal(t, 1, won)
}

var raceTests = map[string]func(*testing.T, *house){
	"one of many deciders decides": func(t *testing.T, h *house) {
		for round := range 20 {
			p := h.newPlan(bot.IncidentID(round+1), "a")
			a := h.newApproval(p)
			h.must(bot.Change{Plans: []bot.Plan{p}, Approvals: []bot.Approval{a}})
			n := len(h.events())
			oneWins(t, race(func(n int) error {
				mine := a
				mine.Version, mine.Reason, mine.State = 1, fmt.Sprint(n), bot.ApprovalDenied
				e := event(bot.EventDenied, p.Incident)
				_, err := h.Commit(t.Context(), bot.Change{Approvals: []bot.Approval{mine}, Events: []bot.Event{e}})
				return err
			}))
			require.Len(t, h.events(), n+1)
		}
		h.proves()
	},
	"one run takes the target": func(t *testing.T, h *house) {
		p := h.newPlan(1, "a")
		h.must(bot.Change{Plans: []bot.Plan{p}})
		oneWins(t, race(func(int) error {
			_, err := h.Commit(t.Context(), bot.Change{Runs: []bot.Run{h.newRun(p)}, Events: []bot.Event{event(bot.EventRunPlanned, 1)}})
			return err
		}))
		h.proves()
	},
	"one body is quarantined once": func(t *testing.T, h *house) {
		for _, err := range race(func(int) error {
			_, err := h.Commit(t.Context(), bot.Change{Quarantined: []bot.Quarantined{h.quarantined("x")}})
			return err
		}) {
			require.NoError(t, err)
		}
		list, err := h.QuarantineList(t.Context(), bot.QuarantineQuery{})
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, racers-1, list[0].Repeats)
	},
	"one group makes one incident": func(t *testing.T, h *house) {
		for _, err := range race(func(n int) error {
			for k := range 10 {
				if _, err := h.Commit(t.Context(), bot.Change{Observed: []bot.Alert{firing("g", number(10*n+k), n), firing("g", "same", 0)}}); err != nil {
					return err
				}
			}
			return nil
		}) {
			require.NoError(t, err)
		}
		all, err := h.Incidents(t.Context(), bot.IncidentQuery{})
		require.NoError(t, err)
		require.Len(t, all, 1)
		require.Equal(t, 10*racers+1, all[0].Total)
		h.sound()
		h.proves()
	},
	"a conflict among many fails alone": func(t *testing.T, h *house) {
		taken := h.newPlan(1, "a")
		h.must(bot.Change{Plans: []bot.Plan{taken}})
		for round := range 10 {
			errs := race(func(n int) error {
				change := bot.Change{Observed: []bot.Alert{firing(fmt.Sprint("g", n), number(100*round+n), n)}, Events: []bot.Event{event(bot.EventNoted, 1)}}
				if n%4 == 0 {
					// The conflict is found after other rows were written.
					change.People = []bot.Person{{ID: bot.PersonID(fmt.Sprint("p", round, "-", n))}}
					change.Plans = []bot.Plan{h.newPlan(1, "b"), taken}
				}
				_, err := h.Commit(t.Context(), change)
				return err
			})
			for n, err := range errs {
				require.Equal(t, n%4 == 0, errors.Is(err, bot.ErrConflict), "%d: %v", n, err)
				require.Equal(t, n%4 != 0, err == nil, "%d: %v", n, err)
			}
		}
		people, err := h.People(t.Context())
		require.NoError(t, err)
		require.Empty(t, people)
		plans, err := h.Plans(t.Context(), 1)
		require.NoError(t, err)
		require.Len(t, plans, 1)
		h.sound()
		h.proves()
	},
	"ids are handed out once": func(t *testing.T, h *house) {
		var mu sync.Mutex
		seen := make(map[int64]bool)
		race(func(int) error {
			for range 100 {
				id := h.NextID(bot.KindRun)
				mu.Lock()
				seen[id] = true
				mu.Unlock()
			}
			return nil
		})
		require.Len(t, seen, 100*racers)
		require.False(t, seen[0])
	},
}
