package discord

import (
	"context"
	"errors"
	"runtime/debug"
	"time"

	"salve/bot"
)

// Ear is who hears. Hear writes the Gesture down, once however often it comes;
// nil means that it is written.
type Ear interface {
	Hear(ctx context.Context, g bot.Gesture) error
}

// Discord waits three seconds for a first answer.
const (
	hearTimeout   = 1700 * time.Millisecond
	answerWithin  = 2 * time.Second // after it came, when nothing was said by then, Discord is told to wait
	offersTimeout = 1500 * time.Millisecond
)

var errHearing = errors.New("the gesture was not written in time")

// lost is said where something was not written down.
const lost = "Salve could not write that down, so nothing happened. Please try again."

func hear(ctx context.Context, ear Ear, g bot.Gesture) error {
	ctx, cancel := context.WithTimeoutCause(ctx, hearTimeout, errHearing)
	defer cancel()
	return ear.Hear(ctx, g)
}

// take is what both transports do with what came: some of it is answered here
// and now, the rest is heard. Its first answer goes to r. What it gives is why the
// interaction was refused, for the log; the person was told already.
func (c *Client) take(ctx context.Context, ear Ear, in interaction, r *reception) (err error) {
	defer func() {
		if recover() != nil { // the same again would end every process that hears it
			c.log.ErrorContext(ctx, "an interaction caused a panic", "surface", Surface, "stack", string(debug.Stack()))
			r.must(ctx, tell(lost))
			err = refuse("it caused a panic")
		}
	}()
	h, err := c.decode(in, r.transport, r.came)
	switch {
	case err != nil:
		r.must(ctx, tell(words(err)))
		return err
	case h.complete != nil:
		r.must(ctx, c.offer(ctx, *h.complete))
		return nil
	case h.answer != nil:
		r.must(ctx, *h.answer)
		return nil
	}
	c.roles.note(in.Member, in.ID, r.came)
	r.waits = h.waits
	c.receptions.add(h.g.Key, r)
	if err := hear(ctx, ear, h.g); err != nil {
		c.log.ErrorContext(ctx, "a gesture was not recorded", "surface", Surface, "kind", h.g.Kind, "error", err)
		r.must(ctx, tell(lost))
	}
	return nil
}

// words are what a person is told of what is refused.
func words(err error) string {
	if r, ok := errors.AsType[*refused](err); ok && r.says != "" {
		return r.says
	}
	return "Salve cannot take that."
}

// tell says something to one person, in our own words.
func tell(text string) answer { return answer{Type: answerMessage, Data: notice(text, ephemeral)} }

func notice(text string, flags int) message {
	return message{Content: escape(text, maxContent), Embeds: []embed{}, Components: []component{}, Mentions: nobody(), Flags: flags}
}
