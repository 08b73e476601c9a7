package legal

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	maxContent = 2_000 // the schema says 4,000, which only Nitro's people have
	maxNonce   = 25
)

// The flags of a message.
const (
	suppressEmbeds        = 1 << 2
	ephemeral             = 1 << 6
	suppressNotifications = 1 << 12
	componentsV2          = 1 << 15
)

// settable are the flags that each kind may set.
var settable = map[Kind]int64{
	Message: suppressEmbeds | suppressNotifications, Edit: suppressEmbeds,
	Followup: suppressEmbeds | ephemeral | suppressNotifications, Callback: suppressEmbeds | ephemeral | suppressNotifications,
}

func (c *checker) checkMessage(value any) {
	root, ok := value.(map[string]any)
	if !ok {
		c.add("", "json", "not a JSON object")
		return
	}
	c.checkSchema(map[Kind]string{Message: "Message", Edit: "Edit", Followup: "Followup"}[c.kind], root, "")
	c.checkShown(root, "")
	if c.kind == Message {
		c.checkNonce(root)
	}
	if c.kind != Edit {
		c.checkEmpty(root, "")
	}
}

// checkShown looks at everything that a message shows.
func (c *checker) checkShown(root map[string]any, where string) {
	if n := runes(root["content"]); n > maxContent {
		c.add(where+"/content", "content", "%d characters, %d are allowed", n, maxContent)
	}
	c.checkMentions(root, where)
	c.checkFlags(root, where)
	c.checkEmbeds(root["embeds"], where+"/embeds")
	c.checkRows(root["components"], where+"/components")
	c.checkAttachments(root["attachments"], where+"/attachments")
}

// checkMentions wants the message to say whom it may mention: what alerts tell
// stands in it.
func (c *checker) checkMentions(root map[string]any, where string) {
	mentions, _ := root["allowed_mentions"].(map[string]any)
	parse, ok := mentions["parse"].([]any)
	if !ok {
		c.add(where+"/allowed_mentions", "our-mentions", "must be there, with an empty list parse")
	} else if len(parse) > 0 {
		c.add(where+"/allowed_mentions/parse", "our-mentions", "must be empty: name the roles and users instead")
	}
	for _, name := range []string{"roles", "users"} {
		list, _ := mentions[name].([]any)
		for _, kind := range parse {
			if kind == name && len(list) > 0 {
				c.add(where+"/allowed_mentions/"+name, "mentions", "cannot be named when all of them are allowed")
			}
		}
	}
}

func (c *checker) checkFlags(root map[string]any, where string) {
	flags := number(root["flags"])
	switch allowed := settable[c.kind]; {
	case flags&componentsV2 != 0:
		c.add(where+"/flags", "v2", "components v2 take content and embeds away, and can never be undone")
	case flags < 0 || flags&^allowed != 0:
		c.add(where+"/flags", "flags", "sets flags that cannot be set here")
	}
}

// checkNonce wants what makes the same post twice one message.
func (c *checker) checkNonce(root map[string]any) {
	nonce, isText := root["nonce"].(string)
	enforced, _ := root["enforce_nonce"].(bool)
	switch {
	case root["nonce"] == nil:
		c.add("/nonce", "our-nonce", "must be there, so that a repeated post is one message")
	case isText && (nonce == "" || runes(nonce) > maxNonce):
		c.add("/nonce", "nonce", "%d characters, 1 to %d are allowed", runes(nonce), maxNonce)
	case !enforced:
		c.add("/enforce_nonce", "our-nonce", "must be true, so that a repeated post is one message")
	}
}

func (c *checker) checkEmpty(root map[string]any, where string) {
	if strings.TrimSpace(text(root["content"])) != "" || length(root["embeds"]) > 0 || length(root["attachments"]) > 0 || length(root["components"]) > 0 {
		return
	}
	c.add(where, "empty", "a message needs content, an embed, a component or a file")
}

func (c *checker) checkAttachments(value any, where string) {
	list, _ := value.([]any)
	seen := map[string]bool{}
	for i, a := range list {
		attachment, _ := a.(map[string]any)
		id := text(attachment["id"])
		if n, ok := attachment["id"].(json.Number); ok {
			id = n.String()
		}
		if seen[id] {
			c.add(at(where, i)+"/id", "duplicate", "another attachment has the same id")
		}
		seen[id] = true
		if name, ok := attachment["filename"].(string); ok && strings.ContainsAny(name, "/\\\x00") {
			c.add(at(where, i)+"/filename", "filename", "is a path")
		}
	}
}

func (c *checker) checkThread(value any) {
	root, ok := value.(map[string]any)
	if !ok {
		c.add("", "json", "not a JSON object")
		return
	}
	c.checkSchema("Thread", root, "")
	if name, ok := root["name"].(string); ok && strings.TrimSpace(name) == "" {
		c.add("/name", "empty", "has nothing to show")
	}
}

func text(value any) string {
	s, _ := value.(string)
	return s
}

func runes(value any) int { return utf8.RuneCountInString(text(value)) }

func length(value any) int {
	list, _ := value.([]any)
	return len(list)
}

// number is 0 for what is none.
func number(value any) int64 {
	n, _ := value.(json.Number)
	i, err := strconv.ParseInt(n.String(), 10, 64)
	if err != nil {
		return 0
	}
	return i
}
