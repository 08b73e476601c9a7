package bot

import "time"

// EvidenceKind says where a piece of Evidence comes from.
type EvidenceKind string

// The kinds of Evidence that are gathered from Salve's own records.
const (
	EvidenceAlert      EvidenceKind = "alert"      // a label or annotation of an alert of this incident
	EvidenceConcurrent EvidenceKind = "concurrent" // other alerts firing at the time
	EvidenceRecurrence EvidenceKind = "recurrence" // the same group broke before
	EvidencePast       EvidenceKind = "past"       // a past incident and what fixed it
	EvidenceRun        EvidenceKind = "run"        // what a Run found
)

// Evidence is one cited fact. Text is untrusted and has no secrets in it.
type Evidence struct {
	ID      string       `json:"id"` // E1, E2 ... within one Diagnosis
	Kind    EvidenceKind `json:"kind"`
	Subject string       `json:"subject,omitempty"` // the thing it speaks about; what shares one supports one Hypothesis; empty: none
	Text    string       `json:"text"`              // one sentence
	Cites   string       `json:"cites"`             // what can be looked up: an incident, run or alert, a label, a query
	At      time.Time    `json:"at,omitzero"`       // when the fact was so
	Link    string       `json:"link,omitempty"`    // http or https
}

// Hypothesis is a possible cause, made of Evidence.
type Hypothesis struct {
	Cause      string   `json:"cause"`      // one sentence
	Subject    string   `json:"subject"`    // the thing blamed: a service, an instance, a change
	Confidence float64  `json:"confidence"` // 0 to 1, comparable within one Diagnosis
	Evidence   []string `json:"evidence"`   // ids in the Diagnosis; never empty
}

// Diagnosis is why an Incident happened, as far as can be told: Hypotheses best
// first, and the Evidence that they and the summary cite.
type Diagnosis struct {
	At         time.Time    `json:"at,omitzero"`
	Summary    string       `json:"summary,omitempty"` // one sentence
	Hypotheses []Hypothesis `json:"hypotheses,omitempty"`
	Evidence   []Evidence   `json:"evidence,omitempty"`
	Gaps       []string     `json:"gaps,omitempty"` // what could not be looked at, and why
}
