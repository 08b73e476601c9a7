package audit

import (
	"fmt"
	"slices"
	"strconv"

	"salve/bot"
)

type verifier struct {
	chains  map[string]*chain
	against Against
	events  int64
	faults  []Fault
	more    int64
	proven  *Signed
	told    bool // of the pruning at the boundary
}

func newVerifier(against Against) *verifier {
	v := &verifier{chains: make(map[string]*chain), against: against}
	if len(against.Signed) > 0 {
		v.proven = &Signed{}
	}
	return v
}

// chain is one chain as far as it was read.
type chain struct {
	last   int64  // highest number seen
	hash   string // of that Event, as it is stored
	broken bool   // that Event does not hash to what is stored
	gaps   []gap

	begin  int64        // Events before the first one, dropped at a signed head
	tree   Edge         // over all Events so far; of no use once its size is not last
	signed []Checkpoint // that are not compared yet, by size
	agreed int64        // size of the last signed head that the log agrees with
	faults int          // found since then
	differ bool         // the log is another one than was signed
}

// gap is a run of numbers that did not come in their place.
type gap struct{ from, to int64 }

// maxGaps bounds what is remembered of a log that is mostly holes.
const maxGaps = 1000

func (v *verifier) take(e bot.Event) {
	if e.Seq <= v.against.Boundary && e.Seq > 0 {
		return
	}
	v.events++
	v.told = v.told || e.Kind == bot.EventPruned && e.Data["size"] == strconv.FormatInt(v.against.Boundary, 10)
	c := v.chains[e.Chain]
	if c == nil {
		c = v.newChain(e)
		v.chains[e.Chain] = c
	}
	sound := v.sealed(e)
	if e.Seq <= c.last {
		v.late(c, e)
		return
	}
	v.link(c, e, sound)
	c.last, c.hash, c.broken = e.Seq, e.Hash, !sound
	if e.Seq == c.tree.Size()+1 {
		c.tree.Add(e.Hash)
	}
	v.compareNoted(e)
	v.compareSigned(c, e)
}

// sealed checks the Event against its own hash.
func (v *verifier) sealed(e bot.Event) bool {
	again, err := e.Seal(e.Chain, e.Seq, e.Prev)
	if err == nil && again.Hash == e.Hash {
		return true
	}
	v.fault(Fault{Chain: e.Chain, Seq: e.Seq, Kind: Altered, Text: "it does not hash to what it was sealed with"})
	return false
}

// late handles an Event whose number was passed.
func (v *verifier) late(c *chain, e bot.Event) {
	text := "it comes twice"
	for i, g := range c.gaps {
		if e.Seq >= g.from && e.Seq <= g.to {
			c.gaps = slices.Replace(c.gaps, i, i+1, g.without(e.Seq)...)
			text = fmt.Sprintf("it comes after event %d", c.last)
			break
		}
	}
	v.fault(Fault{Chain: e.Chain, Seq: e.Seq, Kind: Reordered, Text: text})
}

func (g gap) without(n int64) []gap {
	var rest []gap
	if g.from < n {
		rest = append(rest, gap{g.from, n - 1})
	}
	if n < g.to {
		rest = append(rest, gap{n + 1, g.to})
	}
	return rest
}

// link checks that the Event follows the one before it.
func (v *verifier) link(c *chain, e bot.Event, sound bool) {
	switch {
	case e.Seq != c.last+1:
		if len(c.gaps) < maxGaps {
			c.gaps = append(c.gaps, gap{c.last + 1, e.Seq - 1})
			return
		}
		v.missing(e.Chain, gap{c.last + 1, e.Seq - 1})
	case c.last == 0 || !sound || e.Prev == c.hash:
	case c.last == c.begin:
		v.fault(Fault{
			Chain: e.Chain, Seq: e.Seq, Kind: Rewritten,
			Text: fmt.Sprintf("it does not follow event %d, at whose signed head the log was pruned", c.begin),
		})
	case c.broken:
		// One fault is enough: the row before was altered and so was its hash.
	default:
		v.fault(Fault{
			Chain: e.Chain, Seq: c.last, Kind: Altered,
			Text: fmt.Sprintf("it was written again after event %d was sealed over it", e.Seq),
		})
	}
}

// compareNoted checks the Event against a head that was noted for it.
func (v *verifier) compareNoted(e bot.Event) {
	for _, h := range v.against.Noted {
		if h.Chain == e.Chain && h.Seq == e.Seq && h.Hash != e.Hash {
			v.fault(Fault{Chain: e.Chain, Seq: e.Seq, Kind: Altered, Text: "it is not the event whose hash was noted"})
		}
	}
}

// end finds what never came.
func (v *verifier) end() {
	for name, c := range v.chains {
		for _, g := range c.gaps {
			v.missing(name, g)
		}
	}
	v.endSigned()
	v.endPruned()
	for _, h := range v.against.Noted {
		var last int64
		if c := v.chains[h.Chain]; c != nil {
			last = c.last
		}
		if last < h.Seq {
			v.fault(Fault{
				Chain: h.Chain, Seq: last + 1, To: h.Seq, Kind: Missing,
				Text: "the log was cut off: a later event was noted",
			})
		}
	}
}

func (v *verifier) missing(chain string, g gap) {
	v.fault(Fault{Chain: chain, Seq: g.from, To: g.to, Kind: Missing, Text: "the numbers have a gap"})
}

func (v *verifier) fault(f Fault) {
	f.To = max(f.To, f.Seq)
	if c := v.chains[f.Chain]; c != nil {
		c.faults++
	}
	if len(v.faults) == MaxFaults {
		v.more++
		return
	}
	v.faults = append(v.faults, f)
}
