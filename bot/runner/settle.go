package runner

import (
	"fmt"
	"slices"
	"time"

	"salve/bot"
)

// Settle takes what a person says about a Run that waits. It gives a
// *bot.Refusal when the Run does not wait, or does not wait for that.
func Settle(run bot.Run, plan bot.Plan, say bot.Settlement, by bot.Actor, now time.Time) (bot.Run, error) {
	if run.State != bot.RunWaiting {
		return run, bot.Refuse(bot.RefusedState, fmt.Sprintf("%s does not wait for a person; it is %s.", run.ID, run.State), "")
	}
	run = own(run)
	switch say {
	case bot.SettleAbandon:
		return abandon(run, plan, by, now), nil
	case bot.SettleUndo:
		return undo(run, plan, by, now)
	case bot.SettleContinue:
		return resume(run, plan, now)
	case bot.SettleDone, bot.SettleNotDone, bot.SettleRetry:
		return judge(run, plan, say, by, now)
	default:
		return run, bot.Refuse(bot.RefusedInput, fmt.Sprintf("%q is not a way to settle a run.", say),
			"Say done, not-done, retry, undo, abandon or continue.")
	}
}

// open finds the step that a person has to judge: one that is unknown, or an
// undo that failed. It is -1 when a halt stopped the Run between steps.
func open(run bot.Run) int {
	return slices.IndexFunc(run.Steps, func(s bot.Step) bool {
		bad := s.State == bot.StepUnknown || s.Undo && s.State == bot.StepFailed
		return bad && s.SettledBy.Name == ""
	})
}

// judge settles the open step by a person's word.
func judge(run bot.Run, plan bot.Plan, say bot.Settlement, by bot.Actor, now time.Time) (bot.Run, error) {
	i := open(run)
	if i < 0 {
		return run, bot.Refuse(bot.RefusedState, fmt.Sprintf("No step of %s is unknown: %s.", run.ID, run.Reason), "Say continue, undo or abandon.")
	}
	s := &run.Steps[i]
	switch say {
	case bot.SettleRetry:
		s.State, run.DueAt, run.Reason = bot.StepPlanned, now, ""
		run.State = active(run)
		return run, nil
	case bot.SettleDone:
		s.State, s.SettledBy = bot.StepSucceeded, by
		return goOn(run, plan, now), nil
	}
	s.State, s.SettledBy, s.Untouched = bot.StepFailed, by, true
	if s.Undo {
		return goOn(run, plan, now), nil
	}
	run.Reason = fmt.Sprintf("%s says that step %s was not done", by.Name, s.ID)
	if run.CancelBy.Name != "" {
		return giveUp(run, plan, bot.RunCancelled, now), nil
	}
	return giveUp(run, plan, bot.RunFailed, now), nil
}

// active is the state that a waiting Run came from.
func active(run bot.Run) bot.RunState {
	switch {
	case run.Ending != "":
		return bot.RunUndoing
	case !run.VerifyBy.IsZero():
		return bot.RunVerifying
	case Begun(run):
		return bot.RunRunning
	default:
		return bot.RunPlanned
	}
}

func resume(run bot.Run, plan bot.Plan, now time.Time) (bot.Run, error) {
	if i := open(run); i >= 0 {
		return run, bot.Refuse(bot.RefusedState, fmt.Sprintf("%s of %s has to be judged first.", name(run.Steps[i]), run.ID),
			"Look at the target and say done, not-done or retry; or undo or abandon.")
	}
	run.State, run.Reason, run.DueAt = active(run), "", now
	if run.CancelBy.Name != "" && run.Ending == "" {
		return giveUp(run, plan, bot.RunCancelled, now), nil
	}
	return run, nil
}

func undo(run bot.Run, plan bot.Plan, by bot.Actor, now time.Time) (bot.Run, error) {
	i := open(run)
	if i >= 0 && run.Steps[i].Undo {
		return run, bot.Refuse(bot.RefusedState, fmt.Sprintf("%s is being undone already, and the %s went wrong.", run.ID, name(run.Steps[i])),
			"Say retry to try it again, done or not-done to go on with the rest, or abandon.")
	}
	ending := gaveUp(run)
	if i >= 0 {
		run.Steps[i].SettledBy = by
	}
	run.Reason = by.Name + " gave up: " + run.Reason
	return giveUp(run, plan, ending, now), nil
}

func abandon(run bot.Run, plan bot.Plan, by bot.Actor, now time.Time) bot.Run {
	ending := gaveUp(run)
	if i := open(run); i >= 0 {
		run.Steps[i].SettledBy = by
	}
	run.Reason = by.Name + " abandoned it, everything was left as it is: " + run.Reason
	return over(run, plan, ending, now)
}

// gaveUp is how a waiting Run ends when a person gives it up.
func gaveUp(run bot.Run) bot.RunState {
	switch {
	case run.Ending != "":
		return run.Ending
	case run.CancelBy.Name != "" || open(run) < 0:
		return bot.RunCancelled
	default:
		return bot.RunFailed
	}
}

// Cancel asks for the end of a Run. One that has not begun is cancelled at once;
// a step in flight is waited for; what was done is undone, newest first, as far
// as it can be. It gives a *bot.Refusal for a Run that is over, is being undone,
// or was cancelled already.
func Cancel(run bot.Run, by bot.Actor, now time.Time) (bot.Run, error) {
	switch {
	case !run.Active():
		return run, bot.Refuse(bot.RefusedState, fmt.Sprintf("%s is over already: %s.", run.ID, run.State), "")
	case run.Ending != "":
		return run, bot.Refuse(bot.RefusedState, fmt.Sprintf("%s is being undone already.", run.ID), "A run that waits can be settled.")
	case run.CancelBy.Name != "":
		return run, bot.Refuse(bot.RefusedState, fmt.Sprintf("%s is being cancelled already, by %s.", run.ID, run.CancelBy.Name), "")
	}
	run = own(run)
	run.CancelBy = by
	if InFlight(run) {
		return run, nil
	}
	if i := open(run); i >= 0 {
		run.Steps[i].SettledBy = by
	}
	run.Reason = by.Name + " cancelled it"
	if !Begun(run) {
		return over(run, bot.Plan{}, bot.RunCancelled, now), nil
	}
	run.State, run.Ending, run.DueAt = bot.RunUndoing, bot.RunCancelled, now
	return run, nil
}

// Stop makes a Run wait before its next step, as a halt demands; only
// Settle(continue, undo, abandon) moves it again. A step in flight, verification
// (which only reads), a Run that waits and one that is over are not stopped.
func Stop(run bot.Run, reason string, _ time.Time) bot.Run {
	switch run.State {
	case bot.RunPlanned, bot.RunRunning, bot.RunUndoing:
		if InFlight(run) {
			return run
		}
		return wait(own(run), reason)
	default:
		return run
	}
}

// Refuse ends a Run that a guardrail denies before its first step. One that has
// begun is stopped instead.
func Refuse(run bot.Run, reason string, now time.Time) bot.Run {
	if run.State != bot.RunPlanned || Begun(run) {
		return Stop(run, reason, now)
	}
	run = own(run)
	run.Reason = reason
	return over(run, bot.Plan{}, bot.RunCancelled, now)
}
