package discordtest

import (
	"encoding/json"

	"salve/integrations/discord/legal"
)

func (d *Discord) getGateway(*request) (any, *refusal) {
	return object{"url": d.GatewayURL()}, nil
}

func (d *Discord) getGatewayBot(*request) (any, *refusal) {
	return object{"url": d.GatewayURL(), "shards": 1,
		"session_start_limit": object{"total": 1000, "remaining": 1000 - len(d.sessions), "reset_after": 86_400_000, "max_concurrency": 1}}, nil
}

func (d *Discord) getMe(*request) (any, *refusal) {
	out := d.who(BotUser).json()
	out["verified"], out["mfa_enabled"], out["flags"], out["locale"] = true, false, 0, "en-US"
	return out, nil
}

func (d *Discord) getUser(req *request) (any, *refusal) {
	id := req.PathValue("user")
	if id == "@me" {
		return d.getMe(req)
	}
	if u := d.user(id); u != nil {
		return u.json(), nil
	}
	return nil, errUnknownUser
}

func (d *Discord) getApplication(*request) (any, *refusal) {
	out := object{"id": AppID, "name": "Salve", "icon": nil, "description": "", "bot_public": false, "bot_require_code_grant": false,
		"verify_key": PublicKey(), "bot": d.who(BotUser).json(), "flags": d.applicationFlags(), "interactions_endpoint_url": nil}
	if d.endpoint != "" {
		out["interactions_endpoint_url"] = d.endpoint
	}
	return out, nil
}

// openDirect opens the conversation with one person.
func (d *Discord) openDirect(req *request) (any, *refusal) {
	var asked struct {
		Recipient string `json:"recipient_id"`
	}
	if json.Unmarshal(req.body, &asked) != nil {
		return nil, errNotJSON
	}
	u := d.user(asked.Recipient)
	if u == nil || u.Bot {
		return nil, &refusal{status: 400, code: 50033, message: "Invalid Recipient(s)"}
	}
	return d.channelJSON(d.direct(u.ID)), nil
}

func (d *Discord) direct(user string) *Channel {
	for _, c := range d.channels {
		if c.With == user {
			return c
		}
	}
	c := &Channel{ID: d.id(), With: user}
	d.channels = append(d.channels, c)
	return c
}

func (d *Discord) getChannel(req *request) (any, *refusal) {
	c, no := d.place(req, 0)
	if no != nil {
		return nil, no
	}
	return d.channelJSON(c), nil
}

// startThread begins the thread of a message, which has the message's id.
func (d *Discord) startThread(req *request) (any, *refusal) {
	c, no := d.place(req, PermissionCreateThreads)
	if no != nil {
		return nil, no
	}
	m := d.message(c.ID, req.PathValue("message"))
	if m == nil {
		return nil, errUnknownMessage
	}
	if no := d.judge(legal.Thread, req.body); no != nil {
		return nil, no
	}
	switch {
	case c.Parent != "" || c.With != "":
		return nil, &refusal{status: 400, code: 50024, message: "Cannot execute action on this channel type"}
	case m.Thread != "":
		return nil, errThreadThere
	}
	var asked struct{ Name string }
	if json.Unmarshal(req.body, &asked) != nil {
		return nil, errNotJSON
	}
	thread := &Channel{ID: m.ID, Name: asked.Name, Parent: c.ID}
	d.channels = append(d.channels, thread)
	m.Thread = thread.ID
	return d.channelJSON(thread), nil
}

func (d *Discord) guild(req *request) *refusal {
	if req.PathValue("guild") != GuildID {
		return errUnknownGuild
	}
	if d.who(BotUser).Absent {
		return errNoAccess
	}
	return nil
}

func (d *Discord) getGuild(req *request) (any, *refusal) {
	if no := d.guild(req); no != nil {
		return nil, no
	}
	return d.guildJSON(), nil
}

// listChannels has those that the bot cannot look into too, and no threads.
func (d *Discord) listChannels(req *request) (any, *refusal) {
	if no := d.guild(req); no != nil {
		return nil, no
	}
	out := []object{}
	for _, c := range d.channels {
		if c.Parent == "" && c.With == "" {
			out = append(out, d.channelJSON(c))
		}
	}
	return out, nil
}

func (d *Discord) listRoles(req *request) (any, *refusal) {
	if no := d.guild(req); no != nil {
		return nil, no
	}
	return d.rolesJSON(), nil
}

func (d *Discord) getMember(req *request) (any, *refusal) {
	if no := d.guild(req); no != nil {
		return nil, no
	}
	u := d.user(req.PathValue("user"))
	switch {
	case u == nil:
		return nil, errUnknownUser
	case u.Absent:
		return nil, errUnknownMember
	}
	return d.member(u, false), nil
}

// listThreads has those that are not in the archive and that the bot can look into.
func (d *Discord) listThreads(req *request) (any, *refusal) {
	if no := d.guild(req); no != nil {
		return nil, no
	}
	threads := []object{}
	for _, c := range d.channels {
		if c.Parent == "" || c.Archived || d.mine(c)&PermissionView == 0 {
			continue
		}
		out := d.channelJSON(c)
		if all := d.messages[c.ID]; len(all) > 0 {
			out["last_message_id"] = all[len(all)-1].ID
		}
		threads = append(threads, out)
	}
	return object{"threads": threads, "members": []object{}}, nil
}

// changeChannel takes a thread out of the archive, or puts it there; nothing else
// about a channel is the bot's to change.
func (d *Discord) changeChannel(req *request) (any, *refusal) {
	c, no := d.place(req, 0)
	if no != nil {
		return nil, no
	}
	var asked struct{ Archived *bool }
	switch {
	case json.Unmarshal(req.body, &asked) != nil:
		return nil, errNotJSON
	case c.Parent == "" || asked.Archived == nil:
		return nil, errNoPermission
	case c.Locked:
		return nil, errThreadLocked
	}
	c.Archived = *asked.Archived
	return d.channelJSON(c), nil
}
