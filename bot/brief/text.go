package brief

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of text in runes.
const (
	maxSpan   = 300  // of one Span
	maxRead   = 8192 // of what is looked at of any text from outside
	maxMarks  = 4    // combining marks on one letter
	maxLabel  = 30   // of a Button: what phones show
	maxAsked  = 300  // of Button.Confirm
	maxCode   = 2400 // of a block of output
	maxOutput = 20   // lines of output
)

const (
	joiner      = 0x200d // between the parts of an emoji
	textStyle   = 0xfe0e
	emojiStyle  = 0xfe0f
	lineBreak   = '↵'
	replacement = utf8.RuneError
)

// Clean makes text from outside fit to stand in one line, where what people see
// is what is there. White space becomes one space, and a line break the sign ↵.
// What has no shape of its own (control characters, direction marks, joiners,
// tags, fillers, variation selectors, private and unassigned code points) is
// shown by its number, ⟨U+202E⟩, a run of the same as ⟨U+200B×40⟩; so are
// combining marks beyond four on one letter. Only what makes an emoji stays: a
// joiner between two symbols, and a style after one. Bytes that are not UTF-8
// become U+FFFD. Text beyond 8192 runes is cut.
func Clean(s string) string { return strings.TrimSpace(clean(s, cleaner{})) }

func clean(s string, w cleaner) string {
	in := []rune(head(strings.ToValidUTF8(s, string(replacement)), maxRead))
	for i := 0; i < len(in); i++ {
		switch r := in[i]; {
		case r == '\r' && i+1 < len(in) && in[i+1] == '\n':
		case breaks(r):
			w.add(' ')
			w.add(lineBreak)
			w.add(' ')
		case r == '\t' || unicode.Is(unicode.Zs, r):
			w.add(' ')
		case w.shapeless(in, i):
			n := 1
			for i+1 < len(in) && in[i+1] == r {
				i++
				n++
			}
			w.number(r, n)
		default:
			w.add(r)
		}
	}
	return string(w.out)
}

func breaks(r rune) bool {
	return r == '\n' || r == '\r' || r == '\v' || r == '\f' || r == 0x85 || unicode.In(r, unicode.Zl, unicode.Zp)
}

// cleaner writes runes and knows what stands before.
type cleaner struct {
	out   []rune
	marks int  // in a row, at the end of out
	kept  bool // spaces stay as they are
}

func (w *cleaner) last() rune {
	if len(w.out) == 0 {
		return ' '
	}
	return w.out[len(w.out)-1]
}

func (w *cleaner) add(r rune) {
	if r == ' ' && w.last() == ' ' && !w.kept {
		return
	}
	if w.marks++; !unicode.Is(unicode.M, r) {
		w.marks = 0
	}
	w.out = append(w.out, r)
}

func (w *cleaner) number(r rune, n int) {
	text := fmt.Sprintf("⟨U+%04X⟩", r)
	if n > 1 {
		text = fmt.Sprintf("⟨U+%04X×%d⟩", r, n)
	}
	w.out, w.marks = append(w.out, []rune(text)...), maxMarks // what follows belongs to no letter
}

// shapeless reports whether people could not see the rune at i.
func (w *cleaner) shapeless(in []rune, i int) bool {
	r := in[i]
	switch {
	case r == joiner:
		return !pictured(w.last()) || i+1 >= len(in) || !unicode.Is(unicode.So, in[i+1])
	case r == textStyle || r == emojiStyle:
		return !symbol(w.last())
	case blank(r) || !unicode.IsPrint(r):
		return true
	case unicode.Is(unicode.M, r):
		return w.last() == ' ' || w.marks >= maxMarks
	default:
		return false
	}
}

// symbol is what a style may follow: a picture, or a key like 1, # and *.
func symbol(r rune) bool {
	return unicode.In(r, unicode.So, unicode.Sm, unicode.Po, unicode.Sc) || r >= '0' && r <= '9'
}

// pictured is what a joiner may follow.
func pictured(r rune) bool {
	return unicode.Is(unicode.So, r) || r == emojiStyle || r >= 0x1f3fb && r <= 0x1f3ff
}

// blank is a letter, mark or symbol by name that shows nothing.
func blank(r rune) bool {
	switch {
	case r >= 0xfe00 && r <= 0xfe0f, r >= 0xe0100 && r <= 0xe01ef: // variation selectors
		return true
	case r == 0x180b || r == 0x180c || r == 0x180d || r == 0x180f: // of Mongolian
		return true
	case r == 0x115f || r == 0x1160 || r == 0x3164 || r == 0xffa0: // Hangul fillers
		return true
	default: // joiner of graphemes, Khmer vowels, blank Braille, null head of a note, object
		return r == 0x34f || r == 0x17b4 || r == 0x17b5 || r == 0x2800 || r == 0x1d159 || r == 0xfffc
	}
}

// head is the first n runes.
func head(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i]
		}
	}
	return s
}

// Cut shortens text to so many runes, the last of which is … then. No mark or
// joiner is left without what it belongs to.
func Cut(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	if limit <= 0 {
		return ""
	}
	return strings.TrimRightFunc(head(s, limit-1), func(r rune) bool {
		return r == joiner || unicode.IsSpace(r) || unicode.Is(unicode.M, r)
	}) + "…"
}

// clip is Clean and Cut.
func clip(s string, limit int) string { return Cut(Clean(s), limit) }

var colours = regexp.MustCompile("\x1b\\[[0-9;:]{0,32}[mK]")

// tail is the last lines of output, each of them clean, and how many lines were
// left out before them. Colours of a terminal are dropped.
func tail(output string) (text string, left int) {
	output = strings.ToValidUTF8(output, string(replacement))
	output = colours.ReplaceAllString(output, "")
	output = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.TrimRight(output, " \t\r\n"))
	lines := strings.Split(output, "\n")
	left = max(len(lines)-maxOutput, 0)
	lines = lines[left:]
	size := 0
	for i := len(lines) - 1; i >= 0; i-- {
		lines[i] = indented(lines[i])
		if size += utf8.RuneCountInString(lines[i]) + 1; size > maxCode && i < len(lines)-1 {
			return strings.Join(lines[i+1:], "\n"), left + i + 1
		}
	}
	return strings.Join(lines, "\n"), left
}

// indented cleans a line of output and keeps its columns.
func indented(s string) string {
	s = strings.ReplaceAll(head(s, maxRead), "\t", "    ")
	return Cut(strings.TrimRight(clean(s, cleaner{kept: true}), " "), maxSpan)
}
