package watch_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/flow/watch"
	"salve/bot/health"
)

// world is a store and a door in memory. What the door takes in is open until it
// is resolved or its incident is closed.
type world struct {
	mu        sync.Mutex
	runs      []bot.Run
	plans     map[bot.PlanID]bot.Plan
	incidents map[bot.IncidentID]bot.Incident
	due       []bot.Incident
	dueRuns   []bot.Run
	open      map[string]bot.Alert
	heard     map[string]time.Time
	got       []bot.Alert
	fail      error // of the store
	shut      error // of the door
}

func newWorld() *world {
	return &world{plans: map[bot.PlanID]bot.Plan{}, incidents: map[bot.IncidentID]bot.Incident{}, open: map[string]bot.Alert{}, heard: map[string]time.Time{}}
}

func (w *world) with(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

func (w *world) RunsInHand(_ context.Context, after bot.RunID, limit int) ([]bot.Run, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []bot.Run
	for _, r := range w.runs {
		if r.ID > after && len(out) < limit {
			out = append(out, r)
		}
	}
	return out, w.fail
}

func (w *world) Plan(_ context.Context, id bot.PlanID) (bot.Plan, error) {
	if p, ok := w.plans[id]; ok {
		return p, nil
	}
	return bot.Plan{}, bot.ErrNotFound
}

func (w *world) Incident(_ context.Context, id bot.IncidentID) (bot.Incident, error) {
	if inc, ok := w.incidents[id]; ok {
		return inc, nil
	}
	return bot.Incident{}, bot.ErrNotFound
}

func (w *world) DueIncidents(_ context.Context, now time.Time, limit int) ([]bot.Incident, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []bot.Incident
	for _, inc := range w.due {
		if !inc.DueAt.After(now) && len(out) < limit {
			out = append(out, inc)
		}
	}
	return out, w.fail
}

func (w *world) DueRuns(_ context.Context, now time.Time, limit int) ([]bot.Run, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dueRuns[:min(limit, len(w.dueRuns))], w.fail
}

func (w *world) OpenAlertsOf(_ context.Context, source string, _ int) ([]bot.Alert, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []bot.Alert
	for _, a := range w.open {
		if a.Source == source {
			out = append(out, a)
		}
	}
	return out, w.fail
}

func (w *world) NoteHeard(_ context.Context, at map[string]time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, t := range at {
		if t.After(w.heard[name]) {
			w.heard[name] = t
		}
	}
	return w.fail
}

func (w *world) LastHeard(context.Context) (map[string]time.Time, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.heard), w.fail
}

func (w *world) Receive(_ context.Context, d bot.Delivery, alerts []bot.Alert) (bot.Receipt, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.shut != nil {
		return bot.Receipt{}, w.shut
	}
	back, err := watch.Decode(d.Source, d.Body, d.ReceivedAt)
	if err != nil || len(back) != len(alerts) {
		return bot.Receipt{}, errors.New("a delivery that cannot be replayed")
	}
	for _, a := range alerts {
		w.got = append(w.got, a)
		if w.open[a.Fingerprint] = a; a.State == bot.AlertResolved {
			delete(w.open, a.Fingerprint)
		}
	}
	return bot.Receipt{}, nil
}

// told is what came through the door since it was asked last.
func (w *world) told() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, a := range w.got {
		out = append(out, string(a.State)+" "+strings.TrimSuffix(a.Labels["condition"]+"/"+a.Labels["subject"], "/"))
	}
	w.got = nil
	slices.Sort(out)
	return out
}

func leg(t *testing.T, w *world, opts watch.Options) *watch.Leg {
	t.Helper()
	l, err := watch.New(w, w, opts)
	require.NoError(t, err)
	return l
}

func TestASilentSourceIsToldOnceAndResolvedWhenItIsHeard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, heard := newWorld(), time.Time{}
		l := leg(t, w, watch.Options{
			Senders: []watch.Sender{{"prod", 5 * time.Minute}, {"quiet", 0}},
			Heard:   func(string) time.Time { w.mu.Lock(); defer w.mu.Unlock(); return heard },
		})
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { l.Run(ctx) })
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		require.Empty(t, w.told(), "it may still come")
		time.Sleep(16 * time.Second)
		synctest.Wait()
		require.Equal(t, []string{"firing source-silent/prod"}, w.told())
		time.Sleep(time.Hour)
		synctest.Wait()
		require.Empty(t, w.told(), "it is said already")
		w.with(func() { heard = time.Now() })
		time.Sleep(16 * time.Second)
		synctest.Wait()
		require.Equal(t, []string{"resolved source-silent/prod"}, w.told())
		time.Sleep(6 * time.Minute)
		synctest.Wait()
		require.Equal(t, []string{"firing source-silent/prod"}, w.told(), "silent again is another alert")
		stop()
		running.Wait()
	})
}

func TestARestartNeitherRepeatsNorEndsWhatStands(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		opts := watch.Options{Senders: []watch.Sender{{"prod", 5 * time.Minute}}}
		first := leg(t, w, opts)
		time.Sleep(6 * time.Minute)
		require.NoError(t, first.Tick(t.Context(), time.Now()))
		require.Equal(t, []string{"firing source-silent/prod"}, w.told())
		second := leg(t, w, opts) // has heard nobody, and cannot know yet
		require.NoError(t, second.Tick(t.Context(), time.Now()))
		require.Empty(t, w.told())
		time.Sleep(6 * time.Minute)
		require.NoError(t, second.Tick(t.Context(), time.Now()))
		require.Empty(t, w.told())
	})
}

func TestWhatAPersonClosedIsNotOpenedAgainWhileItLasts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, low := newWorld(), true
		l := leg(t, w, watch.Options{Also: []func(context.Context) []bot.Condition{func(context.Context) []bot.Condition {
			if low {
				return []bot.Condition{{Name: "disk-low", Says: "little is free"}}
			}
			return nil
		}}})
		tick := func() { require.NoError(t, l.Tick(t.Context(), time.Now())); time.Sleep(15 * time.Second) }
		tick()
		require.Equal(t, []string{"firing disk-low"}, w.told())
		w.with(func() { clear(w.open) }) // closed by a person
		tick()
		require.Empty(t, w.told())
		low = false
		tick()
		require.Equal(t, []string{"resolved disk-low"}, w.told())
		low = true
		tick()
		require.Equal(t, []string{"firing disk-low"}, w.told())
	})
}

func TestAQueueIsToldWhenItStaysOld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		l := leg(t, w, watch.Options{Patience: health.Patience{Queue: 2 * time.Minute, Undecided: time.Hour}, QueueFor: 5 * time.Minute})
		w.due = []bot.Incident{{ID: 1, DueAt: time.Now()}}
		var firedAfter time.Duration
		for start := time.Now(); firedAfter == 0 && time.Since(start) < time.Hour; time.Sleep(15 * time.Second) {
			w.due[0].ID++ // others come to stand in front, as old
			require.NoError(t, l.Tick(t.Context(), time.Now()))
			if told := w.told(); len(told) > 0 {
				require.Equal(t, []string{"firing queue-old/decide"}, told)
				firedAfter = time.Since(start)
			}
		}
		require.InDelta(t, 7*time.Minute, firedAfter, float64(30*time.Second))
		w.due = nil
		require.NoError(t, l.Tick(t.Context(), time.Now()))
		require.Equal(t, []string{"resolved queue-old/decide"}, w.told())
	})
}

func TestAStuckStepIsJudgedByItsOwnTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		flying := func(id bot.RunID, incident bot.IncidentID) bot.Run {
			return bot.Run{ID: id, Plan: 1, Incident: incident, State: bot.RunRunning, Playbook: "heal", Target: "shop",
				Steps: []bot.Step{{ID: "restart", State: bot.StepStarted, StartedAt: time.Now()}}}
		}
		w.plans[1] = bot.Plan{ID: 1, Steps: []bot.PlanStep{{ID: "restart", Timeout: bot.Duration(20 * time.Minute)}}}
		w.incidents[1] = bot.Incident{ID: 1, Fold: bot.Fold{Source: "prod"}}
		w.incidents[2] = bot.Incident{ID: 2, Fold: bot.Fold{Source: bot.SourceSalve}}
		w.runs = []bot.Run{flying(1, 1), flying(2, 2), flying(3, 2), flying(4, 99)}
		l := leg(t, w, watch.Options{Console: func() string { return "https://salve.example.com" }})
		time.Sleep(24 * time.Minute)
		require.NoError(t, l.Tick(t.Context(), time.Now()))
		require.Empty(t, w.told())
		time.Sleep(2 * time.Minute)
		require.NoError(t, l.Tick(t.Context(), time.Now()))
		w.with(func() { require.Equal(t, "https://salve.example.com/runs/R-1", w.got[0].Link) })
		require.Equal(t, []string{"firing run-stuck/R-1", "firing run-stuck/R-4", "firing run-stuck/" + health.Own}, w.told())
		w.runs = append(w.runs[1:], flying(5, 2)) // the answer to that alert hangs too
		w.runs[3].Steps[0].StartedAt = time.Now().Add(-time.Hour)
		require.NoError(t, l.Tick(t.Context(), time.Now()))
		require.Equal(t, []string{"resolved run-stuck/R-1"}, w.told())
	})
}

func TestRunsBeyondTheFirstPageAreLookedAt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		for id := bot.RunID(1); id <= 1200; id++ {
			w.runs = append(w.runs, bot.Run{ID: id, State: bot.RunWaiting, CreatedAt: time.Now()})
		}
		w.runs[1199].State, w.runs[1199].VerifyBy = bot.RunVerifying, time.Now()
		l := leg(t, w, watch.Options{})
		time.Sleep(6 * time.Minute)
		require.NoError(t, l.Tick(t.Context(), time.Now()))
		require.Equal(t, []string{"firing run-stuck/R-1200"}, w.told())
	})
}

func TestAStoreThatFailsResolvesNothingAndADoorThatIsShutIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		var b strings.Builder
		l := leg(t, w, watch.Options{Log: slog.New(slog.NewTextHandler(&b, nil)), Senders: []watch.Sender{{"prod", time.Minute}}})
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		w.shut = bot.ErrUnavailable
		running.Go(func() { l.Run(ctx) })
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		w.with(func() { w.shut = nil })
		time.Sleep(16 * time.Second)
		synctest.Wait()
		require.Equal(t, []string{"firing source-silent/prod"}, w.told())
		w.with(func() { w.fail = bot.ErrUnavailable })
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		require.Empty(t, w.told())
		w.with(func() { w.fail = nil })
		time.Sleep(16 * time.Second)
		synctest.Wait()
		require.Empty(t, w.told(), "it stood all the time")
		stop()
		running.Wait()
		require.Equal(t, 2, strings.Count(b.String(), "cannot be watched"), "once for each time that it began")
		require.Equal(t, 2, strings.Count(b.String(), "watched again"))
	})
}

func TestAClockThatWasSetBackDoesNotMakeItsOwnAlertsLookWrong(t *testing.T) {
	t.Parallel()
	w, low := newWorld(), true
	l := leg(t, w, watch.Options{Also: []func(context.Context) []bot.Condition{func(context.Context) []bot.Condition {
		if low {
			return []bot.Condition{{Name: "disk-low"}}
		}
		return nil
	}}})
	now := time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC)
	require.NoError(t, l.Tick(t.Context(), now))
	low = false
	require.NoError(t, l.Tick(t.Context(), now.Add(-3*time.Hour)))
	for _, a := range w.got {
		require.False(t, a.StartsAt.After(a.ReceivedAt))
		require.True(t, a.EndsAt.IsZero() || !a.EndsAt.Before(a.StartsAt))
	}
	require.Equal(t, []string{"firing disk-low", "resolved disk-low"}, w.told())
}

func TestOfSeveralProcessesEachTellsOfItselfAndOneOfTheWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		type process struct {
			leg  *watch.Leg
			mine bool
			low  bool
			jump bool
		}
		heard := time.Time{} // by the first
		start := func(name string) *process {
			p := &process{}
			p.leg = leg(t, w, watch.Options{
				Replica: name, Senders: []watch.Sender{{"prod", 10 * time.Minute}},
				Mine: func(context.Context, time.Time) (bool, error) { return p.mine, nil },
				Heard: func(string) time.Time {
					if name == "a" {
						return heard
					}
					return time.Time{}
				},
				Also: []func(context.Context) []bot.Condition{func(context.Context) (cs []bot.Condition) {
					if p.low {
						cs = append(cs, bot.Condition{Name: "disk-low"})
					}
					if p.jump {
						cs = append(cs, bot.Condition{Name: health.ClockJumped})
					}
					return cs
				}},
			})
			return p
		}
		a, b := start("a"), start("b")
		tick := func(ps ...*process) []string {
			for _, p := range ps {
				require.NoError(t, p.leg.Tick(t.Context(), time.Now()))
			}
			time.Sleep(15 * time.Second)
			return w.told()
		}
		b.mine = true
		a.low, a.jump, b.jump = true, true, true
		require.Equal(t, []string{"firing clock-jumped", "firing disk-low/a"}, tick(a, b))
		require.Empty(t, tick(b, a, b), "b leaves alone what a says of itself")
		a.mine, b.mine = true, false
		require.Empty(t, tick(b, a))
		a.jump, b.jump = false, false
		require.Equal(t, []string{"resolved clock-jumped"}, tick(b, a), "the one whose turn it is says so")
		a.mine, b.mine = false, true
		require.Equal(t, []string{"resolved clock-jumped"}, tick(b), "who began it says so too, to the same row")

		for range 100 { // 25 minutes: b looks, a hears
			heard = time.Now()
			require.Empty(t, tick(a, b), "what a hears is heard")
		}
		for range 30 { // a is gone
			tick(b)
		}
		require.NotContains(t, w.open, health.FingerprintOf("disk-low/a"), "of who is gone nothing is wrong any more")
	})
}

func TestWhileSalveStopsNothingIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld()
	l := leg(t, w, watch.Options{Also: []func(context.Context) []bot.Condition{func(context.Context) []bot.Condition {
		return []bot.Condition{{Name: health.Draining}, {Name: "disk-low"}}
	}}})
	require.NoError(t, l.Tick(t.Context(), time.Now()))
	require.Empty(t, w.told())
}

func TestALegNeedsItsPartsAndADeliveryOfOthersIsRefused(t *testing.T) {
	t.Parallel()
	_, err := watch.New(nil, newWorld(), watch.Options{})
	require.Error(t, err)
	_, err = watch.New(newWorld(), nil, watch.Options{})
	require.Error(t, err)
	body, err := json.Marshal([]bot.Alert{{Title: "x", AlertKey: bot.AlertKey{Source: "prod"}}})
	require.NoError(t, err)
	_, err = watch.Decode("prod", body, time.Now())
	require.Error(t, err)
	_, err = watch.Decode(bot.SourceSalve, []byte("{"), time.Now())
	require.Error(t, err)
	alerts, err := watch.Decode(bot.SourceSalve, body, time.Now())
	require.NoError(t, err)
	require.Equal(t, bot.SourceSalve, alerts[0].Source)
}
