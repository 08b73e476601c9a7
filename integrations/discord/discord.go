// Package discord is the border between Discord and the nouns of Salve: it shows
// Messages and Forms in a server's channels, hears what people do there as
// Gestures, and knows who they are to Discord.
//
// Out: nothing in a text that others wrote is read as markup, a mention, a link
// or an emoji; whoever is mentioned is named by Message.Wakes alone, and
// allowed_mentions says so with every message. Every payload is judged by package
// legal before it is sent, and one that Discord would refuse is not sent. A call
// is made once; whether it is made again is for the caller to say, who gets a
// *bot.SendError that tells what surely did not happen, what may have, and what
// people must mend. A Message carries its nonce, by which Discord itself knows a
// repeat for some minutes and Find does for longer. No error holds a token, an
// address with a secret in it or a payload.
//
// In: gateway and HTTP lead to the same decoder. Discord is told that something
// was heard after Ear has it, and never before. A Gesture's Key is Discord's own
// id of the interaction. What comes of another server, of a direct message or of
// a bot is refused.
//
// Who: roles come signed with each interaction and are believed for five minutes;
// after that Discord is asked, and where it does not say, nobody knows who that
// is.
package discord

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/internal/outbound"
)

// Surface is the name of this surface.
const Surface = "discord"

// Path is where Discord calls Salve, for transport http.
const Path = "/v1/discord"

// Options of a Client. The zero value is ready for discord.com.
type Options struct {
	API    string            // base of the REST API; "": https://discord.com/api/v10/
	Allow  []string          // where it may connect beyond public addresses
	Groups map[string]string // group of Salve -> id of the role that stands for it
	Usages []Usage           // the subcommands of /salve
	// Completer offers values while somebody types; nil: nothing is offered.
	Completer Completer
	Log       *slog.Logger
}

// Client talks to one server of Discord. It is safe for use by many at once.
type Client struct {
	caller *caller
	out    *outbound.Client
	token  secret.Secret
	app    string // the application's id
	guild  string // the server's id
	groups map[string]string
	usages []Usage
	asks   Completer
	log    *slog.Logger

	members    *memory[bot.Member]
	direct     *memory[string] // user -> direct channel
	roles      *roles
	questions  *texts // token -> what its button asks first
	forms      *held
	receptions *receptions

	gateway sync.Mutex // held by the one Run
	status  status
}

const (
	defaultAPI  = "https://discord.com/api/v10/"
	callTimeout = 20 * time.Second
	maxAnswer   = 8 << 20
)

var snowflake = regexp.MustCompile(`^[1-9][0-9]{0,19}$`)

// New makes a Client; it calls nobody. application and guild are ids: of the app
// at Discord and of the server that Salve serves.
func New(token secret.Secret, application, guild string, opts Options) (*Client, error) {
	if token.IsZero() {
		return nil, errors.New("discord: the bot token is missing: set discord.bot_token")
	}
	for key, id := range map[string]string{"application_id": application, "guild": guild} {
		if !snowflake.MatchString(id) {
			return nil, fmt.Errorf("discord: %s is not an id of Discord, like 1187654321098765432: set discord.%s", key, key)
		}
	}
	for group, id := range opts.Groups {
		if !snowflake.MatchString(id) {
			return nil, fmt.Errorf("discord: the role of the group %q is not an id of Discord: look at discord.groups", group)
		}
	}
	api, err := base(cmp.Or(opts.API, defaultAPI))
	if err != nil {
		return nil, err
	}
	if err := checkUsages(opts.Usages); err != nil {
		return nil, err
	}
	out, err := outbound.New(outbound.Options{Allow: opts.Allow, Timeout: callTimeout, MaxBody: maxAnswer})
	if err != nil {
		return nil, fmt.Errorf("discord: %w", err)
	}
	log := cmp.Or(opts.Log, slog.New(slog.DiscardHandler))
	c := &Client{
		caller: &caller{http: out.HTTP(), api: api, token: token, pace: newPacer(log)}, out: out,
		token: token, app: application, guild: guild, groups: maps.Clone(opts.Groups), usages: opts.Usages, asks: opts.Completer, log: log,
		members: newMemory[bot.Member](rolesFor, 20_000), direct: newMemory[string](time.Hour, 20_000),
		roles: newRoles(), questions: newTexts(20_000), forms: newHeld(), receptions: newReceptions(),
	}
	return c, nil
}

// Close drops the kept connections.
func (c *Client) Close() { c.out.Close() }

func base(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("discord: api_url is not an address like https://discord.com/api/v10/")
	}
	return strings.TrimSuffix(u.String(), "/") + "/", nil
}

// person is the id of a user of this server as Salve keeps it.
func (c *Client) person(user string) string { return c.guild + "/" + user }

// bare is an id without what it is kept under.
func bare(id string) string { return id[strings.LastIndexByte(id, '/')+1:] }
