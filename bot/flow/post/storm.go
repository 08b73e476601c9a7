package post

import (
	"context"
	"errors"
	"fmt"
	"time"

	"salve/bot"
	"salve/bot/brief"
)

// What the summary of a storm rests on.
const (
	stormCount = 5000             // cards that are counted
	stormAgain = 10 * time.Minute // a storm that comes back so soon goes on in the same Message
)

func stormKey(surface, place string) string { return at(surface, place) + "/storm" }

func fresh(p bot.Post) bool { return p.Kind == bot.MessageCard && p.Mark == (bot.Mark{}) }

func freshOnes(posts []bot.Post) (out []bot.Post) {
	for _, p := range posts {
		if fresh(p) {
			out = append(out, p)
		}
	}
	return out
}

// storm begins a summary where more new cards are due than people can read. It
// reports whether it has written something.
func (l *Leg) storm(ctx context.Context, at place, due []bot.Post) (bool, error) {
	if len(freshOnes(due)) <= l.opts.Storm {
		return false, nil
	}
	now := l.now()
	key := stormKey(at.surface, at.name)
	p, err := l.store.Post(ctx, key)
	switch {
	case errors.Is(err, bot.ErrNotFound):
		p = bot.Post{Key: key, Surface: at.surface, Place: at.name, Kind: bot.MessageStorm, OpenedAt: now}
	case err != nil:
		return false, fmt.Errorf("read the summary of a storm: %w", err)
	case p.State == bot.PostDue:
		return false, nil // it goes on
	case p.State != bot.PostShown && now.Sub(p.OpenedAt) < stormAgain:
		return false, nil // it could not be posted there
	case p.State != bot.PostShown || now.Sub(p.SentAt) > stormAgain:
		renew(&p, now)
		p.Tokens, p.OpenedAt, p.Spared = nil, now, 0
	}
	p.State, p.DueAt, p.Rank, p.Attempts = bot.PostDue, now, rankStorm, 0
	p.Wanted++
	what, err := l.write(ctx, p)
	return what == didWrite, err
}

// spare leaves out the card of an Incident that is over and where nothing but
// alerts happened, if a storm rages: the summary counts it. It gives didAsk when
// the card is to be posted.
func (l *Leg) spare(ctx context.Context, card bot.Post) (did, error) {
	p, err := l.store.Post(ctx, stormKey(card.Surface, card.Place))
	if errors.Is(err, bot.ErrNotFound) || err == nil && p.State != bot.PostDue {
		return didAsk, nil
	}
	if err != nil {
		return didNothing, fmt.Errorf("read the summary of a storm: %w", err)
	}
	p.Spared++
	card.State, card.DueAt, card.Unsure, card.Shown = bot.PostMoot, zeroTime, zeroTime, card.Wanted
	card.Error = "it was over before its card was posted; the summary of the storm counts it"
	return l.write(ctx, card, p)
}

// makeStorm counts what waits. The storm is over when nothing does.
func (l *Leg) makeStorm(ctx context.Context, p bot.Post) (made, error) {
	due, err := l.store.Posts(ctx, bot.PostQuery{Surface: p.Surface, Place: p.Place, Due: l.now(), Limit: stormCount})
	if err != nil {
		return made{}, fmt.Errorf("count the cards that wait: %w", err)
	}
	waiting := freshOnes(due)
	if len(waiting) == 0 && p.Spared == 0 && p.Mark == (bot.Mark{}) {
		return moot("the storm was over before it was told"), nil
	}
	if len(waiting) == 0 {
		return made{message: calm(p)}, nil
	}
	m, err := l.raging(ctx, p, waiting)
	worst := waiting[0]
	bad := worst.Rank < rankNotice || !severityOf(worst.Rank).Below(brief.CallsFrom)
	return made{message: m, open: true, wakes: bad, about: worst.Incident}, err
}

// rages reports whether a storm is told at the place of a Post. It calls people
// once, for all that nothing can be proposed for.
func (l *Leg) rages(ctx context.Context, p bot.Post) (bool, error) {
	storm, err := l.store.Post(ctx, stormKey(p.Surface, p.Place))
	if errors.Is(err, bot.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the summary of a storm: %w", err)
	}
	return storm.State == bot.PostDue && storm.Mark != (bot.Mark{}), nil
}
