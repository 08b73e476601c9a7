package act

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"salve/bot"
)

// commitTimeout bounds one try to write. It does not follow the context of the
// leg: a write that was begun is waited for.
const commitTimeout = 30 * time.Second

// Pauses before another try.
const (
	minWait = 50 * time.Millisecond
	maxWait = 5 * time.Second
)

// backOff is the pause after the n-th failure.
func backOff(n int) time.Duration { return min(minWait<<min(n-1, 10), maxWait) }

// write applies a transition to the Run and commits it. After a conflict it
// reads the Run again and applies the transition to that. A transition that
// changes nothing is not written.
func (e *errand) write(ctx context.Context, apply func(bot.Run) bot.Run) error {
	for try := 0; ; try++ {
		after := apply(e.run)
		if reflect.DeepEqual(after, e.run) {
			return nil
		}
		err := e.commit(ctx, after)
		if !errors.Is(err, bot.ErrConflict) {
			return err
		}
		if try > 2 && !pause(ctx, time.Duration(min(try, 50))*10*time.Millisecond) {
			return fmt.Errorf("write %s: %w", e.run.ID, context.Cause(ctx))
		}
		if err := e.reread(ctx); err != nil {
			return err
		}
	}
}

// commit writes the Run as it is now to be, with its Events and what follows
// for others. A conflict is given back at once; any other failure is tried again
// as long as ctx lives, because a step may have been done that is not on record.
func (e *errand) commit(ctx context.Context, after bot.Run) error {
	for wait := minWait; ; wait = min(2*wait, maxWait) {
		err := e.commitOnce(ctx, after, nil)
		if err == nil {
			e.adopt(ctx, after)
			return nil
		}
		if errors.Is(err, bot.ErrConflict) {
			return err
		}
		if ctx.Err() == nil {
			e.leg.opts.Log.WarnContext(ctx, "run cannot be written yet", "run", after.ID, "error", err)
		}
		if !pause(ctx, wait) {
			return err
		}
	}
}

// adopt takes over what has been committed.
func (e *errand) adopt(ctx context.Context, after bot.Run) {
	after.Version++
	e.logEnd(ctx, after)
	e.run, e.failed = after, 0
}

func (e *errand) commitOnce(ctx context.Context, after bot.Run, verdict *bot.Verdict) error {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), commitTimeout,
		fmt.Errorf("the store did not answer within %s", commitTimeout))
	defer cancel()
	change, err := e.change(ctx, after, verdict)
	if err != nil {
		return err
	}
	if _, err := e.leg.store.Commit(ctx, change); err != nil {
		return fmt.Errorf("commit %s: %w", after.ID, err)
	}
	return nil
}

// change is the Run with its Events. When it ends or begins to wait, its
// Incident becomes due, so that the decide leg looks at it again.
func (e *errand) change(ctx context.Context, after bot.Run, verdict *bot.Verdict) (bot.Change, error) {
	now := e.leg.now()
	c := bot.Change{Runs: []bot.Run{after}, Events: tell(e.run, after, verdict, now)}
	if e.run.State == after.State || (after.Active() && after.State != bot.RunWaiting) {
		return c, nil
	}
	inc, err := e.incident(ctx, after.Incident)
	switch {
	case err == nil:
		inc.DueAt = now
		c.Incidents = []bot.Incident{inc}
	case !errors.Is(err, bot.ErrNotFound):
		return c, fmt.Errorf("read %s: %w", after.Incident, err)
	}
	return e.undone(ctx, c, after)
}

// incident is the Incident as the guard saw it a moment ago, else as it is now.
// Should it have changed since, the commit is a conflict and it is read again.
func (e *errand) incident(ctx context.Context, id bot.IncidentID) (bot.Incident, error) {
	if e.inc != nil {
		inc := *e.inc
		e.inc = nil
		return inc, nil
	}
	return e.leg.store.Incident(ctx, id)
}

// undone marks the Run that this one has undone.
func (e *errand) undone(ctx context.Context, c bot.Change, after bot.Run) (bot.Change, error) {
	done := after.State == bot.RunFixed || after.State == bot.RunUnverified
	if e.plan.Kind != bot.PlanUndo || e.plan.Undoes == 0 || !done {
		return c, nil
	}
	of, err := e.leg.store.Run(ctx, e.plan.Undoes)
	if errors.Is(err, bot.ErrNotFound) {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("read %s: %w", e.plan.Undoes, err)
	}
	of.UndoneBy = after.ID
	c.Runs = append(c.Runs, of)
	return c, nil
}

func (e *errand) logEnd(ctx context.Context, after bot.Run) {
	switch {
	case after.State == e.run.State:
	case after.State == bot.RunWaiting:
		e.leg.opts.Log.WarnContext(ctx, "run waits for a person", "run", after.ID, "playbook", after.Playbook,
			"target", after.Target, "reason", after.Reason)
	case !after.Active():
		e.leg.opts.Log.InfoContext(ctx, "run ended", "run", after.ID, "playbook", after.Playbook,
			"target", after.Target, "state", after.State)
	}
}
