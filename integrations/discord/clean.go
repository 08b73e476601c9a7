package discord

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean makes what others wrote fit to be shown: bytes that are no UTF-8 and
// characters without a shape of their own (direction, zero width, controls) are
// shown by their code, line breaks stay where lines says so.
func clean(s string, lines bool) string {
	if isPlain(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	var before rune
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		after, _ := utf8.DecodeRuneInString(s[i+size:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, "\\x%02x", s[i])
		case r == '\n' && lines:
			b.WriteByte('\n')
		case r == '\r' && after == '\n':
		case r == '\n', r == '\r', r == '\t':
			b.WriteByte(' ')
		case joins(before, r, after) || !hidden(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "[U+%04X]", r)
		}
		before = r
		i += size
	}
	return b.String()
}

func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// joins lets the two invisible characters that emoji are made with stand where
// they make one.
func joins(before, r, after rune) bool {
	switch r {
	case '\u200d':
		return pictures(before) && pictures(after)
	case '\ufe0f':
		return pictures(before)
	default:
		return false
	}
}

func pictures(r rune) bool { return unicode.In(r, unicode.So, unicode.Sk) || r == '\ufe0f' }

// hidden reports whether c has no shape of its own.
func hidden(c rune) bool {
	return unicode.In(c, unicode.C, unicode.Zl, unicode.Zp, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) || !unicode.IsGraphic(c)
}

// cut cleans s into one line of at most the given number of runes.
func cut(s string, most int) string { return short(clean(near(s, most), false), most) }

// near spares the work on what would be cut off anyway; it leaves more than is
// kept, so that the cut shows.
func near(s string, most int) string { return s[:max(0, min(len(s), 8*most+16))] }

// short cuts by runes and shows that it did.
func short(s string, most int) string {
	if len(s) <= most || utf8.RuneCountInString(s) <= most {
		return s
	}
	n := 0
	for i := range s {
		if n++; n == most {
			return s[:i] + "…"
		}
	}
	return s
}
