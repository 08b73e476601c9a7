package bot

import "errors"

// Sentinels that callers act on. Wrap them; test with errors.Is.
var (
	// ErrNotFound: there is no such row.
	ErrNotFound = errors.New("not found")
	// ErrConflict: the row has changed since it was read, or a rule that spans
	// rows (one active Run per target) is taken. Read again and decide again.
	ErrConflict = errors.New("changed meanwhile")
	// ErrOverloaded: the queue in front of the store is full. Try again later.
	ErrOverloaded = errors.New("too much at once")
	// ErrUnavailable: the store cannot be written now (disk full, read-only,
	// closing). Nothing was changed.
	ErrUnavailable = errors.New("storage is not available")
	// ErrAudit: the audit log cannot be continued where it ends. Nothing was
	// changed.
	ErrAudit = errors.New("the audit log cannot be continued")
)

// A Refusal is an answer to a person that says no, why, and what to do next.
// It is an error so that it travels like one; adapters show Why and Next.
type Refusal struct {
	Code RefusalCode
	Why  string // one sentence, no secrets
	Next string // what the person can do; may be empty
}

func (r *Refusal) Error() string {
	if r.Next == "" {
		return r.Why
	}
	return r.Why + " " + r.Next
}

// RefusalCode tells the kinds of Refusal apart; adapters map it to a status.
type RefusalCode string

// The kinds of Refusal.
const (
	RefusedUnknown   RefusalCode = "unknown"      // no such thing
	RefusedForbidden RefusalCode = "forbidden"    // this person may not
	RefusedIdentity  RefusalCode = "no_identity"  // nobody knows who is asking
	RefusedMoved     RefusalCode = "digest_moved" // the plan is not the one that was shown
	RefusedState     RefusalCode = "wrong_state"  // decided already, finished, not there yet
	RefusedInput     RefusalCode = "bad_input"    // the command cannot be understood
	RefusedLater     RefusalCode = "not_recorded" // storage did not answer; try again
)

// Refuse makes a Refusal.
func Refuse(code RefusalCode, why, next string) *Refusal {
	return &Refusal{Code: code, Why: why, Next: next}
}
