package audit

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"time"

	"salve/bot"
)

// Cut finds where a log may be pruned, and what must be kept of what goes, while
// it is read.
type Cut struct {
	before time.Time
	needed int64 // the first Event that must stay; 0: none
	closed bool  // the first Event that stays was seen
	edge   Edge
	last   bot.Event
	people map[string]bot.Event
	loaded *bot.Event
}

// NewCut looks for the last of those Events at the beginning that are older than
// before, and come before Event needed. start is the edge of a log that was pruned
// already, and carried what was kept then.
func NewCut(before time.Time, needed int64, start Edge, carried []bot.Event) *Cut {
	c := &Cut{before: before, needed: needed, edge: start.Clone(), people: map[string]bot.Event{}}
	for _, e := range carried {
		c.carry(e)
	}
	return c
}

// Take reads the next Event of the log.
func (c *Cut) Take(e bot.Event) {
	if c.closed || e.Seq <= c.edge.Size() {
		return
	}
	if e.Seq != c.edge.Size()+1 || !e.At.Before(c.before) || c.needed > 0 && e.Seq >= c.needed {
		c.closed = true
		return
	}
	c.edge.Add(e.Hash)
	c.last = e
	c.carry(e)
}

// carry keeps what later readers must know: the last word on each person, and
// the playbooks in force.
func (c *Cut) carry(e bot.Event) {
	switch e.Kind {
	case bot.EventPerson:
		c.people[e.Data["person"]] = e
	case bot.EventLoaded:
		c.loaded = &e
	}
}

// Boundary is where to prune, with its signed head; Size is 0 when there is
// nothing to drop, or nothing would be left.
func (c *Cut) Boundary(s *Signer) (bot.Boundary, Checkpoint, error) {
	if !c.closed || c.last.Seq == 0 {
		return bot.Boundary{}, Checkpoint{}, nil
	}
	at := Checkpoint{
		Origin: s.Name(), Size: c.edge.Size(), Root: c.edge.Root(), Chain: c.last.Chain, Head: c.last.Hash, At: c.last.At,
	}
	note, err := s.Sign(at)
	if err != nil {
		return bot.Boundary{}, at, err
	}
	edge, err := c.edge.MarshalText()
	if err != nil {
		return bot.Boundary{}, at, err
	}
	return bot.Boundary{Size: at.Size, Note: note, Edge: edge, Carried: c.carried()}, at, nil
}

func (c *Cut) carried() []bot.Event {
	var out []bot.Event
	for _, e := range c.people {
		out = append(out, e)
	}
	if c.loaded != nil {
		out = append(out, *c.loaded)
	}
	slices.SortFunc(out, func(a, b bot.Event) int { return cmp.Compare(a.Seq, b.Seq) })
	return out
}

// Pruned is the Event that tells of a Boundary. It holds a hash over what is
// carried over, which is not in the chain any more.
func Pruned(b bot.Boundary, at Checkpoint, now time.Time) (bot.Event, error) {
	sum, err := carriedHash(b.Carried)
	if err != nil {
		return bot.Event{}, err
	}
	return bot.Event{
		At: now, Kind: bot.EventPruned, Actor: bot.Salve,
		Text: fmt.Sprintf("the audit log was pruned: events 1 to %d, the last of %s, are dropped", b.Size, at.At.UTC().Format(atLayout)),
		Data: map[string]string{"size": fmt.Sprint(b.Size), "root": at.Root.String(), "head": at.Head, "carried": sum},
	}, nil
}

func carriedHash(carried []bot.Event) (string, error) {
	b, err := json.Marshal(carried)
	if err != nil {
		return "", fmt.Errorf("hash what is carried over: %w", err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// Opened makes what a log is compared with out of the Boundary at which it was
// pruned; the zero Boundary adds nothing.
func (a Against) Opened(b bot.Boundary, keys Keys) (Against, error) {
	if b.Size == 0 {
		return a, nil
	}
	c, err := keys.Open(b.Note)
	if err != nil {
		return a, fmt.Errorf("the log was pruned at event %d; the head that was signed there: %w", b.Size, err)
	}
	var edge Edge
	if err := edge.UnmarshalText(b.Edge); err != nil {
		return a, fmt.Errorf("the log was pruned at event %d: %w", b.Size, err)
	}
	if c.Size != b.Size || edge.Size() != b.Size || edge.Root() != c.Root {
		return a, fmt.Errorf("the log was pruned at event %d, and what is kept of that place is not what was signed", b.Size)
	}
	a.Signed = append(slices.Clone(a.Signed), c)
	a.Edges = append(slices.Clone(a.Edges), edge)
	a.Boundary = max(a.Boundary, b.Size)
	return a, nil
}

// ProvePruned proves a log that may be pruned while it is read: at says what to
// compare it with, and is asked again when something is wrong. events may be read
// more than once.
func ProvePruned(at func() (Against, error), events iter.Seq2[bot.Event, error]) (Report, error) {
	against, err := at()
	for err == nil {
		r, err := Prove(events, against)
		if err != nil || r.OK() {
			return r, err
		}
		since, err := at()
		if err != nil || since.Boundary == against.Boundary {
			return r, err
		}
		against = since
	}
	return Report{}, err
}

// CarriedOver checks what a Boundary carries over against the Event of its
// pruning, which is in the chain.
func CarriedOver(b bot.Boundary, pruned bot.Event) error {
	sum, err := carriedHash(b.Carried)
	if err == nil && pruned.Data["carried"] != sum {
		err = fmt.Errorf("what was carried over when the log was pruned at event %d is not what event %d says", b.Size, pruned.Seq)
	}
	return err
}
