package people

import (
	"context"
	"errors"
	"fmt"
	"time"

	"salve/bot"
)

// seenEvery is how often it is written down that a session is in use.
const seenEvery = time.Minute

// Seen notes that its person is using a session, which keeps it from ending for
// being idle; its absolute end stays. It is written down at most once a minute.
// A session that is over is not brought back: that is a *bot.Refusal.
func (p *People) Seen(ctx context.Context, sessionSecret string) error {
	tok, err := p.token(ctx, sessionSecret, bot.TokenSession)
	if err != nil {
		return err
	}
	at := p.now()
	if at.Sub(lastSeen(tok)) < seenEvery {
		return nil
	}
	tok.SeenAt = at
	_, err = p.store.Commit(ctx, bot.Change{Tokens: []bot.Token{tok}})
	if errors.Is(err, bot.ErrConflict) { // by another request of the same person, or it was revoked
		_, err = p.token(ctx, sessionSecret, bot.TokenSession)
		return err
	}
	if err != nil {
		return fmt.Errorf("note that a session is in use: %w", err)
	}
	return nil
}

func lastSeen(t bot.Token) time.Time {
	if t.SeenAt.After(t.CreatedAt) {
		return t.SeenAt
	}
	return t.CreatedAt
}

// idle reports whether a session has not been used for too long.
func (p *People) idle(t bot.Token, at time.Time) bool {
	return t.Kind == bot.TokenSession && at.Sub(lastSeen(t)) >= p.opts.SessionIdle
}
