package slack

import (
	"context"
	"net/url"
	"strconv"
	"sync"
	"time"

	"salve/bot"
)

// The bounds of a search: five pages of a channel are its last 1000 messages.
const (
	findPages   = 5
	findPage    = 200
	findThreads = 20
	clockApart  = time.Minute // between Slack's clock and ours
)

// found is a message of Slack as far as it is looked for.
type found struct {
	TS       string `json:"ts"`
	Latest   string `json:"latest_reply"`
	Metadata struct {
		Type    string         `json:"event_type"`
		Payload map[string]any `json:"event_payload"`
	} `json:"metadata"`
}

func (f found) has(nonce string) bool {
	return f.Metadata.Type == eventType && f.Metadata.Payload["nonce"] == nonce
}

type listing struct {
	Messages []found `json:"messages"`
	HasMore  bool    `json:"has_more"`
	Meta     struct {
		Cursor string `json:"next_cursor"`
	} `json:"response_metadata"`
}

// Find looks for a Message that was posted with this nonce since then, in the
// channel and in its threads. A thread that this process posted into is looked
// at first. Otherwise it goes through the last 1000 messages of the channel; if
// these do not reach back to since, it does not know, and says so.
func (c *Client) Find(ctx context.Context, place, nonce string, since time.Time) (bot.Mark, bool, error) {
	channel, err := c.channel(ctx, place)
	if err != nil {
		return bot.Mark{}, false, err
	}
	oldest := since.Add(-clockApart)
	if thread, ok := c.threads.of(nonce); ok && thread.Place == channel {
		return c.findReply(ctx, thread, nonce, oldest)
	}
	var busy []string
	whole := false
	args := url.Values{"channel": {channel}, "limit": {strconv.Itoa(findPage)}, "include_all_metadata": {"true"}}
	for range findPages {
		var page listing
		if err := c.call(ctx, "conversations.history", args, &page); err != nil {
			return bot.Mark{}, false, unsearched(err)
		}
		for _, m := range page.Messages {
			if m.has(nonce) {
				return bot.Mark{Place: channel, Ref: m.TS}, true, nil
			}
			if m.Latest != "" && !stamp(m.Latest).Before(oldest) {
				busy = append(busy, m.TS)
			}
			whole = whole || stamp(m.TS).Before(oldest)
		}
		if page.Meta.Cursor == "" {
			whole = true
			break
		}
		args.Set("cursor", page.Meta.Cursor)
	}
	if !whole {
		return bot.Mark{}, false, &bot.SendError{Fault: bot.SendUnsure, Why: "there are more messages in the channel since then than can be looked through"}
	}
	return c.findBelow(ctx, channel, busy, nonce, oldest)
}

// findBelow looks through the threads in which something was said since then.
func (c *Client) findBelow(ctx context.Context, channel string, threads []string, nonce string, oldest time.Time) (bot.Mark, bool, error) {
	if len(threads) > findThreads {
		return bot.Mark{}, false, &bot.SendError{Fault: bot.SendUnsure, Why: "there are more threads in the channel since then than can be looked through"}
	}
	for _, ts := range threads {
		mark, ok, err := c.findReply(ctx, bot.Mark{Place: channel, Ref: ts}, nonce, oldest)
		if ok || err != nil {
			return mark, ok, err
		}
	}
	return bot.Mark{}, false, nil
}

func (c *Client) findReply(ctx context.Context, thread bot.Mark, nonce string, oldest time.Time) (bot.Mark, bool, error) {
	args := url.Values{
		"channel": {thread.Place}, "ts": {thread.Ref}, "limit": {strconv.Itoa(findPage)}, "include_all_metadata": {"true"},
		"oldest": {strconv.FormatInt(oldest.Unix(), 10) + ".000000"},
	}
	for range findPages {
		var page listing
		if err := c.call(ctx, "conversations.replies", args, &page); err != nil {
			return bot.Mark{}, false, unsearched(err)
		}
		for _, m := range page.Messages {
			if m.has(nonce) {
				return bot.Mark{Place: thread.Place, Ref: m.TS}, true, nil
			}
		}
		if page.Meta.Cursor == "" {
			return bot.Mark{}, false, nil
		}
		args.Set("cursor", page.Meta.Cursor)
	}
	return bot.Mark{}, false, &bot.SendError{Fault: bot.SendUnsure, Why: "there are more replies in the thread since then than can be looked through"}
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

// stamp is the instant of a ts; of one that is none, the beginning of time.
func stamp(ts string) time.Time {
	seconds, err := strconv.ParseFloat(ts, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0)
}

// threads remembers into which thread something was last tried to be posted, so
// that a lost answer is looked for where it belongs.
type threads struct {
	mu    sync.Mutex
	known map[string]bot.Mark
	order []string
}

const maxThreads = 1000

func newThreads() *threads { return &threads{known: map[string]bot.Mark{}} }

func (t *threads) note(nonce string, thread bot.Mark) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.known[nonce]; !ok {
		if len(t.order) == maxThreads {
			delete(t.known, t.order[0])
			t.order = append(t.order[:0], t.order[1:]...)
		}
		t.order = append(t.order, nonce)
	}
	t.known[nonce] = thread
}

func (t *threads) of(nonce string) (bot.Mark, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m, ok := t.known[nonce]
	return m, ok
}
