package act

import (
	"context"
	"errors"
	"fmt"
	"time"

	"salve/bot"
	"salve/bot/runner"
)

// errand is one Run in the hands of one goroutine, as it was last read or
// written.
type errand struct {
	leg  *Leg
	run  bot.Run
	plan bot.Plan
	inc  *bot.Incident // as the guard saw it; nil when it has to be read

	failed int // starts that could not be written, one after the other
}

// carry takes the Run as far as it goes without waiting. ctx ends the taking of
// new steps, hard cuts the one in flight. What fails is tried again by a later
// scan: the row stays due.
func (l *Leg) carry(ctx, hard context.Context, run bot.Run) {
	ctx, hard = bot.About(ctx, run.Incident, run.ID), bot.About(hard, run.Incident, run.ID)
	e := &errand{leg: l, run: run}
	if err := e.read(ctx); err != nil {
		l.complain(ctx, e, err)
		return
	}
	for ctx.Err() == nil {
		more, err := e.move(ctx, hard)
		if err != nil {
			l.complain(ctx, e, err)
			return
		}
		if !more {
			return
		}
	}
}

func (l *Leg) complain(ctx context.Context, e *errand, err error) {
	if ctx.Err() == nil {
		l.opts.Log.WarnContext(ctx, "run is held up", "run", e.run.ID, "error", err)
	}
}

// read loads the plan. Without it the run waits for a person.
func (e *errand) read(ctx context.Context) error {
	plan, err := e.leg.store.Plan(ctx, e.run.Plan)
	if errors.Is(err, bot.ErrNotFound) {
		return e.write(ctx, func(r bot.Run) bot.Run { return runner.Stop(r, "its plan is not in the store", e.leg.now()) })
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", e.run.Plan, err)
	}
	e.plan = plan
	return nil
}

// move makes the next move; it reports whether there may be another at once.
func (e *errand) move(ctx, hard context.Context) (bool, error) {
	m := runner.Next(e.run, e.plan, e.leg.now())
	switch m.Kind {
	case runner.MoveStart, runner.MoveUndo:
		return true, e.begin(ctx, hard, m)
	case runner.MoveVerify:
		return true, e.verify(ctx)
	case runner.MoveFinish:
		return true, e.write(ctx, func(r bot.Run) bot.Run { return runner.Finish(r, e.plan, e.leg.now()) })
	case runner.MovePerson:
		if e.run.State == bot.RunWaiting {
			return false, nil
		}
		return false, e.write(ctx, func(r bot.Run) bot.Run { return runner.Stop(r, m.Reason, e.leg.now()) })
	default:
		return false, nil
	}
}

// begin asks for leave, commits that the step is started, and carries it out
// together with those that follow in the same breath.
func (e *errand) begin(ctx, hard context.Context, m runner.Move) error {
	if err := e.leg.lapsed(hard); err != nil {
		return err
	}
	leave, err := e.ask(ctx, m)
	if err != nil {
		return err
	}
	if !leave.granted {
		return e.write(ctx, func(r bot.Run) bot.Run { return runner.Refuse(r, leave.reason, e.leg.now()) })
	}
	started := runner.Started(e.run, m, e.leg.store.Epoch(), e.leg.now())
	flying, err := e.launch(ctx, started, leave.verdict)
	for flying && err == nil {
		flying, err = e.record(ctx, hard, e.perform(hard))
	}
	return err
}

// errLapsed is why a step was not begun although it is on record.
var errLapsed = errors.New("the lease ended before the step began")

// lapsed says why nothing may begin now, where processes share the store.
func (l *Leg) lapsed(ctx context.Context) error {
	if l.opts.Lease == nil {
		return nil
	}
	held, release := l.opts.Lease.Held(ctx)
	defer release()
	return context.Cause(held)
}

// perform carries out the step in flight while the lease holds.
func (e *errand) perform(hard context.Context) runner.Result {
	if e.leg.opts.Lease == nil {
		return e.leg.do(hard, e)
	}
	held, release := e.leg.opts.Lease.Held(hard)
	defer release()
	if held.Err() != nil && hard.Err() == nil {
		return runner.Result{Err: fmt.Errorf("%w: %w", errLapsed, context.Cause(held))}
	}
	res := e.leg.do(held, e)
	if res.Err != nil && held.Err() != nil && !errors.Is(res.Err, bot.ErrUntouched) {
		res.Cut = true
	}
	return res
}

// launch commits a Run with a step started and reports whether the step may be
// carried out. It is tried once: whoever comes back later asks the guard again.
// After a conflict the Run is what the store says; if that is our own started
// step, whose commit went through although its answer was lost, the step is on
// disk and nobody has done it: it may be.
func (e *errand) launch(ctx context.Context, started bot.Run, verdict *bot.Verdict) (bool, error) {
	asked := time.Now()
	err := e.commitOnce(ctx, started, verdict)
	switch {
	case err == nil:
		e.adopt(ctx, started)
		return true, nil
	case errors.Is(err, bot.ErrConflict):
		if err := e.reread(ctx); err != nil {
			return false, err
		}
		return e.isOurs(e.run, started), nil
	default:
		return e.unclear(ctx, started, asked, err)
	}
}

// isOurs reports whether the step in flight is the one that we wanted to start.
func (e *errand) isOurs(run, started bot.Run) bool {
	want, _, _ := runner.Order(started, e.plan)
	have, _, flying := runner.Order(run, e.plan)
	return flying && have.Key == want.Key && have.Attempt == want.Attempt && run.Epoch == started.Epoch
}

// fresh is how old the guard's word may be when a step begins.
const fresh = 2 * time.Second

// unclear finds out what became of a start whose commit failed. If it is on disk
// after all, the step may be carried out, unless the guard's word is old by now:
// a halt may stand. Then the start is taken back, and the next move asks again.
func (e *errand) unclear(ctx context.Context, started bot.Run, asked time.Time, err error) (bool, error) {
	e.failed++
	if ctx.Err() == nil {
		e.leg.opts.Log.WarnContext(ctx, "step cannot start yet", "run", started.ID, "error", err)
	}
	if !pause(ctx, backOff(e.failed)) {
		return false, err
	}
	if rerr := e.reread(ctx); rerr != nil {
		return false, errors.Join(err, rerr)
	}
	if e.isOurs(e.run, started) && time.Since(asked) < fresh {
		return true, nil
	}
	return false, e.write(ctx, func(r bot.Run) bot.Run {
		if !e.isOurs(r, started) {
			return r
		}
		return runner.PutBack(r, e.leg.now())
	})
}

// reread loads the Run after a conflict. Its Incident is read when it is wanted.
// It is tried as long as ctx lives: the row may say that a step is in flight, and
// while this process lives nobody else would take that up.
func (e *errand) reread(ctx context.Context) error {
	for wait := minWait; ; wait = min(2*wait, maxWait) {
		run, err := e.leg.store.Run(context.WithoutCancel(ctx), e.run.ID)
		if err == nil {
			e.run, e.inc = run, nil
			return nil
		}
		if errors.Is(err, bot.ErrNotFound) || !pause(ctx, wait) {
			return fmt.Errorf("read %s again: %w", e.run.ID, err)
		}
	}
}

// verify asks the checks that have not held yet.
func (e *errand) verify(ctx context.Context) error {
	now := e.leg.now()
	var results []bot.CheckResult
	for _, c := range runner.Pending(e.run, e.plan) {
		r := e.leg.checker.Check(ctx, c, e.run, now)
		r.Reason = e.leg.text(r.Reason, maxError)
		results = append(results, r)
	}
	if ctx.Err() != nil {
		return nil // the checks were cut; the row is still due
	}
	return e.write(ctx, func(r bot.Run) bot.Run { return runner.Verified(r, e.plan, results, e.leg.now()) })
}

// record commits what became of the step in flight and, if nothing is in the
// way, that the next one is started: one commit for both. It reports whether a
// step is to be carried out afterwards.
func (e *errand) record(ctx, hard context.Context, res runner.Result) (bool, error) {
	mine, lapsed := e.run, errors.Is(res.Err, errLapsed)
	end := func(r bot.Run) bot.Run {
		switch {
		case !e.isOurs(r, mine):
			return r // recorded already
		case lapsed:
			return runner.PutBack(r, e.leg.now())
		case res.Cut || res.Err != nil && hard.Err() != nil:
			return runner.Recovered(r, e.plan, e.leg.now())
		default:
			return runner.Ended(r, e.plan, res, e.leg.now())
		}
	}
	if next, ok := e.chain(ctx, end(e.run)); ok && !lapsed {
		if flying, err := e.launch(hard, next, nil); flying || err != nil {
			return flying, err
		}
	}
	return false, e.write(hard, end)
}

// chain gives the Run with its next step started, if there is one that may start
// now.
func (e *errand) chain(ctx context.Context, ended bot.Run) (bot.Run, bool) {
	m := runner.Next(ended, e.plan, e.leg.now())
	if ctx.Err() != nil || (m.Kind != runner.MoveStart && m.Kind != runner.MoveUndo) {
		return ended, false
	}
	leave, err := e.ask(ctx, m)
	if err != nil || !leave.granted {
		return ended, false // asked again after the outcome is on disk
	}
	return runner.Started(ended, m, e.leg.store.Epoch(), e.leg.now()), true
}
