package discord

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"salve/bot"
)

// marks are the characters that mean something to Discord's Markdown wherever they
// stand. After a backslash each of them stands for itself.
const marks = "\\`*_~|<@[]"

// escapes reports whether the character of s at i would mean something: by itself,
// at the beginning of a line, or as a part of an address, an invitation, an emoji.
// What comes before s in its line, and after it, is not known.
func escapes(s string, i int) bool {
	c := s[i]
	switch before := strings.TrimLeft(s[:i], " "); {
	case strings.IndexByte(marks, c) >= 0:
		return true
	case c == '#' || c == '-' || c == '+' || c == '>':
		return before == ""
	case c == '.' || c == ')':
		return strings.Trim(before, "0123456789") == ""
	case c == '/':
		word := before[strings.LastIndexByte(before, ' ')+1:]
		return word == "" || strings.Contains(word, ".")
	case c == ':':
		word, _, more := strings.Cut(s[i+1:], " ")
		return !more || strings.Contains(word, ":") || strings.HasPrefix(word, "//")
	default:
		return false
	}
}

// size counts as Discord's clients do: what is beyond the first plane is two.
func size(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}

// escape cleans s into one line of Markdown that shows it as it is; it is cut
// where it would become longer than most, and never within an escape.
func escape(s string, most int) string {
	s = clean(near(s, most), false)
	var b strings.Builder
	n := 0
	for i, r := range s {
		piece := string(r)
		if r < utf8.RuneSelf && escapes(s, i) {
			piece = `\` + piece
		}
		w := size(piece)
		if n+w > most-1 && (n+w > most || i+utf8.RuneLen(r) < len(s)) {
			b.WriteString("…")
			break
		}
		b.WriteString(piece)
		n += w
	}
	return b.String()
}

// verbatim is an inline piece of code. Nothing in it is read as Markdown, but for
// what would end it: a run of backticks is parted by a space without width.
func verbatim(s string, most int) string {
	s = strings.TrimSpace(shorten(clean(near(s, most), false), most-6))
	if s == "" {
		return ""
	}
	if !strings.Contains(s, "`") {
		return "`" + s + "`"
	}
	for strings.Contains(s, "``") {
		s = strings.ReplaceAll(s, "``", "`\u200b`")
	}
	return "`` " + shorten(s, most-6) + " ``"
}

// fence is a block of code. What would close it is parted by a space without
// width; it is cut so that it is closed in any case.
func fence(s string, most int) string {
	const around = len("```\n\n```")
	s = strings.Trim(clean(near(s, most), true), "\n")
	for strings.Contains(s, "```") {
		s = strings.ReplaceAll(s, "```", "``\u200b`")
	}
	if strings.TrimSpace(s) == "" || most <= around+1 {
		return ""
	}
	return "```\n" + shorten(s, most-around) + "\n```"
}

// shorten cuts by what Discord counts, and shows that it did.
func shorten(s string, most int) string {
	if len(s) <= most || size(s) <= most {
		return s
	}
	n := 0
	for i, r := range s {
		if n += size(string(r)); n > most-1 {
			return s[:i] + "…"
		}
	}
	return s
}

const maxURL = 1000

var targets = strings.NewReplacer("(", "%28", ")", "%29", `\`, "%5C", "<", "%3C", ">", "%3E", "*", "%2A", "_", "%5F", "`", "%60", "~", "%7E", "|", "%7C", "[", "%5B", "]", "%5D")

// safeURL accepts what leads to where it says: http or https, a host, nobody's
// password. The host is shown beside the label, whatever the label says.
func safeURL(raw string) (address, host string, ok bool) {
	if raw == "" || len(raw) > maxURL {
		return "", "", false
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Opaque != "" {
		return "", "", false
	}
	host = u.Host
	rest := targets.Replace(strings.TrimPrefix(u.String(), u.Scheme+"://"+u.Host))
	address = u.Scheme + "://" + host + rest
	if len(address) > maxURL || strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r > '~' }) || strings.ContainsAny(host, "()<>\\`*|~") {
		return "", "", false
	}
	return address, host, true
}

// line makes Markdown of spans, of at most the given size.
func line(spans []bot.Span, most int) string {
	var b strings.Builder
	left := most
	for _, s := range spans {
		piece := piece(s, min(left, maxSpan))
		if n := size(piece); n <= left {
			b.WriteString(piece)
			left -= n
		}
		if left < 8 {
			break
		}
	}
	return b.String()
}

func piece(s bot.Span, most int) string {
	if !s.At.IsZero() {
		if s.At.Unix() <= 0 {
			return ""
		}
		return fmt.Sprintf("<t:%d:f>", s.At.Unix())
	}
	if address, host, ok := safeURL(s.URL); ok && len(address)+len(host)+20 < most {
		label := escape(s.Text, min(300, most-len(address)-2*len(host)-20))
		return "[" + strings.TrimSpace(label+" ("+escape(host, 300)+")") + "](" + address + ")"
	}
	switch s.Style {
	case bot.SpanStrong:
		return strong(escape(s.Text, most-4))
	case bot.SpanCode:
		return verbatim(s.Text, most)
	default:
		return escape(s.Text, most)
	}
}

// strong keeps blanks outside of the asterisks, where they would undo them.
func strong(escaped string) string {
	inner := strings.TrimSpace(escaped)
	if inner == "" {
		return escaped
	}
	before, after, _ := strings.Cut(escaped, inner)
	return before + "**" + inner + "**" + after
}

func bold(spans []bot.Span) []bot.Span {
	out := make([]bot.Span, len(spans))
	for i, s := range spans {
		if s.Style == bot.SpanPlain {
			s.Style = bot.SpanStrong
		}
		out[i] = s
	}
	return out
}

// flat is what spans say where nothing but text can be shown: unescaped.
func flat(spans []bot.Span, most int) string {
	var b strings.Builder
	for _, s := range spans {
		if s.At.IsZero() {
			b.WriteString(near(s.Text, most))
		} else {
			b.WriteString(s.At.UTC().Format("2006-01-02 15:04 UTC"))
		}
	}
	return plain(b.String(), most)
}

// plain is a text of a place that knows no Markdown: labels, hints, titles.
func plain(s string, most int) string {
	return strings.TrimSpace(shorten(clean(near(s, most), false), most))
}
