package discord

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"salve/bot"
)

// The bounds of a search: ten pages of a channel are its last 1000 messages.
const (
	findPages   = 10
	findPage    = 100
	findThreads = 20
	clockApart  = time.Minute // between Discord's clock and ours
	epoch       = 1420070400000
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

// Find looks for a Message that was posted with this nonce since then, in the
// channel and in its threads. A thread that this process posted into is looked at
// first. Otherwise it goes through the last 1000 messages of the channel; if these
// do not reach back to since, it does not know, and says so.
func (c *Client) Find(ctx context.Context, place, nonce string, since time.Time) (bot.Mark, bool, error) {
	nonce = shortNonce(nonce)
	channel, err := c.channel(ctx, place)
	if err != nil {
		return bot.Mark{}, false, err
	}
	oldest := since.Add(-clockApart)
	if thread := c.threads.of(nonce); thread != "" {
		mark, ok, err := c.findIn(ctx, thread, nonce, oldest)
		if ok || err != nil && !is(err, bot.SendNoPlace) {
			return mark, ok, err
		}
	}
	mark, ok, err := c.findIn(ctx, channel, nonce, oldest)
	if ok || err != nil || channel != place {
		return mark, ok, err
	}
	return c.findBelow(ctx, channel, nonce, oldest)
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
	return bot.Mark{}, false, &bot.SendError{Fault: bot.SendUnsure, Why: "there are more messages in the channel since then than can be looked through"}
}

// findBelow looks through the open threads in which something was said since then.
func (c *Client) findBelow(ctx context.Context, channel, nonce string, oldest time.Time) (bot.Mark, bool, error) {
	var active struct {
		Threads []struct {
			ID     string `json:"id"`
			Parent string `json:"parent_id"`
			Last   string `json:"last_message_id"`
		} `json:"threads"`
	}
	if err := c.caller.do(ctx, request{method: http.MethodGet, path: "guilds/" + c.guild + "/threads/active"}, &active); err != nil {
		return bot.Mark{}, false, err
	}
	looked := 0
	for _, t := range active.Threads {
		if t.Parent != channel || !snowflake.MatchString(t.ID) || t.Last != "" && born(t.Last).Before(oldest) {
			continue
		}
		if looked++; looked > findThreads {
			return bot.Mark{}, false, &bot.SendError{Fault: bot.SendUnsure, Why: "there are more threads in the channel since then than can be looked through"}
		}
		mark, ok, err := c.findIn(ctx, t.ID, nonce, oldest)
		if ok || err != nil {
			return mark, ok, err
		}
	}
	return bot.Mark{}, false, nil
}
