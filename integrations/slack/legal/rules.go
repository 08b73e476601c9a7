package legal

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxMessageBlocks = 50
	maxViewBlocks    = 100
	maxText          = 4_000  // what chat.update still takes, so that what is posted can be edited
	maxBlockRunes    = 12_000 // of all blocks together; Slack refuses somewhere above 13,000
	maxAttachments   = 20     // Slack takes 100, and asks for no more than 20
	maxMetadata      = 4_000  // bytes of metadata
)

// arguments are what each method takes of a message's fields.
var arguments = map[Kind][]string{
	Message: {"channel", "text", "blocks", "attachments", "metadata", "thread_ts", "reply_broadcast", "unfurl_links",
		"unfurl_media", "mrkdwn", "parse", "link_names", "username", "icon_emoji", "icon_url"},
	Update: {"channel", "ts", "text", "blocks", "attachments", "metadata", "reply_broadcast", "parse", "link_names"},
	Ephemeral: {"channel", "user", "text", "blocks", "attachments", "metadata", "thread_ts", "parse", "link_names",
		"username", "icon_emoji", "icon_url"},
	Response: {"text", "blocks", "attachments", "metadata", "thread_ts", "response_type", "replace_original",
		"delete_original", "unfurl_links", "unfurl_media", "mrkdwn"},
}

func (c *checker) checkRules(root map[string]any) {
	if c.isView() {
		c.checkView(root)
	} else {
		c.checkMessage(root)
	}
	if c.runes > maxBlockRunes {
		c.add("/blocks", "size", "%d characters in all blocks, %d are allowed", c.runes, maxBlockRunes)
	}
	if c.tables > 1 {
		c.add("/blocks", "table", "%d tables, one is allowed", c.tables)
	}
}

func (c *checker) checkView(root map[string]any) {
	blocks := c.checkBlocks(root["blocks"], "/blocks", maxViewBlocks)
	isInput := func(b any) bool { return typeOf(b) == "input" }
	if _, ok := root["submit"]; !ok && c.kind == Modal && slices.ContainsFunc(blocks, isInput) {
		c.add("", "submit", "a modal that asks for input needs submit")
	}
	for _, name := range []string{"title", "submit", "close"} {
		if node, ok := root[name].(map[string]any); ok {
			c.checkTree(node, "/"+name, nil)
		}
	}
}

func (c *checker) checkMessage(root map[string]any) {
	for name := range root {
		if !slices.Contains(arguments[c.kind], name) {
			c.add(under("", name), "argument", "this method does not take it")
		}
	}
	c.checkText(root)
	c.checkPlaces(root)
	c.checkMetadata(root["metadata"])
	c.checkBlocks(root["blocks"], "/blocks", maxMessageBlocks)
	attachments, _ := root["attachments"].([]any)
	if len(attachments) > maxAttachments {
		c.add("/attachments", "attachments", "%d attachments, %d are allowed", len(attachments), maxAttachments)
	}
	for i, a := range attachments {
		c.checkAttachment(a, at("/attachments", i))
	}
}

// checkText wants a text that stands alone: screen readers and lock screens show
// nothing else.
func (c *checker) checkText(root map[string]any) {
	text, _ := root["text"].(string)
	if deletes, _ := root["delete_original"].(bool); deletes && c.kind == Response {
		return
	}
	if strings.TrimSpace(text) == "" {
		c.add("/text", "fallback", "a message needs a text beside its blocks")
	}
	if n := utf8.RuneCountInString(text); n > maxText {
		c.add("/text", "text", "%d characters, %d are allowed", n, maxText)
	}
}

var timestamp = regexp.MustCompile(`^[0-9]{1,12}\.[0-9]{6}$`)

func (c *checker) checkPlaces(root map[string]any) {
	for _, name := range []string{"channel", "user"} {
		if id, ok := root[name].(string); ok && strings.TrimSpace(id) == "" {
			c.add("/"+name, "place", "is empty")
		}
	}
	for _, name := range []string{"ts", "thread_ts"} {
		if ts, ok := root[name].(string); ok && !timestamp.MatchString(ts) {
			c.add("/"+name, "ts", "is no timestamp of a message")
		}
	}
	if wide, _ := root["reply_broadcast"].(bool); wide && root["thread_ts"] == nil && c.kind == Message {
		c.add("/reply_broadcast", "ts", "only a reply in a thread can be broadcast")
	}
	if address, ok := root["icon_url"].(string); ok {
		c.checkURL(address, "/icon_url")
	}
}

func (c *checker) checkMetadata(value any) {
	metadata, ok := value.(map[string]any)
	if !ok {
		return
	}
	if name, _ := metadata["event_type"].(string); strings.TrimSpace(name) == "" {
		c.add("/metadata/event_type", "metadata", "is empty")
	}
	if encoded, err := json.Marshal(metadata); err != nil || len(encoded) > maxMetadata {
		c.add("/metadata", "metadata", "larger than %d bytes", maxMetadata)
	}
}

var colour = regexp.MustCompile(`^(good|warning|danger|#?[0-9a-fA-F]{6})$`)

func (c *checker) checkAttachment(value any, where string) {
	attachment, ok := value.(map[string]any)
	if !ok {
		return
	}
	if name, ok := attachment["color"].(string); ok && !colour.MatchString(name) {
		c.add(where+"/color", "color", "is neither good, warning, danger nor six hexadecimal digits")
	}
	blocks, hasBlocks := attachment["blocks"]
	if hasBlocks {
		c.checkBlocks(blocks, where+"/blocks", maxMessageBlocks)
		for _, name := range []string{"text", "pretext", "title", "fields"} {
			if _, ok := attachment[name]; ok {
				c.add(under(where, name), "attachment", "an attachment of blocks shows nothing else")
			}
		}
	}
	rest := make(map[string]any, len(attachment))
	for name, v := range attachment {
		if name != "blocks" {
			rest[name] = v
		}
	}
	c.checkTree(rest, where, nil)
}

func typeOf(node any) string {
	object, _ := node.(map[string]any)
	name, _ := object["type"].(string)
	return name
}
