package config

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"

	"salve/bot"
)

// Discord connects one server of Discord.
type Discord struct {
	BotToken       string                  `yaml:"bot_token"`      // secret reference
	Application    string                  `yaml:"application_id"` // of the app
	PublicKey      string                  `yaml:"public_key"`     // of the app, hexadecimal; for transport http
	Guild          string                  `yaml:"guild"`          // the id of the server
	Transport      string                  `yaml:"transport"`      // gateway, http
	DefaultChannel string                  `yaml:"default_channel"`
	Routes         []Route                 `yaml:"routes"` // the first that fits; none: DefaultChannel
	Groups         map[string]DiscordGroup `yaml:"groups"` // group of Salve -> role of Discord
	Weekly         *Weekly                 `yaml:"weekly"`
	// Direct is the severity from which on whoever is on call is written to as
	// well; nil: nobody is.
	Direct *bot.Severity `yaml:"direct"`
	Plot   bool          `yaml:"plot"`    // the alert's metric, where prometheus is set
	API    string        `yaml:"api_url"` // for tests; "": discord.com
}

// DiscordGroup says which role of Discord stands for a group of Salve.
type DiscordGroup struct {
	Role  string `yaml:"role"`  // an id
	Admit bool   `yaml:"admit"` // whoever has it becomes a person of Salve by themselves
}

// The ways in which Discord reaches Salve.
const (
	DiscordGateway = "gateway"
	DiscordHTTP    = "http"
)

// On reports whether Discord is configured.
func (d *Discord) On() bool { return d != nil }

// Gateway reports whether Salve connects to Discord, and not Discord to Salve.
func (d *Discord) Gateway() bool { return d.transport() == DiscordGateway }

func (d *Discord) transport() string {
	if d.Transport == "" {
		return DiscordGateway
	}
	return d.Transport
}

var (
	snowflake  = regexp.MustCompile(`^[0-9]{15,20}$`)
	publicKey  = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)
	discordIDs = ids{channel: snowflake, how: "write the channel's id, a long number: switch on Developer Mode in Discord's settings, then copy the channel's ID from its menu"}
)

const howSnowflake = "write its id, a long number: switch on Developer Mode in Discord's settings, then copy the ID from its menu"

func (r *reader) checkDiscord(c *Config) {
	d := c.Discord
	if !d.On() {
		return
	}
	if d.BotToken == "" {
		r.atPath("$.discord", "has no bot_token", "make an app at discord.com/developers, under Bot; then write bot_token: env:DISCORD_BOT_TOKEN")
	} else {
		r.checkRef("$.discord.bot_token", d.BotToken)
	}
	for _, k := range []struct{ key, id, what string }{{"application_id", d.Application, "the app"}, {"guild", d.Guild, "the server"}} {
		switch {
		case k.id == "":
			r.atPath("$.discord", "has no "+k.key+", which is the id of "+k.what, howSnowflake)
		case !snowflake.MatchString(k.id):
			r.atPath("$.discord."+k.key, fmt.Sprintf("%q is not the id of %s", k.id, k.what), howSnowflake)
		}
	}
	r.checkDiscordTransport(c)
	r.checkChannel("$.discord.default_channel", "$.discord", d.DefaultChannel, discordIDs)
	r.checkRoutes("$.discord", d.Routes, discordIDs)
	for _, name := range slices.Sorted(maps.Keys(d.Groups)) {
		if id := d.Groups[name].Role; !snowflake.MatchString(id) {
			r.atPath("$.discord.groups."+name, fmt.Sprintf("%q is not a role of Discord", id), howSnowflake)
		}
	}
	r.checkWeekly("$.discord", d.Weekly, discordIDs)
	if d.Plot && c.Prometheus.URL == "" {
		r.atPath("$.discord.plot", "has nothing to plot from", "set prometheus.url")
	}
}

func (r *reader) checkDiscordTransport(c *Config) {
	d := c.Discord
	switch d.transport() {
	case DiscordGateway:
	case DiscordHTTP:
		if !publicKey.MatchString(d.PublicKey) {
			r.atPath("$.discord", "has no public_key, 64 hexadecimal digits, without which anybody could press buttons", "copy it from the app's General Information")
		}
		if c.PublicURL == "" {
			r.atPath("$.discord.transport", "http needs an address at which Discord reaches Salve", "set public_url, or write transport: gateway")
		}
	default:
		r.atPath("$.discord.transport", fmt.Sprintf("%q is not a transport", d.Transport), "write gateway (no public address is needed) or http")
	}
	if d.API == "" {
		return
	}
	u, err := url.Parse(d.API)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !IsLoopback(u.Hostname())) {
		r.atPath("$.discord.api_url", fmt.Sprintf("%q is not an https address", d.API), "leave it out")
	}
}
