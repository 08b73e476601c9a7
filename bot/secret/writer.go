package secret

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// maxHeld is how much of one line, or of one private key, a Writer keeps back
// before it must let some go; at least twice the longest form.
const maxHeld = 64 << 10

// maxToken is how far a token of the second net may reach beyond a cut inside
// a line that is longer than maxHeld.
const maxToken = 4 << 10

// Writer masks a stream. It passes on whole lines, so that a secret is found
// however the stream is split into writes; what it keeps back is bounded.
// Whatever a long line makes it cut is masked rather too far than too little.
// Safe for concurrent use.
type Writer struct {
	mu   sync.Mutex
	r    *Redactor
	to   io.Writer
	held []byte
	skip string // not empty: drop everything up to this
}

// Writer wraps to. Close it to write what it keeps back.
func (r *Redactor) Writer(to io.Writer) *Writer { return &Writer{r: r, to: to} }

// Write takes all of p, or fails as the writer below does.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = append(w.held, p...)
	known := w.r.known.Load()
	if w.skip == "" && len(w.held) < known.limit() && bytes.IndexByte(p, '\n') < 0 {
		return len(p), nil
	}
	text := string(w.held)
	var out strings.Builder
	for w.step(known, &text, &out) {
	}
	w.held = append(w.held[:0], text...)
	if out.Len() == 0 {
		return len(p), nil
	}
	if _, err := io.WriteString(w.to, out.String()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close writes what is kept back, masked. It does not close the writer below,
// and the Writer may be used again.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	rest := string(w.held)
	if w.skip != "" && !w.drop(&rest) {
		rest = ""
	}
	w.held, w.skip = nil, ""
	if rest == "" {
		return nil
	}
	_, err := io.WriteString(w.to, w.r.String(rest))
	return err
}

func (k *needles) limit() int { return max(maxHeld, 2*k.longest) }

// step lets go of what can be decided now; false: nothing more for now.
func (w *Writer) step(known *needles, text *string, out *strings.Builder) bool {
	if w.skip != "" && !w.drop(text) {
		return false
	}
	if cut, spans := known.safeCut(*text); cut > 0 {
		out.WriteString(blot((*text)[:cut], spans))
		*text = (*text)[cut:]
		return true
	}
	if len(*text) < known.limit() {
		return false
	}
	w.force(known, text, out)
	return true
}

// drop throws away up to the end of what is skipped, and reports whether it came.
func (w *Writer) drop(text *string) bool {
	i := strings.Index(*text, w.skip)
	if i < 0 {
		*text = (*text)[max(0, len(*text)-len(w.skip)+1):] // the end may be half there
		return false
	}
	if w.skip != lineEnd {
		i += len(w.skip)
	}
	*text, w.skip = (*text)[i:], ""
	return true
}

// safeCut gives the end of the last line that nothing to be masked crosses, and
// what is to be masked before it.
func (k *needles) safeCut(text string) (int, []span) {
	cut := strings.LastIndexByte(text, '\n') + 1
	if cut == 0 {
		return 0, nil
	}
	spans, edge := k.find(text), k.partial(text[:cut])
	for {
		for i := len(spans) - 1; i >= 0; i-- {
			if s := spans[i]; s.start < edge && (s.end > edge || s.ends == keyEnd) {
				edge = s.start
			}
			if spans[i].end > edge {
				spans = spans[:i]
			}
		}
		if edge = strings.LastIndexByte(text[:edge], '\n') + 1; edge == cut {
			return cut, spans
		}
		cut = edge
	}
}

// force cuts inside a line or a block that is too long to wait for. When the cut
// would go through something to be masked, the rest of the line or block goes
// with it.
func (w *Writer) force(known *needles, text *string, out *strings.Builder) {
	spans := known.find(*text)
	cut := len(*text) - max(maxToken, known.longest)
	for i, s := range spans {
		if s.from < cut && s.end > cut {
			out.WriteString(blot((*text)[:s.end], spans[:i+1]))
			w.skip = lineEnd
			if s.ends != "" {
				w.skip = s.ends
			}
			*text = (*text)[max(s.end-len(w.skip)+1, s.start):]
			return
		}
		if s.end > cut {
			spans = spans[:i]
			break
		}
	}
	out.WriteString(blot((*text)[:cut], spans))
	*text = (*text)[cut:]
}
