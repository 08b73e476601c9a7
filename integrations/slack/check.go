package slack

import (
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
	What string // what was looked at
	OK   bool
	Says string // what was found
	Mend string // what to do; "" where it is in order
}

func fine(what, format string, args ...any) Finding {
	return Finding{What: what, OK: true, Says: fmt.Sprintf(format, args...)}
}

func wrong(what, says, mend string) Finding { return Finding{What: what, Says: says, Mend: mend} }

// Checks say what Check looks at beside the token.
type Checks struct {
	Channels []string // ids
	Socket   bool     // whether one is to be opened, for a moment
}

// Check looks at everything that Salve needs of Slack. It changes nothing.
func (c *Client) Check(ctx context.Context, checks Checks) []Finding {
	said, err := c.api.AuthTestContext(ctx)
	if err != nil {
		return []Finding{wrong("token", fault(err).Why, "take the Bot User OAuth Token (xoxb-) from the app's page, under OAuth & Permissions, and put it where slack.bot_token points")}
	}
	me := identity{
		team: said.TeamID, enterprise: said.EnterpriseID, user: said.UserID,
		scopes: strings.FieldsFunc(said.Header.Get("X-OAuth-Scopes"), func(r rune) bool { return r == ',' || r == ' ' }),
	}
	out := []Finding{fine("token", "works in %s (%s) as %s", cut(said.Team, 80), cut(me.home(), maxID), cut(said.User, 80))}
	if said.BotID == "" {
		out = append(out, wrong("token", "it is a person's and not a bot's", "take the Bot User OAuth Token (xoxb-), under OAuth & Permissions"))
	}
	out = append(out, checkScopes(me.scopes))
	for _, id := range checks.Channels {
		out = append(out, c.checkChannel(ctx, me, id))
	}
	for _, group := range slices.Sorted(maps.Keys(c.groups)) {
		out = append(out, c.checkGroup(ctx, me, group))
	}
	if checks.Socket {
		out = append(out, c.checkSocket(ctx))
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
		return wrong("scopes", "Slack does not say which the token has", "look under OAuth & Permissions whether they are those of `salve slack manifest`")
	case len(lack) > 0:
		return wrong("scopes", "lacks "+strings.Join(lack, ", "), "put the manifest of `salve slack manifest` into the app, and install it again")
	default:
		return fine("scopes", "all %d are there", len(Scopes))
	}
}

func (c *Client) checkChannel(ctx context.Context, me identity, id string) Finding {
	what := "channel " + id
	ch, err := c.api.GetConversationInfoContext(ctx, &slackgo.GetConversationInfoInput{ChannelID: id})
	if err != nil {
		return wrong(what, fault(err).Why, "write the channel's id (C...), and in a private channel type: /invite @salve")
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
	roll, _, err := c.roll(ctx, me, c.groups[group])
	switch {
	case err != nil:
		return wrong(what, "nobody is in it: "+fault(err).Why, "look whether the user group "+c.groups[group]+" is there and switched on; until then approvers come of Salve's own configuration")
	case len(roll) == 0:
		return wrong(what, "nobody is in the user group "+c.groups[group], "put people into it in Slack, under People & user groups")
	default:
		return fine(what, "%d people in the user group %s", len(roll), c.groups[group])
	}
}

func (c *Client) checkSocket(ctx context.Context) Finding {
	const what = "socket"
	mend := "make an app-level token (xapp-) with connections:write, under Basic Information, switch Socket Mode on, and put it where slack.app_token points"
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
		if f, ok := socketFault(err).(*bot.SendError); ok {
			return wrong(what, f.Why, mend)
		}
		return wrong(what, "it did not open", mend)
	}
	dialer := websocket.Dialer{NetDialContext: c.out.Dial, HandshakeTimeout: 10 * time.Second}
	conn, _, err := dialer.DialContext(ctx, address, nil)
	if err != nil {
		return wrong(what, transportFault(err, false).Why, "let this machine open wss connections to *.slack.com")
	}
	_ = conn.Close()
	return fine(what, "opens")
}

// Join joins a public channel, by its id or #name, and gives its id.
func (c *Client) Join(ctx context.Context, channel string) (string, error) {
	id, err := c.Channel(ctx, channel)
	if err != nil {
		return "", err
	}
	joined, _, _, err := c.api.JoinConversationContext(ctx, id)
	if err == nil {
		return joined.ID, nil
	}
	return "", fault(err)
}

// Channel gives the id of a channel, by its id or #name; of names, those of the
// channels that Salve can see.
func (c *Client) Channel(ctx context.Context, channel string) (string, error) {
	if placeID.MatchString(channel) {
		return channel, nil
	}
	name := strings.ToLower(strings.TrimPrefix(strings.TrimSpace(channel), "#"))
	me, err := c.identify(ctx)
	if err != nil {
		return "", err
	}
	params := &slackgo.GetConversationsParameters{ExcludeArchived: true, Limit: 200, TeamID: c.workspace(me), Types: []string{"public_channel", "private_channel"}}
	for range 50 {
		page, next, err := c.api.GetConversationsContext(ctx, params)
		if err != nil {
			return "", fault(err)
		}
		for _, ch := range page {
			if ch.Name == name {
				return ch.ID, nil
			}
		}
		if next == "" {
			break
		}
		params.Cursor = next
	}
	return "", &bot.SendError{Fault: bot.SendNoPlace, Why: "there is no channel #" + cut(name, 80) + " that Salve can see"}
}
