package prometheus

import (
	"slices"
	"sync"
)

// names are those of the configuration: every other one is shown as other.
type names map[string]struct{}

func newNames(all []string) names {
	n := names{}
	for _, name := range all {
		n[name] = struct{}{}
	}
	return n
}

func (n names) of(name string) string {
	if _, ok := n[name]; ok {
		return name
	}
	return other
}

func (n names) each(f func(name string)) {
	for name := range n {
		f(name)
	}
}

// words are from Salve's own code, so there are few; should a damaged row say
// otherwise, the rest is "other".
type words struct {
	max  int
	mu   sync.Mutex
	seen []string
}

func (w *words) of(word string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case slices.Contains(w.seen, word):
		return word
	case len(w.seen) >= w.max || !plain(word):
		return other
	default:
		w.seen = append(w.seen, word)
		return word
	}
}

// plain reports whether a word looks like one of Salve's own.
func plain(word string) bool {
	for _, c := range []byte(word) {
		if (c < 'a' || c > 'z') && c != '.' && c != '_' {
			return false
		}
	}
	return word != "" && len(word) <= 40
}
