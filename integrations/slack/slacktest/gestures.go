package slacktest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"

	"salve/integrations/slack/legal"
)

// Slash lets a person type the app's command with the text.
func (s *Slack) Slash(user, channel, text string) Heard {
	s.tb.Helper()
	h := s.begin(user)
	s.mu.Lock()
	u, c := s.who(user), s.where(channel)
	h.Trigger, h.ResponseURL = s.newTrigger(user, ""), s.newResponse(response{user: user, channel: channel})
	payload := map[string]any{
		"token": "verification", "team_id": u.team(), "team_domain": TeamDomain, "channel_id": channel, "channel_name": c.Name,
		"user_id": user, "user_name": u.Name, "command": Command, "text": text, "api_app_id": AppID,
		"is_enterprise_install": "false", "response_url": h.ResponseURL, "trigger_id": h.Trigger,
	}
	if s.opts.Enterprise != "" {
		payload["enterprise_id"], payload["enterprise_name"] = s.opts.Enterprise, "Examples"
	}
	s.mu.Unlock()
	h = s.deliver(h, &delivery{kind: "slash_commands", payload: payload})
	s.whisperAck(h, channel)
	return h
}

// whisperAck shows what the acknowledgement of a command says.
func (s *Slack) whisperAck(h Heard, channel string) {
	if !h.Acked || len(h.Body) == 0 {
		return
	}
	var root map[string]any
	if json.Unmarshal(h.Body, &root) != nil {
		root = map[string]any{"text": string(h.Body)}
	}
	if len(root) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if no := judgeContent(root, legal.Response); no != nil {
		s.tb.Errorf("slacktest: Slack would not show the acknowledgement of a command: %v", no)
		return
	}
	s.show(&response{user: h.user, channel: channel}, root)
	s.touch()
}

// Press lets a person press a button, or choose from a menu that hides some, in
// a message as it was when the person looked: by its label or its action_id.
func (s *Slack) Press(user string, m Message, label string) Heard {
	s.tb.Helper()
	element, found := find(append(lists(m.Blocks), lists(m.Attachments)...), label)
	if !found {
		s.tb.Fatalf("slacktest: the message shows no %q:\n%s", label, s.Render(m))
	}
	h := s.begin(user)
	s.mu.Lock()
	h.Trigger = s.newTrigger(user, "")
	h.ResponseURL = s.newResponse(response{user: user, channel: m.Channel, message: m.TS, private: m.Private})
	payload := s.interaction("block_actions", user)
	container := map[string]any{"type": "message", "message_ts": m.TS, "channel_id": m.Channel, "is_ephemeral": m.Private}
	if m.Thread != "" {
		container["thread_ts"] = m.Thread
	}
	maps.Copy(payload, map[string]any{
		"container": container, "channel": map[string]any{"id": m.Channel, "name": s.where(m.Channel).Name}, "trigger_id": h.Trigger,
		"response_url": h.ResponseURL, "state": map[string]any{"values": map[string]any{}}, "actions": []any{element.action(s.stamped())},
	})
	if !m.Private {
		payload["message"] = messageJSON(&m, false)
	}
	s.mu.Unlock()
	h.Confirm = element.confirm
	return s.deliver(h, &delivery{kind: "interactive", payload: payload})
}

// PressIn lets a person press a button in a modal or on their home tab.
func (s *Slack) PressIn(user string, v View, label string) Heard {
	s.tb.Helper()
	element, found := find(lists(v.Body), label)
	if !found {
		s.tb.Fatalf("slacktest: the view shows no %q", label)
	}
	h := s.begin(user)
	s.mu.Lock()
	h.Trigger = s.newTrigger(user, v.ID)
	payload := s.interaction("block_actions", user)
	maps.Copy(payload, map[string]any{
		"container": map[string]any{"type": "view", "view_id": v.ID}, "trigger_id": h.Trigger, "view": v.json(),
		"actions": []any{element.action(s.stamped())},
	})
	s.mu.Unlock()
	h.Confirm = element.confirm
	return s.deliver(h, &delivery{kind: "interactive", payload: payload})
}

// Shortcut lets a person choose the app's shortcut on a message.
func (s *Slack) Shortcut(user string, m Message, callback string) Heard {
	s.tb.Helper()
	h := s.begin(user)
	s.mu.Lock()
	h.Trigger = s.newTrigger(user, "")
	h.ResponseURL = s.newResponse(response{user: user, channel: m.Channel, message: m.TS})
	payload := s.interaction("message_action", user)
	maps.Copy(payload, map[string]any{
		"callback_id": callback, "trigger_id": h.Trigger, "response_url": h.ResponseURL, "message_ts": m.TS, "action_ts": s.stamped(),
		"channel": map[string]any{"id": m.Channel, "name": s.where(m.Channel).Name}, "message": messageJSON(&m, false),
	})
	s.mu.Unlock()
	return s.deliver(h, &delivery{kind: "interactive", payload: payload})
}

// Mention lets a person write a message that begins with the bot's name; thread
// is the TS of the message in whose thread it stands, "" for none.
func (s *Slack) Mention(user, channel, thread, text string) Heard {
	s.tb.Helper()
	s.mu.Lock()
	m := &Message{Channel: channel, TS: s.stamp(channel), Thread: thread, User: user, Text: "<@" + BotUser + "> " + text}
	s.messages[channel] = append(s.messages[channel], m)
	event := map[string]any{"user": user, "text": m.Text, "ts": m.TS, "channel": channel, "team": s.who(user).team()}
	if thread != "" {
		event["thread_ts"] = thread
	}
	s.touch()
	s.mu.Unlock()
	return s.Event(user, "app_mention", event)
}

// OpenHome lets a person look at the app's home tab.
func (s *Slack) OpenHome(user string) Heard {
	s.tb.Helper()
	s.mu.Lock()
	event := map[string]any{"user": user, "channel": s.direct(s.who(user)).ID, "tab": "home"}
	if v := s.homes[user]; v != nil {
		event["view"] = v.json()
	}
	s.mu.Unlock()
	return s.Event(user, "app_home_opened", event)
}

// Event sends an event of the kind, with the fields that it has beside its type
// and time. The user is who it is about.
func (s *Slack) Event(user, kind string, fields map[string]any) Heard {
	s.tb.Helper()
	h := s.begin(user)
	s.mu.Lock()
	event := maps.Clone(fields)
	event["type"], event["event_ts"] = kind, s.stamped()
	enterprise := s.enterpriseID()
	payload := map[string]any{
		"token": "verification", "team_id": TeamID, "context_team_id": TeamID, "api_app_id": AppID, "event": event, "type": "event_callback",
		"event_id": s.id("Ev"), "event_time": s.now().Unix(), "is_ext_shared_channel": false, "event_context": secret(),
		"authorizations": []any{map[string]any{"enterprise_id": enterprise, "team_id": TeamID, "user_id": BotUser, "is_bot": true, "is_enterprise_install": false}},
	}
	s.mu.Unlock()
	return s.deliver(h, &delivery{kind: "events_api", payload: payload})
}

// interaction is what every payload of the kind has.
func (s *Slack) interaction(kind, user string) map[string]any {
	u := s.who(user)
	out := map[string]any{
		"type": kind, "token": "verification", "api_app_id": AppID, "is_enterprise_install": false, "enterprise": nil,
		"team": map[string]any{"id": TeamID, "domain": TeamDomain},
		"user": map[string]any{"id": user, "name": u.Name, "team_id": u.team()},
	}
	if kind != "message_action" {
		out["user"] = map[string]any{"id": user, "username": u.Name, "name": u.Name, "team_id": u.team()}
	}
	if s.opts.Enterprise != "" {
		out["enterprise"] = map[string]any{"id": s.opts.Enterprise, "name": "Examples"}
	}
	return out
}

func (s *Slack) enterpriseID() any {
	if s.opts.Enterprise == "" {
		return nil
	}
	return s.opts.Enterprise
}

// who is the user, or one of whom nothing is known.
func (s *Slack) who(id string) *User {
	if u := s.user(id); u != nil {
		return u
	}
	return &User{ID: id, Name: "unknown"}
}

func (s *Slack) where(id string) *Channel {
	if c := s.channel(id); c != nil {
		return c
	}
	return &Channel{ID: id, Name: "unknown"}
}

// stamped is a time of no message.
func (s *Slack) stamped() string { return formatTS(s.now()) }

func newUUID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
