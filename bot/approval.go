package bot

import "time"

// ApprovalState is where an Approval stands.
type ApprovalState string

// The states of an Approval; all but pending are final.
const (
	ApprovalPending   ApprovalState = "pending"
	ApprovalApproved  ApprovalState = "approved"
	ApprovalDenied    ApprovalState = "denied"
	ApprovalExpired   ApprovalState = "expired"
	ApprovalWithdrawn ApprovalState = "withdrawn"
)

// Approval is the question put to people about one Plan digest.
type Approval struct {
	ID        ApprovalID    `json:"id"`
	Version   int64         `json:"version"`
	Incident  IncidentID    `json:"incident"`
	Plan      PlanID        `json:"plan"`
	Digest    Digest        `json:"digest"`
	Playbook  string        `json:"playbook"`
	Target    string        `json:"target"`
	State     ApprovalState `json:"state"`
	Rule      ApprovalRule  `json:"rule"`
	Verdict   Verdict       `json:"verdict"` // why people are asked
	Votes     []Vote        `json:"votes,omitempty"`
	OpenedAt  time.Time     `json:"opened_at"`
	ExpiresAt time.Time     `json:"expires_at"`
	DecidedAt time.Time     `json:"decided_at,omitzero"`
	DecidedBy Actor         `json:"decided_by,omitzero"`
	Reason    string        `json:"reason,omitempty"` // of a denial or a withdrawal
}

// Vote is what one person said about one digest. One person has one vote,
// whatever surface it came by.
type Vote struct {
	Person  PersonID  `json:"person"`
	Name    string    `json:"name"`
	Surface string    `json:"surface"`
	Digest  Digest    `json:"digest"`
	Yes     bool      `json:"yes"`
	Reason  string    `json:"reason,omitempty"`
	At      time.Time `json:"at"`
	// Groups are those of the rule that the person was in when they voted: what
	// the vote counts for, whatever they are in later.
	Groups []string `json:"groups,omitempty"`
}
