package slack

import (
	"cmp"
	"context"
	"net/url"
	"strconv"
	"time"

	"salve/bot"
)

// The bounds of a search: five pages are 1000 messages.
const (
	findPages  = 5
	findPage   = 200
	clockApart = time.Minute // between Slack's clock and ours
)

// found is a message of Slack as far as it is looked for.
type found struct {
	TS       string `json:"ts"`
	User     string `json:"user"`
	Bot      string `json:"bot_id"`
	Metadata struct {
		Type    string         `json:"event_type"`
		Payload map[string]any `json:"event_payload"`
	} `json:"metadata"`
}

// has reports whether it is ours and has the nonce, which everybody can read and
// another app can copy.
func (f found) has(nonce string, me identity) bool {
	ours := f.User != "" && f.User == me.user || f.Bot != "" && f.Bot == me.bot
	return ours && f.Metadata.Type == eventType && f.Metadata.Payload["nonce"] == nonce
}

type listing struct {
	Messages []found `json:"messages"`
	Meta     struct {
		Cursor string `json:"next_cursor"`
	} `json:"response_metadata"`
}

// Find looks for a Message that was posted with this nonce since then, in its
// thread alone or, where it has none, in the channel. Where more than 1000
// messages came since, it does not know, and says so.
func (c *Client) Find(ctx context.Context, p bot.Parcel, since time.Time) (bot.Mark, bool, error) {
	channel, err := c.channel(ctx, cmp.Or(p.Thread.Place, p.Place))
	if err != nil {
		return bot.Mark{}, false, err
	}
	me, err := c.identify(ctx)
	if err != nil {
		return bot.Mark{}, false, err
	}
	args := url.Values{
		"channel": {channel}, "limit": {strconv.Itoa(findPage)}, "include_all_metadata": {"true"},
		"oldest": {strconv.FormatInt(since.Add(-clockApart).Unix(), 10) + ".000000"},
	}
	method := "conversations.history"
	if p.Thread.Ref != "" {
		method = "conversations.replies"
		args.Set("ts", p.Thread.Ref)
	}
	for range findPages {
		var page listing
		if err := c.call(ctx, method, args, &page); err != nil {
			return bot.Mark{}, false, unsearched(err)
		}
		for _, m := range page.Messages {
			if m.has(p.Nonce, me) {
				return bot.Mark{Place: channel, Ref: m.TS}, true, nil
			}
		}
		if page.Meta.Cursor == "" {
			return bot.Mark{}, false, nil
		}
		args.Set("cursor", page.Meta.Cursor)
	}
	return bot.Mark{}, false, &bot.SendError{Fault: bot.SendUnsure, Why: "more was said there since then than can be looked through"}
}

// unsearched is a search that came to no end. A lost answer leaves nothing in
// doubt: it can be asked again at once.
func unsearched(err error) error {
	f := *fault(err)
	if f.Fault == bot.SendUnsure {
		f.Fault = bot.SendDown
	}
	return &f
}
