package bot

import (
	"fmt"
	"strconv"
	"strings"
)

// Ids are short, counted from 1 per kind, and carry their kind in the letter
// that people see: I-142, P-7, A-7, R-88, Q-3. Zero means none and prints as "".
type (
	IncidentID   int64
	PlanID       int64
	ApprovalID   int64
	RunID        int64
	QuarantineID int64
)

// Kind names a sequence of ids.
type Kind string

// The kinds that have ids; each is the letter before the dash.
const (
	KindIncident   Kind = "I"
	KindPlan       Kind = "P"
	KindApproval   Kind = "A"
	KindRun        Kind = "R"
	KindQuarantine Kind = "Q"
)

func format(k Kind, n int64) string {
	if n == 0 {
		return ""
	}
	return string(k) + "-" + strconv.FormatInt(n, 10)
}

// parse accepts "I-142", "i-142" and, from people, "142"; "" is zero.
func parse(k Kind, s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	digits := s
	if len(s) > 2 && strings.EqualFold(s[:1], string(k)) && s[1] == '-' {
		digits = s[2:]
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("%q is not an id of the form %s-142", s, k)
	}
	return n, nil
}

// ParseIncidentID reads "I-142", "i-142" or "142".
func ParseIncidentID(s string) (IncidentID, error) {
	n, err := parse(KindIncident, s)
	return IncidentID(n), err
}

// ParseRunID reads "R-88", "r-88" or "88".
func ParseRunID(s string) (RunID, error) {
	n, err := parse(KindRun, s)
	return RunID(n), err
}

// ParseApprovalID reads "A-7", "a-7" or "7".
func ParseApprovalID(s string) (ApprovalID, error) {
	n, err := parse(KindApproval, s)
	return ApprovalID(n), err
}

// ParseQuarantineID reads "Q-3", "q-3" or "3".
func ParseQuarantineID(s string) (QuarantineID, error) {
	n, err := parse(KindQuarantine, s)
	return QuarantineID(n), err
}

func (id IncidentID) String() string   { return format(KindIncident, int64(id)) }
func (id PlanID) String() string       { return format(KindPlan, int64(id)) }
func (id ApprovalID) String() string   { return format(KindApproval, int64(id)) }
func (id RunID) String() string        { return format(KindRun, int64(id)) }
func (id QuarantineID) String() string { return format(KindQuarantine, int64(id)) }

func (id IncidentID) MarshalText() ([]byte, error)   { return []byte(id.String()), nil }
func (id PlanID) MarshalText() ([]byte, error)       { return []byte(id.String()), nil }
func (id ApprovalID) MarshalText() ([]byte, error)   { return []byte(id.String()), nil }
func (id RunID) MarshalText() ([]byte, error)        { return []byte(id.String()), nil }
func (id QuarantineID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

func (id *IncidentID) UnmarshalText(b []byte) error {
	n, err := parse(KindIncident, string(b))
	*id = IncidentID(n)
	return err
}

func (id *PlanID) UnmarshalText(b []byte) error {
	n, err := parse(KindPlan, string(b))
	*id = PlanID(n)
	return err
}

func (id *ApprovalID) UnmarshalText(b []byte) error {
	n, err := parse(KindApproval, string(b))
	*id = ApprovalID(n)
	return err
}

func (id *RunID) UnmarshalText(b []byte) error {
	n, err := parse(KindRun, string(b))
	*id = RunID(n)
	return err
}

func (id *QuarantineID) UnmarshalText(b []byte) error {
	n, err := parse(KindQuarantine, string(b))
	*id = QuarantineID(n)
	return err
}
