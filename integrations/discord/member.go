package discord

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"salve/bot"
)

// rolesFor is for how long roles are believed that came signed with an
// interaction, or that Discord told.
const rolesFor = 5 * time.Minute

// guestFlag is set of a member who was invited to one voice channel alone.
const guestFlag = 1 << 4

// roles are those that people had with their last interactions.
type roles struct {
	mu    sync.Mutex
	known map[string]worn
}

// worn is what an interaction said about a person.
type worn struct {
	member member
	at     time.Time // when Discord made the interaction
	came   time.Time
}

const maxWorn = 20_000

func newRoles() *roles { return &roles{known: map[string]worn{}} }

// note keeps what an interaction said, unless a later one has said something: one
// that is sent again gives nobody back what was taken.
func (r *roles) note(m *member, interaction string, came time.Time) {
	w := worn{member: *m, at: born(interaction), came: came}
	if came.Sub(w.at) > rolesFor {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if old, ok := r.known[m.User.ID]; ok && !w.at.After(old.at) {
		return
	}
	if len(r.known) >= maxWorn {
		for id, old := range r.known {
			if came.Sub(old.came) > rolesFor {
				delete(r.known, id)
			}
		}
		for id := range r.known {
			if len(r.known) < maxWorn {
				break
			}
			delete(r.known, id)
		}
	}
	r.known[m.User.ID] = w
}

func (r *roles) of(user string, now time.Time) (worn, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w, ok := r.known[user]
	return w, ok && now.Sub(w.came) <= rolesFor
}

// Member tells what Discord knows about a user now: by what came signed with the
// last interaction, five minutes old at most, else by asking. An error means that
// nobody knows who that is.
func (c *Client) Member(ctx context.Context, user bot.ChatUser) (bot.Member, error) {
	guild, id, ok := strings.Cut(user.ID, "/")
	if !ok || !snowflake.MatchString(id) || !snowflake.MatchString(guild) {
		return bot.Member{}, &bot.SendError{Fault: bot.SendRefused, Why: "this is no user of Discord: their ids are like SERVER/USER, both of digits"}
	}
	if guild != c.guild || user.Tenant != "" {
		return bot.Member{User: user, Why: "external", ReadAt: time.Now().UTC()}, nil
	}
	if w, ok := c.roles.of(id, time.Now()); ok {
		return c.describe(user, w.member, w.came), nil
	}
	m, from, err := c.members.dated(ctx, id, func(ctx context.Context) (bot.Member, error) {
		var m member
		err := c.caller.do(ctx, request{method: http.MethodGet, path: "guilds/" + c.guild + "/members/" + id}, &m)
		switch {
		case numberedBy(err, 10007), numberedBy(err, 10013):
			return bot.Member{User: user, Why: "gone"}, nil
		case err != nil:
			return bot.Member{}, err
		case m.User.ID != id:
			return bot.Member{}, &bot.SendError{Fault: bot.SendUnsure, Why: "Discord's answer was not understood"}
		}
		return c.describe(user, m, time.Time{}), nil
	})
	if err != nil {
		return bot.Member{}, err
	}
	m.User.ID, m.ReadAt = user.ID, from.UTC()
	return m, nil
}

func (c *Client) describe(user bot.ChatUser, m member, at time.Time) bot.Member {
	out := bot.Member{User: bot.ChatUser{ID: user.ID, Name: m.name()}, Why: lesser(m), ReadAt: at.UTC()}
	if out.Why != "" {
		return out
	}
	for _, group := range slices.Sorted(maps.Keys(c.groups)) {
		if slices.Contains(m.Roles, c.groups[group]) {
			out.Groups = append(out.Groups, group)
		}
	}
	return out
}

// lesser tells why somebody is no full member of the server.
func lesser(m member) string {
	switch {
	case m.User.Bot || m.User.System:
		return "bot"
	case m.Flags&guestFlag != 0:
		return "guest"
	case m.Pending:
		return "has not agreed to the server's rules so far"
	default:
		return ""
	}
}
