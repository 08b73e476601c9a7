package legal

import (
	"regexp"
	"strings"
	"unicode"
)

const (
	maxCommands     = 100
	maxContextual   = 5     // commands on messages, and on users
	maxCommandRunes = 8_000 // names, descriptions and values of one command
)

// The types of option that hold others.
const (
	optionSubcommand = 1
	optionGroup      = 2
)

var commandName = regexp.MustCompile(`^[-_'\p{L}\p{N}\p{Devanagari}\p{Thai}]{1,32}$`)

func (c *checker) checkCommands(value any) {
	list, ok := value.([]any)
	if !ok {
		c.add("", "json", "not a JSON list")
		return
	}
	seen, count := map[string]bool{}, map[int64]int{}
	for i, v := range list {
		command, _ := v.(map[string]any)
		c.checkSchema("Command", v, at("", i))
		kind := max(1, number(command["type"]))
		key := string(rune('0'+kind)) + text(command["name"])
		if seen[key] {
			c.add(at("", i)+"/name", "duplicate", "another command has the same name")
		}
		seen[key] = true
		count[kind]++
		c.checkCommand(command, kind, at("", i))
	}
	for kind, n := range count {
		if most := map[bool]int{true: maxCommands, false: maxContextual}[kind == 1]; n > most {
			c.add("", "commands", "%d commands of type %d, %d are allowed", n, kind, most)
		}
	}
}

func (c *checker) checkCommand(command map[string]any, kind int64, where string) {
	if kind == 1 {
		c.checkName(command, where)
		c.checkOptions(command["options"], where+"/options", 0)
	} else {
		if text(command["description"]) != "" {
			c.add(where+"/description", "description", "only a command that is typed has one")
		}
		if length(command["options"]) > 0 {
			c.add(where+"/options", "options", "only a command that is typed has options")
		}
		if blank(text(command["name"])) {
			c.add(where+"/name", "name", "has nothing to show")
		}
	}
	if n := commandRunes(command); n > maxCommandRunes {
		c.add(where, "size", "%d characters, %d are allowed", n, maxCommandRunes)
	}
}

// checkName checks the name and the description of a command or of an option.
func (c *checker) checkName(node map[string]any, where string) {
	name := text(node["name"])
	if !commandName.MatchString(name) || strings.ContainsFunc(name, func(r rune) bool { return unicode.ToLower(r) != r }) {
		c.add(where+"/name", "name", "must be 1 to 32 small letters, digits, - or _")
	}
	if blank(text(node["description"])) {
		c.add(where+"/description", "description", "must say what it is for")
	}
}

func (c *checker) checkOptions(value any, where string, depth int) {
	list, _ := value.([]any)
	names, optional, nested := map[string]bool{}, false, 0
	for i, v := range list {
		option, _ := v.(map[string]any)
		place := at(where, i)
		c.checkName(option, place)
		if name := text(option["name"]); names[name] {
			c.add(place+"/name", "duplicate", "another option has the same name")
		}
		names[text(option["name"])] = true
		kind := number(option["type"])
		if kind == optionSubcommand || kind == optionGroup {
			nested++
			if depth > 0 && (kind == optionGroup || depth != optionGroup) {
				c.add(place, "nesting", "subcommands stand in groups, and groups in commands")
			}
			c.checkOptions(option["options"], place+"/options", depth+int(kind))
			continue
		}
		needed, _ := option["required"].(bool)
		if needed && optional {
			c.add(place+"/required", "order", "what must be given stands before what may be left out")
		}
		optional = optional || !needed
		c.checkValue(option, place)
	}
	if nested > 0 && nested < len(list) {
		c.add(where, "nesting", "subcommands and options cannot stand side by side")
	}
}

func (c *checker) checkValue(option map[string]any, where string) {
	choices, _ := option["choices"].([]any)
	if option["autocomplete"] == true && len(choices) > 0 {
		c.add(where+"/autocomplete", "choices", "an option has choices or suggestions, and not both")
	}
	c.checkChoices(choices, where+"/choices")
	if length(option["options"]) > 0 {
		c.add(where+"/options", "nesting", "this type of option holds no others")
	}
}

// commandRunes counts what Discord counts: the names, descriptions and values.
func commandRunes(node map[string]any) int {
	n := runes(node["name"]) + runes(node["description"]) + runes(node["value"])
	for _, name := range []string{"options", "choices"} {
		list, _ := node[name].([]any)
		for _, v := range list {
			inner, _ := v.(map[string]any)
			n += commandRunes(inner)
		}
	}
	return n
}
