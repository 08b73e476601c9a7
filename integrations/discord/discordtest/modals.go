package discordtest

import (
	"fmt"
	"maps"
	"strings"
	"unicode/utf8"
)

// Submit lets the person before whom the modal is fill it in and send it: values
// are by custom_id or label, of menus by the label or value of an option. What is
// not named keeps what it began with.
func (d *Discord) Submit(m *Modal, values map[string]string) Heard {
	d.tb.Helper()
	if m == nil {
		d.tb.Fatal("discordtest: no modal opened")
		return Heard{}
	}
	body, _ := decoded(m.Body).(object)
	components, why := fillModal(body["components"], maps.Clone(values))
	if why != "" {
		return Heard{Blocked: why}
	}
	d.mu.Lock()
	from := m.from
	i, h, payload := d.begin(kindModal, from.user, d.where(from.channel))
	payload["data"] = object{"custom_id": m.CustomID, "components": components, "resolved": object{}}
	if from.source != nil {
		i.source = from.source
		payload["message"] = d.messageJSON(from.source)
	}
	d.mu.Unlock()
	return d.deliver(h)
}

// fillModal makes the rows of a modal as they are sent, or says what the client
// would not let through.
func fillModal(rows any, values map[string]string) (out []object, why string) {
	list, _ := rows.([]any)
	for n, r := range list {
		row, _ := r.(object)
		if inner, ok := row["component"].(object); ok {
			filled, why := fillInput(inner, row["label"], values)
			if why != "" {
				return nil, why
			}
			out = append(out, object{"type": row["type"], "id": n + 1, "component": filled})
			continue
		}
		inner, isRow := row["components"].([]any)
		if !isRow { // a text, which there is nothing to fill in of
			out = append(out, object{"type": row["type"], "id": n + 1})
			continue
		}
		var filled []object
		for _, e := range inner {
			input, _ := e.(object)
			one, why := fillInput(input, input["label"], values)
			if why != "" {
				return nil, why
			}
			filled = append(filled, one)
		}
		out = append(out, object{"type": row["type"], "id": n + 1, "components": filled})
	}
	for name := range values {
		return nil, fmt.Sprintf("there is no field %q", name)
	}
	return out, ""
}

func fillInput(input object, label any, values map[string]string) (filled object, why string) {
	id, _ := input["custom_id"].(string)
	name, _ := label.(string)
	text, given := values[id]
	if !given {
		text, given = values[name]
	}
	delete(values, id)
	delete(values, name)
	filled = object{"type": input["type"], "custom_id": id, "id": 0}
	needed := input["required"] != false
	if input["type"] != float64(4) {
		chosen, why := fillMenu(input, text, given, needed)
		filled["values"] = chosen
		return filled, prefixed(name, why)
	}
	if !given {
		text, _ = input["value"].(string)
	}
	runes := float64(utf8.RuneCountInString(text))
	switch {
	case strings.TrimSpace(text) == "" && needed:
		why = "must be filled in"
	case text != "" && runes < orElse(input["min_length"], 0):
		why = "is too short"
	case runes > orElse(input["max_length"], 4000):
		why = "is too long"
	}
	filled["value"] = text
	return filled, prefixed(name, why)
}

func prefixed(name, why string) string {
	if why == "" {
		return ""
	}
	return name + ": " + why
}

func fillMenu(menu object, text string, given, needed bool) (chosen []string, why string) {
	chosen = []string{}
	if menu["type"] == float64(5) { // of people, who are named by their ids
		text, given = chosenUser(menu, text, given)
		if given {
			return append(chosen, text), ""
		}
	} else if given {
		value, ok := optionOf(menu, text)
		if !ok {
			return nil, fmt.Sprintf("there is no option %q", text)
		}
		return append(chosen, value), ""
	}
	options, _ := menu["options"].([]any)
	for _, o := range options {
		option, _ := o.(object)
		if value, _ := option["value"].(string); option["default"] == true {
			chosen = append(chosen, value)
		}
	}
	if len(chosen) == 0 && needed {
		return nil, "must be filled in"
	}
	return chosen, ""
}

// chosenUser is whom a menu of people was left with.
func chosenUser(menu object, text string, given bool) (string, bool) {
	defaults, _ := menu["default_values"].([]any)
	if !given && len(defaults) > 0 {
		first, _ := defaults[0].(object)
		text, given = first["id"].(string)
	}
	return text, given
}
