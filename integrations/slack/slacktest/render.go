package slacktest

import (
	"fmt"
	"regexp"
	"strings"
)

// Render draws a message as a person sees it, without its author and time: text
// as it is shown, buttons in brackets, a menu of hidden buttons as its entries.
func (s *Slack) Render(m Message) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &renderer{slack: s}
	if len(m.Blocks) == 0 && m.Text != "" {
		r.lines(m.Text, "")
	}
	r.blocks(decoded(m.Blocks), "")
	attachments, _ := decoded(m.Attachments).([]any)
	for _, a := range attachments {
		r.attachment(a)
	}
	for _, id := range m.Files {
		if f := s.files[id]; f != nil {
			r.add("", "[file %s: %s, %d bytes]", f.Name, f.Title, len(f.Body))
		}
	}
	return r.out.String()
}

// RenderView draws a modal or a home tab likewise.
func (s *Slack) RenderView(v View) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &renderer{slack: s}
	body, _ := decoded(v.Body).(map[string]any)
	if title := textOf(body["title"]); title != "" {
		r.add("", "== %s ==", title)
	}
	r.blocks(body["blocks"], "")
	var buttons []string
	for _, name := range []string{"close", "submit"} {
		if label := textOf(body[name]); label != "" {
			buttons = append(buttons, "["+label+"]")
		}
	}
	if len(buttons) > 0 {
		r.add("", "%s", strings.Join(buttons, " "))
	}
	return r.out.String()
}

type renderer struct {
	slack *Slack
	out   strings.Builder
}

func (r *renderer) add(indent, format string, args ...any) {
	r.out.WriteString(indent + strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
}

func (r *renderer) lines(text, indent string) {
	for line := range strings.SplitSeq(r.show(text), "\n") {
		r.add(indent, "%s", line)
	}
}

func (r *renderer) attachment(value any) {
	a, _ := value.(map[string]any)
	bar := "| "
	if colour, ok := a["color"].(string); ok {
		r.add("", "| (%s)", colour)
	}
	for _, name := range []string{"pretext", "title", "text", "footer"} {
		if text, ok := a[name].(string); ok && text != "" {
			r.lines(text, bar)
		}
	}
	r.blocks(a["blocks"], bar)
}

func (r *renderer) blocks(value any, indent string) {
	list, _ := value.([]any)
	for _, b := range list {
		if block, ok := b.(map[string]any); ok {
			r.block(block, indent)
		}
	}
}

func (r *renderer) block(block map[string]any, indent string) {
	switch block["type"] {
	case "header":
		r.add(indent, "# %s", textOf(block["text"]))
	case "divider":
		r.add(indent, "----")
	case "section":
		r.section(block, indent)
	case "context":
		r.add(indent, "  %s", r.join(block["elements"], "  "))
	case "actions", "context_actions":
		r.add(indent, "%s", r.join(block["elements"], " "))
	case "image":
		r.add(indent, "[image: %v]", block["alt_text"])
	case "input":
		r.input(block, indent)
	case "markdown":
		text, _ := block["text"].(string)
		r.lines(text, indent)
	case "table", "data_table":
		r.table(block, indent)
	case "rich_text":
		r.rich(block, indent)
	default:
		r.add(indent, "[%v]", block["type"])
	}
}

func (r *renderer) section(block map[string]any, indent string) {
	text := r.text(block["text"])
	if accessory, ok := block["accessory"].(map[string]any); ok {
		text += "  " + r.element(accessory)
	}
	if text != "" {
		for line := range strings.SplitSeq(text, "\n") {
			r.add(indent, "%s", line)
		}
	}
	fields, _ := block["fields"].([]any)
	for i := 0; i < len(fields); i += 2 {
		row := strings.ReplaceAll(r.text(fields[i]), "\n", " ")
		if i+1 < len(fields) {
			row = fmt.Sprintf("%-38s %s", row, strings.ReplaceAll(r.text(fields[i+1]), "\n", " "))
		}
		r.add(indent, "%s", row)
	}
}

func (r *renderer) input(block map[string]any, indent string) {
	element, _ := block["element"].(map[string]any)
	optional := ""
	if block["optional"] == true {
		optional = " (optional)"
	}
	begins := element["initial_value"]
	if option := element["initial_option"]; option != nil {
		begins = textOf(mapOf(option)["text"])
	}
	if begins == nil {
		begins = ""
	}
	r.add(indent, "%s%s: <%v> %s", textOf(block["label"]), optional, begins, r.options(element))
	if hint := textOf(block["hint"]); hint != "" {
		r.add(indent, "  %s", hint)
	}
}

func (r *renderer) table(block map[string]any, indent string) {
	rows, _ := block["rows"].([]any)
	for _, row := range rows {
		cells, _ := row.([]any)
		var texts []string
		for _, c := range cells {
			texts = append(texts, flatten(c))
		}
		r.add(indent, "%s", strings.Join(texts, " | "))
	}
}

func (r *renderer) join(value any, between string) string {
	list, _ := value.([]any)
	var out []string
	for _, e := range list {
		if node, ok := e.(map[string]any); ok {
			out = append(out, r.element(node))
		}
	}
	return strings.Join(out, between)
}

func (r *renderer) element(node map[string]any) string {
	switch node["type"] {
	case "button", "workflow_button":
		mark := map[any]string{"primary": "+", "danger": "!"}[node["style"]]
		return "[" + mark + textOf(node["text"]) + "]"
	case "overflow":
		return "[...: " + r.options(node) + "]"
	case "static_select", "radio_buttons", "checkboxes":
		return "<" + r.options(node) + ">"
	case "image":
		return fmt.Sprintf("[image: %v]", node["alt_text"])
	case "mrkdwn", "plain_text":
		return r.text(node)
	default:
		return fmt.Sprintf("<%v>", node["type"])
	}
}

func (r *renderer) options(node map[string]any) string {
	options, _ := node["options"].([]any)
	var out []string
	for _, o := range options {
		out = append(out, textOf(mapOf(o)["text"]))
	}
	return strings.Join(out, ", ")
}

func (r *renderer) text(value any) string {
	node, _ := value.(map[string]any)
	text := textOf(node)
	if node["type"] == "mrkdwn" {
		return r.show(text)
	}
	return text
}

var (
	control  = regexp.MustCompile(`<([^<>]*)>`)
	entities = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")
)

// show resolves what Slack does not show as it was written: names, links, dates,
// escapes. What wakes people stands in double brackets.
func (r *renderer) show(text string) string {
	return entities.Replace(control.ReplaceAllStringFunc(text, func(match string) string {
		target, label, labelled := strings.Cut(match[1:len(match)-1], "|")
		switch {
		case strings.HasPrefix(target, "@"):
			return "[[@" + r.slack.who(target[1:]).Name + "]]"
		case strings.HasPrefix(target, "#"):
			return "#" + r.slack.where(target[1:]).Name
		case strings.HasPrefix(target, "!date^"):
			return label
		case strings.HasPrefix(target, "!"):
			return "[[@" + strings.TrimPrefix(target[1:], "subteam^") + "]]"
		case labelled:
			return label + " (" + target + ")"
		default:
			return target
		}
	}))
}

// flatten is every text below the node.
func flatten(value any) string {
	switch node := value.(type) {
	case []any:
		var b strings.Builder
		for _, n := range node {
			b.WriteString(flatten(n))
		}
		return b.String()
	case map[string]any:
		if text, ok := node["text"].(string); ok {
			return text
		}
		return flatten(node["elements"])
	default:
		return ""
	}
}

func mapOf(value any) map[string]any {
	out, _ := value.(map[string]any)
	return out
}
