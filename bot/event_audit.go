package bot

// The kinds of Event that are about the log itself.
const (
	EventDistrusted EventKind = "audit.distrusted" // it is not the log whose head was signed
	EventTrusted    EventKind = "audit.trusted"    // it is again
	EventPruned     EventKind = "audit.pruned"     // its oldest Events were dropped at a signed head
)
