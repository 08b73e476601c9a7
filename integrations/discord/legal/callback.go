package legal

// The types of callback.
const (
	callbackPong        = 1
	callbackReply       = 4
	callbackDeferReply  = 5
	callbackDeferUpdate = 6
	callbackUpdate      = 7
	callbackSuggestions = 8
	callbackModal       = 9
)

const maxChoiceValue = 100 // characters; the schema says 6,000

var callbackSchemas = map[int64]string{
	callbackPong: "Pong", callbackReply: "Reply", callbackDeferReply: "Reply", callbackDeferUpdate: "Replacement",
	callbackUpdate: "Replacement", callbackSuggestions: "Suggestions", callbackModal: "ModalAnswer",
}

func (c *checker) checkCallback(value any) {
	root, ok := value.(map[string]any)
	if !ok {
		c.add("", "json", "not a JSON object")
		return
	}
	kind := number(root["type"])
	name, known := callbackSchemas[kind]
	if !known {
		c.add("/type", "callback", "is no type of callback that is sent")
		return
	}
	for field := range root {
		if field != "type" && field != "data" {
			c.add(under("", field), "field", "a callback has type and data only")
		}
	}
	c.checkSchema(name, root, "")
	data, _ := root["data"].(map[string]any)
	switch kind {
	case callbackReply:
		c.checkShown(data, "/data")
		c.checkEmpty(data, "/data")
	case callbackUpdate:
		c.checkShown(data, "/data")
		if number(data["flags"])&ephemeral != 0 {
			c.add("/data/flags", "flags", "what is shown to all cannot be made private")
		}
	case callbackDeferReply, callbackDeferUpdate:
		c.checkDefer(data, kind)
	case callbackSuggestions:
		c.checkSuggestions(data)
	case callbackModal:
		c.modal(root["data"], "/data")
	}
}

// checkDefer sees that nothing is said yet but whether the answer is private.
func (c *checker) checkDefer(data map[string]any, kind int64) {
	for field, value := range data {
		switch {
		case field == "flags" && kind == callbackDeferReply:
		case value == nil || value == "" || value == false:
		default:
			c.add(under("/data", field), "defer", "a deferred answer says nothing yet")
		}
	}
	if flags := number(data["flags"]); kind == callbackDeferReply && flags&^ephemeral != 0 {
		c.add("/data/flags", "defer", "a deferred answer may only be private")
	}
}

func (c *checker) checkSuggestions(data map[string]any) {
	choices, _ := data["choices"].([]any)
	c.checkChoices(choices, "/data/choices")
}

// checkChoices checks what one may choose from for an option of a command.
func (c *checker) checkChoices(choices []any, where string) {
	names := map[string]bool{}
	for i, v := range choices {
		choice, _ := v.(map[string]any)
		name := text(choice["name"])
		if blank(name) {
			c.add(at(where, i)+"/name", "empty", "has nothing to show")
		}
		if n := runes(choice["value"]); n > maxChoiceValue {
			c.add(at(where, i)+"/value", "choices", "%d characters, %d are allowed", n, maxChoiceValue)
		}
		if names[name] {
			c.add(at(where, i)+"/name", "duplicate", "another choice has the same name")
		}
		names[name] = true
	}
}
