package bot

import (
	"fmt"
	"strings"
)

// Severity orders how bad an Alert is: info < low < medium < high < critical.
// The zero value is unknown, and unknown counts as critical wherever severities
// are compared: what cannot be told is treated as the worst.
type Severity int

// The severities, in their order.
const (
	SeverityUnknown Severity = iota
	SeverityInfo
	SeverityLow
	SeverityMedium
	SeverityHigh
	SeverityCritical
)

var severityNames = [...]string{"unknown", "info", "low", "medium", "high", "critical"}

func (s Severity) String() string {
	if s < 0 || int(s) >= len(severityNames) {
		return "unknown"
	}
	return severityNames[s]
}

// Rank is the place in the order, 1 (info) to 5 (critical); unknown ranks 5.
func (s Severity) Rank() int {
	if s <= SeverityUnknown || s > SeverityCritical {
		return int(SeverityCritical)
	}
	return int(s)
}

// Below reports whether s is strictly less bad than the threshold t. Nothing is
// below an unknown or unset threshold.
func (s Severity) Below(t Severity) bool {
	if t <= SeverityUnknown || t > SeverityCritical {
		return false
	}
	return s.Rank() < t.Rank()
}

// Worse returns the worse of two severities; unknown wins over critical, so that
// people see that it is unknown.
func (s Severity) Worse(o Severity) Severity {
	if s.Rank() == o.Rank() {
		return min(s, o)
	}
	if s.Rank() > o.Rank() {
		return s
	}
	return o
}

// ParseSeverity reads one of the five names, in any case.
func ParseSeverity(name string) (Severity, error) {
	for i, n := range severityNames {
		if i > 0 && strings.EqualFold(n, name) {
			return Severity(i), nil
		}
	}
	return SeverityUnknown, fmt.Errorf("%q is not a severity; write info, low, medium, high or critical", name)
}

func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

func (s *Severity) UnmarshalText(b []byte) error {
	if string(b) == "" || string(b) == "unknown" {
		*s = SeverityUnknown
		return nil
	}
	v, err := ParseSeverity(string(b))
	*s = v
	return err
}
