package query

// Table is one table with the columns that are kept, in an order in which rows
// refer to what comes before.
type Table struct {
	Name    string
	Columns []string
}

// Tables are all that a copy of a database must hold. What a process notes about
// itself is not among them.
var Tables = []Table{
	{"incidents", []string{"id", "version", "fold_rev", "due_at", "state", "source", "title", "title_lower", "owner", "home", "fold", "work"}},
	{"groups", []string{"key", "incident", "extra"}},
	{"alerts", []string{"starts_at", "fingerprint", "source", "incident", "rank", "received_at", "sum", "body"}},
	{"bodies", []string{"id", "body"}},
	{"deliveries", []string{"id", "source", "received_at", "alerts", "size", "body"}},
	{"quarantined", []string{"id", "version", "state", "source", "reason", "received_at", "size", "sha256", "repeats", "body"}},
	{"plans", []string{"id", "incident", "body"}},
	{"approvals", []string{"id", "version", "incident", "plan", "target", "state", "body"}},
	{"runs", []string{"id", "version", "incident", "plan", "playbook", "target", "state", "active", "changed", "epoch", "due_at", "ended_at", "body"}},
	{"claims", []string{"target", "incident", "body"}},
	{"halts", []string{"scope", "name", "body"}},
	{"people", []string{"id", "version", "body"}},
	{"identities", []string{"surface", "id", "person"}},
	{"tokens", []string{"hash", "version", "person", "body"}},
	{"schedules", []string{"name", "next_at"}},
	{"posts", []string{"key", "version", "surface", "place", "kind", "incident", "run", "parent", "state", "rank", "due_at", "last_at", "mark_place", "mark_ref", "body"}},
	{"offers", []string{"token", "surface", "expires_at", "body"}},
	{"gestures", []string{"key", "version", "done", "due_at", "received_at", "body"}},
	{"cursors", []string{"name", "version", "seq"}},
	{"events", []string{"seq", "incident", "run", "body"}},
	{"audit_boundaries", []string{"size", "note", "edge", "carried"}},
}
