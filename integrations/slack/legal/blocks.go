package legal

import (
	"net/url"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// viewless are the blocks that only messages show; unsent are those that no app
// sends in a message: Slack makes a file block by itself, and takes alerts in
// modals alone.
var (
	viewless = []string{"markdown", "table", "data_table", "card", "carousel", "context_actions", "plan", "task_card", "file"}
	unsent   = []string{"alert", "file"}
)

// neverEmpty are the lists that a node of the type must fill, when it has them.
var neverEmpty = map[string][]string{
	"actions": {"elements"}, "context": {"elements"}, "context_actions": {"elements"}, "carousel": {"elements"},
	"rich_text": {"elements"}, "section": {"fields"}, "container": {"child_blocks"},
	"table": {"rows"}, "data_table": {"rows"}, "overflow": {"options"}, "checkboxes": {"options"}, "radio_buttons": {"options"},
	"static_select": {"options", "option_groups"}, "multi_static_select": {"options", "option_groups"},
}

// shown are the nodes whose text Slack refuses when it is empty.
var shown = []string{"plain_text", "mrkdwn", "markdown", "raw_text", "text"}

// links are the fields that must be addresses.
var links = []string{"url", "image_url", "thumb_url", "thumbnail_url", "video_url", "title_url", "title_link",
	"author_link", "author_icon", "footer_icon", "provider_icon_url"}

// checkBlocks returns the blocks, nil if the value is no list.
func (c *checker) checkBlocks(value any, where string, most int) []any {
	blocks, _ := value.([]any)
	if len(blocks) > most {
		c.add(where, "blocks", "%d blocks, %d are allowed", len(blocks), most)
	}
	for i, b := range blocks {
		if block, ok := b.(map[string]any); ok {
			c.checkBlock(block, at(where, i))
		}
	}
	return blocks
}

func (c *checker) checkBlock(block map[string]any, where string) {
	name := typeOf(block)
	if c.isView() && slices.Contains(viewless, name) {
		c.add(where, "surface", "views do not show this block")
	}
	if !c.isView() && slices.Contains(unsent, name) || c.kind == Home && name == "alert" {
		c.add(where, "surface", "this block is not for here")
	}
	if id, ok := block["block_id"].(string); ok {
		if c.blockIDs[id] {
			c.add(where+"/block_id", "duplicate", "another block has the same block_id")
		}
		c.blockIDs[id] = true
	}
	if name == "section" && block["text"] == nil && block["fields"] == nil {
		c.add(where, "section", "a section needs text or fields")
	}
	if name == "table" {
		c.tables++
	}
	own := make(map[string]any, len(block))
	for field, v := range block {
		if field != "child_blocks" {
			own[field] = v
		}
	}
	c.checkTree(own, where, map[string]bool{})
	if children, ok := block["child_blocks"]; ok {
		c.checkEmpty(block, where)
		c.checkBlocks(children, where+"/child_blocks", maxMessageBlocks)
	}
}

// checkTree looks at everything below a block, in which no two elements may
// have the same action_id; nil: what is not in a block.
func (c *checker) checkTree(value any, where string, actions map[string]bool) {
	switch node := value.(type) {
	case []any:
		for i, v := range node {
			c.checkTree(v, at(where, i), actions)
		}
	case map[string]any:
		c.checkNode(node, where, actions)
		for name, v := range node {
			c.checkTree(v, under(where, name), actions)
			if text, ok := v.(string); ok && name != "type" && actions != nil {
				c.runes += utf8.RuneCountInString(text)
			}
		}
	}
}

func (c *checker) checkNode(node map[string]any, where string, actions map[string]bool) {
	if text, ok := node["text"].(string); ok && slices.Contains(shown, typeOf(node)) && isBlank(text, typeOf(node)) {
		c.add(where+"/text", "empty", "has nothing to show")
	}
	if id, ok := node["action_id"].(string); ok && actions != nil {
		if actions[id] {
			c.add(where+"/action_id", "duplicate", "another element of the block has the same action_id")
		}
		actions[id] = true
	}
	for _, name := range links {
		if address, ok := node[name].(string); ok {
			c.checkURL(address, under(where, name))
		}
	}
	c.checkEmpty(node, where)
	c.checkOptions(node, where)
}

// isBlank lets white space stand between the pieces of a rich text and in the
// cells of a table.
func isBlank(text, kind string) bool {
	if kind == "text" || kind == "raw_text" {
		return text == ""
	}
	return strings.TrimSpace(text) == ""
}

func (c *checker) checkEmpty(node map[string]any, where string) {
	for _, name := range neverEmpty[typeOf(node)] {
		if list, ok := node[name].([]any); ok && len(list) == 0 {
			c.add(under(where, name), "empty", "has no entries")
		}
	}
}

func (c *checker) checkOptions(node map[string]any, where string) {
	options, hasOptions := node["options"].([]any)
	groups, hasGroups := node["option_groups"].([]any)
	isMenu := typeOf(node) == "static_select" || typeOf(node) == "multi_static_select"
	if isMenu && hasOptions == hasGroups {
		c.add(where, "options", "a menu needs options or option_groups, and not both")
	}
	for _, g := range groups {
		group, _ := g.(map[string]any)
		list, _ := group["options"].([]any)
		options = append(slices.Clip(options), list...)
	}
	initial, _ := node["initial_options"].([]any)
	if first, ok := node["initial_option"]; ok {
		initial = append(slices.Clip(initial), first)
	}
	for _, chosen := range initial {
		if (hasOptions || hasGroups) && !slices.ContainsFunc(options, func(o any) bool { return reflect.DeepEqual(o, chosen) }) {
			c.add(where, "options", "what is chosen at first is none of the options")
		}
	}
}

func (c *checker) checkURL(address, where string) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		c.add(where, "url", "is no http or https address")
	case strings.ContainsFunc(address, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		c.add(where, "url", "has white space or control characters in it")
	case utf8.RuneCountInString(address) > 3_000:
		c.add(where, "url", "is longer than 3000 characters")
	}
}
