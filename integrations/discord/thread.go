package discord

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"salve/bot"
)

// Numbers of Discord that something is done about.
const (
	unknownChannel     = 10003
	unknownWebhook     = 10015
	unknownInteraction = 10062
	answeredAlready    = 40060
	archived           = 50083
	threadExists       = 160004
)

// coded is a fault with the number that Discord gave it.
type coded struct {
	*bot.SendError
	code int
}

func (c *coded) Unwrap() error { return c.SendError }

func numberedBy(err error, n int) bool {
	got, ok := errors.AsType[*coded](err)
	return ok && got.code == n
}

// inThread posts into the thread of a message. A thread of Discord has the id of
// the message that it hangs on, so that it is known without being looked up; if
// it is not there, it is begun, and only then. Where none can be begun, what was
// to stand in it is an answer to the message.
func (c *Client) inThread(ctx context.Context, over bot.Mark, out message, files []bot.File) (bot.Mark, error) {
	at, err := c.send(ctx, over.Ref, out, files)
	if !numberedBy(err, unknownChannel) {
		return at, err
	}
	begun := c.begin(ctx, over)
	switch {
	case begun == nil, numberedBy(begun, threadExists):
		at, err = c.send(ctx, over.Ref, out, files)
		if !numberedBy(err, unknownChannel) {
			return at, err
		}
	case is(begun, bot.SendNoPlace), is(begun, bot.SendDown), is(begun, bot.SendRefused):
		c.log.WarnContext(ctx, "a thread could not be begun: what belongs into it is an answer in the channel", "surface", Surface, "place", over.Place, "error", begun)
	default:
		return bot.Mark{}, begun
	}
	return c.answerTo(ctx, over.Place, over.Ref, out, files)
}

// threadFor is how long a thread stays open without a word in it, in minutes.
const threadFor = 1440

// begin begins the thread of a message.
func (c *Client) begin(ctx context.Context, over bot.Mark) error {
	body := map[string]any{"name": c.threadName(ctx, over), "auto_archive_duration": threadFor}
	return c.caller.do(ctx, request{method: http.MethodPost, path: "channels/" + over.Place + "/messages/" + over.Ref + "/threads", body: body}, nil)
}

var tags = regexp.MustCompile(`<[^<>]*>`)

// threadName is what the message says first of itself: it is the same for whoever
// begins the thread, and does not tell how things stood then.
func (c *Client) threadName(ctx context.Context, over bot.Mark) string {
	const otherwise = "Details"
	var m said
	if err := c.caller.do(ctx, request{method: http.MethodGet, path: "channels/" + over.Place + "/messages/" + over.Ref}, &m); err != nil {
		return otherwise
	}
	s := m.Content
	if len(m.Embeds) > 0 {
		s, _, _ = strings.Cut(strings.TrimPrefix(m.Embeds[0].Description, "### "), "\n")
	}
	for _, symbol := range symbols {
		s = strings.TrimPrefix(s, symbol+" ")
	}
	s = strings.NewReplacer(`\`, "", "**", "").Replace(tags.ReplaceAllString(s, ""))
	return cmp.Or(plain(s, 90), otherwise)
}

// unarchive opens a thread in which nothing was said for a while.
func (c *Client) unarchive(ctx context.Context, thread string) bool {
	return c.caller.do(ctx, request{method: http.MethodPatch, path: "channels/" + thread, body: map[string]any{"archived": false}}, nil) == nil
}
