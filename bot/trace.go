package bot

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
)

// TraceID names the trace of one Incident, SpanID one span of a trace. Both are
// computed from what is stored, never drawn by lot: whoever reads the same
// database names the same things alike, in any process and after any restart.
type (
	TraceID [16]byte
	SpanID  [8]byte
)

// TraceOf is the TraceID of an Incident. origin tells one database from every
// other: the Hash of the first Event of its log. Without an origin or an
// Incident there is no trace, and the TraceID is zero.
func TraceOf(origin string, id IncidentID) TraceID {
	if origin == "" || id == 0 {
		return TraceID{}
	}
	sum := sha256.Sum256([]byte("trace " + origin + " " + strconv.FormatInt(int64(id), 10)))
	return TraceID(sum[:16])
}

// IsZero reports whether there is no trace.
func (t TraceID) IsZero() bool { return t == TraceID{} }

// String is lower-case hex, as W3C Trace Context writes it; "" for none.
func (t TraceID) String() string {
	if t.IsZero() {
		return ""
	}
	return hex.EncodeToString(t[:])
}

// String is lower-case hex.
func (s SpanID) String() string { return hex.EncodeToString(s[:]) }

// Span is the SpanID of what the key names within the trace.
func (t TraceID) Span(key string) SpanID {
	sum := sha256.Sum256(append(t[:], key...))
	return SpanID(sum[:8])
}

// Root is the span that the others hang from.
func (t TraceID) Root() SpanID { return t.Span("incident") }

// Run is the span of a Run.
func (t TraceID) Run(id RunID) SpanID { return t.Span("run " + id.String()) }

// Sampled reports whether the trace is among the share (0 to 1) that is kept.
// All processes keep the same ones.
func (t TraceID) Sampled(share float64) bool {
	if t.IsZero() || share <= 0 {
		return false
	}
	return share >= 1 || binary.BigEndian.Uint64(t[8:])>>1 < uint64(share*(1<<63))
}

type subjectKey struct{}

type subject struct {
	incident IncidentID
	run      RunID
}

// About marks what is done under the context as done for an Incident, and for
// one of its Runs unless that is zero. It serves those who log and trace, and
// decides nothing.
func About(ctx context.Context, id IncidentID, run RunID) context.Context {
	return context.WithValue(ctx, subjectKey{}, subject{id, run})
}

// Subject is what About said; zero when it said nothing.
func Subject(ctx context.Context) (IncidentID, RunID) {
	s, _ := ctx.Value(subjectKey{}).(subject)
	return s.incident, s.run
}
