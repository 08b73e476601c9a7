package slacktest

import (
	"slices"
	"strings"
)

func (s *Slack) openConnection(*request) (answer, *refusal) {
	ticket := secret()
	s.tickets[ticket] = true
	return answer{"url": "ws" + strings.TrimPrefix(s.server.URL, "http") + "/link?ticket=" + ticket + "&app_id=" + AppID}, nil
}

// listChannels lists public channels unless other types are asked for; private
// ones only when the bot is in them.
func (s *Slack) listChannels(req *request) (answer, *refusal) {
	types := strings.Split(req.args["types"], ",")
	if req.args["types"] == "" {
		types = []string{"public_channel"}
	}
	for _, t := range types {
		need, known := map[string]string{"public_channel": "channels:read", "private_channel": "groups:read", "im": "im:read", "mpim": "mpim:read"}[strings.TrimSpace(t)]
		if !known {
			return nil, refuse("invalid_types")
		}
		if !s.may(need) {
			return nil, s.lacks(need)
		}
	}
	var out []map[string]any
	for _, c := range s.channels {
		if slices.Contains(types, c.kind()) && (c.Member || !c.Private) && !(c.Archived && req.flag("exclude_archived")) {
			out = append(out, s.channelJSON(c))
		}
	}
	part, cursor, no := page(req, out, 100)
	return answer{"channels": part, "response_metadata": nextCursor(cursor)}, no
}

func (s *Slack) channelInfo(req *request) (answer, *refusal) {
	c := s.channel(req.args["channel"])
	if c == nil || c.Private && !c.Member {
		return nil, refuse("channel_not_found")
	}
	if need := c.scope("read"); !s.may(need) {
		return nil, s.lacks(need)
	}
	out := s.channelJSON(c)
	if req.flag("include_num_members") {
		out["num_members"] = len(s.users)
	}
	return answer{"channel": out}, nil
}

func (s *Slack) join(req *request) (answer, *refusal) {
	c := s.channel(req.args["channel"])
	switch {
	case c == nil, c.Private:
		return nil, refuse("channel_not_found")
	case c.With != "":
		return nil, refuse("method_not_supported_for_channel_type")
	case c.Archived:
		return nil, refuse("is_archived")
	}
	c.Member = true
	return answer{"channel": s.channelJSON(c)}, nil
}

func (s *Slack) openDirect(req *request) (answer, *refusal) {
	if !s.may("im:write") {
		return nil, s.lacks("im:write")
	}
	if c := s.channel(req.args["channel"]); c != nil && c.With != "" {
		return answer{"channel": s.channelJSON(c)}, nil
	}
	if req.args["users"] == "" {
		return nil, refuse("users_list_not_supplied")
	}
	u := s.user(req.args["users"])
	switch {
	case strings.Contains(req.args["users"], ","):
		return nil, s.lacks("mpim:write")
	case u == nil:
		return nil, refuse("user_not_found")
	case u.Deleted:
		return nil, refuse("user_disabled")
	case u.Bot:
		return nil, refuse("invalid_user_combination")
	}
	return answer{"channel": s.channelJSON(s.direct(u))}, nil
}

// history lists what shows in the channel, newest first: of threads only what
// was broadcast.
func (s *Slack) history(req *request) (answer, *refusal) {
	c, no := s.readable(req)
	if no != nil {
		return nil, no
	}
	var list []map[string]any
	for _, m := range slices.Backward(s.messages[c.ID]) {
		if (m.Thread == "" || m.Broadcast) && within(req, m.TS) {
			list = append(list, s.withReplies(m, req))
		}
	}
	part, cursor, no := page(req, list, 100)
	return answer{"messages": part, "has_more": cursor != "", "pin_count": 0, "response_metadata": nextCursor(cursor)}, no
}

// replies lists the message and its thread, oldest first.
func (s *Slack) replies(req *request) (answer, *refusal) {
	c, no := s.readable(req)
	if no != nil {
		if no.code == "not_in_channel" {
			no.code = "channel_not_found"
		}
		return nil, no
	}
	parent := s.message(c.ID, req.args["ts"])
	if parent == nil {
		return nil, refuse("thread_not_found")
	}
	var list []map[string]any
	for _, m := range s.messages[c.ID] {
		if m == parent || m.Thread == parent.TS && within(req, m.TS) {
			list = append(list, s.withReplies(m, req))
		}
	}
	part, cursor, no := page(req, list, 1000)
	return answer{"messages": part, "has_more": cursor != "", "response_metadata": nextCursor(cursor)}, no
}

func (s *Slack) readable(req *request) (*Channel, *refusal) {
	c := s.channel(req.args["channel"])
	switch {
	case c == nil, c.Private && !c.Member:
		return nil, refuse("channel_not_found")
	case !s.may(c.scope("history")):
		return nil, s.lacks(c.scope("history"))
	case !c.Member && c.With == "":
		return nil, refuse("not_in_channel")
	}
	return c, nil
}

// within compares as texts, which holds while seconds have ten digits.
func within(req *request, ts string) bool {
	oldest, latest := req.args["oldest"], req.args["latest"]
	if req.flag("inclusive") && (ts == oldest || ts == latest) {
		return true
	}
	return (oldest == "" || oldest == "0" || ts > oldest) && (latest == "" || ts < latest)
}

// withReplies is the message with what Slack tells of its thread.
func (s *Slack) withReplies(m *Message, req *request) map[string]any {
	out := messageJSON(m, req.flag("include_all_metadata"))
	replies := s.collect(m.Channel, func(other *Message) bool { return other.Thread == m.TS })
	if len(replies) > 0 {
		out["thread_ts"], out["reply_count"], out["latest_reply"] = m.TS, len(replies), replies[len(replies)-1].TS
	}
	return out
}

func (c *Channel) kind() string {
	switch {
	case c.With != "":
		return "im"
	case c.Private:
		return "private_channel"
	default:
		return "public_channel"
	}
}

func (c *Channel) scope(right string) string {
	return map[string]string{"im": "im:", "private_channel": "groups:", "public_channel": "channels:"}[c.kind()] + right
}

func (s *Slack) channelJSON(c *Channel) map[string]any {
	out := map[string]any{
		"id": c.ID, "name": c.Name, "name_normalized": c.Name, "is_channel": !c.Private && c.With == "", "is_group": c.Private,
		"is_im": c.With != "", "is_mpim": false, "is_private": c.Private || c.With != "", "is_archived": c.Archived,
		"is_member": c.Member, "is_general": c.Name == "general", "is_shared": c.Shared, "is_ext_shared": c.Shared,
		"context_team_id": TeamID, "created": 1700000000, "creator": BotUser,
	}
	if c.With != "" {
		out["user"], out["is_open"] = c.With, true
	}
	return out
}
