// Package runner carries out a Plan: it says what a Run does next and what
// becomes of it. It is a pure state machine over bot.Run and bot.Plan; the act
// leg does the committing and the acting.
//
//	                      Cancel, refused by the guard
//	planned ───────────────────────────────────────────────► cancelled
//	   │ Started
//	   ▼       Ended: last step            Verified: all hold
//	running ─────────────────► verifying ──────────────────► fixed
//	   │                          │ │ could not tell
//	   │  (no verification ───────┼─┴──────────────────────► unverified)
//	   │ a step failed, Cancel    │ checks say no
//	   ▼                          ▼
//	undoing ◄─────────────────────┘
//	   │ every undo done, newest first, once each
//	   └────────────────────────────────► failed, not_fixed or cancelled (Ending)
//
//	planned, running, undoing ──Stop, a step unknown, an undo failed──► waiting
//	waiting ──Settle──► running, verifying, undoing or a final state
//
// A step goes planned, started, then succeeded, failed or unknown. It goes back
// from started to planned only when nobody knows whether it happened and
// repeating is harmless: its Repeat is safe or keyed, or it only reads. A person
// who says retry takes an unknown step back as well.
//
// Promises: no step is started twice but for these two reasons; each step is
// undone at most once; final states stay final; a Run that is passed in is never
// changed in place. Verification that could not tell ends the Run unverified and
// undoes nothing: unknown is not success, and a fix that may have worked is not
// taken back without a person.
//
// It assumes that the Plan is the one that the Run was made from. Where the two
// do not fit, the Run waits for a person.
package runner

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"salve/bot"
)

// MaxAttempts is how often a step is started without a person saying so.
const MaxAttempts = 3

// Action performs one kind of step. Do is called at most once for each started
// attempt, with a deadline in ctx. An error that wraps bot.ErrUncertain means
// that nobody knows whether the step took effect; one that wraps
// bot.ErrUntouched, that it certainly did not; any other, that it failed and may
// have done part of its work.
type Action interface {
	Info() bot.ActionInfo
	Do(ctx context.Context, order bot.StepOrder) (bot.StepOutcome, error)
}

// New makes the Run of a Plan, due at once. approval is zero for a Run that
// starts by itself.
func New(id bot.RunID, plan bot.Plan, by bot.Actor, approval bot.ApprovalID, now time.Time) bot.Run {
	steps := make([]bot.Step, 0, len(plan.Steps))
	for _, s := range plan.Steps {
		steps = append(steps, bot.Step{ID: s.ID, State: bot.StepPlanned})
	}
	return bot.Run{
		ID: id, Incident: plan.Incident, Plan: plan.ID, Approval: approval, Digest: plan.Digest, Kind: plan.Kind,
		Playbook: plan.Playbook, Target: plan.Target, State: bot.RunPlanned, Steps: steps,
		StartedBy: by, CreatedAt: now, DueAt: now,
	}
}

// Key is the idempotency key of a step: the same for every attempt, another for
// every Run, step and undo. The time of the Run is in it because its number is
// not enough: after a restore numbers are given again, and a far end that
// remembers the earlier one would do nothing and say that it had.
func Key(run bot.Run, step string, undo bool) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d\x00%s\x00%t", run.ID, run.CreatedAt.UnixMilli(), step, undo))
	return hex.EncodeToString(sum[:])
}

// Begun reports whether any step was ever started. Before that a Run can be
// refused without a trace on its target.
func Begun(run bot.Run) bool {
	return slices.ContainsFunc(run.Steps, func(s bot.Step) bool { return s.Attempt > 0 })
}

// InFlight reports whether a step is started and has no outcome.
func InFlight(run bot.Run) bool { return flying(run) >= 0 }

func flying(run bot.Run) int {
	return slices.IndexFunc(run.Steps, func(s bot.Step) bool { return s.State == bot.StepStarted })
}

// specOf finds what the plan says about a step of the Run.
func specOf(plan bot.Plan, s bot.Step) (bot.PlanStep, bool) {
	i := slices.IndexFunc(plan.Steps, func(p bot.PlanStep) bool { return p.ID == s.ID })
	switch {
	case i < 0:
		return bot.PlanStep{}, false
	case !s.Undo:
		return plan.Steps[i], true
	case plan.Steps[i].Undo == nil:
		return bot.PlanStep{}, false
	default:
		return *plan.Steps[i].Undo, true
	}
}

// repeatable reports whether carrying the step out again is harmless.
func repeatable(p bot.PlanStep) bool {
	return p.Repeat == bot.RepeatSafe || p.Repeat == bot.RepeatKeyed || p.Effect == bot.EffectReads
}

// own gives the Run steps of its own, so that the caller's stay as they are.
func own(run bot.Run) bot.Run {
	run.Steps = slices.Clone(run.Steps)
	run.Checks = slices.Clone(run.Checks)
	return run
}

func name(s bot.Step) string {
	if s.Undo {
		return "undo of " + s.ID
	}
	return "step " + s.ID
}
