package bot

import "time"

// Verb is what a person asks for. The set is one for every surface.
type Verb string

// The verbs.
const (
	VerbApprove  Verb = "approve"
	VerbDeny     Verb = "deny"
	VerbTake     Verb = "take"
	VerbRelease  Verb = "release"
	VerbAssign   Verb = "assign"
	VerbNote     Verb = "note"
	VerbClose    Verb = "close"
	VerbReopen   Verb = "reopen"
	VerbMerge    Verb = "merge"
	VerbSplit    Verb = "split"
	VerbSnooze   Verb = "snooze"
	VerbHandover Verb = "handover"
	VerbRun      Verb = "run"
	VerbUndo     Verb = "undo"
	VerbCancel   Verb = "cancel"
	VerbSettle   Verb = "settle"
	VerbHalt     Verb = "halt"
	VerbResume   Verb = "resume"
	VerbReplay   Verb = "replay"
	VerbDiscard  Verb = "discard"
	VerbClaim    Verb = "claim"   // hold a target without an incident: automation keeps off it
	VerbUnclaim  Verb = "unclaim" // give it back
	VerbRaise    Verb = "raise"   // make an incident of what a person says
)

// Settlement is what a person says about a Run that waits.
type Settlement string

// The settlements. done and not-done say what became of the unknown step and go
// on; retry carries it out again; undo gives up and undoes what was done;
// abandon gives up and leaves everything as it is; continue goes on after a halt.
const (
	SettleDone     Settlement = "done"
	SettleNotDone  Settlement = "not-done"
	SettleRetry    Settlement = "retry"
	SettleUndo     Settlement = "undo"
	SettleAbandon  Settlement = "abandon"
	SettleContinue Settlement = "continue"
)

// Command is what a person said, understood but not yet allowed. Fields that a
// verb does not use are zero.
type Command struct {
	Verb       Verb              `json:"verb"`
	By         Person            `json:"-"` // who the surface proved it to be; zero: nobody knows
	Surface    string            `json:"-"` // console, cli, slack
	Caller     string            `json:"-"` // how an unknown caller is written down: "uid 1000"
	Incident   IncidentID        `json:"incident,omitempty"`
	Run        RunID             `json:"run,omitempty"`
	Approval   ApprovalID        `json:"approval,omitempty"` // run: the open question that Params change
	Quarantine QuarantineID      `json:"quarantine,omitempty"`
	Digest     string            `json:"digest,omitempty"` // approve, deny: at least 8 characters of it
	Reason     string            `json:"reason,omitempty"` // deny, close, halt; note: the text; handover: the message
	To         string            `json:"to,omitempty"`     // assign, handover: a person's id
	Into       IncidentID        `json:"into,omitempty"`   // merge: the incident that stays
	Alerts     []string          `json:"alerts,omitempty"` // split: fingerprints that move out
	For        Duration          `json:"for,omitempty"`    // snooze, claim
	Playbook   string            `json:"playbook,omitempty"`
	Params     map[string]string `json:"params,omitempty"`
	Scope      HaltScope         `json:"scope,omitempty"` // halt, resume; empty: all
	Name       string            `json:"name,omitempty"`  // halt, resume: of the playbook or target; claim, unclaim: the target
	Settle     Settlement        `json:"settle,omitempty"`
	Seen       int64             `json:"seen,omitempty"`     // settle: the Version of the run that the person looked at; 0: whatever it is, which the API refuses
	Title      string            `json:"title,omitempty"`    // raise
	Severity   Severity          `json:"severity,omitempty"` // raise
	Basis      Basis             `json:"-"`                  // what the surface adds to the record of a decision
}

// Basis is what a decision rests on, as the surface that took it knows it. It is
// written into the Event of the vote. Only a surface that vouches for its own
// groups names Groups: they count for this command as if By were in them.
type Basis struct {
	Transport  string    // socket, http, gateway, console, cli
	Identity   string    // the surface's id of the person, tenant included
	Place      string    // the channel
	Message    string    // Ref of the Message that was pressed
	Gesture    string    // Key of the Gesture
	Shown      string    // the text that the person read when they pressed
	Groups     []string  // those that come of the surface's own groups
	GroupsAt   time.Time // when they were read
	ReceivedAt time.Time
}

// Actor is who the Command is by, as Events say it.
func (c Command) Actor() Actor {
	if c.By.ID == "" {
		return Actor{Name: c.Caller + " (unknown)", Surface: c.Surface}
	}
	return Actor{Person: c.By.ID, Name: c.By.Name, Surface: c.Surface}
}

// Answer is what a Command did, for the person who gave it. A refused Command
// gives a *Refusal instead.
type Answer struct {
	Text       string       `json:"text"` // one or two sentences: what happened and what is next
	Incident   IncidentID   `json:"incident,omitempty"`
	Approval   ApprovalID   `json:"approval,omitempty"`
	Run        RunID        `json:"run,omitempty"`
	Quarantine QuarantineID `json:"quarantine,omitempty"`
	Repeated   bool         `json:"repeated,omitempty"` // it was so already; nothing changed
}
