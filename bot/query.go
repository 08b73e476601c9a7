package bot

// IncidentQuery selects Incidents, newest first. Zero fields select all.
type IncidentQuery struct {
	States []IncidentState
	Owner  PersonID
	Text   string // part of the title, any case
	Like   *Fold  // those of the same source and title; found by index when States leaves open ones out
	Before IncidentID
	Limit  int // 0: 50
}

// RunQuery selects Runs, newest first. Zero fields select all.
type RunQuery struct {
	Incident IncidentID
	Target   string
	Playbook string
	Active   bool
	Before   RunID
	Limit    int // 0: 50
}

// ApprovalQuery selects Approvals, newest first. Zero fields select all.
type ApprovalQuery struct {
	Incident IncidentID
	States   []ApprovalState
	Limit    int // 0: 50
}

// EventQuery selects Events in the order of the chain.
type EventQuery struct {
	Incident IncidentID
	Run      RunID
	After    int64 // Seq
	Last     bool  // the newest Limit, still in the order of the chain
	Limit    int   // 0: 200
}

// QuarantineQuery selects quarantined payloads, newest first, without Body.
type QuarantineQuery struct {
	States []QuarantineState
	Limit  int // 0: 50
}

// History is what the guard wants to know about a target and a playbook.
type History struct {
	Active *Run    // the active Run on the target, whoever's
	Last   *Run    // the last Run of the playbook on the target that ended and changed something
	Claims []Claim // on the target
}
