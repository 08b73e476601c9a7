package slack

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	slackgo "github.com/slack-go/slack"

	"salve/bot"
	"salve/integrations/internal/outbound"
	"salve/integrations/slack/legal"
)

// The handles of a Gesture. They open something for a short time.
const (
	handleResponse = "response_url"
	handleTrigger  = "trigger_id"
	handleView     = "view" // the modal in which a button was pressed: id and hash
)

// A response_url can be used five times within half an hour.
const (
	responseUses = 5
	responseFor  = 30*time.Minute - 30*time.Second
)

// response is what a response_url takes. It is written out because the library
// sends fields that were not asked for.
type response struct {
	Type    string  `json:"response_type"`
	Replace bool    `json:"replace_original"`
	Thread  string  `json:"thread_ts,omitempty"`
	Text    string  `json:"text"`
	Blocks  []block `json:"blocks"`
}

// Whisper shows a Message to whoever made the Gesture, and to nobody else: by
// the Gesture's own response_url while it lasts, then as an ephemeral message,
// and as a direct message where Salve is not in the channel, or there is none.
func (c *Client) Whisper(ctx context.Context, g bot.Gesture, m bot.Message) error {
	r := response{Type: "ephemeral", Thread: g.Thread, Text: alone(m), Blocks: render(m, maxMessageBlocks)}
	if err := judge(legal.Response, r); err != nil {
		return err
	}
	address := g.Handles[handleResponse]
	if time.Since(g.ReceivedAt) < responseFor && c.answersTo(address) && c.budget.take(address, time.Now()) {
		err := c.respond(ctx, address, r)
		if err == nil || fault(err).Fault == bot.SendUnsure {
			return err
		}
	}
	return c.aside(ctx, g, m)
}

// answersTo accepts the addresses at which Slack takes answers: what is in a
// payload must not make Salve call something else.
func (c *Client) answersTo(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.User != nil || u.Host == "" {
		return false
	}
	if own, err := url.Parse(c.caller.api); err == nil && u.Scheme == own.Scheme && strings.EqualFold(u.Host, own.Host) {
		return true
	}
	host := strings.ToLower(u.Host)
	return u.Scheme == "https" && (host == "hooks.slack.com" || host == "hooks.slack-gov.com")
}

func (c *Client) respond(ctx context.Context, address string, r response) error {
	body, err := json.Marshal(r)
	if err != nil {
		return &bot.SendError{Fault: bot.SendRefused, Why: "the answer cannot be written as JSON"}
	}
	got, err := c.out.Do(ctx, outbound.Call{
		Method: http.MethodPost, URL: address, Body: body,
		Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}},
	})
	if failed, ok := errors.AsType[*outbound.Error](err); ok {
		return transportFault(failed, failed.Sent)
	}
	if err != nil {
		return transportFault(err, false)
	}
	if got.Status != http.StatusOK {
		return statusFault(got.Status, "", got.RetryAfter)
	}
	var said slackgo.SlackResponse
	if json.Unmarshal(got.Body, &said) == nil && said.Error != "" { // a plain "ok" is no JSON
		return fault(said.Err())
	}
	return nil
}

// aside answers without a response_url.
func (c *Client) aside(ctx context.Context, g bot.Gesture, m bot.Message) error {
	user := g.User.ID[strings.LastIndexByte(g.User.ID, '/')+1:]
	out := payload{Channel: g.Place, User: user, ThreadTS: g.Thread, Text: alone(m), Blocks: render(m, maxMessageBlocks)}
	if g.Place != "" && !strings.HasPrefix(g.Place, "D") {
		if err := judge(legal.Ephemeral, out); err != nil {
			return err
		}
		opts := []slackgo.MsgOption{
			slackgo.MsgOptionText(out.Text, false), slackgo.MsgOptionBlocks(carry(out.Blocks)...),
			slackgo.MsgOptionParse(false), slackgo.MsgOptionLinkNames(false),
		}
		if out.ThreadTS != "" {
			opts = append(opts, slackgo.MsgOptionTS(out.ThreadTS))
		}
		_, err := c.api.PostEphemeralContext(ctx, g.Place, user, opts...)
		if err == nil {
			return nil
		}
		if f := fault(err); f.Fault != bot.SendNoPlace {
			return f
		}
	}
	_, err := c.Post(ctx, bot.Parcel{Place: user, Message: m})
	return err
}

// budget counts how often each response_url was used.
type budget struct {
	mu   sync.Mutex
	used map[string]*uses
}

type uses struct {
	n     int
	until time.Time
}

const maxBudgets = 10_000

func newBudget() *budget { return &budget{used: map[string]*uses{}} }

// take uses one of what is left; false: nothing is.
func (b *budget) take(address string, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.used) >= maxBudgets {
		for key, u := range b.used {
			if now.After(u.until) {
				delete(b.used, key)
			}
		}
	}
	u := b.used[address]
	if u == nil {
		if len(b.used) >= maxBudgets {
			return false
		}
		u = &uses{until: now.Add(responseFor)}
		b.used[address] = u
	}
	u.n++
	return u.n <= responseUses && now.Before(u.until)
}

// note tells whoever made a Gesture that it was lost, by the response_url alone.
func (c *Client) note(ctx context.Context, g bot.Gesture, why string) {
	address := g.Handles[handleResponse]
	r := response{Type: "ephemeral", Thread: g.Thread, Text: why, Blocks: []block{{Type: "section", Text: plain(cmp.Or(why, lost), maxSpan)}}}
	if !c.answersTo(address) || judge(legal.Response, r) != nil || !c.budget.take(address, time.Now()) {
		return
	}
	if err := c.respond(ctx, address, r); err != nil {
		c.log.WarnContext(ctx, "a lost click could not be told", "surface", Surface, "error", err)
	}
}

// lost is said where something was not written down.
const lost = "Not recorded, as far as Salve knows: its storage did not answer in time. Please try again; nothing is done twice."
