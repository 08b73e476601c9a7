package bot

import "time"

// Phase is where an Incident stands for the people who look at it.
type Phase string

// The phases, from the one that needs people most to the one that needs nobody.
const (
	PhaseNeedsPerson Phase = "needs a person" // a run waits or failed, nothing fits, an approval expired
	PhaseAsking      Phase = "waiting for approval"
	PhaseRunning     Phase = "running"
	PhaseVerifying   Phase = "verifying"
	PhaseTaken       Phase = "taken"
	PhaseSnoozed     Phase = "snoozed"
	PhaseLooking     Phase = "looking"  // just came in
	PhaseWatching    Phase = "watching" // nothing to do by playbook but observe or wait
	PhaseFixed       Phase = "fixed"
	PhaseResolved    Phase = "resolved"
	PhaseClosed      Phase = "closed"
)

// Card is an Incident as people see it: what is wrong, why, what will be done
// about it, by whose leave, and how far it has got. It knows no vendor. Text is
// plain and untrusted; surfaces escape it.
type Card struct {
	Incident     IncidentID     `json:"incident"`
	Revision     int64          `json:"revision"` // grows with every change
	Phase        Phase          `json:"phase"`
	Headline     string         `json:"headline"` // one sentence: what happens next and why
	Title        string         `json:"title"`
	Severity     Severity       `json:"severity"`
	State        IncidentState  `json:"state"`
	Since        time.Time      `json:"since"`
	EndedAt      time.Time      `json:"ended_at,omitzero"`
	Firing       int            `json:"firing"`
	Total        int            `json:"total"`
	Truncated    int            `json:"truncated,omitempty"`
	Source       string         `json:"source"`
	Owner        string         `json:"owner,omitempty"`
	SnoozedUntil time.Time      `json:"snoozed_until,omitzero"`
	Halt         *Halt          `json:"halt,omitempty"` // stops what is at hand
	Diagnosis    Diagnosis      `json:"diagnosis"`
	Alerts       []Alert        `json:"alerts,omitempty"` // the worst and first few
	Proposals    []CardProposal `json:"proposals,omitempty"`
	Runs         []CardRun      `json:"runs,omitempty"`       // newest first
	Candidates   []Candidate    `json:"candidates,omitempty"` // with their verdicts
	Nearest      *CardNearest   `json:"nearest,omitempty"`    // when no playbook fits
	Runbook      string         `json:"runbook,omitempty"`
	Checklist    []string       `json:"checklist,omitempty"` // manual steps
	Notes        []Note         `json:"notes,omitempty"`
	Timeline     []CardEntry    `json:"timeline,omitempty"`  // oldest first
	Actions      []CardAction   `json:"actions"`             // what the viewer may press
	TraceID      string         `json:"trace_id,omitempty"`  // see TraceOf; also in the log
	TraceURL     string         `json:"trace_url,omitempty"` // where people look at the trace
}

// CardProposal is a question open, or just decided, on a Card.
type CardProposal struct {
	Approval Approval `json:"approval"`
	Plan     Plan     `json:"plan"`
	WhoMay   string   `json:"who_may"`            // "1 of group oncall", "nobody: ..."
	MayVote  string   `json:"may_vote,omitempty"` // for the viewer: empty: yes; else why not
}

// CardRun is a Run on a Card with the plan that it carries out.
type CardRun struct {
	Run  Run  `json:"run"`
	Plan Plan `json:"plan"`
}

// CardNearest is the playbook that came nearest to fitting, and why it did not.
type CardNearest struct {
	Playbook string `json:"playbook"`
	WhyNot   string `json:"why_not"`
}

// CardEntry is one line of the timeline.
type CardEntry struct {
	At   time.Time `json:"at"`
	Who  string    `json:"who"`
	Kind EventKind `json:"kind"`
	Text string    `json:"text"`
}

// CardAction is a button: a Command that only waits for the fields it names.
type CardAction struct {
	Label   string   `json:"label"`
	Command Command  `json:"command"`
	Asks    []string `json:"asks,omitempty"`    // fields the person fills in: reason, to, for, playbook, into
	Style   string   `json:"style,omitempty"`   // primary, danger or empty
	Confirm string   `json:"confirm,omitempty"` // what the person confirms: digest and target
	CLI     string   `json:"cli"`               // the twin: salve approve I-142 3fa9c1d2
}
