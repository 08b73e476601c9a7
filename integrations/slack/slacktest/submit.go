package slacktest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Submit lets a person fill in a modal and hand it in. Values are by block_id,
// action_id or label; of menus, the text or value of an option. What is not named
// keeps what it began with.
func (s *Slack) Submit(v View, values map[string]string) Heard {
	s.tb.Helper()
	h := s.begin(v.User)
	blocks := slices.Concat(lists(v.Body)...)
	state, blocked := fillIn(blocks, maps.Clone(values))
	if blocked != "" {
		h.Blocked = blocked
		return h
	}
	s.mu.Lock()
	h.Trigger = s.newTrigger(v.User, v.ID)
	payload := s.interaction("view_submission", v.User)
	view := v.json()
	view["state"] = map[string]any{"values": state}
	maps.Copy(payload, map[string]any{"trigger_id": h.Trigger, "view": view, "response_urls": []any{}})
	s.mu.Unlock()
	h = s.deliver(h, &delivery{kind: "interactive", payload: payload})
	if h.Acked {
		h.Errors = s.closeAs(v, h.Body)
	}
	return h
}

// Dismiss lets a person close a modal without handing it in. The app hears of it
// when the view says so.
func (s *Slack) Dismiss(v View) Heard {
	s.tb.Helper()
	h := s.begin(v.User)
	s.mu.Lock()
	if open := s.views[v.ID]; open != nil {
		open.Closed = true
	}
	view := v.json()
	payload := s.interaction("view_closed", v.User)
	maps.Copy(payload, map[string]any{"view": view, "is_cleared": false})
	s.touch()
	s.mu.Unlock()
	if view["notify_on_close"] != true {
		return h
	}
	return s.deliver(h, &delivery{kind: "interactive", payload: payload})
}

// closeAs does with the view what the acknowledgement says.
func (s *Slack) closeAs(v View, body []byte) map[string]string {
	var ack struct {
		Action string            `json:"response_action"`
		Errors map[string]string `json:"errors"`
		View   json.RawMessage   `json:"view"`
	}
	if len(body) > 0 && json.Unmarshal(body, &ack) != nil {
		s.tb.Errorf("slacktest: the acknowledgement of a view is no JSON")
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.touch()
	open := s.views[v.ID]
	if open == nil {
		return nil
	}
	switch ack.Action {
	case "errors":
		for block := range ack.Errors {
			if !slices.ContainsFunc(slices.Concat(lists(v.Body)...), func(b any) bool { return idOf(b) == block }) {
				s.tb.Errorf("slacktest: an error for the block %q, which the view does not have", block)
			}
		}
		return ack.Errors
	case "update", "push":
		s.replace(open, ack.Action, ack.View)
	case "clear":
		for _, other := range s.views {
			other.Closed = other.Closed || other.User == v.User && other.Kind == "modal"
		}
	case "":
		open.Closed = true
	default:
		s.tb.Errorf("slacktest: response_action %q is none", ack.Action)
	}
	return nil
}

// replace shows the view of an acknowledgement in the place of the open one, or
// on top of it.
func (s *Slack) replace(open *View, action string, body json.RawMessage) {
	req := &request{args: map[string]string{"view": string(body)}}
	if no := judgeView(req, "modal"); no != nil {
		s.tb.Errorf("slacktest: Slack would not show the view of an acknowledgement: %v", no)
		return
	}
	target := open
	if action == "push" {
		target = &View{ID: s.id("V"), Kind: "modal", User: open.User, Root: open.Root, Previous: open.ID}
		s.views[target.ID] = target
	}
	if no := s.fill(target, string(body)); no != nil {
		s.tb.Errorf("slacktest: Slack would not show the view of an acknowledgement: %v", no)
	}
	target.Updates++
}

// fillIn makes the state of a view's inputs, or says what the client would not
// let through.
func fillIn(blocks []any, values map[string]string) (state map[string]any, blocked string) {
	state = map[string]any{}
	for _, b := range blocks {
		block, _ := b.(map[string]any)
		node, ok := block["element"].(map[string]any)
		if block["type"] != "input" || !ok {
			continue
		}
		action, _ := node["action_id"].(string)
		value, given := "", false
		for _, name := range []string{idOf(block), action, textOf(block["label"])} {
			if v, ok := values[name]; ok && !given {
				value, given = v, true
				delete(values, name)
			}
		}
		filled, why := fillElement(node, value, given, block["optional"] == true)
		if why != "" {
			return nil, fmt.Sprintf("%s: %s", textOf(block["label"]), why)
		}
		state[idOf(block)] = map[string]any{action: filled}
	}
	for name := range values {
		return nil, fmt.Sprintf("there is no field %q", name)
	}
	return state, ""
}

func idOf(block any) string {
	object, _ := block.(map[string]any)
	id, _ := object["block_id"].(string)
	return id
}

// valued tells, by type, which field of an element is what it begins with, and
// which one of the state is its value.
var valued = map[string][2]string{
	"plain_text_input": {"initial_value", "value"}, "number_input": {"initial_value", "value"}, "url_text_input": {"initial_value", "value"},
	"email_text_input": {"initial_value", "value"}, "users_select": {"initial_user", "selected_user"},
	"conversations_select": {"initial_conversation", "selected_conversation"}, "channels_select": {"initial_channel", "selected_channel"},
	"datepicker": {"initial_date", "selected_date"}, "timepicker": {"initial_time", "selected_time"},
	"static_select": {"initial_option", "selected_option"}, "radio_buttons": {"initial_option", "selected_option"},
}

func fillElement(node map[string]any, text string, given, optional bool) (filled map[string]any, why string) {
	kind, _ := node["type"].(string)
	names, known := valued[kind]
	if !known {
		return nil, "slacktest cannot fill in a " + kind
	}
	value := node[names[0]]
	if given {
		value = text
		if names[1] == "selected_option" {
			if value = optionOf(node, text); value == nil {
				return nil, fmt.Sprintf("there is no option %q", text)
			}
		}
	}
	if value == "" {
		value = nil
	}
	if value == nil && !optional {
		return nil, "must be filled in"
	}
	if why := tooMuch(node, value); why != "" {
		return nil, why
	}
	return map[string]any{"type": kind, names[1]: value}, ""
}

func optionOf(node map[string]any, text string) any {
	options, _ := node["options"].([]any)
	groups, _ := node["option_groups"].([]any)
	for _, g := range groups {
		group, _ := g.(map[string]any)
		more, _ := group["options"].([]any)
		options = append(slices.Clip(options), more...)
	}
	for _, o := range options {
		if option, _ := o.(map[string]any); option["value"] == text || textOf(option["text"]) == text {
			return option
		}
	}
	return nil
}

// tooMuch is what the client says of a value beyond the element's bounds.
func tooMuch(node map[string]any, value any) string {
	text, ok := value.(string)
	if !ok {
		return ""
	}
	runes := float64(utf8.RuneCountInString(text))
	if most, ok := node["max_length"].(float64); ok && runes > most {
		return fmt.Sprintf("must be %v characters or less", most)
	}
	if least, ok := node["min_length"].(float64); ok && runes < least {
		return fmt.Sprintf("must be %v characters or more", least)
	}
	if node["type"] != "number_input" {
		return ""
	}
	n, err := strconv.ParseFloat(text, 64)
	if _, whole := strconv.ParseInt(text, 10, 64); err != nil || node["is_decimal_allowed"] != true && whole != nil {
		return "must be a number"
	}
	if low, err := strconv.ParseFloat(fmt.Sprint(node["min_value"]), 64); err == nil && n < low {
		return fmt.Sprintf("must be %v or more", low)
	}
	if high, err := strconv.ParseFloat(fmt.Sprint(node["max_value"]), 64); err == nil && n > high {
		return fmt.Sprintf("must be %v or less", high)
	}
	return ""
}
