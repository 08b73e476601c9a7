package slacktest

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"salve/integrations/slack/legal"
)

const (
	maxPostedText = 40_000 // Slack cuts what is longer
	maxEditedText = 4_000  // and refuses an edit that is longer than this
)

func (s *Slack) postMessage(req *request) (answer, *refusal) {
	c, no := s.place(req)
	if no != nil {
		return nil, no
	}
	content, no := s.content(req, legal.Message)
	if no != nil {
		return nil, no
	}
	thread := req.args["thread_ts"]
	if parent := s.message(c.ID, thread); thread != "" && (parent == nil || parent.Private) {
		thread = "" // Slack posts it beside, and says nothing
	} else if parent != nil && parent.Thread != "" {
		thread = parent.Thread
	}
	m := &Message{
		Channel: c.ID, TS: s.stamp(c.ID), Thread: thread, Broadcast: thread != "" && req.flag("reply_broadcast"), User: BotUser,
		Text: content.text, Blocks: content.blocks, Attachments: content.attachments, Metadata: content.metadata,
	}
	s.messages[c.ID] = append(s.messages[c.ID], m)
	return answer{"channel": c.ID, "ts": m.TS, "message": messageJSON(m, true)}, nil
}

// updateMessage keeps what the request leaves out: blocks, attachments, metadata.
func (s *Slack) updateMessage(req *request) (answer, *refusal) {
	c := s.channel(req.args["channel"])
	if c == nil {
		return nil, refuse("channel_not_found")
	}
	m := s.message(c.ID, req.args["ts"])
	if m == nil {
		return nil, refuse("message_not_found")
	}
	if m.User != BotUser {
		return nil, refuse("cant_update_message")
	}
	if utf8.RuneCountInString(req.args["text"]) > maxEditedText {
		return nil, refuse("msg_too_long")
	}
	content, no := s.content(req, legal.Update)
	if no != nil {
		return nil, no
	}
	m.Text, m.Edits, m.EditedAt = content.text, m.Edits+1, formatTS(s.now())
	for name, field := range map[string]*json.RawMessage{"blocks": &m.Blocks, "attachments": &m.Attachments, "metadata": &m.Metadata} {
		if _, sent := req.args[name]; sent {
			*field = map[string]json.RawMessage{"blocks": content.blocks, "attachments": content.attachments, "metadata": content.metadata}[name]
		}
	}
	if req.flag("reply_broadcast") && m.Thread != "" {
		m.Broadcast = true
	}
	return answer{"channel": c.ID, "ts": m.TS, "text": m.Text, "message": messageJSON(m, true)}, nil
}

func (s *Slack) postEphemeral(req *request) (answer, *refusal) {
	c, no := s.place(req)
	if no != nil {
		return nil, no
	}
	to := s.user(req.args["user"])
	if to == nil || to.Deleted {
		return nil, refuse("user_not_in_channel")
	}
	content, no := s.content(req, legal.Ephemeral)
	if no != nil {
		return nil, no
	}
	m := Message{
		Channel: c.ID, TS: s.stamp(c.ID), Thread: req.args["thread_ts"], User: BotUser, Private: true,
		Text: content.text, Blocks: content.blocks, Attachments: content.attachments,
	}
	s.seen = append(s.seen, Ephemeral{Message: m, To: to.ID, From: "chat.postEphemeral"})
	return answer{"message_ts": m.TS}, nil
}

func (s *Slack) deleteMessage(req *request) (answer, *refusal) {
	c := s.channel(req.args["channel"])
	if c == nil {
		return nil, refuse("channel_not_found")
	}
	m := s.message(c.ID, req.args["ts"])
	switch {
	case m == nil:
		return nil, refuse("message_not_found")
	case m.User != BotUser:
		return nil, refuse("cant_delete_message")
	}
	s.messages[c.ID] = slices.DeleteFunc(s.messages[c.ID], func(other *Message) bool { return other == m })
	return answer{"channel": c.ID, "ts": m.TS}, nil
}

func (s *Slack) permalink(req *request) (answer, *refusal) {
	c := s.channel(req.args["channel"])
	if c == nil {
		return nil, refuse("channel_not_found")
	}
	m := s.message(c.ID, req.args["message_ts"])
	if m == nil {
		return nil, refuse("message_not_found")
	}
	link := "https://" + TeamDomain + ".slack.com/archives/" + c.ID + "/p" + strings.ReplaceAll(m.TS, ".", "")
	if m.Thread != "" {
		link += "?thread_ts=" + m.Thread + "&cid=" + c.ID
	}
	return answer{"channel": c.ID, "permalink": link}, nil
}

func (s *Slack) react(req *request) (answer, *refusal) {
	c := s.channel(req.args["channel"])
	if c == nil {
		return nil, refuse("channel_not_found")
	}
	m := s.message(c.ID, req.args["timestamp"])
	switch {
	case m == nil:
		return nil, refuse("message_not_found")
	case c.Archived:
		return nil, refuse("is_archived")
	case slices.Contains(m.Reactions, req.args["name"]):
		return nil, refuse("already_reacted")
	}
	m.Reactions = append(slices.Clone(m.Reactions), req.args["name"])
	return answer{}, nil
}

// place finds the channel that a message goes to, and whether it may.
func (s *Slack) place(req *request) (*Channel, *refusal) {
	c := s.channel(req.args["channel"])
	if u := s.user(req.args["channel"]); c == nil && u != nil && !u.Deleted && !u.Bot {
		c = s.direct(u)
	}
	switch {
	case c == nil, c.Private && !c.Member:
		return nil, refuse("channel_not_found")
	case c.Archived:
		return nil, refuse("is_archived")
	case !c.Member && c.With == "" && (req.method != "chat.postMessage" || !s.may("chat:write.public")):
		return nil, refuse("not_in_channel")
	}
	return c, nil
}

// direct is the conversation with the user, which is opened when it was not.
func (s *Slack) direct(u *User) *Channel {
	for _, c := range s.channels {
		if c.With == u.ID {
			return c
		}
	}
	c := &Channel{ID: s.id("D"), With: u.ID, Member: true}
	s.channels = append(s.channels, c)
	return c
}

// content is what a message shows, as Slack keeps it.
type content struct {
	text                          string
	blocks, attachments, metadata json.RawMessage
}

// content reads the arguments of a message and refuses what Slack would not take.
func (s *Slack) content(req *request, kind legal.Kind) (content, *refusal) {
	root := map[string]any{}
	for name, value := range req.args {
		switch name {
		case "blocks", "attachments", "metadata":
			var decoded any
			if json.Unmarshal([]byte(value), &decoded) != nil {
				return content{}, refuse(map[string]string{"blocks": "invalid_blocks_format", "attachments": "invalid_arguments",
					"metadata": "invalid_metadata_format"}[name])
			}
			root[name] = decoded
		case "reply_broadcast", "unfurl_links", "unfurl_media", "mrkdwn", "link_names":
			root[name] = req.flag(name)
		default:
			root[name] = value
		}
	}
	if no := judgeContent(root, kind); no != nil {
		return content{}, no
	}
	out := content{text: cutRunes(req.args["text"], maxPostedText)}
	out.blocks = s.keep(root["blocks"])
	out.attachments = s.keep(root["attachments"])
	if m, ok := root["metadata"]; ok {
		out.metadata, _ = json.Marshal(m) // it was decoded from JSON
	}
	return out, nil
}

// judgeContent turns what package legal says into Slack's errors.
func judgeContent(root map[string]any, kind legal.Kind) *refusal {
	encoded, err := json.Marshal(root)
	if err != nil {
		return refuse("invalid_arguments", err.Error())
	}
	var messages []string
	code := ""
	for _, p := range legal.Check(kind, encoded) {
		if p.Rule == "text" && kind != legal.Update {
			continue // Slack cuts it
		}
		messages = append(messages, "[ERROR] "+p.Text+" [json-pointer:"+p.Pointer+"]")
		if code == "" || code == "no_text" {
			code = codeOf(p)
		}
	}
	if code == "" {
		return nil
	}
	return refuse(code, messages...)
}

func codeOf(p legal.Problem) string {
	switch {
	case p.Rule == "fallback":
		return "no_text"
	case strings.HasPrefix(p.Pointer, "/metadata"):
		return "invalid_metadata_format"
	case strings.HasPrefix(p.Pointer, "/blocks"), strings.HasPrefix(p.Pointer, "/attachments"):
		return "invalid_blocks"
	default:
		return "invalid_arguments"
	}
}

// keep encodes blocks or attachments after giving an id to what has none.
func (s *Slack) keep(value any) json.RawMessage {
	list, ok := value.([]any)
	if !ok || len(list) == 0 {
		return nil
	}
	s.name(list)
	encoded, _ := json.Marshal(list) // it was decoded from JSON
	return encoded
}

// interactive are the elements that have an action_id.
var interactive = map[string]bool{
	"button": true, "overflow": true, "static_select": true, "multi_static_select": true, "users_select": true, "multi_users_select": true,
	"conversations_select": true, "channels_select": true, "datepicker": true, "timepicker": true, "datetimepicker": true,
	"checkboxes": true, "radio_buttons": true, "plain_text_input": true, "number_input": true, "email_text_input": true,
	"url_text_input": true, "rich_text_input": true, "file_input": true,
}

func (s *Slack) name(blocks []any) {
	for _, b := range blocks {
		block, ok := b.(map[string]any)
		if !ok {
			continue
		}
		if inner, ok := block["blocks"].([]any); ok { // an attachment
			s.name(inner)
			continue
		}
		if _, ok := block["block_id"]; !ok {
			block["block_id"] = s.id("b")
		}
		s.nameElements(block)
	}
}

func (s *Slack) nameElements(node any) {
	switch node := node.(type) {
	case []any:
		for _, n := range node {
			s.nameElements(n)
		}
	case map[string]any:
		if kind, _ := node["type"].(string); interactive[kind] && node["action_id"] == nil {
			node["action_id"] = s.id("a")
		}
		for _, n := range node {
			s.nameElements(n)
		}
	}
}

// messageJSON is the message as Slack answers it.
func messageJSON(m *Message, withMetadata bool) map[string]any {
	out := map[string]any{"type": "message", "ts": m.TS, "text": m.Text, "user": m.User, "team": TeamID}
	if m.User == BotUser {
		out["bot_id"], out["app_id"] = BotID, AppID
	}
	if m.Thread != "" {
		out["thread_ts"] = m.Thread
	}
	if m.Broadcast {
		out["subtype"] = "thread_broadcast"
	}
	if m.EditedAt != "" {
		out["edited"] = map[string]any{"user": m.User, "ts": m.EditedAt}
	}
	for name, raw := range map[string]json.RawMessage{"blocks": m.Blocks, "attachments": m.Attachments} {
		if len(raw) > 0 {
			out[name] = raw
		}
	}
	if withMetadata && len(m.Metadata) > 0 {
		out["metadata"] = m.Metadata
	}
	return out
}

func cutRunes(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most])
}

func (s *Slack) may(scope string) bool {
	return slices.Contains(s.opts.Scopes, scope)
}
