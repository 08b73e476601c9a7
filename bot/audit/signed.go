package audit

import (
	"cmp"
	"fmt"
	"slices"

	"salve/bot"
)

// newChain begins a chain with its first Event. If that is not the first that
// was ever written, the chain begins at a signed head for just that place, if
// there is one; else what came before is missing.
func (v *verifier) newChain(e bot.Event) *chain {
	c := &chain{}
	for _, s := range v.against.Signed {
		if s.Chain == e.Chain {
			c.signed = append(c.signed, s)
		}
	}
	slices.SortStableFunc(c.signed, func(a, b Checkpoint) int { return cmp.Compare(a.Size, b.Size) })
	begins := e.Seq - 1
	if v.against.Boundary > 0 {
		begins = v.against.Boundary // what is missing after it is missing
	}
	i := slices.IndexFunc(c.signed, func(s Checkpoint) bool { return s.Size == begins })
	if e.Seq <= 1 || i < 0 {
		return c
	}
	at := c.signed[i]
	c.begin, c.last, c.hash, c.agreed = at.Size, at.Size, at.Head, at.Size
	c.signed = c.signed[i:]
	for _, edge := range v.against.Edges {
		if edge.Size() == at.Size && edge.Root() == at.Root {
			c.tree = edge.Clone()
		}
	}
	v.boundary(c, e.Chain)
	return c
}

// boundary compares all heads that were signed for the place where a pruned log
// begins: there is nothing else to compare them with than each other.
func (v *verifier) boundary(c *chain, name string) {
	at := c.signed[0]
	for len(c.signed) > 0 && c.signed[0].Size == at.Size {
		if s := c.signed[0]; s.Head != at.Head || s.Root != at.Root {
			v.fault(Fault{Chain: name, Seq: at.Size, Kind: Rewritten, Text: "two different heads were signed for it"})
		}
		v.agree(c, c.signed[0])
		c.signed = c.signed[1:]
	}
}

func (v *verifier) agree(c *chain, s Checkpoint) {
	c.agreed, c.faults = s.Size, 0
	v.proven.Heads++
	if s.Size >= v.proven.To {
		v.proven.To, v.proven.At = s.Size, s.At
	}
}

// compareSigned checks the log up to this Event against the heads that were
// signed for it. After the first that differs all later ones do, and they tell
// nothing new.
func (v *verifier) compareSigned(c *chain, e bot.Event) {
	for len(c.signed) > 0 && c.signed[0].Size <= e.Seq {
		s := c.signed[0]
		c.signed = c.signed[1:]
		if s.Size < e.Seq || c.differ {
			continue // a gap, which is told already
		}
		whole := c.tree.Size() == e.Seq
		if s.Head == e.Hash && (!whole || s.Root == c.tree.Root()) {
			if whole || c.begin > 0 {
				v.agree(c, s)
			}
			continue
		}
		c.differ = true
		if c.faults == 0 {
			v.fault(Fault{Chain: e.Chain, Seq: min(c.agreed+1, s.Size), To: s.Size, Kind: Rewritten, Text: differs(c.agreed, s)})
		}
	}
}

func differs(agreed int64, s Checkpoint) string {
	text := fmt.Sprintf("the log is not the one whose head was signed at event %d (%s)", s.Size, s.At.Format(atLayout))
	switch {
	case agreed == s.Size:
		return text
	case agreed > 0:
		return text + fmt.Sprintf("; up to event %d it is, so the first event that was written anew is one of these", agreed)
	default:
		return text + "; the first event that was written anew is one of these"
	}
}

// endPruned finds a log that was shortened without saying so.
func (v *verifier) endPruned() {
	if v.against.Boundary == 0 || v.told {
		return
	}
	for _, s := range v.against.Signed {
		if s.Size == v.against.Boundary {
			v.fault(Fault{Chain: s.Chain, Seq: 1, To: s.Size, Kind: Missing, Text: "the log begins after these, and no event tells that it was pruned"})
			return
		}
	}
}

// endSigned finds heads of Events that never came.
func (v *verifier) endSigned() {
	newest := map[string]Checkpoint{}
	for _, s := range v.against.Signed {
		if s.Size > newest[s.Chain].Size {
			newest[s.Chain] = s
		}
	}
	for name, s := range newest {
		var last int64
		if c := v.chains[name]; c != nil {
			last = c.last
		}
		if last < s.Size {
			v.fault(Fault{
				Chain: name, Seq: last + 1, To: s.Size, Kind: Missing,
				Text: fmt.Sprintf("the log was cut off after event %d: a head of %d events was signed (%s)", last, s.Size, s.At.Format(atLayout)),
			})
		}
	}
}
