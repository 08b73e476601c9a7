package discordtest

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

// Permissions of the bot and of people, as Discord numbers them.
const (
	PermissionAdministrator int64 = 1 << 3
	PermissionManageGuild   int64 = 1 << 5
	PermissionView          int64 = 1 << 10
	PermissionSend          int64 = 1 << 11
	PermissionEmbed         int64 = 1 << 14
	PermissionAttach        int64 = 1 << 15
	PermissionHistory       int64 = 1 << 16
	PermissionMentionAll    int64 = 1 << 17
	PermissionUseCommands   int64 = 1 << 31
	PermissionCreateThreads int64 = 1 << 35
	PermissionSendInThreads int64 = 1 << 38
	memberPermissions             = PermissionView | PermissionSend | PermissionEmbed | PermissionAttach | PermissionHistory | PermissionUseCommands | PermissionCreateThreads | PermissionSendInThreads
	everyPermission         int64 = 1<<50 - 1
)

// Channel is a place for messages. Zero fields are those of a text channel of the
// guild that everybody may use.
type Channel struct {
	ID       string
	Name     string
	Denied   int64  // what the bot may not do here
	Parent   string // of a thread: the channel that it stands in
	With     string // of a direct conversation: the user
	Archived bool   // of a thread
	Locked   bool   // of a thread: only moderators write
}

// User is somebody, and what they are in the guild.
type User struct {
	ID     string
	Name   string
	Nick   string
	Roles  []string
	Locale string // "": en-US
	Bot    bool
	Absent bool // not in the guild
	Closed bool // takes no direct messages
}

// Role is a role of the guild.
type Role struct {
	ID          string
	Name        string
	Permissions int64
	Mentionable bool
	Managed     bool
}

// Attachment is a file of a message.
type Attachment struct {
	ID          string
	Name        string
	Description string
	Kind        string // content type
	Body        []byte
}

// Message is what stands in a channel. The raw fields are as they were sent.
type Message struct {
	ID          string
	Channel     string
	Author      string
	Content     string
	Embeds      json.RawMessage
	Components  json.RawMessage
	Attachments []Attachment
	Flags       int64
	Nonce       string
	At          time.Time
	EditedAt    time.Time
	Edits       int
	Thread      string   // the thread that was begun on it
	ReplyTo     string   // the message that it answers; "": none
	Pinged      []string // what it notified when it was sent: ids of users and roles, "everyone"
	To          string   // only this person sees it; "": all
	Interaction string   // id of the one that it answers; "": none
	Waiting     bool     // "… is thinking": nothing was said yet
	gone        bool     // deleted, of what one person saw
}

// Ephemeral tells that one person alone sees it.
func (m Message) Ephemeral() bool { return m.To != "" }

// AddChannel adds a channel, or changes the one of the same ID.
func (d *Discord) AddChannel(c Channel) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if old := d.channel(c.ID); old != nil {
		*old = c
	} else {
		d.channels = append(d.channels, &c)
	}
	d.touch()
}

// RemoveChannel deletes the channel and all that stands in it.
func (d *Discord) RemoveChannel(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.channels = slices.DeleteFunc(d.channels, func(c *Channel) bool { return c.ID == id || c.Parent == id })
	delete(d.messages, id)
	d.touch()
}

// AddUser adds a user, or changes the one of the same ID.
func (d *Discord) AddUser(u User) {
	d.mu.Lock()
	defer d.mu.Unlock()
	u.Roles = slices.Clone(u.Roles)
	if old := d.user(u.ID); old != nil {
		*old = u
	} else {
		d.users = append(d.users, &u)
	}
}

// AddRole adds a role, or changes the one of the same ID.
func (d *Discord) AddRole(r Role) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, old := range d.roles {
		if old.ID == r.ID {
			*old = r
			return
		}
	}
	d.roles = append(d.roles, &r)
}

// Say lets a person write a message, which the app hears nothing of.
func (d *Discord) Say(user, channel, content string) Message {
	d.mu.Lock()
	defer d.mu.Unlock()
	m := &Message{ID: d.id(), Channel: channel, Author: user, Content: content, At: d.now()}
	d.messages[channel] = append(d.messages[channel], m)
	d.touch()
	return *m
}

// Delete lets a moderator delete a message.
func (d *Discord) Delete(m Message) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.remove(m.Channel, m.ID)
	d.touch()
}

// Messages are those of the channel that everybody sees, as they are now, oldest
// first.
func (d *Discord) Messages(channel string) []Message {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []Message
	for _, m := range d.messages[channel] {
		out = append(out, *m)
	}
	return out
}

// Thread is what stands in the thread that was begun on the message; ok is false
// when there is none.
func (d *Discord) Thread(m Message) (c Channel, inside []Message, ok bool) {
	d.mu.Lock()
	found := d.channel(m.ID)
	ok = found != nil && found.Parent == m.Channel
	if ok {
		c = *found
	}
	d.mu.Unlock()
	if !ok {
		return Channel{}, nil, false
	}
	return c, d.Messages(m.ID), true
}

// Message is the one of the id; ok is false when there is none.
func (d *Discord) Message(channel, id string) (m Message, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if found := d.message(channel, id); found != nil {
		return *found, true
	}
	return Message{}, false
}

// Ephemerals are all that the user saw alone and that said something, oldest first.
func (d *Discord) Ephemerals(user string) []Message {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []Message
	for _, m := range d.seen {
		if m.To == user && !m.Waiting && !m.gone {
			out = append(out, *m)
		}
	}
	return out
}

func (d *Discord) message(channel, id string) *Message {
	for _, m := range d.messages[channel] {
		if m.ID == id {
			return m
		}
	}
	return nil
}

func (d *Discord) remove(channel, id string) {
	d.messages[channel] = slices.DeleteFunc(d.messages[channel], func(m *Message) bool { return m.ID == id })
	for _, m := range d.seen {
		m.gone = m.gone || m.ID == id
	}
}

func (d *Discord) channel(id string) *Channel {
	for _, c := range d.channels {
		if c.ID == id {
			return c
		}
	}
	return nil
}

func (d *Discord) user(id string) *User {
	for _, u := range d.users {
		if u.ID == id {
			return u
		}
	}
	return nil
}

// who is the user, or one of whom nothing is known.
func (d *Discord) who(id string) *User {
	if u := d.user(id); u != nil {
		return u
	}
	return &User{ID: id, Name: "unknown", Absent: true}
}

// allowed is what the user may do in the guild.
func (d *Discord) allowed(u *User) int64 {
	if u.ID == Owner {
		return everyPermission
	}
	var out int64
	for _, r := range d.roles {
		if r.ID == GuildID || slices.Contains(u.Roles, r.ID) {
			out |= r.Permissions
		}
	}
	if out&PermissionAdministrator != 0 {
		return everyPermission
	}
	return out
}

// mine is what the bot may do in the channel.
func (d *Discord) mine(c *Channel) int64 {
	if c.With != "" {
		return everyPermission
	}
	out := d.allowed(d.who(BotUser))
	if out == everyPermission {
		return out
	}
	if parent := d.channel(c.Parent); parent != nil {
		return out &^ parent.Denied &^ c.Denied
	}
	return out &^ c.Denied
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
