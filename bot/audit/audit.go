// Package audit proves that a log of Events is the one that was written.
//
// It is pure: Verify and Prove read a stream of Events once, in the order of
// their chains, in bounded memory, and say of each chain whether every Event
// still hashes to what it was sealed with, follows the one before it, and none is
// missing. Against heads that were signed and kept elsewhere Prove also finds
// what a chain alone cannot show: a log cut off at its end, and one written anew
// from some Event on. A Signer makes such heads, Keys check them, and a Proof
// shows somebody who has no log that an Event is in it, or that one head goes on
// from another.
//
// It assumes that whoever altered the log has neither the signing key nor the
// heads. What it finds is a Fault with chain, number and reason; an error means
// only that the stream could not be read to its end, and the Report then covers
// what came before.
package audit

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"salve/bot"
)

// Head names the last Event of a chain at some time. Noted outside the
// database, it proves later that nothing up to it was altered or cut off.
type Head struct {
	Chain string `json:"chain"`
	Seq   int64  `json:"seq"`
	Hash  string `json:"hash"`
}

// FaultKind says what is wrong.
type FaultKind string

// The kinds of Fault.
const (
	Altered   FaultKind = "altered"   // the Event is not what was sealed
	Missing   FaultKind = "missing"   // there is no Event of this number
	Reordered FaultKind = "reordered" // the Event comes later than its number says, or twice
	Rewritten FaultKind = "rewritten" // from one of these Events on the chain is not the one that was signed
)

// Fault is one thing that is wrong. To is the last number of a run of missing
// Events, or of the Events among which the first rewritten one is; else the same
// as Seq.
type Fault struct {
	Chain string    `json:"chain"`
	Seq   int64     `json:"seq"`
	To    int64     `json:"to"`
	Kind  FaultKind `json:"kind"`
	Text  string    `json:"text"` // one sentence for people
}

func (f Fault) String() string {
	if f.To > f.Seq {
		return fmt.Sprintf("%s %d to %d: %s: %s", f.Chain, f.Seq, f.To, f.Kind, f.Text)
	}
	return fmt.Sprintf("%s %d: %s: %s", f.Chain, f.Seq, f.Kind, f.Text)
}

// Report is what Verify found.
type Report struct {
	Chains int     `json:"chains"`
	Events int64   `json:"events"`
	Heads  []Head  `json:"heads"`            // the last Event of each chain, by name
	Faults []Fault `json:"faults,omitempty"` // by chain and number, at most MaxFaults
	More   int64   `json:"more,omitempty"`   // Faults beyond those
	Pruned int64   `json:"pruned,omitempty"` // Events before the first, dropped at a signed head
	Signed *Signed `json:"signed,omitempty"` // nil: no signed head was given

	edges map[string]Edge
}

// Signed is what signed heads prove of the log.
type Signed struct {
	Heads int       `json:"heads"` // that the log agrees with
	To    int64     `json:"to"`    // the newest of them: up to here the log is the one that was signed
	At    time.Time `json:"at,omitzero"`
}

// Edge is the right edge of the tree over a chain, as far as it was read
// without a gap.
func (r Report) Edge(chain string) Edge { return r.edges[chain].Clone() }

// MaxFaults bounds Report.Faults.
const MaxFaults = 100

// OK reports whether everything proves.
func (r Report) OK() bool { return len(r.Faults) == 0 }

// Against is what a log is compared with.
type Against struct {
	Noted  []Head       // noted by hand
	Signed []Checkpoint // signatures checked
	// Edges of the tree at the boundary of a pruned log; with one that fits a
	// signed head the roots of later heads can be compared too.
	Edges []Edge
	// Boundary is where the log is being pruned: Events up to here may go at any
	// moment, and those that are left are passed over.
	Boundary int64
}

// Verify checks all chains of the stream, which may be interleaved, against
// themselves and against the heads that were noted.
func Verify(events iter.Seq2[bot.Event, error], noted ...Head) (Report, error) {
	return Prove(events, Against{Noted: noted})
}

// Prove is Verify, also against signed heads. A log that does not begin at its
// first Event proves only if a signed head for exactly that boundary is given.
func Prove(events iter.Seq2[bot.Event, error], against Against) (Report, error) {
	v := newVerifier(against)
	for e, err := range events {
		if err != nil {
			return v.report(), fmt.Errorf("read the audit log after %d events: %w", v.events, err)
		}
		v.take(e)
	}
	v.end()
	return v.report(), nil
}

// From makes the stream out of a function that calls another with each Event,
// as stores offer it.
func From(each func(func(bot.Event) error) error) iter.Seq2[bot.Event, error] {
	return func(yield func(bot.Event, error) bool) {
		errStop := errors.New("enough")
		err := each(func(e bot.Event) error {
			if !yield(e, nil) {
				return errStop
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(bot.Event{}, err)
		}
	}
}

// pageSize is how many Events Pages asks for at a time.
const pageSize = 1000

// Pages makes the stream out of a function that gives the Events after a number,
// in order, at most limit of them. No single question takes long, however long
// the log is; what is written meanwhile comes too.
func Pages(page func(after int64, limit int) ([]bot.Event, error)) iter.Seq2[bot.Event, error] {
	return func(yield func(bot.Event, error) bool) {
		for after := int64(0); ; {
			events, err := page(after, pageSize)
			if err != nil {
				yield(bot.Event{}, err)
				return
			}
			for _, e := range events {
				if !yield(e, nil) {
					return
				}
			}
			if len(events) < pageSize || events[len(events)-1].Seq <= after {
				return
			}
			after = events[len(events)-1].Seq
		}
	}
}

func (v *verifier) report() Report {
	r := Report{Chains: len(v.chains), Events: v.events, Faults: v.faults, More: v.more, Signed: v.proven, edges: map[string]Edge{}}
	for name, c := range v.chains {
		r.Pruned += c.begin
		r.edges[name] = c.tree
		if c.last > 0 {
			r.Heads = append(r.Heads, Head{Chain: name, Seq: c.last, Hash: c.hash})
		}
	}
	slices.SortFunc(r.Heads, func(a, b Head) int { return strings.Compare(a.Chain, b.Chain) })
	slices.SortStableFunc(r.Faults, func(a, b Fault) int {
		if c := strings.Compare(a.Chain, b.Chain); c != 0 {
			return c
		}
		return int(min(max(a.Seq-b.Seq, -1), 1))
	})
	return r
}
