// Package paging is what pagers have in common: a Message as plain text, and an
// answer of the far end as a fault.
//
// It promises that text has no control and no invisible character in it, is cut
// by runes, and holds no link that the Message does not mean as one; and that no
// fault holds a key, the query of an address, or anything that the far end
// wrote. It assumes pagers that know repeats by a key, so that what may or may
// not have been taken is sent again without harm.
package paging

import (
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"

	"salve/bot"
)

// Line is text in one line of at most so many runes, with what cannot be seen
// written out.
func Line(text string, most int) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		case hidden(r):
			fmt.Fprintf(&b, "\\u%04x", r)
		default:
			b.WriteRune(r)
		}
	}
	return Cut(strings.TrimSpace(b.String()), most)
}

func hidden(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp)
}

// Cut keeps at most so many runes and shows that there was more.
func Cut(text string, most int) string {
	r := []rune(strings.ToValidUTF8(text, "\uFFFD"))
	if len(r) <= most {
		return string(r)
	}
	return string(r[:most-1]) + "…"
}

// maxLine is how long a line of a text is at most.
const maxLine = 2000

// Text is a Message as people read it where there is no markup, of at most so
// many runes: title, lines, rows. A link shows its address.
func Text(m bot.Message, most int) string {
	var b strings.Builder
	if len(m.Title) > 0 {
		b.WriteString(spans(m.Title) + "\n")
	}
	for _, l := range m.Lines {
		b.WriteString(line(l) + "\n")
	}
	for _, r := range m.Rows {
		b.WriteString("- " + line(r.Line) + "\n")
	}
	text := strings.TrimSpace(b.String())
	if text == "" {
		text = Line(m.Alone, maxLine)
	}
	return Cut(text, most)
}

func line(l bot.Line) string {
	switch l.Kind {
	case bot.LineItem:
		return "- " + spans(l.Spans)
	case bot.LineHead:
		return "\n" + spans(l.Spans)
	case bot.LineCode:
		var out []string
		for _, s := range l.Spans {
			for _, one := range strings.Split(s.Text, "\n") {
				out = append(out, "    "+Line(one, maxLine))
			}
		}
		return strings.Join(out, "\n")
	default:
		return spans(l.Spans)
	}
}

func spans(all []bot.Span) string {
	var b strings.Builder
	for _, s := range all {
		switch {
		case !s.At.IsZero():
			b.WriteString(s.At.UTC().Format(time.RFC3339))
		case s.URL != "" && Address(s.URL):
			b.WriteString(s.Text + " (" + s.URL + ")")
		default:
			b.WriteString(s.Text)
		}
	}
	return Line(b.String(), maxLine)
}

// Address reports whether a text is an http or https address.
func Address(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil
}

// Link is one address of a Message with its label.
type Link struct{ Text, URL string }

// Links are the addresses of a Message, none twice, at most so many.
func Links(m bot.Message, most int) []Link {
	var out []Link
	add := func(all []bot.Span) {
		for _, s := range all {
			if s.URL == "" || !Address(s.URL) || len(out) == most || has(out, s.URL) {
				continue
			}
			out = append(out, Link{Text: Line(s.Text, 120), URL: s.URL})
		}
	}
	add(m.Title)
	for _, l := range m.Lines {
		add(l.Spans)
	}
	for _, r := range m.Rows {
		add(r.Line.Spans)
	}
	return out
}

func has(links []Link, url string) bool {
	for _, l := range links {
		if l.URL == url {
			return true
		}
	}
	return false
}
