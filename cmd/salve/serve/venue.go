package serve

import (
	"context"
	"net/http"
	"time"

	"salve/bot"
	"salve/bot/brief"
	"salve/bot/flow/hear"
	"salve/bot/flow/post"
	"salve/bot/route"
	"salve/cmd/salve/config"
)

// stage shows Messages and Forms.
type stage interface {
	post.Surface
	hear.Surface
	hear.Directory
	Close()
}

// venue is one chat, with what the configuration says of it.
type venue struct {
	name    string // of the surface
	client  stage
	command string // how a person calls Salve there

	home   string // the channel for what no route sends elsewhere
	routes []config.Route
	weekly *config.Weekly
	direct *bot.Severity
	plot   bool
	admits []string                  // groups whose members become people by themselves
	maps   func(group string) string // how a group of the chat grants this one: what is configured, or to be

	emails  mailboxes                                                      // finds users by e-mail address; nil: nobody is found
	inGroup func(ctx context.Context, group string) ([]string, error)      // who is in a group of the chat
	listen  func(ctx context.Context, ear *hear.Leg) error                 // keeps a line to the chat; nil: it calls Salve
	door    func(ctx context.Context, ear *hear.Leg) (http.Handler, error) // what it calls; nil: there is a line
	path    string                                                         // of the door
	heard   func() line                                                    // how the line stands
}

// line is how a line to a chat stands.
type line struct {
	up    bool
	since time.Time
	fault string // of the last attempt or loss; nothing secret
}

func (v venue) brief(publicURL string) brief.Options {
	return brief.Options{PublicURL: publicURL, Command: v.command}
}

// rules are the routes of the configuration.
func (v venue) rules() []route.Rule {
	var out []route.Rule
	for _, r := range v.routes {
		out = append(out, route.Rule{When: r.When, Surface: v.name, Place: r.Channel, Also: r.Also})
	}
	return out
}

// channels are all that the configuration names, each once.
func channels(home string, routes []config.Route, weekly *config.Weekly) []string {
	out := []string{home}
	seen := map[string]bool{home: true}
	add := func(id string) {
		if id != "" && !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	for _, r := range routes {
		add(r.Channel)
	}
	if weekly != nil {
		add(weekly.Channel)
	}
	return out
}

// openVenues opens every chat that is configured; it calls none.
func (s *Salve) openVenues(ctx context.Context) error {
	for _, open := range []func(context.Context) (venue, bool, error){s.slackVenue, s.discordVenue} {
		v, on, err := open(ctx)
		if err != nil {
			return err
		}
		if on {
			s.onClose = append(s.onClose, v.client.Close)
			s.chat.venues = append(s.chat.venues, v)
		}
	}
	return nil
}
