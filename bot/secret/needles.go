package secret

import (
	"cmp"
	"encoding/binary"
	"slices"
	"sort"
	"strings"
)

// needles is an immutable set of forms. Looking for them takes one pass over the
// text, however many there are: a table tells of nearly every place that none
// begins there; for the others one search in the sorted forms finds all.
type needles struct {
	forms []form // sorted by text, each once
	up    []int  // for each form, the longest other one that it begins with; -1: none
	table []uint64
	first [256]bool // bytes that forms of several lines begin with

	longest int // how much text a form may take up, escapes and all
	block   int // the longest form of several lines
}

// stretch is how many characters may stand for one byte: \u0041 has six, and
// each of them may be escaped again, which in practice doubles one of them.
const stretch = 8

// with gives the set that has these forms too.
func (k *needles) with(more []form) *needles {
	all := slices.Concat(k.forms, more)
	slices.SortStableFunc(all, func(a, b form) int { return strings.Compare(a.text, b.text) })
	next := &needles{}
	for _, f := range all {
		if n := len(next.forms); n > 0 && next.forms[n-1].text == f.text {
			next.forms[n-1].base64 = next.forms[n-1].base64 || f.base64
			continue
		}
		next.forms = append(next.forms, f)
	}
	next.index()
	return next
}

func (k *needles) index() {
	size := 1 << 6
	for size < len(k.forms) {
		size <<= 1
	}
	k.table, k.up = make([]uint64, size), make([]int, len(k.forms))
	for i, f := range k.forms {
		above := i - 1
		for above >= 0 && !strings.HasPrefix(f.text, k.forms[above].text) {
			above = k.up[above]
		}
		k.up[i] = above
		h := k.hash(f.text)
		k.table[h>>6] |= 1 << (h & 63)
		k.longest = max(k.longest, stretch*len(f.text))
		if f.multiline() {
			k.first[f.text[0]], k.block = true, max(k.block, len(f.text))
		}
	}
}

// hash is of the first MinLen bytes, which every form has. The table has as
// many words as there are forms: one place in sixty-four is looked at in vain.
func (k *needles) hash(s string) uint32 {
	h := binary.LittleEndian.Uint32([]byte(s[:MinLen])) * 0x9E3779B1
	return (h ^ h>>15) & uint32(len(k.table)*64-1)
}

// scan appends every place of a form in the view.
func (k *needles) scan(v view, spans []span) []span {
	for i := 0; i+MinLen <= len(v.text); i++ {
		h := k.hash(v.text[i:])
		if k.table[h>>6]&(1<<(h&63)) == 0 {
			continue
		}
		if end := k.end(v.text, i); end > 0 {
			at := v.source(i)
			spans = append(spans, span{from: at, start: at, end: v.source(end)})
		}
	}
	return spans
}

// end tells where the longest form that begins at i ends; 0: none begins there.
// A form that the rest begins with stands before the rest in order, and all
// between the two begin with it as well: it is among the beginnings of the last
// form that is not after the rest.
func (k *needles) end(text string, i int) int {
	rest := text[i:]
	last := sort.Search(len(k.forms), func(n int) bool { return k.forms[n].text > rest }) - 1
	for last >= 0 && !strings.HasPrefix(rest, k.forms[last].text) {
		last = k.up[last]
	}
	end := 0
	for ; last >= 0; last = k.up[last] {
		end = max(end, k.forms[last].end(text, i))
	}
	return end
}

// find gives all that is to be masked, sorted and without overlaps.
func (k *needles) find(text string) []span {
	var spans []span
	if len(k.forms) > 0 {
		spans = k.scan(view{text: text}, spans)
		for v := range plainer(text) {
			spans = k.scan(v, spans)
		}
	}
	lower := strings.ToLower(text)
	for _, p := range patterns {
		spans = p.find(text, lower, spans)
	}
	return join(spans)
}

// partial gives the least place from which whole lines may be the beginning of
// a form that holds a line break; their length when there is none.
func (k *needles) partial(lines string) int {
	if k.block == 0 {
		return len(lines)
	}
	least := k.partialView(view{text: lines})
	for v := range plainer(lines) {
		least = min(least, k.partialView(v))
	}
	return least
}

func (k *needles) partialView(v view) int {
	for i := max(0, len(v.text)-k.block+1); i < len(v.text); i++ {
		if !k.first[v.text[i]] {
			continue
		}
		rest := v.text[i:]
		at, _ := slices.BinarySearchFunc(k.forms, rest, func(f form, s string) int { return cmp.Compare(f.text, s) })
		if at < len(k.forms) && strings.HasPrefix(k.forms[at].text, rest) {
			return v.source(i)
		}
	}
	return v.source(len(v.text))
}
