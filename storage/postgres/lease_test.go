package postgres_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/storage/postgres"
)

const short = 900 * time.Millisecond // a lease

var at = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

func note(text string) bot.Change {
	return bot.Change{Events: []bot.Event{{Kind: bot.EventNoted, At: at, Actor: bot.Salve, Text: text}}}
}

// inHand writes a run with a step in flight.
func inHand(t *testing.T, s *postgres.Store, target string) bot.Run {
	t.Helper()
	plan := bot.Plan{ID: bot.PlanID(s.NextID(bot.KindPlan)), Target: target}
	run := bot.Run{
		ID: bot.RunID(s.NextID(bot.KindRun)), Plan: plan.ID, Target: target, State: bot.RunRunning, Epoch: s.Epoch(),
		Steps: []bot.Step{{ID: "a", State: bot.StepStarted, Attempt: 1}},
	}
	_, err := s.Commit(t.Context(), bot.Change{Plans: []bot.Plan{plan}, Runs: []bot.Run{run}})
	require.NoError(t, err)
	return run
}

func interrupted(t *testing.T, s *postgres.Store) []bot.RunID {
	t.Helper()
	runs, err := s.Interrupted(t.Context())
	require.NoError(t, err)
	var ids []bot.RunID
	for _, r := range runs {
		ids = append(ids, r.ID)
	}
	return ids
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, 20*time.Second, 20*time.Millisecond, what)
}

func TestWhatALostReplicaHadInHandIsTakenUpAndItIsRefused(t *testing.T) {
	t.Parallel()
	url := database(t)
	a := open(t, url, postgres.Options{Name: "a", Lease: short})
	b := open(t, url, postgres.Options{Name: "b", Lease: short})
	run := inHand(t, a, "x")
	held, release := a.Held(t.Context())
	defer release()
	require.NoError(t, held.Err())
	require.Empty(t, interrupted(t, b), "its holder lives")

	all, err := b.Replicas(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.Equal(t, []any{"a", false, a.Epoch()}, []any{all[0].Name, all[0].Late, all[0].Epoch})
	skew, err := b.Skew(t.Context())
	require.NoError(t, err)
	require.InDelta(t, 0, skew.Seconds(), 1, "the server is on this machine")

	before := a.Epoch()
	a.Freeze()
	var cut time.Time
	eventually(t, "the step is cut", func() bool {
		if held.Err() != nil && cut.IsZero() {
			cut = time.Now()
		}
		return !cut.IsZero()
	})
	require.ErrorContains(t, context.Cause(held), "could not be renewed")
	require.Empty(t, interrupted(t, b), "the one is cut before the other may take over")
	eventually(t, "the run is taken up", func() bool { return len(interrupted(t, b)) == 1 })
	require.Equal(t, []bot.RunID{run.ID}, interrupted(t, b))

	_, err = a.Commit(t.Context(), note("too late"))
	require.ErrorIs(t, err, bot.ErrUnavailable)
	require.ErrorContains(t, err, "lost its lease")
	again, release := a.Held(t.Context())
	defer release()
	require.Error(t, again.Err(), "nothing begins without a lease")

	require.NoError(t, a.Renew(t.Context()))
	require.Greater(t, a.Epoch(), before)
	_, err = a.Commit(t.Context(), note("with a new one"))
	require.NoError(t, err)
	held, release = a.Held(t.Context())
	defer release()
	require.NoError(t, held.Err())
	a.Thaw()
}

func TestALeaseThatIsRenewedInTimeHolds(t *testing.T) {
	t.Parallel()
	url := database(t)
	a, b := open(t, url, postgres.Options{Name: "a", Lease: short}), open(t, url, postgres.Options{Name: "b", Lease: short})
	inHand(t, a, "x")
	epoch := a.Epoch()
	held, release := a.Held(t.Context())
	defer release()
	for end := time.Now().Add(3 * short); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		require.NoError(t, held.Err())
		require.Empty(t, interrupted(t, b))
	}
	require.Equal(t, epoch, a.Epoch())
}

func TestWhoClosesLeavesNothingInHand(t *testing.T) {
	t.Parallel()
	url := database(t)
	a, err := postgres.Open(t.Context(), url, postgres.Options{Name: "a"})
	require.NoError(t, err)
	b := open(t, url, postgres.Options{Name: "b"})
	run := inHand(t, a, "x")
	require.NoError(t, a.Close())
	require.Equal(t, []bot.RunID{run.ID}, interrupted(t, b), "nobody waits for the end of a lease that was given back")
}

func TestManyOpenAnEmptyDatabaseAtOnce(t *testing.T) {
	t.Parallel()
	url := database(t)
	const many = 4
	opened := make(chan error, many)
	epochs := make(chan int64, many)
	for range many {
		go func() {
			s, err := postgres.Open(context.WithoutCancel(t.Context()), url, postgres.Options{Readers: 1})
			if err == nil {
				epochs <- s.Epoch()
				err = s.Close()
			}
			opened <- err
		}()
	}
	seen := map[int64]bool{}
	for range many {
		require.NoError(t, <-opened)
		seen[<-epochs] = true
	}
	require.Len(t, seen, many)
}

func TestOthersHearWhatIsCommitted(t *testing.T) {
	t.Parallel()
	url := database(t)
	heard := make(chan bot.Touched, 100)
	var own atomic.Int64
	a := open(t, url, postgres.Options{Name: "a", Elsewhere: func(h bot.Touched) {
		if len(h.Incidents) > 0 {
			own.Add(1)
		}
	}})
	open(t, url, postgres.Options{Name: "b", Elsewhere: func(h bot.Touched) { heard <- h }})
	require.True(t, (<-heard).Halts, "what was missed before may have been a halt")
	change := bot.Change{Halts: []bot.Halt{{Scope: bot.HaltAll, By: bot.Salve, At: at}}}
	_, err := a.Commit(t.Context(), change)
	require.NoError(t, err)
	require.Equal(t, bot.Touched{Halts: true}, <-heard)
	var alerts []bot.Alert
	for i := range 5000 {
		alerts = append(alerts, bot.Alert{AlertKey: bot.AlertKey{Source: "s", Fingerprint: string(rune('a' + i%26)), StartsAt: at.Add(time.Duration(i) * time.Second)}, GroupKey: at.Add(time.Duration(i) * time.Second).String(), State: bot.AlertFiring})
	}
	_, err = a.Commit(t.Context(), bot.Change{Observed: alerts, By: bot.Salve})
	require.NoError(t, err)
	require.NotEmpty(t, (<-heard).Incidents, "of a storm as many as fit")
	require.Zero(t, own.Load(), "nobody hears itself")
}
