package post

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"salve/bot"
	"salve/bot/brief"
)

// draft collects what changes about one Incident.
type draft struct {
	leg  *Leg
	news *news
	inc  bot.Incident
	now  time.Time
	have map[string]bot.Post
	cut  bool // have may not be all
	out  []bot.Post
}

// at is what becomes due at the place of a card: the card, and in its thread
// Runs and notices. A card that is not there yet goes before its thread.
func (d *draft) at(ctx context.Context, card bot.Post) error {
	rank := d.rank(card)
	thread := bot.Post{Surface: card.Surface, Place: card.Place, Moved: card.Moved, Incident: card.Incident, Parent: card.Key, OpenedAt: d.now}
	here := strings.TrimSuffix(card.Key, "/card/"+card.Incident.String())
	var rest []raise
	for _, r := range d.news.runs {
		p := thread
		p.Key, p.Kind, p.Run = here+"/progress/"+r.id.String(), bot.MessageProgress, r.id
		rank := rankProgress
		if d.have[p.Key].Mark != (bot.Mark{}) {
			rank = rankEdit
		}
		rest = append(rest, raise{post: p, seq: r.seq, rank: rank, soon: r.moved})
	}
	for _, s := range d.news.said {
		if s.once && (d.inc.Severity.Below(brief.CallsFrom) || d.standing(here)) {
			continue
		}
		p := thread
		p.Key, p.Kind, p.About = here+"/notice/"+card.Incident.String()+"/"+strconv.FormatInt(s.seq, 10), bot.MessageNotice, s.seq
		r := raise{post: p, seq: s.seq, rank: rankTold, soon: true}
		if s.wakes {
			r.rank = rankNotice
		}
		rest = append(rest, r)
	}
	if card.Mark == (bot.Mark{}) && len(rest) > 0 {
		rank = urgent(d.inc)
	}
	if err := d.raise(ctx, raise{post: card, seq: d.news.seq, rank: rank, soon: d.news.mood != moodSame}); err != nil {
		return err
	}
	for _, r := range rest {
		if err := d.raise(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// standing reports whether people at this place are called already: by a notice
// that is on its way, or has its buttons still.
func (d *draft) standing(here string) bool {
	for _, p := range d.have {
		if p.Kind == bot.MessageNotice && strings.HasPrefix(p.Key, here+"/notice/") && (p.State == bot.PostDue || len(p.Tokens) > 0) {
			return true
		}
	}
	return false
}

// rank is how urgent the card is: what asks or failed stays so until that is
// settled.
func (d *draft) rank(card bot.Post) int {
	was := card.Version > 0 && (card.Rank < rankNotice || card.Rank == rankEdit)
	switch urgently := d.news.mood == moodUrgent || d.news.mood == moodSame && was; {
	case !urgently:
		return firing(d.inc)
	case card.Mark != (bot.Mark{}):
		return rankEdit
	default:
		return urgent(d.inc)
	}
}

// answered makes notices that were posted with buttons be looked at again, once
// something is settled: buttons that lead nowhere go.
func (d *draft) answered(ctx context.Context, have []bot.Post) error {
	if d.news.mood == moodSame {
		return nil
	}
	for _, p := range have {
		if p.Kind == bot.MessageNotice && len(p.Tokens) > 0 {
			if err := d.raise(ctx, raise{post: p, seq: d.news.seq, rank: rankTold, soon: true}); err != nil {
				return err
			}
		}
	}
	return nil
}

// pages call, or tell those who were called how it goes on.
func (d *draft) pages(ctx context.Context, have []bot.Post) error {
	if d.news.page != 0 {
		for _, name := range d.leg.pagers(d.inc) {
			if err := d.call(ctx, name, d.news.page); err != nil {
				return err
			}
		}
	}
	for _, p := range have {
		if p.Kind == bot.MessagePage && (p.State == bot.PostDue || p.Mark != (bot.Mark{})) {
			if err := d.raise(ctx, raise{post: p, seq: d.news.seq, rank: rankUrgent, soon: true}); err != nil {
				return err
			}
		}
	}
	return nil
}

// pagers are those that are woken for an Incident.
func (l *Leg) pagers(inc bot.Incident) []string {
	if l.opts.Pagers == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(l.opts.Pagers(inc)), func(name string) bool {
		return l.surfaces[l.front(SurfacePage, name)] == nil
	})
}

// call is one page for an Incident and pager: for a new reason it is raised again.
func (d *draft) call(ctx context.Context, pager string, about int64) error {
	p := page(pager, d.inc.ID, d.now)
	p.About = about
	return d.raise(ctx, raise{post: p, seq: d.news.seq, rank: rankUrgent, soon: true})
}

// raise asks that a Post shows an Event.
type raise struct {
	post bot.Post // as it is made when it is not there yet
	seq  int64
	rank int
	soon bool // else it waits until the last edit is long enough ago
}

func (d *draft) raise(ctx context.Context, r raise) error {
	p, err := d.kept(ctx, r.post)
	if err != nil || r.seq <= p.Wanted {
		return err
	}
	due := d.now
	if rested := p.SentAt.Add(editRest); !r.soon && rested.After(due) {
		due = rested
	}
	if p.Nonce == "" { // from the start, so that a copy of the database knows it too
		p.Nonce = secret()
	}
	p.Wanted, p.Rank, p.About = r.seq, r.rank, max(p.About, r.post.About)
	switch {
	case p.State != bot.PostDue:
		p.State, p.DueAt, p.Attempts = bot.PostDue, due, 0
	case p.Attempts == 0 && due.Before(p.DueAt): // else it is claimed, or waits after a failure
		p.DueAt = due
	}
	d.have[p.Key] = p
	if i := slices.IndexFunc(d.out, func(o bot.Post) bool { return o.Key == p.Key }); i >= 0 {
		d.out[i] = p
		return nil
	}
	d.out = append(d.out, p)
	return nil
}

// kept is the Post as it is kept, else as it is made.
func (d *draft) kept(ctx context.Context, made bot.Post) (bot.Post, error) {
	if p, ok := d.have[made.Key]; ok {
		return p, nil
	}
	if !d.cut || made.Version > 0 {
		return made, nil
	}
	p, err := d.leg.store.Post(ctx, made.Key)
	if errors.Is(err, bot.ErrNotFound) {
		return made, nil
	}
	return p, err
}
