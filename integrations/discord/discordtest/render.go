package discordtest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Render draws a message as a person sees it, without its author and time: text
// with its mentions as names, embeds behind a bar, buttons in brackets, a menu
// with its options, files, and the thread.
func (d *Discord) Render(m Message) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := &renderer{discord: d, pinged: m.Pinged}
	if m.Waiting {
		r.add("", "… is thinking")
	}
	if m.ReplyTo != "" {
		r.add("", "(reply)")
	}
	if m.Content != "" {
		r.lines(m.Content, "")
	}
	embeds, _ := decoded(m.Embeds).([]any)
	for _, e := range embeds {
		if embed, ok := e.(object); ok && m.Flags&(1<<2) == 0 {
			r.embed(embed)
		}
	}
	r.rows(decoded(m.Components))
	for _, a := range m.Attachments {
		r.add("", "[file %s%s, %d bytes]", a.Name, after(": ", a.Description), len(a.Body))
	}
	if thread := d.channel(m.Thread); thread != nil {
		r.add("", "[thread %s: %d messages]", thread.Name, len(d.messages[thread.ID]))
	}
	if m.To != "" {
		r.add("", "(only you can see this)")
	}
	return r.out.String()
}

// RenderModal draws a form likewise.
func (d *Discord) RenderModal(m *Modal) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := &renderer{discord: d}
	r.add("", "== %s ==", m.Title)
	body, _ := decoded(m.Body).(object)
	rows, _ := body["components"].([]any)
	for _, row := range rows {
		outer, _ := row.(object)
		if text, ok := outer["content"].(string); ok {
			r.lines(text, "")
		}
		list, _ := outer["components"].([]any)
		if inner, ok := outer["component"].(object); ok {
			inner["label"] = outer["label"]
			list = []any{inner}
		}
		for _, e := range list {
			input, _ := e.(object)
			star := ""
			if input["required"] != false {
				star = "*"
			}
			r.add("", "%v%s: %s", input["label"], star, field(input))
		}
	}
	r.add("", "[Cancel] [Submit]")
	return r.out.String()
}

// field is what an empty form shows of an input.
func field(input object) string {
	if input["type"] == float64(3) {
		return menuText(input)
	}
	for _, name := range []string{"value", "placeholder"} {
		if text, ok := input[name].(string); ok && text != "" {
			return map[string]string{"value": text, "placeholder": "(" + text + ")"}[name]
		}
	}
	return "____"
}

type renderer struct {
	discord *Discord
	pinged  []string
	out     strings.Builder
}

func (r *renderer) add(indent, format string, args ...any) {
	r.out.WriteString(strings.TrimRight(indent+fmt.Sprintf(format, args...), " ") + "\n")
}

func (r *renderer) lines(text, indent string) {
	for line := range strings.SplitSeq(r.show(text), "\n") {
		r.add(indent, "%s", line)
	}
}

func (r *renderer) embed(embed object) {
	const bar = "| "
	text := func(value any, name string) string {
		inner, _ := value.(object)
		s, _ := inner[name].(string)
		return s
	}
	if colour, ok := embed["color"].(float64); ok && colour > 0 {
		r.add(bar, "(#%06X)", int(colour))
	}
	if author := text(embed["author"], "name"); author != "" {
		r.add(bar, "%s", author)
	}
	if title := text(embed, "title"); title != "" {
		r.add(bar, "# %s%s", r.show(title), after(" -> ", text(embed, "url")))
	}
	if description := text(embed, "description"); description != "" {
		r.lines(description, bar)
	}
	fields, _ := embed["fields"].([]any)
	for _, f := range fields {
		one, _ := f.(object)
		value := r.show(text(one, "value"))
		if strings.Contains(value, "\n") {
			r.add(bar, "%s:", r.show(text(one, "name")))
			r.lines(text(one, "value"), bar+"  ")
			continue
		}
		r.add(bar, "%s: %s", r.show(text(one, "name")), value)
	}
	for _, name := range []string{"image", "thumbnail"} {
		if address := text(embed[name], "url"); address != "" {
			r.add(bar, "[%s: %s]", name, address)
		}
	}
	footer := text(embed["footer"], "text")
	if at := text(embed, "timestamp"); at != "" {
		footer = strings.TrimPrefix(footer+" · "+at, " · ")
	}
	if footer != "" {
		r.add(bar, "%s", footer)
	}
}

func (r *renderer) rows(components any) {
	rows, _ := components.([]any)
	for _, row := range rows {
		outer, _ := row.(object)
		list, _ := outer["components"].([]any)
		var shown []string
		for _, e := range list {
			element, _ := e.(object)
			shown = append(shown, elementText(element))
		}
		r.add("", "%s", strings.Join(shown, " "))
	}
}

func elementText(element object) string {
	if element["type"] != float64(2) {
		return menuText(element)
	}
	label, _ := element["label"].(string)
	if emoji, ok := element["emoji"].(object); ok {
		label = strings.TrimSpace(fmt.Sprint(emoji["name"]) + " " + label)
	}
	style, _ := element["style"].(float64)
	mark := map[float64]string{1: "!", 3: "+", 4: "-", 5: "->"}[style]
	if element["disabled"] == true {
		mark += "x"
	}
	if address, ok := element["url"].(string); ok {
		return "[" + label + " -> " + address + "]"
	}
	return "[" + strings.TrimSpace(mark+" "+label) + "]"
}

func menuText(menu object) string {
	placeholder, _ := menu["placeholder"].(string)
	var labels []string
	options, _ := menu["options"].([]any)
	for _, o := range options {
		option, _ := o.(object)
		label := fmt.Sprint(option["label"])
		if option["default"] == true {
			label = "*" + label
		}
		labels = append(labels, label)
	}
	return "[v " + placeholder + ": " + strings.Join(labels, " | ") + "]"
}

var (
	reference = regexp.MustCompile(`\\.|<@[!&]?[0-9]+>|<#[0-9]+>|<t:(-?[0-9]+)(:[tTdDfFR])?>|@everyone|@here`)
	escaped   = regexp.MustCompile(`^\\[^a-zA-Z0-9\s]$`)
)

// show puts names in the place of ids: with @! what notified somebody, with @
// what only names them.
func (r *renderer) show(text string) string {
	return reference.ReplaceAllStringFunc(text, func(found string) string {
		id := strings.Trim(found, "<@!&#>")
		switch {
		case escaped.MatchString(found):
			return found[1:]
		case strings.HasPrefix(found, `\`):
			return found
		case found == "@everyone" || found == "@here":
			return r.mention("everyone", found)
		case strings.HasPrefix(found, "<@&"):
			if role := r.discord.role(id); role != nil {
				return r.mention(id, "@"+role.Name)
			}
			return "@unknown-role"
		case strings.HasPrefix(found, "<@"):
			return r.mention(id, "@"+r.discord.who(id).Name)
		case strings.HasPrefix(found, "<#"):
			if c := r.discord.channel(id); c != nil {
				return "#" + c.Name
			}
			return "#unknown"
		default:
			return found // a time stays as it was sent: people see it in their own zone
		}
	})
}

func (r *renderer) mention(id, shown string) string {
	if slices.Contains(r.pinged, id) {
		return "@!" + strings.TrimPrefix(shown, "@")
	}
	return shown
}

func after(before, text string) string {
	if text == "" {
		return ""
	}
	return before + text
}
