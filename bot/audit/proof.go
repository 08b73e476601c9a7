package audit

import (
	"errors"
	"fmt"
	"iter"

	"golang.org/x/mod/sumdb/tlog"

	"salve/bot"
)

// proofFormat is raised when a Proof changes its meaning.
const proofFormat = "salve-audit-proof-1"

// ProofKind says what a Proof shows.
type ProofKind string

// The kinds of Proof.
const (
	Inclusion   ProofKind = "inclusion"   // Event is in the log of Size and Root
	Consistency ProofKind = "consistency" // the log of Size and Root begins with that of FromSize and FromRoot
)

// Proof shows something about a log to somebody who does not have it.
type Proof struct {
	Format   string      `json:"format"`
	Kind     ProofKind   `json:"kind"`
	Event    *bot.Event  `json:"event,omitempty"`
	FromSize int64       `json:"from_size,omitempty"`
	FromRoot tlog.Hash   `json:"from_root,omitzero"`
	FromHead string      `json:"from_head,omitempty"` // the signed head of FromSize, if there is one
	Size     int64       `json:"size"`
	Root     tlog.Hash   `json:"root"`
	Head     string      `json:"head,omitempty"` // the signed head of Size, if there is one
	Hashes   []tlog.Hash `json:"hashes"`
}

// Log is what proofs are made of. Edge is that of a pruned log's boundary, else
// zero.
type Log struct {
	Events iter.Seq2[bot.Event, error]
	Edge   Edge
}

// ProveEvent shows that Event seq is in the log of its first size Events.
func (l Log) ProveEvent(seq, size int64) (Proof, error) {
	if seq < 1 || seq > size {
		return Proof{}, fmt.Errorf("there is no event %d among %d", seq, size)
	}
	if seq <= l.Edge.Size() {
		return Proof{}, fmt.Errorf("event %d was pruned; the log begins at %d", seq, l.Edge.Size()+1)
	}
	p := Proof{Format: proofFormat, Kind: Inclusion, Size: size}
	prove := func(r tlog.HashReader) error {
		hashes, err := tlog.ProveRecord(size, seq-1, r)
		p.Hashes = hashes
		return err
	}
	w, err := l.collect(prove, size, func(e bot.Event) {
		if e.Seq == seq {
			p.Event = &e
		}
	})
	if err != nil {
		return Proof{}, err
	}
	p.Root = w.roots[size]
	return p, nil
}

// ProveGrowth shows that the log of its first size Events begins with that of
// its first from.
func (l Log) ProveGrowth(from, size int64) (Proof, error) {
	if from < 1 || from > size {
		return Proof{}, fmt.Errorf("a log of %d events cannot begin with one of %d", size, from)
	}
	if from < l.Edge.Size() {
		return Proof{}, fmt.Errorf("the log was pruned; proofs begin at %d events", l.Edge.Size())
	}
	p := Proof{Format: proofFormat, Kind: Consistency, FromSize: from, Size: size}
	prove := func(r tlog.HashReader) error {
		hashes, err := tlog.ProveTree(size, from, r)
		p.Hashes = hashes
		return err
	}
	w, err := l.collect(prove, size, func(bot.Event) {}, from)
	if err != nil {
		return Proof{}, err
	}
	p.FromRoot, p.Root = w.roots[from], w.roots[size]
	return p, nil
}

// walk is one pass over the log, which keeps the few hashes that a proof needs.
type walk struct {
	edge  Edge
	need  map[int64]bool
	have  map[int64]tlog.Hash
	roots map[int64]tlog.Hash // by size, for those that were asked for
}

// collect asks prove which hashes it needs, finds them in one pass over the
// first size Events, and asks again.
func (l Log) collect(prove func(tlog.HashReader) error, size int64, see func(bot.Event), roots ...int64) (*walk, error) {
	w := &walk{edge: l.Edge.Clone(), need: map[int64]bool{}, have: map[int64]tlog.Hash{}, roots: map[int64]tlog.Hash{size: {}}}
	for _, n := range roots {
		w.roots[n] = tlog.Hash{}
	}
	if err := prove(tlog.HashReaderFunc(w.note)); err != nil {
		return nil, err
	}
	w.edge.each(w.done)
	w.root()
	for e, err := range l.Events {
		if err != nil {
			return nil, fmt.Errorf("read the audit log: %w", err)
		}
		if w.edge.Size() == size {
			break
		}
		if err := w.take(e); err != nil {
			return nil, err
		}
		see(e)
	}
	if w.edge.Size() < size {
		return nil, fmt.Errorf("the log has %d events, not %d", w.edge.Size(), size)
	}
	return w, prove(tlog.HashReaderFunc(w.read))
}

func (w *walk) take(e bot.Event) error {
	if e.Seq != w.edge.Size()+1 {
		return fmt.Errorf("event %d is not where it should be, so that nothing can be proved; run `salve audit verify`", w.edge.Size()+1)
	}
	w.edge.add(e.Hash, w.done)
	w.root()
	return nil
}

func (w *walk) root() {
	if _, asked := w.roots[w.edge.Size()]; asked {
		w.roots[w.edge.Size()] = w.edge.Root()
	}
}

func (w *walk) done(index int64, h tlog.Hash) {
	if w.need[index] {
		w.have[index] = h
	}
}

func (w *walk) note(indexes []int64) ([]tlog.Hash, error) {
	for _, i := range indexes {
		w.need[i] = true
	}
	return make([]tlog.Hash, len(indexes)), nil
}

func (w *walk) read(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		h, ok := w.have[index]
		if !ok {
			return nil, errors.New("a hash that the proof needs was pruned")
		}
		out[i] = h
	}
	return out, nil
}

// Check checks the arithmetic of a Proof, and its signed heads against keys.
// signed reports whether all its sizes are signed; without that a Proof shows
// only that its roots go together.
func (p Proof) Check(keys Keys) (signed bool, err error) {
	if p.Format != proofFormat {
		return false, fmt.Errorf("its format is %.40q; this build reads %s", p.Format, proofFormat)
	}
	if err := p.checkHashes(); err != nil {
		return false, err
	}
	signed, err = checkHead(keys, p.Head, p.Size, p.Root)
	if err != nil || p.Kind == Inclusion {
		return signed, err
	}
	from, err := checkHead(keys, p.FromHead, p.FromSize, p.FromRoot)
	return signed && from, err
}

func (p Proof) checkHashes() error {
	switch p.Kind {
	case Inclusion:
		if p.Event == nil {
			return errors.New("it has no event")
		}
		e := *p.Event
		again, err := e.Seal(e.Chain, e.Seq, e.Prev)
		if err != nil || again.Hash != e.Hash {
			return fmt.Errorf("event %d does not hash to what it was sealed with", e.Seq)
		}
		if tlog.CheckRecord(p.Hashes, p.Size, p.Root, e.Seq-1, tlog.RecordHash([]byte(e.Hash))) != nil {
			return fmt.Errorf("event %d is not shown to be in the log of %d events with this root", e.Seq, p.Size)
		}
		return nil
	case Consistency:
		if tlog.CheckTree(p.Hashes, p.Size, p.Root, p.FromSize, p.FromRoot) != nil {
			return fmt.Errorf("the log of %d events is not shown to begin with that of %d", p.Size, p.FromSize)
		}
		return nil
	default:
		return fmt.Errorf("it is a proof of %.40q; this build knows inclusion and consistency", p.Kind)
	}
}

func checkHead(keys Keys, head string, size int64, root tlog.Hash) (bool, error) {
	if head == "" || keys.None() {
		return false, nil
	}
	c, err := keys.Open([]byte(head))
	if err != nil {
		return false, fmt.Errorf("its signed head of %d events: %w", size, err)
	}
	if c.Size != size || c.Root != root {
		return false, fmt.Errorf("its signed head is of %d events and another root", c.Size)
	}
	return true, nil
}
