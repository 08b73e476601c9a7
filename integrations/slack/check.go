package slack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/websocket"
	slackgo "github.com/slack-go/slack"

	"salve/bot"
)

// Finding is one thing that was looked at.
type Finding struct {
	What  string // what was looked at
	OK    bool
	Says  string        // what was found
	Mend  string        // what to do; "" where it is in order
	Fault bot.SendFault // what became of the call; "": none failed
}

func fine(what, format string, args ...any) Finding {
	return Finding{What: what, OK: true, Says: fmt.Sprintf(format, args...)}
}

func wrong(what, says, mend string) Finding { return Finding{What: what, Says: says, Mend: mend} }

func (c *Client) failed(what string, err error, mend string) Finding {
	f := fault(err)
	return Finding{What: what, Says: bare.Replace(f.Why), Mend: c.cure(err, mend), Fault: f.Fault}
}

// bare takes out of what went wrong what to do: Mend says it better.
var bare = strings.NewReplacer(
	": look at slack.bot_token", "", ": look at slack.app_token", "", ": /invite the app", "", ": install it again and renew slack.bot_token", "",
	": install the app again and renew slack.bot_token", "", ": name people by `salve user add`, or use a paid plan", "",
)

// cure is what to do about a call that failed: mend where Slack itself said no,
// and nothing better is known.
func (c *Client) cure(err error, mend string) string {
	if way := c.way(err); way != "" {
		return way
	}
	said, _ := errors.AsType[slackgo.SlackErrorResponse](err)
	switch said.Err {
	case "missing_scope":
		return mendScopes
	case "account_inactive", "token_revoked":
		return "install the app again, under Install App, and put the new Bot User OAuth Token (xoxb-) where slack.bot_token points"
	case "plan_upgrade_required":
		return "name people: salve user add NAME --role responder --group GROUP --slack TEAM/USER; and take slack.groups out, or use a paid plan"
	default:
		return mend
	}
}

// way is what to do where it was not Slack that said no; "": it was.
func (c *Client) way(err error) string {
	_, answered := errors.AsType[slackgo.SlackErrorResponse](err)
	switch f := fault(err); {
	case f.Fault == bot.SendLater:
		return "look again in a minute"
	case !answered:
		return "look whether Slack can be reached from here: curl -sS " + c.caller.api + "api.test; if that answers, look at egress.allow and at proxies, which Salve does not use; if not, at this machine's network, its firewall, and https://status.slack.com"
	case f.Fault == bot.SendUnsure:
		return "look again in a minute, and at https://status.slack.com"
	default:
		return ""
	}
}

const mendScopes = "put the manifest that `salve slack manifest` prints into the app, under App Manifest, and install it again, under Install App"

// Checks say what Check looks at beside the token.
type Checks struct {
	Channels []string // ids
	Socket   bool     // whether the app token opens one
	// Heard is true where another process listens on one now: none is opened
	// beside it, as Slack would send to both in turn.
	Heard bool
}

// Check looks at everything that Salve needs of Slack. It changes nothing.
func (c *Client) Check(ctx context.Context, checks Checks) []Finding {
	said, err := c.api.AuthTestContext(ctx)
	if err != nil {
		return []Finding{c.failed("token", err, "take the Bot User OAuth Token (xoxb-) from the app's page, under OAuth & Permissions, and put it where slack.bot_token points")}
	}
	me := identity{
		team: said.TeamID, enterprise: said.EnterpriseID, user: said.UserID,
		scopes: strings.FieldsFunc(said.Header.Get("X-OAuth-Scopes"), func(r rune) bool { return r == ',' || r == ' ' }),
	}
	out := []Finding{fine("token", "works in %s (%s) as %s", cut(said.Team, 80), cut(me.home(), maxID), cut(said.User, 80))}
	if said.BotID == "" {
		out[0] = wrong("token", "works, but is a person's and not the app's", "take the Bot User OAuth Token (xoxb-), under OAuth & Permissions, and put it where slack.bot_token points")
	}
	out = append(out, checkScopes(me.scopes))
	for _, id := range checks.Channels {
		out = append(out, c.checkChannel(ctx, me, id))
	}
	for _, group := range slices.Sorted(maps.Keys(c.groups)) {
		out = append(out, c.checkGroup(ctx, me, group))
	}
	if checks.Socket {
		out = append(out, c.checkSocket(ctx, checks.Heard))
	}
	return out
}

func checkScopes(have []string) Finding {
	var lack []string
	for _, s := range Scopes {
		if !slices.Contains(have, s.Name) {
			lack = append(lack, s.Name)
		}
	}
	switch {
	case len(have) == 0:
		return wrong("scopes", "Slack does not say which the token has", "look under OAuth & Permissions whether they are those that `salve slack manifest` prints")
	case len(lack) > 0:
		return wrong("scopes", "lacks "+strings.Join(lack, ", "), mendScopes)
	default:
		return fine("scopes", "all %d are there", len(Scopes))
	}
}

func (c *Client) checkChannel(ctx context.Context, me identity, id string) Finding {
	what := "channel " + id
	ch, err := c.api.GetConversationInfoContext(ctx, &slackgo.GetConversationInfoInput{ChannelID: id})
	if err != nil {
		return c.failed(what, err, "write the id at the end of the channel's details; in a private channel type: /invite @salve")
	}
	name := "#" + cut(ch.Name, 80)
	switch {
	case ch.IsArchived:
		return wrong(what, name+" is archived", "choose another channel, or take it out of the archive")
	case ch.IsMember:
		return fine(what, "%s, and Salve is in it", name)
	case !ch.IsPrivate && slices.Contains(me.scopes, "chat:write.public"):
		return fine(what, "%s is public; Salve is not in it and can post", name)
	default:
		return wrong(what, "Salve is not in "+name, "type in the channel: /invite @salve")
	}
}

func (c *Client) checkGroup(ctx context.Context, me identity, group string) Finding {
	what := "group " + group
	roll, err := c.readRoll(ctx, me, c.groups[group])
	switch {
	case err != nil:
		f := c.failed(what, err, "look whether the user group "+c.groups[group]+" is there and switched on, and whether its id is right; until then approvers are those whom `salve user list` shows in "+group)
		f.Says = "nobody is in it: " + f.Says
		return f
	case len(roll) == 0:
		return wrong(what, "nobody is in the user group "+c.groups[group], "put people into it in Slack, under Directories, User groups")
	case len(roll) == 1:
		return fine(what, "1 person in the user group %s", c.groups[group])
	default:
		return fine(what, "%d people in the user group %s", len(roll), c.groups[group])
	}
}

func (c *Client) checkSocket(ctx context.Context, heard bool) Finding {
	const what = "socket"
	mend := "make an app-level token (xapp-) with connections:write, under Basic Information, and put it where slack.app_token points; Socket Mode is to be on"
	if c.appToken.IsZero() {
		return wrong(what, "there is no app token", mend)
	}
	if now := c.Socket(); now.Connected {
		return fine(what, "open since %s", now.Since.Format(time.RFC3339))
	}
	ctx, cancel := context.WithTimeoutCause(ctx, 15*time.Second, errors.New("the socket did not open in time"))
	defer cancel()
	_, address, err := c.api.StartSocketModeContext(ctx)
	if err != nil {
		f := c.failed(what, err, mend)
		f.Mend = cmp.Or(c.way(err), mend) // what cures the bot's token does not cure this one
		if known, ok := errors.AsType[*bot.SendError](socketFault(err)); ok {
			f.Says = bare.Replace(known.Why)
		}
		return f
	}
	if heard {
		return fine(what, "may be opened; the Salve that runs has its own")
	}
	dialer := websocket.Dialer{NetDialContext: c.out.Dial, HandshakeTimeout: 10 * time.Second}
	conn, _, err := dialer.DialContext(ctx, address, nil)
	if err != nil {
		f := transportFault(err, false)
		return Finding{What: what, Says: f.Why, Mend: "let this machine open wss connections to *.slack.com, port 443", Fault: f.Fault}
	}
	_ = conn.Close()
	return fine(what, "opens")
}
