package legal

// The types of component that are sent.
const (
	typeRow          = 1
	typeButton       = 2
	typeStringSelect = 3
	typeTextInput    = 4
	typeLabel        = 18
)

const (
	styleLink    = 5
	stylePremium = 6
)

const (
	maxRows        = 5
	maxModalInputs = 5
)

func (c *checker) checkRows(value any, where string) {
	rows, _ := value.([]any)
	if len(rows) > maxRows {
		c.add(where, "rows", "%d rows, %d are allowed", len(rows), maxRows)
	}
	for i, r := range rows {
		row, _ := r.(map[string]any)
		list, _ := row["components"].([]any)
		selects := 0
		for j, e := range list {
			element, _ := e.(map[string]any)
			c.checkElement(element, at(at(where, i)+"/components", j))
			if kind := number(element["type"]); kind != typeButton && kind != 0 {
				selects++
			}
		}
		if selects > 0 && len(list) > 1 {
			c.add(at(where, i)+"/components", "row", "a menu needs a row of its own")
		}
	}
}

func (c *checker) checkElement(element map[string]any, where string) {
	if number(element["type"]) == typeButton {
		c.checkButton(element, where)
	} else {
		c.checkSelect(element, where)
	}
	c.checkID(element, where)
}

// checkID sees that no two components of a message have the same custom_id.
func (c *checker) checkID(element map[string]any, where string) {
	id, ok := element["custom_id"].(string)
	if !ok {
		return
	}
	if blank(id) && id != "" {
		c.add(where+"/custom_id", "empty", "is only white space")
	}
	if c.ids[id] {
		c.add(where+"/custom_id", "duplicate", "another component has the same custom_id")
	}
	c.ids[id] = true
}

func (c *checker) checkButton(button map[string]any, where string) {
	id, link := button["custom_id"], button["url"]
	if blank(text(button["label"])) && button["emoji"] == nil && number(button["style"]) != stylePremium {
		c.add(where+"/label", "empty", "a button needs a label or an emoji")
	}
	switch number(button["style"]) {
	case styleLink:
		if text(link) == "" {
			c.add(where+"/url", "link", "a link needs an address")
		}
		if id != nil {
			c.add(where+"/custom_id", "link", "a link has no custom_id")
		}
		c.checkURL(link, where+"/url", "http", "https", "discord")
	case stylePremium:
		c.add(where+"/style", "style", "there is nothing to be sold here")
	default:
		if link != nil {
			c.add(where+"/url", "link", "only a link has an address")
		}
		if text(id) == "" {
			c.add(where+"/custom_id", "link", "a button that is no link needs a custom_id")
		}
	}
}

// checkSelect checks a menu of texts; those of users, roles and channels have no
// options.
func (c *checker) checkSelect(menu map[string]any, where string) {
	least, most := int64(1), int64(1)
	if menu["min_values"] != nil {
		least = number(menu["min_values"])
	}
	if menu["max_values"] != nil {
		most = number(menu["max_values"])
	}
	if least > most {
		c.add(where, "values", "min_values is above max_values")
	}
	if number(menu["type"]) != typeStringSelect {
		return
	}
	options, _ := menu["options"].([]any)
	if most > int64(len(options)) {
		c.add(where+"/max_values", "values", "is above the number of options")
	}
	values, chosen := map[string]bool{}, int64(0)
	for i, o := range options {
		option, _ := o.(map[string]any)
		value := text(option["value"])
		if values[value] {
			c.add(at(where+"/options", i)+"/value", "duplicate", "another option has the same value")
		}
		values[value] = true
		if blank(text(option["label"])) {
			c.add(at(where+"/options", i)+"/label", "empty", "has nothing to show")
		}
		if option["default"] == true {
			chosen++
		}
	}
	if chosen > most {
		c.add(where+"/options", "values", "%d are chosen at first, %d may be", chosen, most)
	}
}

func (c *checker) checkModal(value any) { c.modal(value, "") }

func (c *checker) modal(value any, where string) {
	root, ok := value.(map[string]any)
	if !ok {
		c.add(where, "json", "not a JSON object")
		return
	}
	if c.kind == Modal {
		c.checkSchema("Modal", root, where)
	}
	if title, ok := root["title"].(string); ok && blank(title) {
		c.add(where+"/title", "empty", "has nothing to show")
	}
	rows, _ := root["components"].([]any)
	inputs := 0
	for i, r := range rows {
		row, _ := r.(map[string]any)
		inner := at(where+"/components", i)
		list, _ := row["components"].([]any)
		if number(row["type"]) == typeRow && len(list) > 1 {
			c.add(inner+"/components", "row", "a text input needs a row of its own")
		}
		for j, e := range list {
			element, _ := e.(map[string]any)
			c.checkInput(element, at(inner+"/components", j), true)
		}
		if element, ok := row["component"].(map[string]any); ok && number(row["type"]) == typeLabel {
			c.checkInput(element, inner+"/component", false)
			list = []any{element}
		}
		inputs += len(list)
	}
	if inputs < 1 || inputs > maxModalInputs {
		c.add(where+"/components", "inputs", "%d fields, 1 to %d are allowed", inputs, maxModalInputs)
	}
}

func (c *checker) checkInput(input map[string]any, where string, labelled bool) {
	c.checkID(input, where)
	if number(input["type"]) != typeTextInput {
		c.checkSelect(input, where)
		return
	}
	if label := text(input["label"]); labelled && blank(label) {
		c.add(where+"/label", "empty", "a text input needs a label")
	} else if !labelled && label != "" {
		c.add(where+"/label", "label", "the label around it has the text")
	}
	least, most := number(input["min_length"]), int64(4_000)
	if input["max_length"] != nil {
		most = number(input["max_length"])
	}
	if least > most {
		c.add(where, "values", "min_length is above max_length")
	}
	if n := int64(runes(input["value"])); n > most || n > 0 && n < least {
		c.add(where+"/value", "values", "what it begins with is not within its own bounds")
	}
}
