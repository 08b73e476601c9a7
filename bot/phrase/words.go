package phrase

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// word is a piece of a line, as a shell would cut it.
type word struct {
	text  string // without quotes
	start int    // where it begins in the line
	end   int
	bare  bool // it has no quotes
	dash  bool // it begins with a dash, and not with a quote
}

// words cuts a line. Quotes of a phone count as quotes where a word begins; a
// quote that nothing closes is a character like any other. Characters that
// cannot be seen and mean nothing are left out, but for those within quotes.
func words(s string) []word {
	var out []word
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if unicode.IsSpace(r) || hidden(r) {
			i += n
			continue
		}
		w := cut(s, i)
		out = append(out, w)
		i = w.end
	}
	return out
}

// hidden is a character without shape that chat programs leave in what people
// paste. Those that join emoji stay.
func hidden(r rune) bool {
	switch {
	case r >= 0x200e && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2060 && r <= 0x206f:
		return true
	default:
		return r == 0x200b || r == 0xfeff || r == 0xad || r == 0x61c || r == 0x180e
	}
}

// cut reads the word that begins at start.
func cut(s string, start int) word {
	var b strings.Builder
	w := word{start: start, bare: true}
	first, _ := utf8.DecodeRuneInString(s[start:])
	w.dash = strings.ContainsRune(dashes, first)
	i, fresh := start, true // fresh: a quote of a phone may open here
	for i < len(s) {
		r, n := utf8.DecodeRuneInString(s[i:])
		if unicode.IsSpace(r) {
			break
		}
		if inner, after, ok := within(s, i, fresh); ok {
			b.WriteString(inner)
			w.bare = false
			i = after
			continue
		}
		if r == '\\' && i+1 < len(s) && strings.IndexByte(`'"\ `, s[i+1]) >= 0 {
			b.WriteByte(s[i+1])
			i, fresh = i+2, false
			continue
		}
		if !hidden(r) && r != '`' { // chat shows code between backticks, and people copy them
			b.WriteRune(r)
		}
		i, fresh = i+n, r == '='
	}
	w.text, w.end = b.String(), i
	return w
}

const (
	dashes  = "-–—" // phones make one of two
	doubles = "“”„‟"
	singles = "‘’‚‛"
)

// within reads what stands in quotes that open at i; after is where it goes on.
func within(s string, i int, fresh bool) (inner string, after int, ok bool) {
	r, n := utf8.DecodeRuneInString(s[i:])
	body := s[i+n:]
	end := -1
	switch {
	case r == '\'':
		end = strings.IndexByte(body, '\'')
	case r == '"':
		return doubled(body, i+n)
	case fresh && strings.ContainsRune(doubles, r):
		end = strings.IndexAny(body, doubles)
	case fresh && strings.ContainsRune(singles, r):
		end = strings.IndexAny(body, singles)
	}
	if end < 0 {
		return "", 0, false
	}
	_, closing := utf8.DecodeRuneInString(body[end:])
	return body[:end], i + n + end + closing, true
}

// doubled reads up to a straight double quote; a backslash keeps one from
// closing.
func doubled(body string, at int) (string, int, bool) {
	var b strings.Builder
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case c == '"':
			return b.String(), at + i + 1, true
		case c == '\\' && i+1 < len(body) && (body[i+1] == '"' || body[i+1] == '\\'):
			i++
			b.WriteByte(body[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", 0, false
}
