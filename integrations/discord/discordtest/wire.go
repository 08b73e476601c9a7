package discordtest

import (
	"encoding/json"
	"slices"
	"time"
)

// object is JSON on its way out.
type object = map[string]any

func (u *User) json() object {
	out := object{"id": u.ID, "username": u.Name, "global_name": u.Name, "discriminator": "0", "avatar": nil, "public_flags": 0}
	if u.Bot {
		out["bot"], out["discriminator"] = true, "0001"
	}
	return out
}

// member is what the user is in the guild; permissions tells those of people in
// an interaction.
func (d *Discord) member(u *User, permissions bool) object {
	out := object{
		"user": u.json(), "nick": nil, "roles": append([]string{}, u.Roles...), "joined_at": "2024-01-01T00:00:00.000000+00:00",
		"deaf": false, "mute": false, "pending": false, "flags": 0, "avatar": nil, "premium_since": nil, "communication_disabled_until": nil,
	}
	if u.Nick != "" {
		out["nick"] = u.Nick
	}
	if permissions {
		out["permissions"] = decimal(d.allowed(u))
	}
	return out
}

func (d *Discord) rolesJSON() []object {
	out := []object{}
	for i, r := range d.roles {
		out = append(out, object{"id": r.ID, "name": r.Name, "permissions": decimal(r.Permissions), "position": i, "color": 0,
			"hoist": false, "managed": r.Managed, "mentionable": r.Mentionable, "flags": 0})
	}
	return out
}

func (d *Discord) guildJSON() object {
	return object{"id": GuildID, "name": "Examples", "owner_id": Owner, "roles": d.rolesJSON(), "emojis": []object{}, "features": []string{},
		"preferred_locale": "en-US", "verification_level": 0, "mfa_level": 0, "premium_tier": 0, "nsfw_level": 0}
}

const (
	channelText   = 0
	channelDirect = 1
	channelThread = 11
)

func (d *Discord) channelJSON(c *Channel) object {
	switch {
	case c.With != "":
		return object{"id": c.ID, "type": channelDirect, "recipients": []object{d.who(c.With).json()}, "last_message_id": nil, "flags": 0}
	case c.Parent != "":
		return object{"id": c.ID, "type": channelThread, "guild_id": GuildID, "parent_id": c.Parent, "name": c.Name, "owner_id": BotUser,
			"message_count": len(d.messages[c.ID]), "member_count": 1, "rate_limit_per_user": 0, "flags": 0, "last_message_id": nil,
			"thread_metadata": object{"archived": c.Archived, "locked": c.Locked, "auto_archive_duration": 1440, "archive_timestamp": stamp(d.now())}}
	default:
		overwrites := []object{}
		if c.Denied != 0 {
			overwrites = append(overwrites, object{"id": BotUser, "type": 1, "allow": "0", "deny": decimal(c.Denied)})
		}
		return object{"id": c.ID, "type": channelText, "guild_id": GuildID, "name": c.Name, "topic": nil, "position": 0, "nsfw": false,
			"parent_id": nil, "permission_overwrites": overwrites, "rate_limit_per_user": 0, "flags": 0, "last_message_id": nil}
	}
}

// messageJSON is the message as the bot gets it: without the privileged intent
// it does not read what others wrote.
func (d *Discord) messageJSON(m *Message) object {
	out := object{
		"id": m.ID, "channel_id": m.Channel, "author": d.who(m.Author).json(), "content": m.Content, "timestamp": stamp(m.At),
		"edited_timestamp": nil, "tts": false, "mention_everyone": slices.Contains(m.Pinged, "everyone"), "mentions": []object{},
		"mention_roles": []string{}, "attachments": []object{}, "embeds": orEmpty(m.Embeds), "components": orEmpty(m.Components),
		"pinned": false, "type": 0, "flags": m.Flags,
	}
	if m.Author != BotUser && d.opts.Privileged&intentContent == 0 {
		out["content"], out["embeds"], out["components"] = "", []object{}, []object{}
	}
	if m.Nonce != "" {
		out["nonce"] = m.Nonce
	}
	if m.ReplyTo != "" {
		out["type"], out["message_reference"] = 19, object{"message_id": m.ReplyTo, "channel_id": m.Channel, "guild_id": GuildID}
	}
	if m.Edits > 0 {
		out["edited_timestamp"] = stamp(m.EditedAt)
	}
	if thread := d.channel(m.Thread); thread != nil {
		out["thread"] = d.channelJSON(thread)
	}
	var files []object
	for _, a := range m.Attachments {
		address := "https://cdn.discordapp.com/attachments/" + m.Channel + "/" + a.ID + "/" + a.Name
		files = append(files, object{"id": a.ID, "filename": a.Name, "size": len(a.Body), "url": address, "proxy_url": address,
			"content_type": a.Kind, "description": a.Description})
	}
	if files != nil {
		out["attachments"] = files
	}
	if m.Interaction != "" {
		out["webhook_id"], out["application_id"] = AppID, AppID
		out["type"] = 20
	}
	return out
}

func orEmpty(raw json.RawMessage) any {
	if len(raw) == 0 {
		return []object{}
	}
	return raw
}

func stamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000000+00:00") }

func decoded(raw json.RawMessage) any {
	if len(raw) == 0 {
		return nil
	}
	var out any
	_ = json.Unmarshal(raw, &out) // it was judged when it came
	return out
}
