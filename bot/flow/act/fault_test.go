package act_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/flow/act"
	"salve/storage/sqlite"
)

// faulty is a store whose commits can fail before or after they are made.
type faulty struct {
	*sqlite.Store
	mu     sync.Mutex
	before func(bot.Change) error
	after  func(bot.Change) error
	reads  func() error
}

func (f *faulty) Run(ctx context.Context, id bot.RunID) (bot.Run, error) {
	if f.reads != nil {
		if err := f.reads(); err != nil {
			return bot.Run{}, err
		}
	}
	return f.Store.Run(ctx, id)
}

func (f *faulty) Commit(ctx context.Context, c bot.Change) (bot.Receipt, error) {
	f.mu.Lock()
	before, after := f.before, f.after
	f.mu.Unlock()
	if before != nil {
		if err := before(c); err != nil {
			return bot.Receipt{}, err
		}
	}
	r, err := f.Store.Commit(ctx, c)
	if err == nil && after != nil {
		err = after(c)
	}
	return r, err
}

// starts reports whether the change starts a step.
func starts(c bot.Change) bool {
	for _, e := range c.Events {
		if e.Kind == bot.EventStepStarted {
			return true
		}
	}
	return false
}

// dies makes the leg's process die when it wants to write an outcome: what was
// written stays, nothing more is.
func (h *house) diesBeforeOutcome() {
	h.t.Helper()
	dead := errors.New("the process is dead")
	var once sync.Once
	died := make(chan struct{})
	store := &faulty{Store: h.store, before: func(c bot.Change) error {
		if len(c.Runs) > 0 && len(c.Events) > 0 && c.Events[0].Kind == bot.EventStepEnded {
			once.Do(func() { close(died) })
			return dead
		}
		return nil
	}}
	h.opts.Grace = time.Millisecond
	h.serveOn(store)
	select {
	case <-died:
	case <-time.After(20 * time.Second):
		require.FailNow(h.t, "no outcome came")
	}
	h.halt()
	require.NoError(h.t, h.store.Close())
	h.open()
}

func TestAfterACrashBetweenStartedAndOutcome(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		repeat bot.Repeat
		want   bot.RunState
		calls  int
	}{
		{"a step that is safe to repeat is repeated", bot.RepeatSafe, bot.RunUnverified, 2},
		{"a keyed step is repeated", bot.RepeatKeyed, bot.RunUnverified, 2},
		{"an unsafe step is not, and a person is asked", bot.RepeatNever, bot.RunWaiting, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			id := h.run("web-1", nil, step("a", tt.repeat, true))
			h.diesBeforeOutcome()
			r := h.read(id)
			require.Equal(t, bot.StepStarted, r.Steps[0].State)
			key := r.Steps[0].Key
			h.serve()
			r = h.untilState(id, tt.want)
			require.Equal(t, tt.calls, h.hand.calls("web-1/a"))
			require.Equal(t, key, r.Steps[0].Key)
			require.Equal(t, tt.calls, r.Steps[0].Attempt)
		})
	}
}

func TestNothingIsDoneBeforeStartedIsOnDisk(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var mu sync.Mutex
	failed := 0
	store := &faulty{Store: h.store, before: func(c bot.Change) error {
		if !starts(c) {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		if failed++; failed <= 2 {
			return fmt.Errorf("disk full: %w", bot.ErrUnavailable)
		}
		require.Zero(t, h.hand.calls("web-1/a"), "it began before it was written")
		return nil
	}}
	h.serveOn(store)
	h.untilState(h.run("web-1", nil, step("a", bot.RepeatNever, false)), bot.RunUnverified)
	require.Equal(t, 1, h.hand.calls("web-1/a"))
}

func TestACommitWhoseAnswerIsLostIsNotDoneTwice(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var mu sync.Mutex
	lost := map[int64]bool{}
	store := &faulty{Store: h.store, after: func(c bot.Change) error {
		mu.Lock()
		defer mu.Unlock()
		if len(c.Runs) == 0 || lost[c.Runs[0].Version] {
			return nil
		}
		lost[c.Runs[0].Version] = true
		return errors.New("the answer was lost")
	}}
	h.serveOn(store)
	r := h.untilState(h.run("web-1", verified, step("a", bot.RepeatNever, true), step("b", bot.RepeatNever, true)), bot.RunFixed)
	require.Equal(t, 1, h.hand.calls("web-1/a"))
	require.Equal(t, 1, h.hand.calls("web-1/b"))
	require.Equal(t, 1, r.Steps[0].Attempt)
	require.Equal(t, 1, r.Steps[1].Attempt)
}

func TestAStartThatIsWrittenLateAsksTheGuardAgain(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var once sync.Once
	store := &faulty{Store: h.store, after: func(c bot.Change) (err error) {
		if starts(c) {
			once.Do(func() {
				time.Sleep(2500 * time.Millisecond) // it is on disk, and nobody knows
				h.brake.set(nil, bot.Halt{Scope: bot.HaltAll, By: bot.Actor{Name: "Alice"}})
				err = errors.New("the answer was lost")
			})
		}
		return err
	}}
	h.serveOn(store)
	id := h.run("web-1", nil, step("a", bot.RepeatNever, false))
	require.Eventually(t, func() bool {
		r := h.read(id)
		return r.Steps[0].State == bot.StepPlanned && r.Steps[0].Attempt == 0 && r.Reason != ""
	}, 20*time.Second, 20*time.Millisecond, "the halt holds it")
	require.Zero(t, h.hand.calls("web-1/a"), "a halt was set before it began")
}

func TestAStoreThatFailsForAWhileLosesNoOutcome(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var mu sync.Mutex
	failures := 0
	store := &faulty{Store: h.store, before: func(c bot.Change) error {
		mu.Lock()
		defer mu.Unlock()
		if len(c.Runs) > 0 && !starts(c) && failures < 3 {
			failures++
			return bot.ErrOverloaded
		}
		return nil
	}}
	h.serveOn(store)
	h.untilState(h.run("web-1", nil, step("a", bot.RepeatNever, false)), bot.RunUnverified)
	require.Equal(t, 1, h.hand.calls("web-1/a"))
}

func TestAnIncidentThatChangesMeanwhileIsMadeDueAllTheSame(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var once sync.Once
	store := &faulty{Store: h.store}
	store.before = func(c bot.Change) error {
		if len(c.Incidents) > 0 {
			once.Do(func() {
				inc, err := h.store.Incident(context.Background(), c.Incidents[0].ID)
				require.NoError(t, err)
				inc.Notes, inc.DueAt = append(inc.Notes, bot.Note{Text: "seen"}), time.Time{}
				_, err = h.store.Commit(context.Background(), bot.Change{Incidents: []bot.Incident{inc}})
				require.NoError(t, err)
			})
		}
		return nil
	}
	h.serveOn(store)
	r := h.untilState(h.run("web-1", nil, step("a", bot.RepeatNever, false)), bot.RunUnverified)
	inc, err := h.store.Incident(t.Context(), r.Incident)
	require.NoError(t, err)
	require.False(t, inc.DueAt.IsZero())
	require.Len(t, inc.Notes, 1)
}

func TestShutdownLetsAStepInFlightEnd(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	hold := make(chan struct{})
	h.hand.tell("web-1/a", how{hang: hold})
	h.serve()
	id := h.run("web-1", nil, step("a", bot.RepeatNever, false), step("b", bot.RepeatNever, false))
	h.reached("web-1/a")
	stopped := make(chan struct{})
	go func() { h.halt(); close(stopped) }()
	close(hold)
	<-stopped
	r := h.read(id)
	require.Equal(t, bot.StepSucceeded, r.Steps[0].State)
	if h.hand.calls("web-1/b") == 0 { // the outcome came after the stop
		require.Equal(t, bot.StepPlanned, r.Steps[1].State)
		require.Equal(t, bot.RunRunning, r.State)
	}
}

func TestShutdownCutsAStepThatTakesTooLong(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		repeat bot.Repeat
		state  bot.RunState
		step   bot.StepState
	}{
		{"what is safe goes on at the next start", bot.RepeatSafe, bot.RunRunning, bot.StepPlanned},
		{"what is not waits for a person", bot.RepeatNever, bot.RunWaiting, bot.StepUnknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, func(o *act.Options) { o.Grace = 10 * time.Millisecond })
			h.hand.tell("web-1/a", how{wait: true})
			h.serve()
			id := h.run("web-1", nil, step("a", tt.repeat, false))
			h.reached("web-1/a")
			h.halt()
			r := h.read(id)
			require.Equal(t, tt.state, r.State)
			require.Equal(t, tt.step, r.Steps[0].State)
			require.Equal(t, tt.state == bot.RunWaiting, r.DueAt.IsZero())
		})
	}
}

func TestAConnectorThatHangsDelaysNoOther(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(o *act.Options) { o.Workers, o.PerLane = 8, 2 })
	hang := make(chan struct{})
	free := sync.OnceFunc(func() { close(hang) })
	t.Cleanup(free)
	var stuck []bot.RunID
	for i := range 20 {
		target := fmt.Sprintf("stuck-%d", i)
		h.hand.tell(target+"/a", how{hang: hang})
		stuck = append(stuck, h.run(target, func(p *bot.Plan) { p.Playbook = "hangs" }, step("a", bot.RepeatNever, false)))
	}
	h.serve()
	for i := range 10 {
		h.untilState(h.run(fmt.Sprintf("web-%d", i), nil, step("a", bot.RepeatNever, false)), bot.RunUnverified)
	}
	flying := 0
	for _, id := range stuck {
		if h.read(id).State == bot.RunRunning {
			flying++
		}
	}
	require.Equal(t, 2, flying, "the lane's own bound")
	free()
	for _, id := range stuck {
		h.untilState(id, bot.RunUnverified)
	}
}

func TestAScanFindsWhatNoHintToldOf(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.run("web-1", nil, step("a", bot.RepeatNever, false))
	h.serve()
	h.untilState(id, bot.RunUnverified)
}

func TestHintsNeverBlock(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	leg, err := act.New(h.store, h.brake, nil, h.checker, act.Options{})
	require.NoError(t, err)
	for i := range 5000 {
		leg.Hint(bot.RunID(i + 1))
		leg.Wake()
	}
}

func TestALegNeedsItsParts(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, err := act.New(nil, h.brake, nil, h.checker, act.Options{})
	require.Error(t, err)
	_, err = act.New(h.store, nil, nil, h.checker, act.Options{})
	require.Error(t, err)
	_, err = act.New(h.store, h.brake, nil, nil, act.Options{})
	require.Error(t, err)
}

func TestResolvedAsksTheStore(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	inc := h.incident("web-1")
	probe := act.NewResolved(h.store)
	p, err := probe.Probe(t.Context(), bot.PlanCheck{}, bot.Run{Incident: inc.ID})
	require.NoError(t, err)
	require.Equal(t, "false", p.Fields["holds"])

	a := bot.Alert{
		AlertKey: bot.AlertKey{Source: "test", Fingerprint: "web-1", StartsAt: inc.FirstAt}, GroupKey: "web-1",
		State: bot.AlertResolved, EndsAt: inc.FirstAt.Add(time.Second), Severity: bot.SeverityLow, Title: inc.Title, Labels: inc.Labels,
	}
	_, err = h.store.Commit(t.Context(), bot.Change{Observed: []bot.Alert{a}, By: bot.Salve})
	require.NoError(t, err)
	p, err = probe.Probe(t.Context(), bot.PlanCheck{}, bot.Run{Incident: inc.ID})
	require.NoError(t, err)
	require.Equal(t, "true", p.Fields["holds"])
	_, err = probe.Probe(t.Context(), bot.PlanCheck{}, bot.Run{Incident: 999})
	require.ErrorIs(t, err, bot.ErrNotFound)
	require.True(t, probe.Info().Probe)
}

// lease is one that lapses now and then.
type lease struct {
	mu     sync.Mutex
	lapses int // how often it lapses between a start and the step itself
	asked  int
}

func (l *lease) Held(ctx context.Context) (context.Context, context.CancelFunc) {
	held, cancel := context.WithCancel(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.asked++; l.asked%2 == 0 && l.lapses > 0 {
		l.lapses--
		cancel()
	}
	return held, cancel
}

func TestAStepThatALapsedLeaseKeptFromBeginningIsBegunLater(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(o *act.Options) { o.Lease = &lease{lapses: 2} })
	h.serve()
	id := h.run("web-1", nil, step("a", bot.RepeatNever, false), step("b", bot.RepeatNever, false))
	r := h.untilState(id, bot.RunUnverified)
	require.Equal(t, 1, h.hand.calls("web-1/a"))
	require.Equal(t, 1, h.hand.calls("web-1/b"))
	require.Equal(t, 1, r.Steps[0].Attempt)
	require.Equal(t, 3, strings.Count(strings.Join(h.kinds(id), " "), string(bot.EventStepStarted))-1, "each start is on record")
}

func TestAnOutcomeIsNotForgottenWhileTheRowCannotBeRead(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var mu sync.Mutex
	met, away := false, 0
	store := &faulty{Store: h.store, before: func(c bot.Change) error {
		mu.Lock()
		defer mu.Unlock()
		if met || len(c.Events) == 0 || c.Events[0].Kind != bot.EventStepEnded {
			return nil
		}
		met, away = true, 3
		return bot.ErrConflict // as when the incident has changed
	}, reads: func() error {
		mu.Lock()
		defer mu.Unlock()
		if away--; away >= 0 {
			return fmt.Errorf("no connection is left: %w", bot.ErrUnavailable)
		}
		return nil
	}}
	h.serveOn(store)
	h.untilState(h.run("web-1", nil, step("a", bot.RepeatNever, false)), bot.RunUnverified)
	require.Equal(t, 1, h.hand.calls("web-1/a"))
}

func TestWhileTheStoreCannotBeWrittenNothingIsDone(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]error{"a full disk": bot.ErrUnavailable, "an audit log that cannot go on": bot.ErrAudit} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			tried := make(chan struct{}, 1000)
			store := &faulty{Store: h.store, before: func(c bot.Change) error {
				if len(c.Runs) == 0 {
					return nil
				}
				tried <- struct{}{}
				return fault
			}}
			run := h.run("web-1", nil, step("a", bot.RepeatNever, false))
			h.serveOn(store)
			for range 3 {
				<-tried
			}
			h.halt()
			require.Zero(t, h.hand.calls("web-1/a"))
			kept, err := h.store.Run(t.Context(), run)
			require.NoError(t, err)
			require.Equal(t, bot.RunPlanned, kept.State)
		})
	}
}
