package post

import (
	"context"
	"errors"
	"fmt"

	"salve/bot"
)

// maxSkips bounds what one turn writes without asking the surface.
const maxSkips = 200

// did is what became of an attempt.
type did int

const (
	didNothing did = iota // it waits for its card, or has changed meanwhile
	didWrite              // there was nothing to send, and that is written
	didAsk                // the surface was asked
)

// turn sends one Message to a place: of what is due there the first that can be
// sent. What needs no sending is put away on the way.
func (l *Leg) turn(ctx context.Context, at place) end {
	page := 2*l.opts.Storm + 50
	for skips := 0; skips < maxSkips && ctx.Err() == nil; {
		due := l.now()
		if !at.mine {
			due = due.Add(-othersAfter)
		}
		posts, err := l.store.Posts(ctx, bot.PostQuery{Surface: at.surface, Place: at.name, Due: due, Limit: page})
		if err != nil {
			return l.failed(ctx, at, err)
		}
		if began, err := l.storm(ctx, at, posts); began || err != nil {
			if err != nil {
				return l.failed(ctx, at, err)
			}
			continue
		}
		wrote := 0
		for _, p := range posts {
			if at.still && p.Mark != (bot.Mark{}) {
				continue
			}
			e, what, err := l.attempt(ctx, p)
			if err != nil {
				return l.failed(ctx, at, fmt.Errorf("%s: %w", p.Key, err))
			}
			if what == didAsk {
				e.more = true
				return e
			}
			if what == didWrite {
				wrote++
			}
		}
		if wrote == 0 {
			return end{}
		}
		skips += wrote
	}
	return end{more: true}
}

// failed is a turn that the store ended: the next scan brings another.
func (l *Leg) failed(ctx context.Context, at place, err error) end {
	if ctx.Err() == nil {
		l.opts.Log.WarnContext(ctx, "nothing can be sent there now, tried again at the next scan", "surface", at.surface, "place", at.name, "error", err)
	}
	return end{}
}

// attempt brings one Post as far as it goes. An error is one of the store.
func (l *Leg) attempt(ctx context.Context, p bot.Post) (end, did, error) {
	thread, what, err := l.thread(ctx, &p)
	if err != nil || what != didAsk {
		return end{}, what, err
	}
	s := &sending{leg: l, surface: l.surface(p), post: p, was: p.DueAt, thread: thread}
	if s.posting() && !p.Unsure.IsZero() { // before anything else: it may be there
		e, found, err := s.find(ctx)
		if found || err != nil || e.what != endSent {
			return e, didAsk, err
		}
	}
	m, err := l.make(ctx, p)
	if err != nil {
		return end{}, didNothing, err
	}
	if m.moot != "" {
		what, err := l.rest(ctx, p, m.moot)
		return end{}, what, err
	}
	if m.quietly && p.Mark == (bot.Mark{}) {
		if what, err := l.spare(ctx, p); what != didAsk || err != nil {
			return end{}, what, err
		}
	}
	if m.shares {
		if err := l.share(ctx, p); err != nil {
			return end{}, didNothing, err
		}
	}
	s.made, s.sum = m, sumOf(m.message)
	if p.Mark != (bot.Mark{}) && s.sum == p.Sum {
		what, err := l.same(ctx, p, m)
		return end{}, what, err
	}
	return s.send(ctx)
}

// thread is where a Post goes that stands in one: not before what it stands
// under, and wherever that has moved to. It gives didAsk when the Post can go.
func (l *Leg) thread(ctx context.Context, p *bot.Post) (bot.Mark, did, error) {
	if p.Parent == "" {
		return bot.Mark{}, didAsk, nil
	}
	over, err := l.store.Post(ctx, p.Parent)
	switch {
	case errors.Is(err, bot.ErrNotFound):
		return bot.Mark{}, didAsk, nil // long over: it stands by itself
	case err != nil:
		return bot.Mark{}, didNothing, fmt.Errorf("read what it stands under: %w", err)
	case over.State == bot.PostMoot:
		what, err := l.rest(ctx, *p, "what it stands under is not shown")
		return bot.Mark{}, what, err
	case over.Place != p.Place:
		p.Place, p.Moved = over.Place, over.Moved
		what, err := l.write(ctx, *p)
		l.lanes.stir(p.Surface, p.Place, l.opts.Share(p.Place))
		return bot.Mark{}, what, err
	case over.Mark == (bot.Mark{}) && over.State == bot.PostDue:
		return bot.Mark{}, didNothing, nil
	default:
		return over.Mark, didAsk, nil // none, if it can never be sent
	}
}

// rest puts a Post away for which there is nothing to send.
func (l *Leg) rest(ctx context.Context, p bot.Post, why string) (did, error) {
	p.Shown, p.DueAt, p.Unsure, p.Attempts, p.Error = p.Wanted, zeroTime, zeroTime, 0, why
	p.State = bot.PostMoot
	if p.Mark != (bot.Mark{}) {
		p.State = bot.PostShown
	}
	return l.write(ctx, p)
}

// same notes that a Post shows what there is already.
func (l *Leg) same(ctx context.Context, p bot.Post, m made) (did, error) {
	p.Shown, p.Attempts = p.Wanted, 0
	p.State, p.DueAt = bot.PostShown, zeroTime
	if m.open {
		p.State, p.DueAt = bot.PostDue, l.now().Add(stormRest)
	}
	return l.write(ctx, p)
}

// write is a write that gives way to others: what has changed is looked at anew.
func (l *Leg) write(ctx context.Context, posts ...bot.Post) (did, error) {
	_, err := l.store.Commit(ctx, bot.Change{Posts: posts})
	if errors.Is(err, bot.ErrConflict) {
		return didNothing, nil
	}
	if err != nil {
		return didNothing, fmt.Errorf("write what became of it: %w", err)
	}
	return didWrite, nil
}
