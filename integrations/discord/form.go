package discord

import (
	"cmp"
	"fmt"
	"strings"

	"salve/bot"
)

const (
	maxTitle    = 45
	maxTop      = 5 // parts of a form
	maxHint     = 100
	maxTextPart = 1500
	fieldPrefix = "field."
	restName    = "*" // what has no part of its own: NAME = VALUE, one a line
)

// asks reports whether a Form is one of Discord's: something is filled in.
func asks(f bot.Form) bool { return len(f.Fields) > 0 && carries(f.Token) }

// fill makes a form of Discord of a Form. What it carries is the Form's token and
// nothing else. It has five parts: what does not fit into one of its own is
// written as NAME = VALUE into the last.
func fill(f bot.Form) modal {
	out := modal{CustomID: id(idForm, 0, f.Token), Title: label(cmp.Or(f.Title, "Salve"), maxTitle)}
	if s := explained(f.Lines); s != "" {
		out.Components = append(out.Components, component{Type: kindText, Content: s})
	}
	room := maxTop - len(out.Components)
	fields := f.Fields
	var over []bot.Field
	if len(fields) > room {
		fields, over = fields[:room-1], fields[room-1:]
	}
	for _, x := range fields {
		out.Components = append(out.Components, part(x))
	}
	if len(over) > 0 {
		out.Components = append(out.Components, remaining(over))
	}
	return out
}

// explained is the text above the fields.
func explained(lines []bot.Line) string {
	p := &page{left: maxTextPart}
	for _, l := range lines {
		p.line(l)
	}
	if len(p.parts) == 0 {
		return ""
	}
	return p.parts[0].String()
}

func part(f bot.Field) component {
	required := !f.Optional
	entry := entryOf(f)
	entry.CustomID, entry.Required = fieldPrefix+f.Name, &required
	return component{Type: kindLabel, Label: label(cmp.Or(strings.TrimSpace(f.Label), f.Name), maxTitle), Description: plain(hinted(f), maxHint), Component: &entry}
}

// hinted is the hint; of choices that a menu cannot hold, those that fit.
func hinted(f bot.Field) string {
	if f.Kind != bot.FieldChoice || pickable(f) {
		return f.Hint
	}
	var all []string
	for _, c := range f.Choices {
		all = append(all, c.Value)
	}
	return strings.TrimSpace(f.Hint + " One of: " + strings.Join(all, ", "))
}

func pickable(f bot.Field) bool {
	seen := map[string]bool{}
	for _, c := range f.Choices {
		if c.Value == "" || seen[c.Value] || plain(c.Value, maxOption) != c.Value {
			return false
		}
		seen[c.Value] = true
	}
	return len(f.Choices) > 0 && len(f.Choices) <= maxOptions
}

func entryOf(f bot.Field) component {
	switch f.Kind {
	case bot.FieldChoice:
		if pickable(f) {
			return picked(f)
		}
	case bot.FieldPerson:
		e := component{Type: kindUser, Max: 1, Min: least(f)}
		if u := bare(f.Value); snowflake.MatchString(u) {
			e.Defaults = []standing{{ID: u, Type: "user"}}
		}
		return e
	case bot.FieldLong:
		return input(f, styleLong)
	case bot.FieldText, bot.FieldWhole:
		return input(f, styleShort)
	}
	return input(f, styleShort) // a kind that is not known is typed
}

func input(f bot.Field, style int) component {
	most := maxInput
	if f.Max > 0 {
		most = min(f.Max, maxInput)
	}
	value := strings.ToValidUTF8(f.Value, "�")
	if style == styleShort {
		value = strings.NewReplacer("\r", " ", "\n", " ").Replace(value)
	}
	return component{Type: kindInput, Style: style, MaxLength: most, Value: shorten(value, most)}
}

func picked(f bot.Field) component {
	e := component{Type: kindSelect, Placeholder: "Choose", Max: 1, Min: least(f)}
	for _, c := range f.Choices {
		e.Options = append(e.Options, option{Label: label(cmp.Or(c.Label, c.Value), maxOption), Value: c.Value, Default: c.Value == f.Value})
	}
	return e
}

func least(f bot.Field) *int {
	n := 1
	if f.Optional {
		n = 0
	}
	return &n
}

func remaining(fields []bot.Field) component {
	var b strings.Builder
	required := false
	for _, f := range fields {
		fmt.Fprintf(&b, "%s = %s\n", f.Name, strings.NewReplacer("\r", " ", "\n", " ").Replace(f.Value))
		required = required || !f.Optional
	}
	entry := component{Type: kindInput, Style: styleLong, CustomID: fieldPrefix + restName, MaxLength: maxInput, Value: shorten(strings.ToValidUTF8(b.String(), "�"), maxInput), Required: &required}
	return component{Type: kindLabel, Label: fmt.Sprintf("%d more values", len(fields)), Description: "NAME = VALUE, one on each line", Component: &entry}
}

// instead is a Form as a message: what only shows, and what is handed in without
// anything being filled in.
func instead(f bot.Form) bot.Message {
	m := bot.Message{
		Kind: bot.MessageReply, Tone: bot.ToneQuiet, Alone: f.Title, Title: []bot.Span{{Text: f.Title}}, Lines: f.Lines, Rows: f.Rows,
	}
	if f.Submit != "" && len(f.Fields) == 0 {
		m.Buttons = []bot.Button{{Label: f.Submit, Style: "primary", Token: f.Token}}
	}
	return m
}
