package brief

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"salve/bot"
)

// What a phone 360 pixels wide shows in a line, in runes of usual width.
const (
	phoneWidth = 44
	titleWidth = 34 // letters of a title are larger, and a symbol of the tone goes before it
	chipWidth  = 4  // around the label of a Button
	anyTime    = "Mar 14, 2026 3:20 AM"
)

// Height is how many lines the Message takes on a phone, by estimate: title,
// lines and rows as they wrap, and the rows of buttons.
func Height(m bot.Message) int {
	n := 0
	if len(m.Title) > 0 {
		n += wrapped(m.Title, titleWidth)
	}
	for _, l := range m.Lines {
		n += lineHeight(l)
	}
	for _, r := range m.Rows {
		n += lineHeight(r.Line)
		if r.Button != nil {
			n++
		}
	}
	return n + buttonRows(m)
}

func lineHeight(l bot.Line) int {
	if l.Kind != bot.LineCode {
		return wrapped(l.Spans, phoneWidth)
	}
	n := 0
	for _, s := range l.Spans {
		for part := range strings.SplitSeq(s.Text, "\n") {
			n += wrapped([]bot.Span{{Text: part}}, phoneWidth)
		}
	}
	return n
}

func buttonRows(m bot.Message) int {
	labels := []string{}
	for _, b := range m.Buttons {
		labels = append(labels, b.Label)
	}
	if len(m.More) > 0 {
		labels = append(labels, "More")
	}
	rows, used := 0, phoneWidth
	for _, l := range labels {
		w := width(l) + chipWidth
		if used+w > phoneWidth {
			rows, used = rows+1, 0
		}
		used += w
	}
	return rows
}

// wrapped is how many lines the pieces take when they break at spaces.
func wrapped(spans []bot.Span, limit int) int {
	lines, used := 1, 0
	for _, word := range strings.Split(flat(spans), " ") {
		w := width(word)
		switch {
		case used == 0:
		case used+1+w <= limit:
			used++
		default:
			lines, used = lines+1, 0
		}
		for ; w > limit; w -= limit {
			lines++
		}
		used += w
	}
	return lines
}

// flat is the text of the pieces, with something as wide in place of a time.
func flat(spans []bot.Span) string {
	var b strings.Builder
	for _, s := range spans {
		switch {
		case !s.At.IsZero():
			b.WriteString(anyTime)
		default:
			b.WriteString(s.Text)
		}
		if u, err := url.Parse(s.URL); err == nil && u.Host != "" {
			b.WriteString(" (" + u.Host + ")")
		}
	}
	return b.String()
}

// width counts runes, those of East Asia and pictures double.
func width(s string) int {
	n := 0
	for _, r := range s {
		switch {
		case unicode.Is(unicode.M, r) || r == joiner:
		case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3,
			r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6, r >= 0x1f000:
			n += 2
		case r == utf8.RuneError:
			n += 2
		default:
			n++
		}
	}
	return n
}
