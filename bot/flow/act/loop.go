package act

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"salve/bot"
	"salve/bot/runner"
)

// errStopping is why steps in flight are cut when the process stops.
var errStopping = errors.New("salve is stopping")

// The limits of a scan: a page when little is due, and what it grows to when
// the Runs in front all wait for their lane.
const (
	minPage = 512
	maxPage = 1 << 16
)

// Run carries out Runs until ctx ends. Then it starts no further step, lets
// those in flight go on for Grace, cuts them, and records what became of them.
// It gives an error only when an action cannot be brought to an end.
func (l *Leg) Run(ctx context.Context) error {
	hard, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(errStopping)
	l.recover(ctx)
	var crew sync.WaitGroup
	l.loop(ctx, func(run bot.Run) {
		crew.Go(func() { l.work(ctx, hard, run) })
	})
	return l.drain(&crew, cut)
}

func (l *Leg) loop(ctx context.Context, start func(bot.Run)) {
	tick := time.NewTicker(l.opts.Scan)
	defer tick.Stop()
	page := minPage
	for {
		l.opts.Turned()
		began := time.Now()
		l.takeUp(ctx)
		page = l.scan(ctx, page, start)
		rest := time.Now().Add(time.Since(began)) // scanning takes half of the time at most
		for again := false; !again; {
			select {
			case <-ctx.Done():
				return
			case id := <-l.hints:
				l.look(ctx, id, start)
			case <-tick.C:
				again = true
			case <-l.wake:
				again = pause(ctx, time.Until(rest))
			}
		}
	}
}

// pause sleeps; it is false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// scan takes what is due and gives the size of the next page.
func (l *Leg) scan(ctx context.Context, page int, start func(bot.Run)) int {
	limit := l.lanes.size() + page
	due, err := l.store.DueRuns(ctx, l.now().Add(-l.opts.Spread), limit)
	if err != nil {
		if ctx.Err() == nil {
			l.opts.Log.WarnContext(ctx, "due runs cannot be read", "error", err)
		}
		return page
	}
	taken := 0
	for _, run := range due {
		if l.take(run, start) {
			taken++
		}
	}
	switch {
	case len(due) < limit:
		return minPage
	case taken == 0:
		return min(2*page, maxPage)
	default:
		l.Wake() // there is more, and it could be taken
		return page
	}
}

// look takes one Run if it is due.
func (l *Leg) look(ctx context.Context, id bot.RunID, start func(bot.Run)) {
	run, err := l.store.Run(ctx, id)
	if err == nil && l.due(run) {
		l.take(run, start)
	}
}

func (l *Leg) due(run bot.Run) bool {
	return run.Active() && !run.DueAt.IsZero() && !run.DueAt.After(l.now())
}

// take starts the Run or queues it for its lane; it is false when it is in hand
// already, or the queue is full.
func (l *Leg) take(run bot.Run, start func(bot.Run)) bool {
	now, taken := l.lanes.enter(run.ID, laneOf(run))
	if now {
		start(run)
	}
	return taken
}

// laneOf names what a Run shares with others that call the same connector: in a
// playbook hosts and programs are literal.
func laneOf(run bot.Run) string { return string(run.Kind) + " " + run.Playbook }

// work carries a Run and then those that queue for its place.
func (l *Leg) work(ctx, hard context.Context, run bot.Run) {
	id, name := run.ID, laneOf(run)
	for ok := true; ok; {
		if run.ID != 0 {
			l.carry(ctx, hard, run)
		}
		if id, name, ok = l.lanes.leave(id, name); !ok {
			return
		}
		run = bot.Run{}
		if ctx.Err() != nil {
			continue // empties the queue
		}
		if next, err := l.store.Run(ctx, id); err == nil && l.due(next) {
			run = next
		}
	}
}

// drain waits for the crew: politely, then after cutting what it does.
func (l *Leg) drain(crew *sync.WaitGroup, cut context.CancelCauseFunc) error {
	done := make(chan struct{})
	go func() { crew.Wait(); close(done) }()
	timer := time.NewTimer(l.opts.Grace)
	defer timer.Stop()
	select {
	case <-done:
		return nil
	case <-timer.C:
	}
	cut(errStopping)
	last := 2 * (l.opts.Patience + time.Second)
	timer.Reset(last)
	select {
	case <-done:
		return nil
	case <-timer.C:
		return fmt.Errorf("act: runs in flight did not end within %s of being cut; they are looked at at the next start", last)
	}
}

// recover takes up what an earlier process left without an outcome.
func (l *Leg) recover(ctx context.Context) {
	for wait := 100 * time.Millisecond; ctx.Err() == nil; wait = min(2*wait, 5*time.Second) {
		l.opts.Turned()
		err := l.recoverAll(ctx)
		if err == nil {
			return
		}
		l.opts.Log.WarnContext(ctx, "interrupted runs cannot be taken up yet", "error", err)
		pause(ctx, wait)
	}
}

// takeUp looks whether another process has left something without an outcome.
func (l *Leg) takeUp(ctx context.Context) {
	if l.opts.Lease == nil || time.Since(l.tookUp) < l.opts.Scan {
		return
	}
	l.tookUp = time.Now()
	if err := l.recoverAll(ctx); err != nil && ctx.Err() == nil {
		l.opts.Log.WarnContext(ctx, "interrupted runs cannot be taken up yet", "error", err)
	}
}

func (l *Leg) recoverAll(ctx context.Context) error {
	runs, err := l.store.Interrupted(ctx)
	if err != nil {
		return fmt.Errorf("read interrupted runs: %w", err)
	}
	for _, run := range runs {
		ctx := bot.About(ctx, run.Incident, run.ID)
		plan, err := l.store.Plan(ctx, run.Plan)
		if err != nil && !errors.Is(err, bot.ErrNotFound) {
			return fmt.Errorf("read the plan of %s: %w", run.ID, err)
		}
		e := &errand{leg: l, run: run, plan: plan}
		// Whoever else has written it since has it in hand.
		err = e.write(ctx, func(r bot.Run) bot.Run {
			if r.Version != run.Version {
				return r
			}
			return runner.Recovered(r, plan, l.now())
		})
		if err != nil {
			return err
		}
		l.opts.Log.InfoContext(ctx, "interrupted run taken up", "run", e.run.ID, "state", e.run.State)
	}
	return nil
}
