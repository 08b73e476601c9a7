package slack

import (
	"regexp"
	"strings"
)

// entity is what Slack puts between angle brackets: <@U1|name>, <#C1|name>,
// <!here>, <!subteam^S1|@name>, <!date^1^..|text>, <https://...|label>. Brackets
// that a person typed come as &lt; and &gt;.
var entity = regexp.MustCompile(`<([^<>]*)>`)

var unescaper = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

// typed gives back what a person typed or meant: links as their address, people
// as @ and their id, channels and the rest by their names.
func typed(s string) string {
	return strings.TrimSpace(unescaper.Replace(entity.ReplaceAllStringFunc(s, func(e string) string {
		return meant(e[1 : len(e)-1])
	})))
}

func meant(inside string) string {
	body, label, _ := strings.Cut(inside, "|")
	switch {
	case body == "":
		return label
	case body[0] == '@':
		return body
	case body[0] == '#':
		if label != "" {
			return "#" + label
		}
		return body
	case body[0] == '!':
		if label != "" {
			return label
		}
		return "@" + body[1:]
	case strings.HasPrefix(body, "mailto:"):
		return strings.TrimPrefix(body, "mailto:")
	default:
		return body
	}
}

// withoutMention drops the mention of Salve itself from what was said to it.
func withoutMention(s, user string) string {
	for _, form := range []string{"<@" + user + ">", "<@" + user + "|"} {
		at := strings.Index(s, form)
		if user == "" || at < 0 {
			continue
		}
		end := at + strings.IndexByte(s[at:], '>') + 1
		if end > at {
			return s[:at] + s[end:]
		}
	}
	return s
}
