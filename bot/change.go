package bot

// Change is one write: new states, their audit Events and the next leg's due
// marks, in one transaction. Rows with a Version are written only if the stored
// version is the one given (0: the row must not exist); the store adds one.
// A Change is written whole or not at all; ErrConflict tells that one of its
// rows has changed since it was read.
type Change struct {
	// Observed are joined into the alert rows and attached to Incidents by the
	// store: each to the one that its row belongs to already, else to the one
	// that takes alerts of its source and group key, else to a new one. The
	// Incidents' Folds follow and become due at once.
	Observed []Alert
	// Later puts off when those Incidents become due, for alerts that no playbook
	// waits for while much comes in at once. An earlier due time stays.
	Later Duration
	// By is who sent Observed; the store writes one EventAlerts per Incident
	// that changed.
	By          Actor
	Delivery    *Delivery // kept only if Observed changed something
	Quarantined []Quarantined
	// Incidents: their Work and DueAt are written; Folds are ignored. DueAt
	// counts only if FoldRev is still the stored one: what came meanwhile keeps
	// the Incident due. One that gets MergedInto hands its alerts and its group
	// to that Incident; one that gets ClosedAt takes no more alerts of its group.
	Incidents []Incident
	Moves     []Move // alerts that people move to another Incident; both Folds follow
	Plans     []Plan // written once
	Approvals []Approval
	Runs      []Run   // at most one active per Target: else ErrConflict
	Claims    []Claim // one without an Incident is ErrConflict while somebody else holds the Target so
	Halts     []Halt
	People    []Person
	Tokens    []Token
	Posts     []Post    // the outbox of chat
	Offers    []Offer   // an Offer of the same Token again replaces it
	Gestures  []Gesture // the inbox of chat; one whose Key is known already is ErrConflict
	Cursors   []Cursor
	Events    []Event // unsealed; an Event that belongs to a new row names it by the id in the row
}

// Move puts one alert into another Incident.
type Move struct {
	Alert AlertKey
	To    IncidentID
}

// Touched tells which rows a commit changed; it is the hint that wakes legs and
// live views. It is never what anything rests on.
type Touched struct {
	Incidents []IncidentID
	Runs      []RunID
	Approvals []ApprovalID
	Halts     bool
}

// Any reports whether there is anything in it.
func (t Touched) Any() bool {
	return t.Halts || len(t.Incidents)+len(t.Runs)+len(t.Approvals) > 0
}
