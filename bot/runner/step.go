package runner

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"salve/bot"
)

// Result is what an Action gave for the step in flight. Text in it is masked
// and capped already.
type Result struct {
	Outcome bot.StepOutcome
	Err     error
	Cut     bool // it was cut short from outside: what it did is not known
}

// Started marks the step of a start or undo Move as started by the process of
// this epoch. It must be committed before anything is done. A Move of another
// kind, or one that does not fit the Run, changes nothing.
func Started(run bot.Run, move Move, epoch int64, now time.Time) bot.Run {
	undo := move.Kind == MoveUndo
	if (move.Kind != MoveStart && !undo) || InFlight(run) || !run.Active() || move.Step > len(run.Steps) {
		return run
	}
	run = own(run)
	if move.Step == len(run.Steps) {
		run.Steps = append(run.Steps, bot.Step{ID: move.ID, Undo: true, State: bot.StepPlanned})
	}
	s := &run.Steps[move.Step]
	if s.ID != move.ID || s.Undo != undo || s.State != bot.StepPlanned {
		return run
	}
	s.State, s.Attempt, s.Key = bot.StepStarted, s.Attempt+1, cmp.Or(s.Key, Key(run, s.ID, s.Undo))
	s.StartedAt, s.EndedAt = now, time.Time{}
	run.Epoch, run.DueAt = epoch, time.Time{}
	if !undo {
		run.State = bot.RunRunning
	}
	if run.StartedAt.IsZero() {
		run.StartedAt = now
	}
	return run
}

// PutBack takes back that the step in flight was started, when it is known that
// nothing was done: it is planned again, as it was.
func PutBack(run bot.Run, now time.Time) bot.Run {
	i := flying(run)
	if i < 0 {
		return run
	}
	run = own(run)
	s := &run.Steps[i]
	s.State, s.Attempt, s.StartedAt = bot.StepPlanned, s.Attempt-1, time.Time{}
	run.DueAt = now
	return run
}

// Order is what the Action is asked to do for the step in flight; false when
// none is.
func Order(run bot.Run, plan bot.Plan) (bot.StepOrder, bot.PlanStep, bool) {
	i := flying(run)
	if i < 0 {
		return bot.StepOrder{}, bot.PlanStep{}, false
	}
	s := run.Steps[i]
	spec, ok := specOf(plan, s)
	return bot.StepOrder{
		Run: run.ID, Step: s.ID, Target: run.Target, Action: spec.Action,
		Args: spec.Args, Key: s.Key, Attempt: s.Attempt,
	}, spec, ok
}

// Ended takes the outcome of the step in flight; without one it changes
// nothing. After a success the next step is due at once. An uncertain outcome is
// retried later if that is harmless, else the Run waits for a person. A failure
// turns to undoing.
func Ended(run bot.Run, plan bot.Plan, res Result, now time.Time) bot.Run {
	i := flying(run)
	if i < 0 {
		return run
	}
	run = own(run)
	s := &run.Steps[i]
	s.EndedAt, s.Output, s.Fields, s.Error = now, res.Outcome.Output, res.Outcome.Fields, ""
	if res.Err != nil {
		s.Error = res.Err.Error()
	}
	switch {
	case res.Err == nil:
		s.State = bot.StepSucceeded
		return goOn(run, plan, now)
	case errors.Is(res.Err, bot.ErrUncertain):
		return uncertain(run, plan, i, now)
	default:
		s.State = bot.StepFailed
		s.Untouched = s.Attempt == 1 && errors.Is(res.Err, bot.ErrUntouched)
		return failed(run, plan, i, now)
	}
}

// goOn continues after a step whose fate is known.
func goOn(run bot.Run, plan bot.Plan, now time.Time) bot.Run {
	run.DueAt = now
	if run.Ending != "" {
		run.State = bot.RunUndoing
		return Finish(run, plan, now)
	}
	if run.CancelBy.Name != "" {
		return giveUp(run, plan, bot.RunCancelled, now)
	}
	run.State, run.Reason = bot.RunRunning, ""
	return Finish(run, plan, now)
}

func failed(run bot.Run, plan bot.Plan, i int, now time.Time) bot.Run {
	s := run.Steps[i]
	if s.Undo {
		return wait(run, fmt.Sprintf("UNDO FAILED: the undo of step %s on %s failed: %s. The target stays locked until a person settles this run.",
			s.ID, run.Target, s.Error))
	}
	run.Reason = fmt.Sprintf("step %s failed: %s", s.ID, s.Error)
	if run.CancelBy.Name != "" {
		return giveUp(run, plan, bot.RunCancelled, now)
	}
	return giveUp(run, plan, bot.RunFailed, now)
}

// uncertain decides what becomes of a step of which nobody knows whether it
// happened: again later, or a person.
func uncertain(run bot.Run, plan bot.Plan, i int, now time.Time) bot.Run {
	s := &run.Steps[i]
	spec, ok := specOf(plan, *s)
	if ok && repeatable(spec) && s.Attempt < MaxAttempts {
		s.State = bot.StepPlanned
		run.DueAt = now.Add(backoff(s.Attempt))
		return run
	}
	return unknown(run, i, now)
}

func unknown(run bot.Run, i int, now time.Time) bot.Run {
	s := &run.Steps[i]
	s.State, s.EndedAt = bot.StepUnknown, now
	why := s.Error
	if why == "" {
		why = bot.ErrUncertain.Error()
	}
	reason := fmt.Sprintf("%s may or may not have taken effect on %s (attempt %d): %s. Look at the target and say what became of it.",
		name(*s), run.Target, s.Attempt, why)
	if s.Undo {
		reason = "UNDO UNKNOWN: " + reason + " The target stays locked until then."
	}
	return wait(run, reason)
}

// backoff is how long the nth attempt's successor waits: 2 s, 8 s, 32 s ...
func backoff(attempt int) time.Duration {
	return 2 * time.Second << (2 * min(max(attempt-1, 0), 4))
}

func wait(run bot.Run, reason string) bot.Run {
	run.State, run.Reason, run.DueAt = bot.RunWaiting, reason, time.Time{}
	return run
}

// Recovered takes up a Run whose process died: a step that was started and has
// no outcome is planned again if repeating is harmless and attempts are left (a
// step that only reads has no limit here: a wait outlives any number of
// restarts), else it is unknown and the Run waits for a person. A Run that waits or is over
// stays as it is.
func Recovered(run bot.Run, plan bot.Plan, now time.Time) bot.Run {
	if !run.Active() || run.State == bot.RunWaiting {
		return run
	}
	run = own(run)
	i := flying(run)
	if i < 0 {
		run.DueAt = now
		return run
	}
	s := &run.Steps[i]
	s.EndedAt, s.Error = now, "salve stopped before an answer came"
	spec, ok := specOf(plan, *s)
	if ok && repeatable(spec) && (s.Attempt < MaxAttempts || spec.Effect == bot.EffectReads) {
		s.State, run.DueAt = bot.StepPlanned, now
		return run
	}
	return unknown(run, i, now)
}
