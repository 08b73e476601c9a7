package slack

import (
	"context"
	"errors"
	"fmt"
	"time"

	"salve/bot"
)

// Ear is who hears. Hear writes the Gesture down, once however often it comes;
// nil means that it is written.
type Ear interface {
	Hear(ctx context.Context, g bot.Gesture) error
}

// hearTimeout leaves room within the three seconds that Slack waits.
const hearTimeout = 2 * time.Second

var errHearing = errors.New("the gesture was not written in time")

// errNobody is that it is not known who we are, so that nobody's word can be taken.
var errNobody = errors.New("it is not known which workspace the token is of")

func (c *Client) decoder(ctx context.Context, transport string) (decoder, error) {
	me, err := c.identify(ctx)
	if err != nil {
		return decoder{}, fmt.Errorf("%w: %w", errNobody, err)
	}
	ours := func(id string) bool { return c.ours(me, id) }
	return decoder{me: me, ours: ours, transport: transport, now: time.Now().UTC().Truncate(time.Millisecond)}, nil
}

func hear(ctx context.Context, ear Ear, g bot.Gesture) error {
	ctx, cancel := context.WithTimeoutCause(ctx, hearTimeout, errHearing)
	defer cancel()
	return ear.Hear(ctx, g)
}
