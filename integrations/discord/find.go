package discord

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"salve/bot"
)

// The bounds of a search: ten pages are 1000 messages.
const (
	findPages  = 10
	findPage   = 100
	clockApart = time.Minute // between Discord's clock and ours
	epoch      = 1420070400000
)

// has reports whether a message of ours carries the nonce.
func (s said) has(nonce string) bool {
	for _, e := range s.Embeds {
		if e.URL == markAt+nonce {
			return true
		}
	}
	var own string
	return json.Unmarshal(s.Nonce, &own) == nil && own == nonce
}

// born is when Discord made an id; of one that is none, the beginning of time.
func born(id string) time.Time {
	n, err := strconv.ParseUint(id, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(int64(n>>22) + epoch)
}

// Find looks for a Message that was posted with this nonce since then: in its
// thread, which has the id of the message above it, and in the channel, where
// answers and what has no thread stand. Where more than 1000 messages came since,
// it does not know, and says so.
func (c *Client) Find(ctx context.Context, p bot.Parcel, since time.Time) (bot.Mark, bool, error) {
	channel, err := c.channel(ctx, cmp.Or(p.Thread.Place, p.Place))
	if err != nil {
		return bot.Mark{}, false, err
	}
	nonce, oldest := shortNonce(p.Nonce), since.Add(-clockApart)
	if p.Thread.Ref != "" {
		mark, ok, err := c.findIn(ctx, p.Thread.Ref, nonce, oldest)
		if ok || err != nil && !is(err, bot.SendNoPlace) {
			return mark, ok, err
		}
	}
	return c.findIn(ctx, channel, nonce, oldest)
}

func (c *Client) findIn(ctx context.Context, channel, nonce string, oldest time.Time) (bot.Mark, bool, error) {
	if !snowflake.MatchString(channel) {
		return bot.Mark{}, false, &bot.SendError{Fault: bot.SendNoPlace, Why: cut(channel, 80) + " is not the id of a channel"}
	}
	path := "channels/" + channel + "/messages?limit=" + strconv.Itoa(findPage)
	before := ""
	for range findPages {
		var page []said
		if err := c.caller.do(ctx, request{method: http.MethodGet, path: path + before}, &page); err != nil {
			return bot.Mark{}, false, err
		}
		for _, m := range page {
			if m.has(nonce) {
				return bot.Mark{Place: channel, Ref: m.ID}, true, nil
			}
		}
		if len(page) < findPage || born(page[len(page)-1].ID).Before(oldest) {
			return bot.Mark{}, false, nil
		}
		before = "&before=" + page[len(page)-1].ID
	}
	return bot.Mark{}, false, &bot.SendError{Fault: bot.SendUnsure, Why: "more was said there since then than can be looked through"}
}
