package secret

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// MinLen is the shortest value, in bytes, that can be masked: shorter ones would
// blot out ordinary text. MaxLen is the longest.
const (
	MinLen = 4
	MaxLen = 64 << 10
)

// Redactor masks secrets in text: every registered value in the forms in which
// it usually travels (exact, quoted, hex, base64, URL-escaped), and, as a second
// net, what looks like a well-known kind of token. Safe for concurrent use.
type Redactor struct {
	mu    sync.Mutex // held by those who add
	known atomic.Pointer[needles]
}

// needles is an immutable set of forms, in the order in which they were added.
type needles struct {
	values  map[string]bool // what was registered
	forms   []form
	longest int
}

// NewRedactor makes one that knows no value yet; the second net works at once.
func NewRedactor() *Redactor {
	r := &Redactor{}
	r.known.Store(&needles{values: map[string]bool{}})
	return r
}

// Add registers values. It refuses an empty or very short value, since masking
// it would blot out ordinary text, and a very long one; then none is registered.
func (r *Redactor) Add(values ...Secret) error {
	for _, s := range values {
		switch n := len(s.Reveal()); {
		case n == 0:
			return errors.New("the secret is empty")
		case n < MinLen:
			return fmt.Errorf("the secret is shorter than %d bytes and cannot be masked in output; use a longer one", MinLen)
		case n > MaxLen:
			return fmt.Errorf("the secret is longer than %d bytes; is this the right file?", MaxLen)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range values {
		r.add(s.Reveal())
	}
	return nil
}

// add copies the set: readers hold the old one.
func (r *Redactor) add(value string) {
	old := r.known.Load()
	if old.values[value] {
		return
	}
	next := &needles{values: map[string]bool{value: true}, forms: slices.Clone(old.forms), longest: old.longest}
	for v := range old.values {
		next.values[v] = true
	}
	have := make(map[string]bool, len(next.forms))
	for _, f := range next.forms {
		have[f.text] = true
	}
	for _, f := range formsOf(value) {
		if !have[f.text] {
			have[f.text] = true
			next.forms = append(next.forms, f)
			next.longest = max(next.longest, len(f.text))
		}
	}
	r.known.Store(next)
}

// String gives the text with every secret replaced by Mask. Secrets that touch
// or overlap become one mask.
func (r *Redactor) String(text string) string {
	spans := r.known.Load().find(text)
	if len(spans) == 0 {
		return text
	}
	return blot(text, spans)
}

// span is a stretch of text to mask, half open.
type span struct {
	start, end int
	from       int    // where what gave it away begins: "password=" stands before its span
	ends       string // not empty: it was cut off by the end of the text, and goes on until this
}

func blot(text string, spans []span) string {
	var b strings.Builder
	b.Grow(len(text))
	at := 0
	for _, s := range spans {
		b.WriteString(text[at:s.start])
		b.WriteString(Mask)
		at = s.end
	}
	b.WriteString(text[at:])
	return b.String()
}

// find gives all that is to be masked, sorted and without overlaps.
func (k *needles) find(text string) []span {
	var spans []span
	for _, f := range k.forms {
		spans = f.find(text, spans)
	}
	lower := strings.ToLower(text)
	for _, p := range patterns {
		spans = p.find(text, lower, spans)
	}
	return join(spans)
}

func join(spans []span) []span {
	if len(spans) < 2 {
		return spans
	}
	slices.SortFunc(spans, func(a, b span) int { return a.start - b.start })
	out := spans[:1]
	for _, s := range spans[1:] {
		last := &out[len(out)-1]
		if s.start > last.end {
			out = append(out, s)
			continue
		}
		if s.ends == keyEnd || last.ends == "" {
			last.ends = s.ends
		}
		last.end, last.from = max(last.end, s.end), min(last.from, s.from)
	}
	return out
}

// partial gives the least place from which the text may be the beginning of a
// form that holds a line break; len(text) when there is none.
func (k *needles) partial(text string) int {
	least := len(text)
	for _, f := range k.forms {
		if !f.multiline {
			continue
		}
		for i := max(0, len(text)-len(f.text)+1); i < least; i++ {
			if strings.HasPrefix(f.text, text[i:]) {
				least = i
				break
			}
		}
	}
	return least
}
