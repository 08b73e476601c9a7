package runner

import (
	"slices"
	"time"

	"salve/bot"
)

// MoveKind is what there is to do.
type MoveKind string

// The kinds of Move.
const (
	MoveStart  MoveKind = "start"  // start the step
	MoveUndo   MoveKind = "undo"   // start the undo of the step
	MoveVerify MoveKind = "verify" // ask the checks now
	MoveFinish MoveKind = "finish" // nothing is left to do: Finish
	MoveWait   MoveKind = "wait"   // nothing before At
	MoveFlight MoveKind = "flight" // a step is in flight
	MovePerson MoveKind = "person" // a person has to Settle it
	MoveOver   MoveKind = "over"   // the Run is over
)

// Move is what a Run does next.
type Move struct {
	Kind   MoveKind
	Step   int          // start: index in Run.Steps. undo: the same, or len(Run.Steps) for one that is not there yet
	ID     string       // start, undo: of the step
	Spec   bot.PlanStep // start, undo: what to do, from the plan
	At     time.Time    // wait: until when
	Reason string       // person: why
}

// Next tells what the Run does next. It changes nothing.
func Next(run bot.Run, plan bot.Plan, now time.Time) Move {
	switch {
	case !run.Active():
		return Move{Kind: MoveOver}
	case run.State == bot.RunWaiting:
		return Move{Kind: MovePerson, Reason: run.Reason}
	case InFlight(run):
		return Move{Kind: MoveFlight}
	case run.DueAt.After(now):
		return Move{Kind: MoveWait, At: run.DueAt}
	}
	switch run.State {
	case bot.RunPlanned, bot.RunRunning:
		return nextStep(run, plan)
	case bot.RunVerifying:
		return Move{Kind: MoveVerify}
	case bot.RunUndoing:
		return nextUndo(run, plan)
	default:
		return Move{Kind: MovePerson, Reason: "the run is in a state that this version does not know"}
	}
}

func nextStep(run bot.Run, plan bot.Plan) Move {
	for i, s := range run.Steps {
		if s.Undo || s.State != bot.StepPlanned {
			continue
		}
		spec, ok := specOf(plan, s)
		if !ok {
			return Move{Kind: MovePerson, Reason: "the plan has no step " + s.ID}
		}
		return Move{Kind: MoveStart, Step: i, ID: s.ID, Spec: spec}
	}
	return Move{Kind: MoveFinish}
}

// nextUndo finds the undo to start: one that was taken up and is planned again,
// else that of the newest step that may have acted and has an undo.
func nextUndo(run bot.Run, plan bot.Plan) Move {
	for i, s := range run.Steps {
		if !s.Undo || s.State != bot.StepPlanned {
			continue
		}
		spec, ok := specOf(plan, s)
		if !ok {
			return Move{Kind: MovePerson, Reason: "the plan has no undo of step " + s.ID}
		}
		return Move{Kind: MoveUndo, Step: i, ID: s.ID, Spec: spec}
	}
	for _, s := range slices.Backward(run.Steps) {
		if spec, ok := undoOf(run, plan, s); ok {
			return Move{Kind: MoveUndo, Step: len(run.Steps), ID: s.ID, Spec: spec}
		}
	}
	return Move{Kind: MoveFinish}
}

// undoOf gives the undo of a step that needs one and has not had it.
func undoOf(run bot.Run, plan bot.Plan, s bot.Step) (bot.PlanStep, bool) {
	if s.Undo || !s.MayHaveActed() {
		return bot.PlanStep{}, false
	}
	taken := slices.ContainsFunc(run.Steps, func(o bot.Step) bool { return o.Undo && o.ID == s.ID })
	if taken {
		return bot.PlanStep{}, false
	}
	return specOf(plan, bot.Step{ID: s.ID, Undo: true})
}

// Finish ends a Run that has nothing left to do: steps that are all done lead to
// verification or to unverified, undoing leads to Ending. Anything else stays as
// it is.
func Finish(run bot.Run, plan bot.Plan, now time.Time) bot.Run {
	if Next(run, plan, now).Kind != MoveFinish {
		return run
	}
	run = own(run)
	if run.State == bot.RunUndoing {
		return over(run, plan, run.Ending, now)
	}
	if plan.Verify == nil {
		run.Reason = "the playbook has no verification"
		return over(run, plan, bot.RunUnverified, now)
	}
	run.State, run.DueAt, run.VerifyBy = bot.RunVerifying, now, now.Add(plan.Verify.Within.Std())
	return run
}

// over makes the Run final. What can still be undone can be undone until then.
func over(run bot.Run, plan bot.Plan, state bot.RunState, now time.Time) bot.Run {
	if state.Active() || state == "" {
		state = bot.RunFailed // an undo always has an ending; this is the safe reading of a row without
	}
	run.State, run.EndedAt, run.DueAt = state, now, time.Time{}
	for i, s := range run.Steps {
		switch {
		case s.State != bot.StepPlanned:
		case s.Attempt == 0:
			run.Steps[i].State = bot.StepSkipped
		default:
			run.Steps[i].State = bot.StepUnknown
		}
	}
	undoable := func(s bot.Step) bool { _, ok := undoOf(run, plan, s); return ok }
	if plan.UndoUntil > 0 && plan.Kind != bot.PlanUndo && slices.ContainsFunc(run.Steps, undoable) {
		run.UndoUntil = now.Add(plan.UndoUntil.Std())
	}
	return run
}

// giveUp turns to undoing what was done, to end in the state given.
func giveUp(run bot.Run, plan bot.Plan, ending bot.RunState, now time.Time) bot.Run {
	run.State, run.Ending, run.DueAt = bot.RunUndoing, ending, now
	return Finish(run, plan, now)
}
