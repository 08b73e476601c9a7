package secret

import (
	"html"
	"iter"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// view is a text with one layer of escapes undone: of URLs (%2F), of JSON and
// program text (\", \/, \u002f, \x2f, \057) and of HTML (&amp;, &#47;, &#x2f;),
// whichever they are and however they are mixed.
type view struct {
	text string
	at   []int // where each byte of it, and its end, stands in the source
}

// maxLayers is how often one escape may be wrapped into another: three times
// around a value that looks escaped several times over by itself.
const maxLayers = 8

// plainer gives the views of a text, one layer after the other, until there is
// nothing more to undo. No escape reaches beyond the end of a line, so that the
// view of some lines is those lines' part of the view of them all.
func plainer(text string) iter.Seq[view] {
	return func(yield func(view) bool) {
		v := view{text: text}
		for range maxLayers {
			next, changed := v.undo()
			if !changed || !yield(next) {
				return
			}
			v = next
		}
	}
}

// undo takes one layer off.
func (v view) undo() (view, bool) {
	if !strings.ContainsAny(v.text, `%\&`) {
		return v, false
	}
	var out strings.Builder
	out.Grow(len(v.text))
	at := make([]int, 0, len(v.text)+1)
	changed := false
	for i := 0; i < len(v.text); {
		plain, n := unescape(v.text[i:])
		if n == 0 {
			plain, n = v.text[i:i+1], 1
		} else {
			changed = true
		}
		out.WriteString(plain)
		for range len(plain) {
			at = append(at, v.source(i))
		}
		i += n
	}
	return view{text: out.String(), at: append(at, v.source(len(v.text)))}, changed
}

// source is where the byte i of the view stands in the source.
func (v view) source(i int) int {
	if v.at == nil {
		return i
	}
	return v.at[i]
}

// unescape reads one escape at the beginning of s: what it stands for, and its
// length; 0 when there is none.
func unescape(s string) (string, int) {
	switch s[0] {
	case '%':
		if b, ok := number(s, 1, 2, 16); ok {
			return string([]byte{byte(b)}), 3
		}
	case '\\':
		return unquote(s)
	case '&':
		return entity(s)
	}
	return "", 0
}

func number(s string, from, digits, base int) (uint64, bool) {
	if len(s) < from+digits {
		return 0, false
	}
	n, err := strconv.ParseUint(s[from:from+digits], base, 32)
	return n, err == nil
}

// control are the letters that stand for a character after a backslash.
var control = map[byte]string{'a': "\a", 'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v"}

func unquote(s string) (string, int) {
	if len(s) < 2 {
		return "", 0
	}
	switch c := s[1]; {
	case control[c] != "":
		return control[c], 2
	case c == 'x':
		if n, ok := number(s, 2, 2, 16); ok {
			return string([]byte{byte(n)}), 4
		}
	case c == 'u':
		return unquoteRune(s)
	case c == 'U':
		if n, ok := number(s, 2, 8, 16); ok && n <= utf8.MaxRune {
			return string(rune(n)), 10
		}
	case c >= '0' && c <= '3':
		if n, ok := number(s, 1, 3, 8); ok {
			return string([]byte{byte(n)}), 4
		}
	case c > ' ' && c < '0', c > '9' && c < 'A', c > 'Z' && c < 'a', c > 'z' && c < 0x7f, c == ' ':
		return s[1:2], 2 // \" \/ \\ and what a shell escapes
	}
	return "", 0
}

// unquoteRune reads \u00fc, and two of them where they are one character.
func unquoteRune(s string) (string, int) {
	n, ok := number(s, 2, 4, 16)
	if !ok {
		return "", 0
	}
	if utf16.IsSurrogate(rune(n)) && len(s) >= 12 && s[6:8] == `\u` {
		if low, ok := number(s, 8, 4, 16); ok {
			if r := utf16.DecodeRune(rune(n), rune(low)); r != utf8.RuneError {
				return string(r), 12
			}
		}
	}
	return string(rune(n)), 6
}

// maxEntity is the longest reference of HTML that is looked at.
const maxEntity = 32

func entity(s string) (string, int) {
	end := strings.IndexByte(s[:min(len(s), maxEntity)], ';')
	if end < 2 || strings.ContainsAny(s[:end], " \r\n") {
		return "", 0
	}
	plain := html.UnescapeString(s[:end+1])
	if strings.HasSuffix(plain, ";") && strings.HasPrefix(plain, "&") && len(plain) > 1 {
		return "", 0 // none that HTML knows
	}
	return plain, end + 1
}
