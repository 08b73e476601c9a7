package config

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"time"

	"github.com/robfig/cron/v3"

	"salve/bot"
)

// Slack connects one workspace, or one organisation, of Slack.
type Slack struct {
	BotToken       string                `yaml:"bot_token"`       // secret reference, xoxb-
	AppToken       string                `yaml:"app_token"`       // secret reference, xapp-; for transport socket
	SigningSecret  string                `yaml:"signing_secret"`  // secret reference; for transport http
	Transport      string                `yaml:"transport"`       // socket, http
	DefaultChannel string                `yaml:"default_channel"` // an id
	Routes         []SlackRoute          `yaml:"routes"`          // the first that fits; none: DefaultChannel
	Groups         map[string]SlackGroup `yaml:"groups"`          // group of Salve -> user group of Slack
	Weekly         *SlackWeekly          `yaml:"weekly"`
	// Direct is the severity from which on whoever is on call gets an incident
	// as a direct message, too; nil: nobody does.
	Direct *bot.Severity `yaml:"direct"`
	Plot   bool          `yaml:"plot"`    // the alert's metric, where prometheus is set
	API    string        `yaml:"api_url"` // another Slack, as for governments; "": slack.com
}

// SlackRoute sends incidents to a channel.
type SlackRoute struct {
	When    string `yaml:"when"`    // CEL over alert, incident and service
	Channel string `yaml:"channel"` // an id
	Also    bool   `yaml:"also"`    // the routes after it are looked at too
}

// SlackGroup says which user group of Slack stands for a group of Salve.
type SlackGroup struct {
	UserGroup string `yaml:"user_group"` // an id
	Admit     bool   `yaml:"admit"`      // members become people of Salve by themselves
}

// SlackWeekly is when and where the message about a week comes.
type SlackWeekly struct {
	Schedule string `yaml:"schedule"` // cron, five fields
	Zone     string `yaml:"zone"`     // of the schedule; "": UTC
	Channel  string `yaml:"channel"`  // "": the default channel
}

// The ways in which Slack reaches Salve.
const (
	SlackSocket = "socket"
	SlackHTTP   = "http"
)

// On reports whether Slack is configured.
func (s *Slack) On() bool { return s != nil }

// Next is the first time after t at which a week is told. The schedule was
// accepted by Load.
func (w SlackWeekly) Next(t time.Time) (time.Time, error) {
	zone, err := time.LoadLocation(w.Zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("zone %q: %w", w.Zone, err)
	}
	plan, err := cron.ParseStandard(w.Schedule)
	if err != nil {
		return time.Time{}, fmt.Errorf("schedule %q: %w", w.Schedule, err)
	}
	return plan.Next(t.In(zone)), nil
}

var (
	channelID   = regexp.MustCompile(`^[CG][A-Z0-9]{5,20}$`)
	userGroupID = regexp.MustCompile(`^S[A-Z0-9]{5,20}$`)
)

const (
	howChannel = "write the channel's id, like C0123456789: it is at the end of the channel's details in Slack"
	howGroup   = "write the user group's id, like S0123456789: it is in the group's menu in Slack, under copy ID"
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
	r.checkChannel("$.slack.default_channel", "$.slack", s.DefaultChannel)
	for i, route := range s.Routes {
		at := fmt.Sprintf("$.slack.routes[%d]", i)
		r.checkChannel(at+".channel", at, route.Channel)
		if route.When == "" {
			r.atPath(at, "has no condition", `write when: 'incident.severity == "critical"', or drop the route and set default_channel`)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Groups)) {
		if id := s.Groups[name].UserGroup; !userGroupID.MatchString(id) {
			r.atPath("$.slack.groups."+name, fmt.Sprintf("%q is not a user group of Slack", id), howGroup)
		}
	}
	r.checkSlackWeekly(s)
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

func (r *reader) checkChannel(at, parent, id string) {
	switch {
	case id == "":
		r.atPath(parent, "names no "+at[len(parent)+1:], howChannel)
	case !channelID.MatchString(id):
		r.atPath(at, fmt.Sprintf("%q is not the id of a channel", id), howChannel)
	}
}

func (r *reader) checkSlackWeekly(s *Slack) {
	w := s.Weekly
	if w == nil {
		return
	}
	if _, err := w.Next(time.Unix(0, 0)); err != nil {
		r.atPath("$.slack.weekly", err.Error(), `write for example {schedule: "0 9 * * MON", zone: Europe/Berlin}`)
	}
	if w.Channel != "" {
		r.checkChannel("$.slack.weekly.channel", "$.slack.weekly", w.Channel)
	}
}

// Prometheus is the server that plots and diagnoses are made from.
type Prometheus struct {
	URL     string       `yaml:"url"`
	Bearer  string       `yaml:"bearer"` // secret reference
	Timeout bot.Duration `yaml:"timeout"`
}

func (r *reader) checkPrometheus(c *Config) {
	p := c.Prometheus
	if p.Bearer != "" {
		r.checkRef("$.prometheus.bearer", p.Bearer)
	}
	if p.URL == "" {
		if c.Slack.On() && c.Slack.Plot {
			r.atPath("$.slack.plot", "has nothing to plot from", "set prometheus.url")
		}
		return
	}
	u, err := url.Parse(p.URL)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Scheme != "https" && u.Scheme != "http" {
		r.atPath("$.prometheus.url", fmt.Sprintf("%q is not the address of a Prometheus", p.URL), "write for example http://prometheus:9090; the secret goes into bearer")
	}
}
