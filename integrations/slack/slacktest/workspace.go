package slacktest

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Channel is a conversation. Zero fields are those of a public channel that the
// bot has not joined.
type Channel struct {
	ID       string
	Name     string
	Private  bool
	Archived bool
	Member   bool   // the bot is in it
	With     string // of a direct message: the user
	Shared   bool   // with another organisation
}

// User is somebody. Zero fields are those of a full member.
type User struct {
	ID       string
	Name     string
	RealName string
	Email    string
	Timezone string
	Team     string // "": the workspace's own; else somebody external
	Bot      bool
	Guest    bool // of several channels
	OneGuest bool // of one channel
	Deleted  bool
}

// Group is a user group.
type Group struct {
	ID       string
	Handle   string
	Name     string
	Users    []string
	Disabled bool
}

// Message is what stands in a channel. The raw fields are as Slack keeps them:
// with an id for each block and element that had none.
type Message struct {
	Channel     string
	TS          string
	Thread      string // TS of the message in whose thread it stands; "": none
	Broadcast   bool   // it shows in the channel too
	User        string
	Text        string
	Blocks      json.RawMessage
	Attachments json.RawMessage
	Metadata    json.RawMessage
	Edits       int
	EditedAt    string // TS of the last edit
	Reactions   []string
	Files       []string // ids
	Private     bool     // an ephemeral one: only one person sees it
}

// Ephemeral is what one person saw in a channel, and nobody else.
type Ephemeral struct {
	Message
	To   string
	From string // chat.postEphemeral, or the response_url that it came by
}

// View is a modal or a home tab.
type View struct {
	ID       string
	Hash     string
	Kind     string // modal, home
	User     string
	Root     string
	Previous string
	Trigger  string // that opened it
	External string // external_id
	Body     json.RawMessage
	Updates  int
	Closed   bool
}

// File is what was uploaded.
type File struct {
	ID       string
	Name     string
	Title    string
	Alt      string
	Body     []byte
	Channel  string
	Thread   string
	Comment  string
	length   int
	ticket   string
	received bool
	shared   bool
}

// AddChannel adds a channel, or changes the one of the same ID.
func (s *Slack) AddChannel(c Channel) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.channel(c.ID); old != nil {
		*old = c
	} else {
		s.channels = append(s.channels, &c)
	}
	s.touch()
}

// AddUser adds a user, or changes the one of the same ID.
func (s *Slack) AddUser(u User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.user(u.ID); old != nil {
		*old = u
	} else {
		s.users = append(s.users, &u)
	}
}

// AddGroup adds a user group, or changes the one of the same ID.
func (s *Slack) AddGroup(g Group) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g.Users = slices.Clone(g.Users)
	for _, old := range s.groups {
		if old.ID == g.ID {
			*old = g
			return
		}
	}
	s.groups = append(s.groups, &g)
}

// WithoutGroups makes the workspace one whose plan has no user groups, or has
// them again.
func (s *Slack) WithoutGroups(without bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groupsOff = without
}

// Messages are those of the channel and its threads, as they are now, oldest
// first.
func (s *Slack) Messages(channel string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.collect(channel, func(*Message) bool { return true })
}

// Direct is what stands in the direct channel between the app and a user; nothing
// when there is none.
func (s *Slack) Direct(user string) []Message {
	s.mu.Lock()
	id := ""
	for _, c := range s.channels {
		if c.With == user {
			id = c.ID
		}
	}
	s.mu.Unlock()
	if id == "" {
		return nil
	}
	return s.Messages(id)
}

// Thread is the message and what stands in its thread.
func (s *Slack) Thread(channel, ts string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.collect(channel, func(m *Message) bool { return m.TS == ts || m.Thread == ts })
}

// Message is the one at the place; ok is false when there is none.
func (s *Slack) Message(channel, ts string) (m Message, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.message(channel, ts); found != nil {
		return *found, true
	}
	return Message{}, false
}

// Ephemerals are all that the user saw alone, oldest first.
func (s *Slack) Ephemerals(user string) []Ephemeral {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Ephemeral
	for _, e := range s.seen {
		if e.To == user {
			out = append(out, e)
		}
	}
	return out
}

// Views are the modals that are open for the user, the lowest first.
func (s *Slack) Views(user string) []View {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []View
	for _, v := range s.views {
		if v.User == user && v.Kind == "modal" && !v.Closed {
			out = append(out, *v)
		}
	}
	slices.SortFunc(out, func(a, b View) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// Home is what the user's home tab shows; ok is false when nothing was published.
func (s *Slack) Home(user string) (v View, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if home := s.homes[user]; home != nil {
		return *home, true
	}
	return View{}, false
}

// Files are those that were shared, in no order.
func (s *Slack) Files() []File {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []File
	for _, f := range s.files {
		if f.shared {
			out = append(out, *f)
		}
	}
	return out
}

// Say lets a person write a message, which the app hears nothing of.
func (s *Slack) Say(user, channel, text string) Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := &Message{Channel: channel, TS: s.stamp(channel), User: user, Text: text}
	s.messages[channel] = append(s.messages[channel], m)
	s.touch()
	return *m
}

// Imitate lets another app write a message with metadata of its choosing.
func (s *Slack) Imitate(user, channel, metadata string) Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := &Message{Channel: channel, TS: s.stamp(channel), User: user, Text: "made by another app", Metadata: json.RawMessage(metadata)}
	s.messages[channel] = append(s.messages[channel], m)
	s.touch()
	return *m
}

func (s *Slack) collect(channel string, which func(*Message) bool) []Message {
	var out []Message
	for _, m := range s.messages[channel] {
		if which(m) {
			out = append(out, *m)
		}
	}
	return out
}

func (s *Slack) message(channel, ts string) *Message {
	for _, m := range s.messages[channel] {
		if m.TS == ts {
			return m
		}
	}
	return nil
}

func (s *Slack) channel(id string) *Channel {
	for _, c := range s.channels {
		if c.ID == id {
			return c
		}
	}
	return nil
}

func (s *Slack) user(id string) *User {
	for _, u := range s.users {
		if u.ID == id {
			return u
		}
	}
	return nil
}

// stamp makes a timestamp that is unique in the channel and later than all
// before it.
func (s *Slack) stamp(channel string) string {
	at := max(s.now().UnixMicro(), s.lastTS[channel]+1)
	s.lastTS[channel] = at
	return formatTS(time.UnixMicro(at))
}
