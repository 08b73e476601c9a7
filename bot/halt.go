package bot

import "time"

// HaltScope is what a Halt stops.
type HaltScope string

// The scopes of a Halt.
const (
	HaltAll      HaltScope = "all"
	HaltPlaybook HaltScope = "playbook"
	HaltTarget   HaltScope = "target"
)

// Halt stops Runs before their next step until a person lifts it.
type Halt struct {
	Scope  HaltScope `json:"scope"`
	Name   string    `json:"name,omitempty"` // of the playbook or target
	By     Actor     `json:"by"`
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
	Flag   bool      `json:"flag,omitempty"` // it is the flag file, which works without the store
	Lifted bool      `json:"-"`              // in a Change: remove the one that was set At; ErrConflict if another stands, or none
}

// Stops reports whether the Halt covers this playbook on this target.
func (h Halt) Stops(playbook, target string) bool {
	switch h.Scope {
	case HaltPlaybook:
		return h.Name == playbook
	case HaltTarget:
		return h.Name == target
	default:
		return true // all, and what is not known
	}
}

// Claim is a person's hold on a target, through an Incident that they took, or
// for a time. Automation on the target pauses for everybody until it is released
// or over.
type Claim struct {
	Target   string     `json:"target"`
	Incident IncidentID `json:"incident"` // 0: none; then Until says when it is over
	Holder   PersonID   `json:"holder"`
	Name     string     `json:"name"`
	At       time.Time  `json:"at"`
	Until    time.Time  `json:"until,omitzero"`
	Reason   string     `json:"reason,omitempty"`
	Released bool       `json:"-"` // in a Change: remove it
}

// Holds reports whether the Claim still stands.
func (c Claim) Holds(now time.Time) bool { return c.Until.IsZero() || now.Before(c.Until) }
