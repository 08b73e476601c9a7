package discordtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Slash lets a person type the app's command: its subcommand, in words, with the
// options by name. The name of the command itself may stand before it.
func (d *Discord) Slash(user, channel, subcommand string, options map[string]string) Heard {
	d.tb.Helper()
	return d.typed(kindCommand, typing{user: user, channel: channel, line: subcommand, options: options})
}

// Autocomplete lets a person type into one option, which may be half a word, and
// returns what was suggested; the others are what they filled in before.
func (d *Discord) Autocomplete(user, channel, subcommand, focused string, options map[string]string) Heard {
	d.tb.Helper()
	return d.typed(kindAutocomplete, typing{user: user, channel: channel, line: subcommand, focused: focused, options: options})
}

// typing is a command on its way.
type typing struct {
	user, channel, line, focused string
	options                      map[string]string
}

func (d *Discord) typed(kind int, t typing) Heard {
	d.tb.Helper()
	d.mu.Lock()
	where := d.where(t.channel)
	c, path, leaf := d.resolve(t.line)
	if c == nil {
		d.mu.Unlock()
		d.tb.Fatalf("discordtest: no command %q is registered", t.line)
		return Heard{}
	}
	blocked := d.hidden(c, d.who(t.user), where)
	values, why := fillOptions(leaf, t)
	if blocked == "" {
		blocked = why
	}
	if blocked != "" {
		d.mu.Unlock()
		return Heard{Blocked: blocked}
	}
	for _, name := range slices.Backward(path) {
		values = []object{{"name": name.Name, "type": name.Type, "options": values}}
	}
	_, h, payload := d.begin(kind, t.user, where)
	data := object{"id": c.ID, "name": c.Name, "type": commandTyped, "options": values}
	if c.guild != "" {
		data["guild_id"] = c.guild
	}
	payload["data"] = data
	d.mu.Unlock()
	return d.deliver(h)
}

func (d *Discord) where(id string) *Channel {
	if c := d.channel(id); c != nil {
		return c
	}
	if u := d.user(id); u != nil {
		return d.direct(id)
	}
	return &Channel{ID: id, Name: "unknown"}
}

// resolve finds the command, the groups and subcommands on the way, and the
// options at its end.
func (d *Discord) resolve(line string) (c *command, path []option, leaf []option) {
	words := strings.Fields(strings.TrimPrefix(line, "/"))
	for _, guild := range []string{GuildID, ""} {
		for i := range d.commands[guild] {
			c := &d.commands[guild][i]
			rest := words
			if len(rest) > 0 && rest[0] == c.Name {
				rest = rest[1:]
			}
			if path, leaf, ok := walk(c.Options, rest); ok && c.Type == commandTyped {
				return c, path, leaf
			}
		}
	}
	return nil, nil, nil
}

func walk(options []option, words []string) (path, leaf []option, ok bool) {
	for _, word := range words {
		at := slices.IndexFunc(options, func(o option) bool { return o.Name == word && o.Type <= 2 })
		if at < 0 {
			return nil, nil, false
		}
		path, options = append(path, options[at]), options[at].Options
	}
	if slices.ContainsFunc(options, func(o option) bool { return o.Type <= 2 }) {
		return nil, nil, false // a subcommand is missing
	}
	return path, options, true
}

// fillOptions makes the options that were filled in, or says what the client
// would not let through.
func fillOptions(leaf []option, t typing) (values []object, why string) {
	values = []object{}
	for _, o := range leaf {
		text, given := t.options[o.Name]
		switch {
		case !given && o.Required && t.focused == "":
			return nil, o.Name + ": must be filled in"
		case !given:
			continue
		}
		filled := object{"name": o.Name, "type": o.Type, "value": text}
		if o.Name == t.focused {
			if !o.Autocomplete {
				return nil, o.Name + ": suggests nothing"
			}
			filled["focused"] = true
			values = append(values, filled)
			continue
		}
		value, why := o.value(text)
		if why != "" {
			return nil, o.Name + ": " + why
		}
		filled["value"] = value
		values = append(values, filled)
	}
	for name := range t.options {
		if !slices.ContainsFunc(leaf, func(o option) bool { return o.Name == name }) {
			return nil, fmt.Sprintf("there is no option %q", name)
		}
	}
	return values, ""
}

// value is the text as the option takes it.
func (o option) value(text string) (value any, why string) {
	for _, c := range o.Choices {
		if c.Name == text || fmt.Sprint(c.Value) == text {
			return c.Value, ""
		}
	}
	if len(o.Choices) > 0 {
		return nil, fmt.Sprintf("there is no choice %q", text)
	}
	var err error
	switch o.Type {
	case 4:
		value, err = strconv.ParseInt(text, 10, 64)
	case 5:
		value, err = strconv.ParseBool(text)
	case 10:
		value, err = strconv.ParseFloat(text, 64)
	default:
		if text == "" && o.Required {
			return nil, "must be filled in"
		}
		return text, ""
	}
	if err != nil {
		return nil, "is not of its type"
	}
	return value, ""
}

// Press lets a person press a button of a message as it was when the person
// looked: by its label or its custom_id. The app is given the message as it is.
func (d *Discord) Press(user string, m Message, label string) Heard {
	d.tb.Helper()
	element := d.element(m, label, 2)
	if element["url"] != nil {
		d.tb.Fatalf("discordtest: %q is a link, which the app does not hear of", label)
	}
	return d.touched(user, m, element, nil)
}

// Choose lets a person choose from a menu of a message: the menu by its
// placeholder or custom_id, what is chosen by its label or value.
func (d *Discord) Choose(user string, m Message, menu string, chosen ...string) Heard {
	d.tb.Helper()
	element := d.element(m, menu, 3)
	values := []string{}
	for _, text := range chosen {
		value, ok := optionOf(element, text)
		if !ok {
			return Heard{Blocked: fmt.Sprintf("there is no option %q", text)}
		}
		values = append(values, value)
	}
	if n := float64(len(values)); n < orElse(element["min_values"], 1) || n > orElse(element["max_values"], 1) {
		return Heard{Blocked: "that many cannot be chosen"}
	}
	return d.touched(user, m, element, values)
}

func orElse(value any, otherwise float64) float64 {
	if n, ok := value.(float64); ok {
		return n
	}
	return otherwise
}

func optionOf(menu object, text string) (value string, ok bool) {
	options, _ := menu["options"].([]any)
	for _, o := range options {
		option, _ := o.(object)
		if value, _ := option["value"].(string); value == text || option["label"] == text {
			return value, true
		}
	}
	return "", false
}

// element finds a component of the message; the test fails when it shows none.
func (d *Discord) element(m Message, name string, kind float64) object {
	d.tb.Helper()
	for _, e := range elements(m.Components) {
		if e["type"] == kind && (e["label"] == name || e["custom_id"] == name || e["placeholder"] == name) {
			return e
		}
	}
	d.tb.Fatalf("discordtest: the message shows no %q:\n%s", name, d.Render(m))
	return nil
}

// elements are what stands in the rows, whatever a label is around.
func elements(components json.RawMessage) []object {
	var out []object
	rows, _ := decoded(components).([]any)
	for _, r := range rows {
		row, _ := r.(object)
		list, _ := row["components"].([]any)
		if inner, ok := row["component"].(object); ok {
			inner["label"] = row["label"]
			list = append(list, inner)
		}
		for _, e := range list {
			if element, ok := e.(object); ok {
				out = append(out, element)
			}
		}
	}
	return out
}

// touched sends what a person did to a component.
func (d *Discord) touched(user string, m Message, element object, values []string) Heard {
	if element["disabled"] == true {
		return Heard{Blocked: "it is disabled"}
	}
	if m.To != "" && m.To != user {
		return Heard{Blocked: "the person does not see the message"}
	}
	d.mu.Lock()
	i, h, payload := d.begin(kindComponent, user, d.where(m.Channel))
	data := object{"custom_id": element["custom_id"], "component_type": element["type"], "id": 0}
	if values != nil {
		data["values"] = values
	}
	if i.source = d.anyMessage(m); i.source == nil {
		d.mu.Unlock()
		return Heard{Blocked: "the message is not there any more"}
	}
	payload["data"], payload["message"] = data, d.messageJSON(i.source)
	d.mu.Unlock()
	return d.deliver(h)
}

func (d *Discord) anyMessage(m Message) *Message {
	for _, seen := range d.seen {
		if seen.ID == m.ID && !seen.gone {
			return seen
		}
	}
	return d.message(m.Channel, m.ID)
}

// Context lets a person choose the app's entry in the menu of a message; the name
// may be empty when there is one only.
func (d *Discord) Context(user string, m Message, name string) Heard {
	d.tb.Helper()
	d.mu.Lock()
	c, where := d.find(commandMessage, name), d.where(m.Channel)
	if c == nil {
		d.mu.Unlock()
		d.tb.Fatalf("discordtest: no command %q for messages is registered", name)
		return Heard{}
	}
	if blocked := d.hidden(c, d.who(user), where); blocked != "" {
		d.mu.Unlock()
		return Heard{Blocked: blocked}
	}
	_, h, payload := d.begin(kindCommand, user, where)
	target := d.messageJSON(&m)
	target["content"] = m.Content // who chose it gives it to the app, whatever its intents are
	data := object{"id": c.ID, "name": c.Name, "type": commandMessage, "target_id": m.ID, "resolved": object{"messages": object{m.ID: target}}}
	if c.guild != "" {
		data["guild_id"] = c.guild
	}
	payload["data"] = data
	d.mu.Unlock()
	return d.deliver(h)
}
