package config

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"

	"salve/bot"
)

// Slack connects one workspace, or one organisation, of Slack.
type Slack struct {
	BotToken       string                `yaml:"bot_token"`       // secret reference, xoxb-
	AppToken       string                `yaml:"app_token"`       // secret reference, xapp-; for transport socket
	SigningSecret  string                `yaml:"signing_secret"`  // secret reference; for transport http
	Transport      string                `yaml:"transport"`       // socket, http
	DefaultChannel string                `yaml:"default_channel"` // an id
	Routes         []Route               `yaml:"routes"`          // the first that fits; none: DefaultChannel
	Groups         map[string]SlackGroup `yaml:"groups"`          // group of Salve -> user group of Slack
	Weekly         *Weekly               `yaml:"weekly"`
	// Direct is the severity from which on whoever is on call gets an incident
	// as a direct message, too; nil: nobody does.
	Direct *bot.Severity `yaml:"direct"`
	Plot   bool          `yaml:"plot"`    // the alert's metric, where prometheus is set
	API    string        `yaml:"api_url"` // another Slack, as for governments; "": slack.com
}

// SlackGroup says which user group of Slack stands for a group of Salve.
type SlackGroup struct {
	UserGroup string `yaml:"user_group"` // an id
	Admit     bool   `yaml:"admit"`      // members become people of Salve by themselves
}

// The ways in which Slack reaches Salve.
const (
	SlackSocket = "socket"
	SlackHTTP   = "http"
)

// On reports whether Slack is configured.
func (s *Slack) On() bool { return s != nil }

var (
	slackIDs    = ids{channel: regexp.MustCompile(`^[CG][A-Z0-9]{5,20}$`), how: "write the channel's id, like C0123456789: it is at the end of the channel's details in Slack"}
	userGroupID = regexp.MustCompile(`^S[A-Z0-9]{5,20}$`)
)

const (
	howGroup = "write the user group's id, like S0123456789: it is in the group's menu in Slack, under copy ID"
)

func (r *reader) checkSlack(c *Config) {
	s := c.Slack
	if !s.On() {
		return
	}
	for _, k := range []struct{ key, ref string }{{"bot_token", s.BotToken}, {"app_token", s.AppToken}, {"signing_secret", s.SigningSecret}} {
		if k.ref != "" {
			r.checkRef("$.slack."+k.key, k.ref)
		}
	}
	if s.BotToken == "" {
		r.atPath("$.slack", "has no bot_token", "make an app: salve slack manifest; then write bot_token: env:SLACK_BOT_TOKEN")
	}
	r.checkSlackTransport(c)
	r.checkChannel("$.slack.default_channel", "$.slack", s.DefaultChannel, slackIDs)
	r.checkRoutes("$.slack", s.Routes, slackIDs)
	for _, name := range slices.Sorted(maps.Keys(s.Groups)) {
		if id := s.Groups[name].UserGroup; !userGroupID.MatchString(id) {
			r.atPath("$.slack.groups."+name, fmt.Sprintf("%q is not a user group of Slack", id), howGroup)
		}
	}
	r.checkWeekly("$.slack", s.Weekly, slackIDs)
}

func (r *reader) checkSlackTransport(c *Config) {
	s := c.Slack
	switch s.transport() {
	case SlackSocket:
		if s.AppToken == "" {
			r.atPath("$.slack", "has no app_token, which transport socket needs", "write app_token: env:SLACK_APP_TOKEN, or transport: http")
		}
	case SlackHTTP:
		if s.SigningSecret == "" {
			r.atPath("$.slack", "has no signing_secret: anybody could press buttons", "write signing_secret: env:SLACK_SIGNING_SECRET; it is among the app's basic information")
		}
		if c.PublicURL == "" {
			r.atPath("$.slack.transport", "http needs an address at which Slack reaches Salve", "set public_url, or write transport: socket")
		}
	default:
		r.atPath("$.slack.transport", fmt.Sprintf("%q is not a transport", s.Transport), "write socket (no public address is needed) or http")
	}
	if s.API == "" {
		return
	}
	u, err := url.Parse(s.API)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !IsLoopback(u.Hostname())) {
		r.atPath("$.slack.api_url", fmt.Sprintf("%q is not an https address", s.API), "write for example https://slack-gov.com/api/, or leave it out")
	}
}

func (s *Slack) transport() string {
	if s.Transport == "" {
		return SlackSocket
	}
	return s.Transport
}

// Socket reports whether Salve connects to Slack, and not Slack to Salve.
func (s *Slack) Socket() bool { return s.transport() == SlackSocket }
