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
// blot out ordinary text. Up to some 8 bytes a value is masked in every form, but
// blots out words that look like it. MaxLen is the longest.
const (
	MinLen = 4
	MaxLen = 64 << 10
)

// Redactor masks secrets in text: every registered value in the forms in which
// it usually travels (exact, quoted, hex, base64, URL-escaped), and, as a second
// net, what looks like a well-known kind of token. Safe for concurrent use.
type Redactor struct {
	mu     sync.Mutex
	values map[string]bool // what was registered; under mu
	known  atomic.Pointer[needles]
}

// NewRedactor makes one that knows no value yet; the second net works at once.
func NewRedactor() *Redactor {
	r := &Redactor{values: map[string]bool{}}
	r.known.Store(&needles{})
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
	var more []form
	for _, s := range values {
		if v := s.Reveal(); !r.values[v] {
			r.values[v] = true
			more = append(more, formsOf(v)...)
		}
	}
	if len(more) > 0 {
		r.known.Store(r.known.Load().with(more)) // readers hold the old set
	}
	return nil
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
