package legal_test

import (
	"strings"

	"salve/integrations/discord/legal"
)

// sample is a payload that Discord, or we, refuse, and for what.
type sample struct {
	name          string
	kind          legal.Kind
	payload       string
	pointer, rule string
	several       bool // it breaks other rules too
}

func illegal() []sample {
	out := illegalMessages()
	out = append(out, illegalEmbeds()...)
	out = append(out, illegalComponents()...)
	out = append(out, illegalAnswers()...)
	out = append(out, illegalCommands()...)
	return append(out, unreadable()...)
}

func illegalMessages() []sample {
	return []sample{
		{name: "long content", kind: legal.Message, payload: `{"content":"` + long(2001) + `",` + mentions + `,` + nonce + `}`, pointer: "/content", rule: "content"},
		{name: "a message of nothing", kind: legal.Message, payload: `{"content":" ",` + mentions + `,` + nonce + `}`, rule: "empty"},
		{name: "a message without mentions", kind: legal.Message, payload: `{"content":"x",` + nonce + `}`, pointer: "/allowed_mentions", rule: "our-mentions"},
		{name: "mentions that parse null", kind: legal.Message, payload: `{"content":"x","allowed_mentions":{"parse":null},` + nonce + `}`, pointer: "/allowed_mentions", rule: "our-mentions"},
		{name: "mentions of whole kinds", kind: legal.Message, payload: `{"content":"x","allowed_mentions":{"parse":["users"]},` + nonce + `}`, pointer: "/allowed_mentions/parse", rule: "our-mentions"},
		{name: "mentions of all roles and of one", kind: legal.Message, payload: `{"content":"x","allowed_mentions":{"parse":["roles"],"roles":["1"]},` + nonce + `}`, pointer: "/allowed_mentions/roles", rule: "mentions", several: true},
		{name: "a mention of what is no id", kind: legal.Message, payload: `{"content":"x","allowed_mentions":{"parse":[],"roles":["ops"]},` + nonce + `}`, pointer: "/allowed_mentions/roles/0", rule: "pattern"},
		{name: "the same mention twice", kind: legal.Message, payload: `{"content":"x","allowed_mentions":{"parse":[],"roles":["1","1"]},` + nonce + `}`, pointer: "/allowed_mentions/roles", rule: "uniqueItems"},
		{name: "an edit without mentions", kind: legal.Edit, payload: `{"content":"x"}`, pointer: "/allowed_mentions", rule: "our-mentions"},
		{name: "a follow-up without mentions", kind: legal.Followup, payload: `{"content":"x"}`, pointer: "/allowed_mentions", rule: "our-mentions"},
		{name: "a post without a nonce", kind: legal.Message, payload: `{"content":"x",` + mentions + `}`, pointer: "/nonce", rule: "our-nonce"},
		{name: "a nonce that is not enforced", kind: legal.Message, payload: `{"content":"x",` + mentions + `,"nonce":"n"}`, pointer: "/enforce_nonce", rule: "our-nonce"},
		{name: "a long nonce", kind: legal.Message, payload: `{"content":"x",` + mentions + `,"nonce":"` + long(26) + `","enforce_nonce":true}`, pointer: "/nonce", rule: "nonce", several: true},
		{name: "an empty nonce", kind: legal.Message, payload: `{"content":"x",` + mentions + `,"nonce":"","enforce_nonce":true}`, pointer: "/nonce", rule: "nonce"},
		{name: "a nonce of an edit", kind: legal.Edit, payload: `{"content":"x",` + mentions + `,"nonce":"n"}`, rule: "additionalProperties"},
		{name: "components v2", kind: legal.Message, payload: message(`,"flags":32768`), pointer: "/flags", rule: "v2"},
		{name: "a private post", kind: legal.Message, payload: message(`,"flags":64`), pointer: "/flags", rule: "flags"},
		{name: "a private edit", kind: legal.Edit, payload: `{"content":"x","flags":64,` + mentions + `}`, pointer: "/flags", rule: "flags"},
		{name: "flags that are text", kind: legal.Message, payload: message(`,"flags":"4"`), pointer: "/flags", rule: "type"},
		{name: "a field that there is not", kind: legal.Message, payload: message(`,"colour":1`), rule: "additionalProperties"},
		{name: "a message that is forwarded", kind: legal.Message, payload: message(`,"message_reference":{"message_id":"1","type":1}`), pointer: "/message_reference/type", rule: "enum"},
		{name: "a reply to what is no message", kind: legal.Message, payload: message(`,"message_reference":{"message_id":"x"}`), pointer: "/message_reference/message_id", rule: "pattern"},
		{name: "a sticker", kind: legal.Message, payload: message(`,"sticker_ids":["1"]`), pointer: "/sticker_ids", rule: "enum"},
		{name: "a poll", kind: legal.Message, payload: message(`,"poll":{}`), rule: "additionalProperties"},
		{name: "eleven files", kind: legal.Message, payload: message(`,"attachments":[` + many(11, `{"id":"%d"}`) + `]`), pointer: "/attachments", rule: "maxItems"},
		{name: "the same file twice", kind: legal.Message, payload: message(`,"attachments":[{"id":"0"},{"id":"0"}]`), pointer: "/attachments/1/id", rule: "duplicate"},
		{name: "a file of a path", kind: legal.Message, payload: message(`,"attachments":[{"id":"0","filename":"../x"}]`), pointer: "/attachments/0/filename", rule: "filename"},
		{name: "a long description of a file", kind: legal.Message, payload: message(`,"attachments":[{"id":"0","description":"` + long(1025) + `"}]`), pointer: "/attachments/0/description", rule: "maxLength"},
		{name: "a thread without a name", kind: legal.Thread, payload: `{}`, rule: "required"},
		{name: "a thread of a blank name", kind: legal.Thread, payload: `{"name":" "}`, pointer: "/name", rule: "empty"},
		{name: "a thread of a long name", kind: legal.Thread, payload: `{"name":"` + long(101) + `"}`, pointer: "/name", rule: "maxLength"},
		{name: "a thread of an odd life", kind: legal.Thread, payload: `{"name":"x","auto_archive_duration":61}`, pointer: "/auto_archive_duration", rule: "enum"},
	}
}

func illegalEmbeds() []sample {
	return []sample{
		{name: "a long title", kind: legal.Message, payload: embed(`"title":"` + long(257) + `"`), pointer: "/embeds/0/title", rule: "maxLength"},
		{name: "a long description", kind: legal.Message, payload: embed(`"description":"` + long(4097) + `"`), pointer: "/embeds/0/description", rule: "maxLength"},
		{name: "a long name of a field", kind: legal.Message, payload: embed(`"fields":[{"name":"` + long(257) + `","value":"x"}]`), pointer: "/embeds/0/fields/0/name", rule: "maxLength"},
		{name: "a long value of a field", kind: legal.Message, payload: embed(`"fields":[{"name":"x","value":"` + long(1025) + `"}]`), pointer: "/embeds/0/fields/0/value", rule: "maxLength"},
		{name: "a field without a name", kind: legal.Message, payload: embed(`"fields":[{"name":"","value":"x"}]`), pointer: "/embeds/0/fields/0/name", rule: "empty"},
		{name: "a field without a value", kind: legal.Message, payload: embed(`"fields":[{"name":"x","value":" "}]`), pointer: "/embeds/0/fields/0/value", rule: "empty"},
		{name: "26 fields", kind: legal.Message, payload: embed(`"fields":[` + many(26, `{"name":"x","value":"y"}`) + `]`), pointer: "/embeds/0/fields", rule: "maxItems"},
		{name: "a long footer", kind: legal.Message, payload: embed(`"footer":{"text":"` + long(2049) + `"}`), pointer: "/embeds/0/footer/text", rule: "maxLength"},
		{name: "a long author", kind: legal.Message, payload: embed(`"author":{"name":"` + long(257) + `"}`), pointer: "/embeds/0/author/name", rule: "maxLength"},
		{name: "6001 characters in all", kind: legal.Message, payload: message(`,"embeds":[{"description":"` + long(3000) + `"},{"title":"x","description":"` + long(2990) + `","footer":{"text":"` + long(10) + `"}}]`), pointer: "/embeds", rule: "sum"},
		{name: "eleven embeds", kind: legal.Message, payload: message(`,"embeds":[` + many(11, `{"title":"x"}`) + `]`), pointer: "/embeds", rule: "maxItems"},
		{name: "an embed of nothing", kind: legal.Message, payload: embed(`"color":1`), pointer: "/embeds/0", rule: "empty"},
		{name: "a colour that is none", kind: legal.Message, payload: embed(`"title":"x","color":16777216`), pointer: "/embeds/0/color", rule: "maximum"},
		{name: "a time that is none", kind: legal.Message, payload: embed(`"title":"x","timestamp":"yesterday"`), pointer: "/embeds/0/timestamp", rule: "timestamp"},
		{name: "a link that is a script", kind: legal.Message, payload: embed(`"title":"x","url":"javascript:alert(1)"`), pointer: "/embeds/0/url", rule: "url"},
		{name: "a link with white space", kind: legal.Message, payload: embed(`"title":"x","url":"https://x.example/a b"`), pointer: "/embeds/0/url", rule: "url"},
		{name: "an image that is a file", kind: legal.Message, payload: embed(`"image":{"url":"file:///etc/passwd"}`), pointer: "/embeds/0/image/url", rule: "url"},
		{name: "a title that is a number", kind: legal.Message, payload: embed(`"title":1,"description":"x"`), pointer: "/embeds/0/title", rule: "type"},
	}
}

func illegalComponents() []sample {
	link := func(more string) string { return `{"type":2,"style":5,"label":"x"` + more + `}` }
	options := func(n int) string { return `,"options":[` + many(n, `{"label":"x","value":"%d"}`) + `]` }
	return []sample{
		{name: "six rows", kind: legal.Message, payload: rows(many(6, row(button("a%d", "")))), pointer: "/components", rule: "rows"},
		{name: "six buttons", kind: legal.Message, payload: rows(row(many(6, button("a%d", "")))), pointer: "/components/0/components", rule: "maxItems"},
		{name: "a row of nothing", kind: legal.Message, payload: rows(row()), pointer: "/components/0/components", rule: "minItems"},
		{name: "a button outside of a row", kind: legal.Message, payload: rows(button("a", "")), pointer: "/components/0/type", rule: "enum"},
		{name: "a text of components v2", kind: legal.Message, payload: rows(`{"type":10,"content":"x"}`), pointer: "/components/0/type", rule: "enum"},
		{name: "a text input in a message", kind: legal.Message, payload: rows(row(input("a"))), pointer: "/components/0/components/0/type", rule: "enum"},
		{name: "a long label", kind: legal.Message, payload: rows(row(`{"type":2,"style":1,"custom_id":"a","label":"` + long(81) + `"}`)), pointer: "/components/0/components/0/label", rule: "maxLength"},
		{name: "a button without a label", kind: legal.Message, payload: rows(row(`{"type":2,"style":1,"custom_id":"a","label":" "}`)), pointer: "/components/0/components/0/label", rule: "empty"},
		{name: "a long custom_id", kind: legal.Message, payload: rows(row(button(long(101), ""))), pointer: "/components/0/components/0/custom_id", rule: "maxLength"},
		{name: "an empty custom_id", kind: legal.Message, payload: rows(row(button("", ""))), pointer: "/components/0/components/0/custom_id", rule: "link", several: true},
		{name: "a blank custom_id", kind: legal.Message, payload: rows(row(button(" ", ""))), pointer: "/components/0/components/0/custom_id", rule: "empty"},
		{name: "the same custom_id twice", kind: legal.Message, payload: rows(row(button("a", "")), row(button("a", ""))), pointer: "/components/1/components/0/custom_id", rule: "duplicate"},
		{name: "a button without a custom_id", kind: legal.Message, payload: rows(row(`{"type":2,"style":1,"label":"x"}`)), pointer: "/components/0/components/0/custom_id", rule: "link"},
		{name: "a button with an address", kind: legal.Message, payload: rows(row(button("a", `,"url":"https://x.example"`))), pointer: "/components/0/components/0/url", rule: "link"},
		{name: "a link without an address", kind: legal.Message, payload: rows(row(link(""))), pointer: "/components/0/components/0/url", rule: "link"},
		{name: "a link with a custom_id", kind: legal.Message, payload: rows(row(link(`,"url":"https://x.example","custom_id":"a"`))), pointer: "/components/0/components/0/custom_id", rule: "link"},
		{name: "a link that is a script", kind: legal.Message, payload: rows(row(link(`,"url":"javascript:x"`))), pointer: "/components/0/components/0/url", rule: "url"},
		{name: "something for sale", kind: legal.Message, payload: rows(row(`{"type":2,"style":6,"sku_id":"1"}`)), pointer: "/components/0/components/0/style", rule: "style"},
		{name: "a style that is none", kind: legal.Message, payload: rows(row(`{"type":2,"style":9,"label":"x","custom_id":"a"}`)), pointer: "/components/0/components/0/style", rule: "enum"},
		{name: "26 options", kind: legal.Message, payload: rows(row(menu(options(26)))), pointer: "/components/0/components/0/options", rule: "maxItems"},
		{name: "a menu of nothing", kind: legal.Message, payload: rows(row(menu(`,"options":[]`))), pointer: "/components/0/components/0/options", rule: "minItems", several: true},
		{name: "the same option twice", kind: legal.Message, payload: rows(row(menu(`,"options":[{"label":"a","value":"v"},{"label":"b","value":"v"}]`))), pointer: "/components/0/components/0/options/1/value", rule: "duplicate"},
		{name: "an option without a label", kind: legal.Message, payload: rows(row(menu(`,"options":[{"label":" ","value":"v"}]`))), pointer: "/components/0/components/0/options/0/label", rule: "empty"},
		{name: "more to choose than there is", kind: legal.Message, payload: rows(row(menu(`,"max_values":3` + options(2)))), pointer: "/components/0/components/0/max_values", rule: "values"},
		{name: "at least more than at most", kind: legal.Message, payload: rows(row(menu(`,"min_values":2,"max_values":1` + options(2)))), pointer: "/components/0/components/0", rule: "values"},
		{name: "more chosen than may be", kind: legal.Message, payload: rows(row(menu(`,"options":[{"label":"a","value":"a","default":true},{"label":"b","value":"b","default":true}]`))), pointer: "/components/0/components/0/options", rule: "values"},
		{name: "a menu beside a button", kind: legal.Message, payload: rows(row(button("a", ""), menu(options(1)))), pointer: "/components/0/components", rule: "row"},
		{name: "a long title of a modal", kind: legal.Modal, payload: `{"custom_id":"f","title":"` + long(46) + `","components":[` + row(input("a")) + `]}`, pointer: "/title", rule: "maxLength"},
		{name: "a modal without a title", kind: legal.Modal, payload: `{"custom_id":"f","title":" ","components":[` + row(input("a")) + `]}`, pointer: "/title", rule: "empty"},
		{name: "a modal of nothing", kind: legal.Modal, payload: form(), pointer: "/components", rule: "inputs", several: true},
		{name: "a modal that only tells", kind: legal.Modal, payload: form(`{"type":10,"content":"x"}`), pointer: "/components", rule: "inputs"},
		{name: "a modal of six", kind: legal.Modal, payload: form(many(6, row(input("a%d")))), pointer: "/components", rule: "inputs"},
		{name: "two inputs in a row", kind: legal.Modal, payload: form(row(input("a"), input("b"))), pointer: "/components/0/components", rule: "row"},
		{name: "the same input twice", kind: legal.Modal, payload: form(row(input("a")), row(input("a"))), pointer: "/components/1/components/0/custom_id", rule: "duplicate"},
		{name: "an input without a label", kind: legal.Modal, payload: form(row(`{"type":4,"custom_id":"a","style":1}`)), pointer: "/components/0/components/0/label", rule: "empty"},
		{name: "an input with a long label", kind: legal.Modal, payload: form(row(`{"type":4,"custom_id":"a","style":1,"label":"` + long(46) + `"}`)), pointer: "/components/0/components/0/label", rule: "maxLength"},
		{name: "an input with two labels", kind: legal.Modal, payload: form(`{"type":18,"label":"x","component":` + input("a") + `}`), pointer: "/components/0/component/label", rule: "label"},
		{name: "an input that is too narrow", kind: legal.Modal, payload: form(row(`{"type":4,"custom_id":"a","style":1,"label":"x","min_length":5,"max_length":4}`)), pointer: "/components/0/components/0", rule: "values"},
		{name: "an input that begins with too much", kind: legal.Modal, payload: form(row(`{"type":4,"custom_id":"a","style":1,"label":"x","max_length":2,"value":"abc"}`)), pointer: "/components/0/components/0/value", rule: "values"},
		{name: "a button in a modal", kind: legal.Modal, payload: form(row(button("a", ""))), pointer: "/components/0/components/0/type", rule: "enum", several: true},
	}
}

func illegalAnswers() []sample {
	return []sample{
		{name: "an answer of no type", kind: legal.Callback, payload: `{"data":{}}`, pointer: "/type", rule: "callback"},
		{name: "an answer that starts a game", kind: legal.Callback, payload: `{"type":12}`, pointer: "/type", rule: "callback"},
		{name: "an answer with more", kind: legal.Callback, payload: `{"type":6,"flags":64}`, pointer: "/flags", rule: "field", several: true},
		{name: "a reply of nothing", kind: legal.Callback, payload: `{"type":4,"data":{` + mentions + `}}`, pointer: "/data", rule: "empty"},
		{name: "a reply without data", kind: legal.Callback, payload: `{"type":4}`, pointer: "/data", rule: "empty", several: true},
		{name: "a reply without mentions", kind: legal.Callback, payload: `{"type":4,"data":{"content":"x"}}`, pointer: "/data/allowed_mentions", rule: "our-mentions"},
		{name: "a long reply", kind: legal.Callback, payload: `{"type":4,"data":{"content":"` + long(2001) + `",` + mentions + `}}`, pointer: "/data/content", rule: "content", several: true},
		{name: "a reply of components v2", kind: legal.Callback, payload: `{"type":4,"data":{"content":"x","flags":32832,` + mentions + `}}`, pointer: "/data/flags", rule: "v2"},
		{name: "a deferred reply that speaks", kind: legal.Callback, payload: `{"type":5,"data":{"content":"x"}}`, pointer: "/data/content", rule: "defer"},
		{name: "a deferred reply with another flag", kind: legal.Callback, payload: `{"type":5,"data":{"flags":68}}`, pointer: "/data/flags", rule: "defer"},
		{name: "a deferred update that is private", kind: legal.Callback, payload: `{"type":6,"data":{"flags":64}}`, pointer: "/data/flags", rule: "defer"},
		{name: "an update that is private", kind: legal.Callback, payload: `{"type":7,"data":{"content":"x","flags":64,` + mentions + `}}`, pointer: "/data/flags", rule: "flags"},
		{name: "an update of six rows", kind: legal.Callback, payload: `{"type":7,"data":{"components":[` + many(6, row(button("a%d", ""))) + `],` + mentions + `}}`, pointer: "/data/components", rule: "rows"},
		{name: "26 suggestions", kind: legal.Callback, payload: `{"type":8,"data":{"choices":[` + many(26, `{"name":"%d","value":"v"}`) + `]}}`, pointer: "/data/choices", rule: "maxItems"},
		{name: "a long suggestion", kind: legal.Callback, payload: `{"type":8,"data":{"choices":[{"name":"` + long(101) + `","value":"v"}]}}`, pointer: "/data/choices/0/name", rule: "maxLength"},
		{name: "a suggestion of nothing", kind: legal.Callback, payload: `{"type":8,"data":{"choices":[{"name":" ","value":"v"}]}}`, pointer: "/data/choices/0/name", rule: "empty"},
		{name: "a suggestion of a long value", kind: legal.Callback, payload: `{"type":8,"data":{"choices":[{"name":"x","value":"` + long(101) + `"}]}}`, pointer: "/data/choices/0/value", rule: "choices"},
		{name: "a modal of a long title", kind: legal.Callback, payload: `{"type":9,"data":{"custom_id":"f","title":"` + long(46) + `","components":[` + row(input("a")) + `]}}`, pointer: "/data/title", rule: "maxLength"},
		{name: "a modal of six in an answer", kind: legal.Callback, payload: `{"type":9,"data":` + form(many(6, row(input("a%d")))) + `}`, pointer: "/data/components", rule: "inputs"},
	}
}

func illegalCommands() []sample {
	option := func(more string) string {
		return command(`,"options":[{"type":3,"name":"c","description":"d"` + more + `}]`)
	}
	var values []string
	for _, name := range []string{"x", "y", "z"} {
		values = append(values, `{"name":"`+name+`","value":"`+name+long(80)+`"}`)
	}
	sub := func(kind, inner string) string {
		return `{"type":` + kind + `,"name":"s","description":"d","options":[` + inner + `]}`
	}
	return []sample{
		{name: "a command in capitals", kind: legal.Commands, payload: `[{"name":"Salve","description":"b"}]`, pointer: "/0/name", rule: "name"},
		{name: "a command with a space", kind: legal.Commands, payload: `[{"name":"a b","description":"b"}]`, pointer: "/0/name", rule: "name"},
		{name: "a command without a description", kind: legal.Commands, payload: `[{"name":"a"}]`, pointer: "/0/description", rule: "description"},
		{name: "a command with a long description", kind: legal.Commands, payload: `[{"name":"a","description":"` + long(101) + `"}]`, pointer: "/0/description", rule: "maxLength"},
		{name: "two commands of a name", kind: legal.Commands, payload: `[{"name":"a","description":"b"},{"name":"a","description":"b"}]`, pointer: "/1/name", rule: "duplicate"},
		{name: "101 commands", kind: legal.Commands, payload: `[` + many(101, `{"name":"a%d","description":"b"}`) + `]`, rule: "commands"},
		{name: "six entries for messages", kind: legal.Commands, payload: `[` + many(6, `{"name":"A %d","type":3}`) + `]`, rule: "commands"},
		{name: "an entry with a description", kind: legal.Commands, payload: `[{"name":"A","type":3,"description":"b"}]`, pointer: "/0/description", rule: "description"},
		{name: "permissions that are no number", kind: legal.Commands, payload: command(`,"default_member_permissions":"admin"`), pointer: "/0/default_member_permissions", rule: "pattern"},
		{name: "permissions that are not text", kind: legal.Commands, payload: command(`,"default_member_permissions":0`), pointer: "/0/default_member_permissions", rule: "type"},
		{name: "26 options of a command", kind: legal.Commands, payload: command(`,"options":[` + many(26, `{"type":3,"name":"c%d","description":"d"}`) + `]`), pointer: "/0/options", rule: "maxItems"},
		{name: "two options of a name", kind: legal.Commands, payload: command(`,"options":[` + many(2, `{"type":3,"name":"c","description":"d"}`) + `]`), pointer: "/0/options/1/name", rule: "duplicate"},
		{name: "what must be given after what may", kind: legal.Commands, payload: command(`,"options":[{"type":3,"name":"c","description":"d"},{"type":3,"name":"e","description":"d","required":true}]`), pointer: "/0/options/1/required", rule: "order"},
		{name: "an option beside a subcommand", kind: legal.Commands, payload: command(`,"options":[` + sub("1", "") + `,{"type":3,"name":"c","description":"d"}]`), pointer: "/0/options", rule: "nesting"},
		{name: "a subcommand in a subcommand", kind: legal.Commands, payload: command(`,"options":[` + sub("1", sub("1", "")) + `]`), pointer: "/0/options/0/options/0", rule: "nesting", several: true},
		{name: "a group in a group", kind: legal.Commands, payload: command(`,"options":[` + sub("2", sub("2", "")) + `]`), pointer: "/0/options/0/options/0", rule: "nesting", several: true},
		{name: "choices and suggestions", kind: legal.Commands, payload: option(`,"autocomplete":true,"choices":[{"name":"a","value":"a"}]`), pointer: "/0/options/0/autocomplete", rule: "choices"},
		{name: "two choices of a name", kind: legal.Commands, payload: option(`,"choices":[{"name":"a","value":"a"},{"name":"a","value":"b"}]`), pointer: "/0/options/0/choices/1/name", rule: "duplicate"},
		{name: "a type of option that is none", kind: legal.Commands, payload: command(`,"options":[{"type":99,"name":"c","description":"d"}]`), pointer: "/0/options/0/type", rule: "enum"},
		{name: "8001 characters", kind: legal.Commands, payload: command(`,"options":[` + many(25, `{"type":3,"name":"c%d","description":"`+long(98)+`","choices":[`+strings.Join(values, ",")+`]}`) + `]`), pointer: "/0", rule: "size"},
	}
}

func unreadable() []sample {
	return []sample{
		{name: "a huge payload", kind: legal.Message, payload: `{"content":"x"` + strings.Repeat(" ", 1<<20) + `}`, rule: "size"},
		{name: "no JSON", kind: legal.Message, payload: `{"content":"x"`, rule: "json"},
		{name: "nothing", kind: legal.Message, rule: "json"},
		{name: "more than one value", kind: legal.Message, payload: `{"content":"x"}{}`, rule: "json"},
		{name: "a list for a message", kind: legal.Message, payload: `[]`, rule: "json"},
		{name: "an object for commands", kind: legal.Commands, payload: `{}`, rule: "json"},
		{name: "text for an answer", kind: legal.Callback, payload: `"x"`, rule: "json"},
		{name: "a number for a modal", kind: legal.Modal, payload: `1`, rule: "json"},
		{name: "null for a thread", kind: legal.Thread, payload: `null`, rule: "json"},
		{name: "what is not UTF-8", kind: legal.Message, payload: "{\"content\":\"\xff\"}", rule: "json"},
		{name: "a tower", kind: legal.Message, payload: `{"embeds":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, rule: "json"},
		{name: "a kind that is none", kind: "letter", payload: `{}`, rule: "kind"},
	}
}
