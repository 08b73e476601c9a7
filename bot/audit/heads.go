package audit

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// maxHeads is how many signed heads are compared at most. What is more is
// thinned out evenly; the newest always stays.
const maxHeads = 1 << 15

// Heads are signed heads as they were kept at a place, signatures checked.
type Heads struct {
	List    []Checkpoint `json:"list"`              // by size
	Read    int          `json:"read"`              // signed heads that were read
	Foreign []string     `json:"foreign,omitempty"` // what claims to be a head and is not signed by a trusted key; the first few
	Torn    int          `json:"torn,omitempty"`    // pieces without a signature: a write that was cut off
}

// Notes are the signed heads themselves, by size.
func (h Heads) Notes() map[int64]string {
	out := make(map[int64]string, len(h.List))
	for _, c := range h.List {
		out[c.Size] = c.note
	}
	return out
}

// First is the size of the first head of at least n Events; 0 if there is none.
func (h Heads) First(n int64) int64 {
	for _, c := range h.List {
		if c.Size >= n {
			return c.Size
		}
	}
	return 0
}

// Merge joins what two places kept.
func (h Heads) Merge(o Heads) Heads {
	out := Heads{
		List: slices.Concat(h.List, o.List), Read: h.Read + o.Read,
		Foreign: slices.Concat(h.Foreign, o.Foreign), Torn: h.Torn + o.Torn,
	}
	out.tidy()
	return out
}

// Newest is the one of the most Events.
func (h Heads) Newest() (Checkpoint, bool) {
	if len(h.List) == 0 {
		return Checkpoint{}, false
	}
	return h.List[len(h.List)-1], true
}

// At is the head of exactly so many Events.
func (h Heads) At(size int64) (Checkpoint, bool) {
	i, found := slices.BinarySearchFunc(h.List, size, func(c Checkpoint, n int64) int { return cmp.Compare(c.Size, n) })
	if !found {
		return Checkpoint{}, false
	}
	return h.List[i], true
}

// tidy sorts, and drops what says the same as another. Two heads of one size
// that differ both stay: the log can agree with one of them only.
func (h *Heads) tidy() {
	slices.SortStableFunc(h.List, func(a, b Checkpoint) int { return cmp.Compare(a.Size, b.Size) })
	h.List = slices.CompactFunc(h.List, func(a, b Checkpoint) bool {
		return a.Size == b.Size && a.Root == b.Root && a.Head == b.Head
	})
}

// ReadHeads reads signed heads that lie one after the other, as a file of heads
// has them, in bounded memory. It fails only when reading does.
func ReadHeads(r io.Reader, keys Keys) (Heads, error) {
	var h Heads
	err := eachNote(r, func(line int, msg string) {
		if !strings.Contains(msg, "\n\n\u2014 ") {
			h.Torn++
			return
		}
		c, err := keys.Open([]byte(msg))
		if err != nil {
			if len(h.Foreign) < 10 {
				h.Foreign = append(h.Foreign, fmt.Sprintf("line %d: %s", line, err))
			}
			return
		}
		c.note = msg
		h.Read++
		if h.List = append(h.List, c); len(h.List) >= maxHeads {
			h.tidy()
			h.thin()
		}
	})
	h.tidy()
	return h, err
}

// thin drops every second one, seen from the newest, when there are too many.
func (h *Heads) thin() {
	if len(h.List) < maxHeads {
		return
	}
	kept := h.List[:0]
	for i, c := range h.List {
		if (len(h.List)-1-i)%2 == 0 {
			kept = append(kept, c)
		}
	}
	h.List = kept
}

// SplitNotes cuts what a place holds into single notes.
func SplitNotes(b []byte) []string {
	var out []string
	_ = eachNote(strings.NewReader(string(b)), func(_ int, msg string) { out = append(out, msg) }) // a line too long ends it
	return out
}

// eachNote calls f with each note and the line that it begins on. A note ends
// with its signatures; text that no signature follows is given as it is.
func eachNote(r io.Reader, f func(line int, msg string)) error {
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 0, 4096), MaxNote)
	var n noteReader
	line := 0
	for sc.Scan() {
		line++
		n.take(line, sc.Text(), f)
	}
	n.give(f)
	if errors.Is(sc.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("line %d is longer than a signed head: this is no file of heads", line+1)
	}
	return sc.Err()
}

// noteReader puts lines together.
type noteReader struct {
	text  strings.Builder
	began int
	blank bool // the last line was empty: a signature comes, or what was before is torn
	sig   bool // at least one signature was seen
}

func (n *noteReader) take(line int, text string, f func(int, string)) {
	sig := strings.HasPrefix(text, "\u2014 ")
	switch {
	case text == "" && n.sig:
		n.give(f)
		return
	case text == "" && (n.text.Len() == 0 || n.blank):
		return
	case !sig && (n.blank || n.sig), n.text.Len() > MaxNote:
		n.give(f)
	}
	if n.text.Len() == 0 {
		n.began = line
	}
	n.text.WriteString(text + "\n")
	n.blank, n.sig = text == "", n.sig || sig
}

func (n *noteReader) give(f func(int, string)) {
	if n.text.Len() > 0 {
		f(n.began, n.text.String())
	}
	*n = noteReader{}
}
