package bot

import (
	"slices"
	"time"
)

// RunState is where a Run stands.
type RunState string

// The states of a Run. planned, running, verifying and undoing go on by
// themselves. waiting needs a person: a step is unknown, or a halt stopped it.
// The others are final.
const (
	RunPlanned   RunState = "planned"
	RunRunning   RunState = "running"
	RunVerifying RunState = "verifying"
	RunUndoing   RunState = "undoing"
	RunWaiting   RunState = "waiting"

	RunFixed      RunState = "fixed"      // all steps done and verified
	RunNotFixed   RunState = "not_fixed"  // steps done, verification says it did not help; undone if it could be
	RunUnverified RunState = "unverified" // steps done, verification could not tell, or the playbook has none
	RunFailed     RunState = "failed"     // a step failed; what could be undone was
	RunCancelled  RunState = "cancelled"  // stopped by a person or refused by a guardrail before its first step
)

// Active reports whether the Run still holds its target.
func (s RunState) Active() bool {
	switch s {
	case RunPlanned, RunRunning, RunVerifying, RunUndoing, RunWaiting:
		return true
	case RunFixed, RunNotFixed, RunUnverified, RunFailed, RunCancelled:
		return false
	default:
		return true // an unknown state keeps its lock
	}
}

// StepState is where a Step stands.
type StepState string

// The states of a Step. started is written before anything leaves the process;
// a started step whose outcome was lost becomes unknown.
const (
	StepPlanned   StepState = "planned"
	StepStarted   StepState = "started"
	StepSucceeded StepState = "succeeded"
	StepFailed    StepState = "failed"
	StepUnknown   StepState = "unknown"
	StepSkipped   StepState = "skipped"
)

// Step is one step of a Run with what became of it.
type Step struct {
	ID        string            `json:"id"`
	Undo      bool              `json:"undo,omitempty"` // it undoes the step of the same ID
	State     StepState         `json:"state"`
	Attempt   int               `json:"attempt,omitempty"`
	Key       string            `json:"key,omitempty"` // idempotency key sent to the far end, the same for every attempt
	StartedAt time.Time         `json:"started_at,omitzero"`
	EndedAt   time.Time         `json:"ended_at,omitzero"`
	Output    string            `json:"output,omitempty"`    // masked, capped
	Error     string            `json:"error,omitempty"`     // masked
	Fields    map[string]string `json:"fields,omitempty"`    // outputs by name
	Untouched bool              `json:"untouched,omitempty"` // failed, and it certainly touched nothing: there is nothing to undo
	SettledBy Actor             `json:"settled_by,omitzero"` // the person who said what became of an unknown step
}

// begun reports whether the step was ever started; one that is to be repeated is
// planned again.
func (s Step) begun() bool {
	switch s.State {
	case StepPlanned:
		return s.Attempt > 0
	case StepSkipped:
		return false
	default:
		return true
	}
}

// MayHaveActed reports whether the step may have touched the target, so that
// giving up undoes it: it was begun, and did not fail in a way that certainly
// touched nothing.
func (s Step) MayHaveActed() bool {
	return s.begun() && (s.State != StepFailed || !s.Untouched)
}

// Fix is what verification found.
type Fix string

// The results of verification. unknown is not success.
const (
	FixPending Fix = ""
	FixYes     Fix = "fixed"
	FixNo      Fix = "not fixed"
	FixUnknown Fix = "unknown"
)

// CheckResult is the last result of one check.
type CheckResult struct {
	ID     string    `json:"id"`
	Fix    Fix       `json:"fix"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// Run is a Plan being carried out.
type Run struct {
	ID        RunID         `json:"id"`
	Version   int64         `json:"version"`
	Incident  IncidentID    `json:"incident"`
	Plan      PlanID        `json:"plan"`
	Approval  ApprovalID    `json:"approval,omitempty"` // zero: ran by itself
	Digest    Digest        `json:"digest"`
	Kind      PlanKind      `json:"kind"`
	Playbook  string        `json:"playbook"`
	Target    string        `json:"target"`
	State     RunState      `json:"state"`
	Epoch     int64         `json:"epoch"`           // of the process that last started a step
	DueAt     time.Time     `json:"due_at,omitzero"` // when the act leg takes it up; zero: a step is in flight, it waits for a person, or it is over
	Steps     []Step        `json:"steps"`           // in the order of the plan; undo steps are appended as they are taken up
	Fix       Fix           `json:"fix,omitempty"`
	Checks    []CheckResult `json:"checks,omitempty"`
	VerifyBy  time.Time     `json:"verify_by,omitzero"`
	Ending    RunState      `json:"ending,omitempty"`   // the final state to take when undoing is over
	Reason    string        `json:"reason,omitempty"`   // why it waits, failed or was cancelled
	CancelBy  Actor         `json:"cancel_by,omitzero"` // who asked to cancel; seen before the next step
	StartedBy Actor         `json:"started_by"`
	CreatedAt time.Time     `json:"created_at"`
	StartedAt time.Time     `json:"started_at,omitzero"`
	EndedAt   time.Time     `json:"ended_at,omitzero"`
	UndoneBy  RunID         `json:"undone_by,omitempty"`
	UndoUntil time.Time     `json:"undo_until,omitzero"`
}

// Active reports whether the Run still holds its target.
func (r Run) Active() bool { return r.State.Active() }

// Changed reports whether any step was begun, so that the target may not be as it
// was. A step that was begun and certainly did not reach the target counts: for
// how often something is tried it makes no difference.
func (r Run) Changed() bool { return slices.ContainsFunc(r.Steps, Step.begun) }

// StepOrder is what an Action is asked to do.
type StepOrder struct {
	Run     RunID
	Step    string
	Target  string
	Action  string
	Args    map[string]any
	Key     string // idempotency key; stable over attempts
	Attempt int
}

// StepOutcome is what an Action did. An error beside it means that the step
// failed, unless it wraps ErrUncertain.
type StepOutcome struct {
	Output string            // masked and capped by the caller
	Fields map[string]string // outputs by name
}

// ErrUncertain wraps an Action's error when the request may have taken effect
// although no answer came: a timeout after sending, a connection cut.
var ErrUncertain = uncertain{}

// ErrUntouched wraps an Action's error when it is certain that nothing was
// touched: a bad argument, a connection refused before anything was sent.
// Without it a failed step may have done part of its work.
var ErrUntouched = untouched{}

type uncertain struct{}

type untouched struct{}

func (untouched) Error() string { return "nothing was touched" }

func (uncertain) Error() string { return "it is not known whether this took effect" }

// Probe is the result of a check's probe, over which its expectation is
// evaluated.
type Probe struct {
	Status int               `json:"status"` // HTTP status or exit code
	Body   string            `json:"body"`   // capped
	Fields map[string]string `json:"fields"`
	Took   Duration          `json:"took"`
}
