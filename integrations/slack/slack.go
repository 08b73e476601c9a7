// Package slack is the border between Slack and the nouns of Salve: it shows
// Messages and Forms in Block Kit, hears what people do there as Gestures, and
// knows who they are to Slack.
//
// Out: nothing in a text that others wrote is read as markup, a mention, a link
// or an emoji; whoever is mentioned is named by Message.Wakes alone. Every
// payload is judged by package legal before it is sent, and one that Slack would
// refuse is not sent. A call is made once; whether it is made again is for the
// caller to say, who gets a *bot.SendError that tells what surely did not
// happen, what may have, and what people must mend. No error holds a token, an
// address with a secret in it or a payload.
//
// In: socket and HTTP lead to the same decoder. Slack is told that something was
// heard after Ear has it, and never before. A Gesture's Key is the same however
// often and by whichever way it comes. A payload of a workspace that is not ours
// is refused; a person of another organisation is marked as external.
//
// Who: guests, bots, people of other organisations and those who are gone are
// not full members. Who is in a user group is known for some minutes at most, and
// where Slack does not say, nobody is.
package slack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	slackgo "github.com/slack-go/slack"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/internal/outbound"
)

// Surface is the name of this surface.
const Surface = "slack"

// Options of a Client. The zero value is ready for slack.com.
type Options struct {
	API    string            // base of the Web API; "": https://slack.com/api/; governments: https://slack-gov.com/api/
	Allow  []string          // where it may connect beyond public addresses
	Groups map[string]string // group of Salve -> id of the user group that stands for it
	Teams  []string          // ids of workspaces and organisations that are ours; none: the token's own
	Log    *slog.Logger
}

// Client talks to one workspace, or one organisation, of Slack. It is safe for
// use by many at once.
type Client struct {
	api      *slackgo.Client
	caller   *caller
	out      *outbound.Client
	botToken secret.Secret
	appToken secret.Secret // zero: no socket
	groups   map[string]string
	teams    []string
	log      *slog.Logger

	who     *memory[identity]
	members *memory[bot.Member]
	rolls   *memory[map[string]bool]
	direct  *memory[string] // user -> direct channel
	emails  *memory[string] // address -> user; "": nobody's
	budget  *budget

	socket sync.Mutex // held by the one socket
	status status
}

const (
	defaultAPI  = "https://slack.com/api/"
	callTimeout = 20 * time.Second
	maxAnswer   = 8 << 20
)

// New makes a Client; it calls nobody. The app token is for the socket alone.
func New(botToken, appToken secret.Secret, opts Options) (*Client, error) {
	if botToken.IsZero() {
		return nil, errors.New("slack: the bot token is missing: set slack.bot_token")
	}
	api, err := base(cmp.Or(opts.API, defaultAPI))
	if err != nil {
		return nil, err
	}
	out, err := outbound.New(outbound.Options{Allow: opts.Allow, Timeout: callTimeout, MaxBody: maxAnswer})
	if err != nil {
		return nil, fmt.Errorf("slack: %w", err)
	}
	c := &Client{
		caller: &caller{http: out.HTTP(), api: api, pace: newPacer()}, out: out,
		botToken: botToken, appToken: appToken, groups: opts.Groups, teams: opts.Teams,
		log:    cmp.Or(opts.Log, slog.New(slog.DiscardHandler)),
		budget: newBudget(),
	}
	c.api = c.library(botToken)
	c.remember()
	return c, nil
}

// Close drops the kept connections.
func (c *Client) Close() { c.out.Close() }

// library makes a client of slack-go without retries: whether a call is made
// again is for the outbox to say.
func (c *Client) library(token secret.Secret) *slackgo.Client {
	return slackgo.New(token.Reveal(),
		slackgo.OptionAPIURL(c.caller.api),
		slackgo.OptionHTTPClient(c.caller),
		slackgo.OptionAppLevelToken(c.appToken.Reveal()),
		slackgo.OptionLog(silent()),
	)
}

// silent keeps the library from writing to standard error by itself.
func silent() *log.Logger { return log.New(io.Discard, "", 0) }

func base(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("slack: api_url is not an address like https://slack.com/api/")
	}
	return strings.TrimSuffix(u.String(), "/") + "/", nil
}

// identity is who the token is.
type identity struct {
	team, enterprise, user, bot string
	name                        string // of the workspace
	scopes                      []string
}

// home is what ids of people are kept under.
func (i identity) home() string { return cmp.Or(i.enterprise, i.team) }

func (c *Client) identify(ctx context.Context) (identity, error) {
	return c.who.get(ctx, "", func(ctx context.Context) (identity, error) {
		said, err := c.api.AuthTestContext(ctx)
		if err != nil {
			return identity{}, fault(err)
		}
		return identity{
			team: said.TeamID, enterprise: said.EnterpriseID, user: said.UserID, bot: said.BotID, name: said.Team,
			scopes: strings.FieldsFunc(said.Header.Get("X-OAuth-Scopes"), func(r rune) bool { return r == ',' || r == ' ' }),
		}, nil
	})
}

// ours reports whether an id is that of our workspace or organisation.
func (c *Client) ours(me identity, id string) bool {
	if id == "" {
		return false
	}
	if id == me.team || id == me.enterprise {
		return true
	}
	for _, t := range c.teams {
		if t == id {
			return true
		}
	}
	return false
}
