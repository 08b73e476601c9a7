package notary

import (
	"time"
)

// Status is how far the log is signed and written.
type Status struct {
	Newest   int64     `json:"newest"` // Event of the log
	Signed   int64     `json:"signed"` // Events that a signed head covers
	SignedTo time.Time `json:"signed_to,omitzero"`
	Wrong    string    `json:"wrong,omitempty"` // why nothing is signed: the log is not the one that was
	Places   []Lag     `json:"places"`
}

// Lag is how far one place is behind the log.
type Lag struct {
	Place   string  `json:"place"`
	Events  int64   `json:"events"`  // that no head there covers
	Seconds float64 `json:"seconds"` // since the oldest of them was written
	Err     string  `json:"err,omitempty"`
}

// For is Seconds as a duration.
func (l Lag) For() time.Duration { return time.Duration(l.Seconds * float64(time.Second)) }

// Status says how things stand, as of the last look.
func (l *Leg) Status(now time.Time) Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Status{Newest: l.newest.Seq, Signed: l.signed.Size, SignedTo: l.signed.At, Wrong: l.wrong}
	for _, p := range l.places {
		if p.has.Size > s.Signed { // it was signed before the process began
			s.Signed, s.SignedTo = p.has.Size, p.has.At
		}
		lag := Lag{Place: p.Name(), Events: max(l.newest.Seq-p.has.Size, 0)}
		if lag.Events > 0 && !p.behind.IsZero() {
			lag.Seconds = max(now.Sub(p.behind).Seconds(), 0)
		}
		if p.err != nil {
			lag.Err = p.err.Error()
		}
		s.Places = append(s.Places, lag)
	}
	return s
}
