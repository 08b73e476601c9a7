package slacktest

import "encoding/json"

// element is something that a person can press.
type element struct {
	block   string
	node    map[string]any
	option  map[string]any // the one that was chosen; nil: it is a button
	confirm string
}

// lists are all lists of blocks in the JSON: of a message, of its attachments, of
// a view.
func lists(raw json.RawMessage) [][]any {
	switch value := decoded(raw).(type) {
	case map[string]any:
		if blocks, ok := value["blocks"].([]any); ok {
			return [][]any{blocks}
		}
	case []any:
		out := [][]any{value}
		for _, v := range value {
			if attachment, ok := v.(map[string]any); ok {
				if blocks, ok := attachment["blocks"].([]any); ok {
					out = append(out, blocks)
				}
			}
		}
		return out
	}
	return nil
}

// find looks for what is labelled so, then for what has the action_id or value.
func find(blocks [][]any, label string) (element, bool) {
	for _, matches := range []func(node map[string]any) bool{
		func(node map[string]any) bool { return textOf(node["text"]) == label },
		func(node map[string]any) bool { return node["action_id"] == label || node["value"] == label },
	} {
		for _, list := range blocks {
			for _, b := range list {
				if found, ok := findIn(b, "", matches); ok {
					return found, true
				}
			}
		}
	}
	return element{}, false
}

func findIn(value any, block string, matches func(map[string]any) bool) (element, bool) {
	switch node := value.(type) {
	case []any:
		for _, n := range node {
			if found, ok := findIn(n, block, matches); ok {
				return found, true
			}
		}
	case map[string]any:
		if id, ok := node["block_id"].(string); ok {
			block = id
		}
		if found, ok := elementOf(node, block, matches); ok {
			return found, true
		}
		for _, name := range []string{"accessory", "elements", "actions", "child_blocks", "element"} {
			if found, ok := findIn(node[name], block, matches); ok {
				return found, true
			}
		}
	}
	return element{}, false
}

func elementOf(node map[string]any, block string, matches func(map[string]any) bool) (element, bool) {
	e := element{block: block, node: node}
	if confirm, ok := node["confirm"].(map[string]any); ok {
		e.confirm = textOf(confirm["title"]) + "\n" + textOf(confirm["text"])
	}
	switch node["type"] {
	case "button":
		return e, matches(node)
	case "overflow", "static_select", "radio_buttons":
		options, _ := node["options"].([]any)
		for _, o := range options {
			if option, ok := o.(map[string]any); ok && matches(option) {
				e.option = option
				return e, true
			}
		}
	}
	return element{}, false
}

// action is what the client sends of it: the value is the one of the block.
func (e element) action(at string) map[string]any {
	out := map[string]any{"type": e.node["type"], "action_id": e.node["action_id"], "block_id": e.block, "action_ts": at}
	if e.option != nil {
		out["selected_option"] = e.option
		return out
	}
	for _, name := range []string{"text", "value", "style", "url"} {
		if v, ok := e.node[name]; ok {
			out[name] = v
		}
	}
	return out
}

func textOf(node any) string {
	object, _ := node.(map[string]any)
	text, _ := object["text"].(string)
	return text
}
