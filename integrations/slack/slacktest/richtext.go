package slacktest

import (
	"strings"
)

// rich draws a rich text block. Its texts are no markup: what stands in them is
// shown as it is, and only elements of their own wake people.
func (r *renderer) rich(block map[string]any, indent string) {
	parts, _ := block["elements"].([]any)
	for _, p := range parts {
		part := mapOf(p)
		switch part["type"] {
		case "rich_text_list":
			items, _ := part["elements"].([]any)
			for _, item := range items {
				r.raw(indent+"• ", r.pieces(mapOf(item)))
			}
		case "rich_text_preformatted":
			r.raw(indent+"    ", r.pieces(part))
		case "rich_text_quote":
			r.raw(indent+"> ", r.pieces(part))
		default:
			r.raw(indent, r.pieces(part))
		}
	}
}

func (r *renderer) raw(indent, text string) {
	for line := range strings.SplitSeq(text, "\n") {
		r.add(indent, "%s", line)
	}
}

func (r *renderer) pieces(section map[string]any) string {
	var b strings.Builder
	list, _ := section["elements"].([]any)
	for _, e := range list {
		piece := mapOf(e)
		text, _ := piece["text"].(string)
		switch piece["type"] {
		case "user":
			id, _ := piece["user_id"].(string)
			text = "[[@" + r.slack.who(id).Name + "]]"
		case "usergroup":
			id, _ := piece["usergroup_id"].(string)
			text = "[[@" + id + "]]"
		case "broadcast":
			name, _ := piece["range"].(string)
			text = "[[@" + name + "]]"
		case "date":
			text, _ = piece["fallback"].(string)
		case "link":
			if text == "" {
				text, _ = piece["url"].(string)
			}
		}
		b.WriteString(text)
	}
	return b.String()
}
