package discord

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"salve/bot"
	"salve/integrations/discord/legal"
)

// Open shows a Form to whoever made the Gesture. One that asks for something is a
// form of Discord, if it comes as the first answer; where it comes too late for
// that, it is opened by a button. One that only shows is a private message, which
// waits a moment for what takes its place. What it gives stands for the Form, for
// Refill.
func (c *Client) Open(ctx context.Context, g bot.Gesture, f bot.Form) (string, error) {
	if err := c.show(ctx, g, f, false); err != nil {
		return "", err
	}
	return c.forms.keep(form{gesture: g}), nil
}

// Refill shows another Form in place of one that was opened. A form of Discord
// that is open stays as it is; the other is shown beside it.
func (c *Client) Refill(ctx context.Context, opened string, f bot.Form) (string, error) {
	kept, ok := c.forms.of(opened)
	if !ok {
		return "", &bot.SendError{Fault: bot.SendGone, Why: "the form is not known any more"}
	}
	if err := c.show(ctx, kept.gesture, f, true); err != nil {
		return "", err
	}
	return opened, nil
}

// Home does nothing: nobody has a page of their own in Discord. What would stand
// there is said by /salve list and /salve approve.
func (c *Client) Home(context.Context, bot.ChatUser, bot.Message) error {
	return &bot.SendError{Fault: bot.SendNoPlace, Why: "Discord has no page of one's own"}
}

// show shows a Form as well as can be now.
func (c *Client) show(ctx context.Context, g bot.Gesture, f bot.Form, again bool) error {
	r := c.receptions.of(g.Key)
	if asks(f) {
		m := fill(f)
		if err := judge(legal.Modal, m); err != nil {
			return err
		}
		if r != nil && g.Kind != bot.GestureFilled { // a form of Discord does not lead to another
			mine, err := r.first(ctx, answer{Type: answerModal, Data: m})
			if mine && (err == nil || !is(err, bot.SendGone)) {
				return err
			}
		}
		return c.knock(ctx, g, f, m)
	}
	out := c.private(instead(f))
	if err := judge(legal.Followup, out); err != nil {
		return err
	}
	switch {
	case r == nil:
		return c.followUp(ctx, g, out, false)
	case !again && r.hold(out):
		return nil
	default:
		return c.whisper(ctx, g, out)
	}
}

// knock shows a Form behind a button, where the moment to open it is over.
func (c *Client) knock(ctx context.Context, g bot.Gesture, f bot.Form, m modal) error {
	key := c.forms.keep(form{gesture: g, modal: &m})
	out := c.private(bot.Message{Kind: bot.MessageReply, Tone: bot.ToneQuiet, Alone: f.Title, Title: []bot.Span{{Text: f.Title}}, Lines: f.Lines})
	out.Components = []component{{Type: kindRow, Components: []component{
		{Type: kindButton, CustomID: id(idFill, 0, key), Style: stylePrimary, Label: "Fill in…"},
	}}}
	return c.whisper(ctx, g, out)
}

// unfold is what the button of a held form is answered with.
func (c *Client) unfold(key string) *answer {
	kept, ok := c.forms.of(key)
	if !ok || kept.modal == nil {
		gone := tell("This form is not at hand any more. Please say again what you want to do.")
		return &gone
	}
	return &answer{Type: answerModal, Data: *kept.modal}
}

// form is one that was opened, and what it is, where it waits behind a button.
type form struct {
	gesture bot.Gesture
	modal   *modal
	until   time.Time
}

// held are the forms that were opened lately.
type held struct {
	mu    sync.Mutex
	known map[string]form
}

const (
	maxHeld = 10_000
	heldFor = 15 * time.Minute
)

func newHeld() *held { return &held{known: map[string]form{}} }

func (h *held) keep(f form) string {
	now := time.Now()
	f.until = now.Add(heldFor)
	key := rand.Text()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.known) >= maxHeld {
		for k, old := range h.known {
			if now.After(old.until) {
				delete(h.known, k)
			}
		}
		for k := range h.known {
			if len(h.known) < maxHeld {
				break
			}
			delete(h.known, k)
		}
	}
	h.known[key] = f
	return key
}

func (h *held) of(key string) (form, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f, ok := h.known[key]
	return f, ok && time.Now().Before(f.until)
}
