package slack

import (
	"cmp"
	"context"
	"regexp"
	"strings"

	slackgo "github.com/slack-go/slack"

	"salve/bot"
)

// Place is a channel.
type Place struct {
	ID, Name string // the name without #
}

// Workspace is the name of the workspace that the token is of.
func (c *Client) Workspace(ctx context.Context) (string, error) {
	me, err := c.identify(ctx)
	return cut(me.name, 80), err
}

// Join makes Salve a member of a channel that a person names by its id, its #name
// or a link to it. Into a private one people must invite it.
func (c *Client) Join(ctx context.Context, channel string) (Place, error) {
	id, err := c.Channel(ctx, channel)
	if err != nil {
		return Place{}, err
	}
	ch, err := c.api.GetConversationInfoContext(ctx, &slackgo.GetConversationInfoInput{ChannelID: id})
	if err != nil {
		return Place{}, fault(err)
	}
	switch {
	case ch.IsIM || ch.IsMpIM:
		return Place{}, &bot.SendError{Fault: bot.SendNoPlace, Why: "this is a direct message; name a channel"}
	case ch.IsArchived:
		return Place{}, &bot.SendError{Fault: bot.SendNoPlace, Why: "#" + cut(ch.Name, 80) + " is archived"}
	case ch.IsMember:
		return Place{ID: ch.ID, Name: cut(ch.Name, 80)}, nil
	}
	joined, _, _, err := c.api.JoinConversationContext(ctx, id)
	if err != nil {
		return Place{}, fault(err)
	}
	return Place{ID: joined.ID, Name: cut(joined.Name, 80)}, nil
}

// inLink finds the id in a link to a channel or to a message in it.
var inLink = regexp.MustCompile(`/(?:archives|client/[A-Z0-9]+)/([CG][A-Z0-9]{1,40})\b`)

// Channel gives the id of a channel, by its id, its #name or a link to it; of
// names, those of the channels that Salve can see.
func (c *Client) Channel(ctx context.Context, channel string) (string, error) {
	channel = strings.TrimSpace(channel)
	if placeID.MatchString(channel) {
		return channel, nil
	}
	if found := inLink.FindStringSubmatch(channel); found != nil {
		return found[1], nil
	}
	name := strings.ToLower(strings.TrimPrefix(channel, "#"))
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
	return "", &bot.SendError{Fault: bot.SendNoPlace, Why: "there is no channel #" + cut(name, 80) + " that Salve can see; it sees a private one after /invite @salve there"}
}

// Person finds whom somebody means by an e-mail address or a member id.
// Member.Why says what keeps them from approving.
func (c *Client) Person(ctx context.Context, text string) (bot.Member, error) {
	me, err := c.identify(ctx)
	if err != nil {
		return bot.Member{}, err
	}
	text = strings.TrimSpace(text)
	id := strings.TrimPrefix(text, me.home()+"/")
	if strings.Contains(text, "@") {
		found := false
		if id, found, err = c.ByEmail(ctx, text); err != nil {
			return bot.Member{}, err
		}
		if !found {
			return bot.Member{}, &bot.SendError{Fault: bot.SendNoPlace, Why: "nobody in " + cmp.Or(cut(me.name, 80), me.home()) + " has the address " + cut(text, 80)}
		}
	}
	if !userID.MatchString(id) {
		return bot.Member{}, &bot.SendError{Fault: bot.SendRefused, Why: cut(text, 80) + " is neither an e-mail address nor a member id like U0123456789"}
	}
	return c.Member(ctx, bot.ChatUser{ID: me.home() + "/" + id})
}
