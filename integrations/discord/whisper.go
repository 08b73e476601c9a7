package discord

import (
	"context"

	"salve/bot"
	"salve/integrations/discord/legal"
)

// Whisper shows a Message to whoever made the Gesture, and to nobody else: as the
// first answer to the interaction if there is none yet, else beside it or in its
// place while it can be answered, and as a direct message after that.
func (c *Client) Whisper(ctx context.Context, g bot.Gesture, m bot.Message) error {
	out := c.private(m)
	if judge(legal.Followup, out) != nil { // less of it is better than nothing
		out = notice(flat([]bot.Span{{Text: m.Alone}}, maxAlone), ephemeral)
	}
	err := c.whisper(ctx, g, out)
	if err == nil || !is(err, bot.SendGone) && !is(err, bot.SendNoPlace) {
		return err
	}
	_, err = c.Post(ctx, bot.Parcel{Place: g.User.ID, Message: m})
	return err
}

// private renders a Message for one person.
func (c *Client) private(m bot.Message) message {
	m.Wakes, m.Files = nil, nil
	out := c.render(m)
	out.Flags = ephemeral
	return out
}

// whisper answers by the interaction alone.
func (c *Client) whisper(ctx context.Context, g bot.Gesture, out message) error {
	r := c.receptions.of(g.Key)
	if r == nil { // another process heard it, and has told Discord to wait or died
		return c.followUp(ctx, g, out, false)
	}
	mine, err := r.first(ctx, r.reply(out))
	if mine && (err == nil || !is(err, bot.SendGone)) {
		return err
	}
	return c.followUp(ctx, g, out, r.original())
}

// reply is a message as a first answer: a new one, or in place of the question
// that was answered by yes.
func (r *reception) reply(m message) answer {
	if r.waits == answerWaitEdit {
		m.Flags = 0
		return answer{Type: answerEdit, Data: m}
	}
	return answer{Type: answerMessage, Data: m}
}
