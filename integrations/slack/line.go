package slack

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"salve/bot"
)

// line makes rich text of spans. Rich text has no markup: what others wrote
// stays what they wrote, whatever it is.
func line(spans []bot.Span) []element {
	var out []element
	for _, s := range spans {
		if e, ok := piece(s); ok {
			out = append(out, e)
		}
	}
	return out
}

func piece(s bot.Span) (element, bool) {
	if !s.At.IsZero() {
		return element{Type: "date", Timestamp: s.At.Unix(), Format: pretty, Fallback: iso(s.At)}, s.At.Unix() > 0
	}
	label := cut(s.Text, maxSpan)
	e := element{Type: "text", Label: label}
	switch s.Style {
	case bot.SpanStrong:
		e.Style = &look{Bold: true}
	case bot.SpanCode:
		e.Style = &look{Code: true}
	}
	if address, host, ok := safeURL(s.URL); ok {
		e.Type, e.URL = "link", address
		e.Label = strings.TrimSpace(short(label, 300) + " (" + host + ")")
		return e, true
	}
	return e, label != ""
}

const maxURL = 2000

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
	address = u.String()
	if len(address) > maxURL || strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", "", false
	}
	return address, u.Host, true
}

// quiet is a line of small print: texts and instants. What holds a link, or is
// of too many pieces, is written in full size.
func quiet(spans []bot.Span) (block, bool) {
	const most = 10
	var out []element
	var words strings.Builder
	end := func() {
		if s := strings.TrimSpace(words.String()); s != "" {
			literally := false
			out = append(out, element{Type: "plain_text", Label: short(s, 2000), Emoji: &literally})
		}
		words.Reset()
	}
	for _, s := range spans {
		switch {
		case s.URL != "":
			return block{}, false
		case s.At.IsZero():
			words.WriteString(cut(s.Text, maxSpan))
		default:
			end()
			date := fmt.Sprintf("<!date^%d^%s|%s>", s.At.Unix(), pretty, iso(s.At))
			out = append(out, element{Type: "mrkdwn", Label: date, Verbatim: true})
		}
	}
	end()
	if len(out) == 0 || len(out) > most {
		return block{}, false
	}
	return block{Type: "context", Elements: out}, true
}

// small is a line of small print of our own.
func small(s string) block {
	b, _ := quiet([]bot.Span{{Text: s}})
	return b
}

// runes counts what Slack counts: the characters of everything that is sent but
// the types.
func runes(v any) int {
	data, err := json.Marshal(v)
	if err != nil {
		return 0
	}
	var tree any
	if json.Unmarshal(data, &tree) != nil {
		return 0
	}
	return count(tree)
}

func count(v any) int {
	n := 0
	switch v := v.(type) {
	case string:
		n = utf8.RuneCountInString(v)
	case []any:
		for _, e := range v {
			n += count(e)
		}
	case map[string]any:
		for name, e := range v {
			if name != "type" {
				n += count(e)
			}
		}
	}
	return n
}
