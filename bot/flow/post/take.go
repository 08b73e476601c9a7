package post

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"salve/bot"
)

// What is read at most.
const (
	cursorName     = "chat"
	maxBatch       = 500 // Events
	minBatch       = 16
	alertLimit     = 50
	maxPerIncident = 1000 // Posts
	maxRoutes      = 8
)

// news is what a batch of Events holds about one Incident.
type news struct {
	id   bot.IncidentID
	seq  int64 // of the newest Event
	mood mood
	said []saying
	runs []runNews
	page int64 // the newest Event that pages
}

type saying struct {
	seq   int64
	wakes bool
}

type runNews struct {
	id    bot.RunID
	seq   int64
	moved bool
}

// collapse gathers Events by Incident, in the order in which Incidents come.
func collapse(events []bot.Event) []*news {
	var out []*news
	byID := map[bot.IncidentID]*news{}
	for _, e := range events {
		w := deserves(e)
		if !w.card {
			continue
		}
		n := byID[e.Incident]
		if n == nil {
			n = &news{id: e.Incident}
			byID[e.Incident] = n
			out = append(out, n)
		}
		n.add(e, w)
	}
	return out
}

func (n *news) add(e bot.Event, w worth) {
	n.seq = e.Seq
	if w.mood != moodSame {
		n.mood = w.mood
	}
	if w.notice {
		n.said = append(n.said, saying{seq: e.Seq, wakes: w.wakes})
	}
	if w.page {
		n.page = e.Seq
	}
	if w.progress && e.Run != 0 {
		n.run(e, w)
	}
}

func (n *news) run(e bot.Event, w worth) {
	i := slices.IndexFunc(n.runs, func(r runNews) bool { return r.id == e.Run })
	if i < 0 {
		i = len(n.runs)
		n.runs = append(n.runs, runNews{id: e.Run})
	}
	n.runs[i].seq = e.Seq
	n.runs[i].moved = n.runs[i].moved || w.moved
}

// take makes Posts of the next Events. It reports whether there may be more.
func (l *Leg) take(ctx context.Context) (bool, error) {
	cur, err := l.store.Cursor(ctx, cursorName)
	if err != nil {
		return false, fmt.Errorf("read how far chat has read: %w", err)
	}
	if cur.Version == 0 {
		return true, l.begin(ctx, cur)
	}
	limit := l.batch
	events, err := l.store.Events(ctx, bot.EventQuery{After: cur.Seq, Limit: limit})
	if err != nil || len(events) == 0 {
		return false, err
	}
	cur.Seq = events[len(events)-1].Seq
	return len(events) == limit, l.put(ctx, cur, collapse(events))
}

// put writes the Posts that the news deserve, and how far that was read. Where
// something has changed since, nothing is written, and less is tried next.
func (l *Leg) put(ctx context.Context, cur bot.Cursor, all []*news) error {
	change := bot.Change{Cursors: []bot.Cursor{cur}}
	now := l.now()
	for _, n := range all {
		posts, err := l.about(ctx, n, now)
		if err != nil {
			return fmt.Errorf("what chat shows of %s: %w", n.id, err)
		}
		change.Posts = append(change.Posts, posts...)
	}
	_, err := l.store.Commit(ctx, change)
	if errors.Is(err, bot.ErrConflict) {
		l.batch = max(l.batch/2, minBatch)
		l.Wake()
		return nil
	}
	if err != nil {
		return fmt.Errorf("write what chat is to show: %w", err)
	}
	l.batch = min(2*l.batch, maxBatch)
	for _, p := range change.Posts {
		l.lanes.stir(p.Surface, p.Place, l.opts.Share(p.Place))
	}
	return nil
}

// about gives the Posts of one Incident that change.
func (l *Leg) about(ctx context.Context, n *news, now time.Time) ([]bot.Post, error) {
	inc, err := l.store.Incident(ctx, n.id)
	if errors.Is(err, bot.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	have, err := l.store.Posts(ctx, bot.PostQuery{Incident: n.id, Limit: maxPerIncident})
	if err != nil {
		return nil, err
	}
	d := &draft{leg: l, news: n, inc: inc, now: now, have: map[string]bot.Post{}, cut: len(have) == maxPerIncident}
	var cards []bot.Post
	for _, p := range have {
		d.have[p.Key] = p
		if p.Kind == bot.MessageCard {
			cards = append(cards, p)
		}
	}
	if len(cards) == 0 {
		if cards, err = l.routed(ctx, n, inc, now); err != nil {
			return nil, err
		}
	}
	for _, c := range once(cards) {
		if err := d.at(ctx, c); err != nil {
			return nil, err
		}
	}
	if err := d.answered(ctx, have); err != nil {
		return nil, err
	}
	err = d.pages(ctx, have)
	return d.out, err
}

// once leaves one card at each place: where one was moved to a place that has one
// already, that one.
func once(cards []bot.Post) []bot.Post {
	slices.SortFunc(cards, func(a, b bot.Post) int {
		return cmp.Or(cmp.Compare(len(a.Moved), len(b.Moved)), cmp.Compare(a.Key, b.Key))
	})
	var out []bot.Post
	for _, c := range cards {
		if !slices.ContainsFunc(out, func(o bot.Post) bool { return o.Surface == c.Surface && o.Place == c.Place }) {
			out = append(out, c)
		}
	}
	return out
}

// routed are the cards of an Incident that has none so far. One that is over
// already gets none, unless there is something to tell.
func (l *Leg) routed(ctx context.Context, n *news, inc bot.Incident, now time.Time) ([]bot.Post, error) {
	over := inc.State() == bot.IncidentClosed || inc.State() == bot.IncidentMerged
	if over && len(n.said)+len(n.runs) == 0 {
		return nil, nil
	}
	alerts, err := l.store.Alerts(ctx, inc.ID, alertLimit)
	if err != nil {
		return nil, err
	}
	var out []bot.Post
	for _, r := range l.router.Route(ctx, inc, alerts) {
		if l.surfaces[l.front(r.Surface, r.Place)] == nil || r.Surface == SurfacePage || len(out) == maxRoutes {
			l.opts.Log.WarnContext(ctx, "an incident has no card where it is routed to", "incident", inc.ID, "surface", r.Surface, "place", r.Place)
			continue
		}
		p := bot.Post{
			Key: at(r.Surface, r.Place) + "/card/" + inc.ID.String(), Surface: r.Surface, Place: r.Place,
			Kind: bot.MessageCard, Incident: inc.ID, OpenedAt: now, Rank: firing(inc),
		}
		if !slices.ContainsFunc(out, func(o bot.Post) bool { return o.Key == p.Key }) {
			out = append(out, p)
		}
	}
	return out, nil
}

// at begins the Key of every Post at a place.
func at(surface, place string) string { return surface + "/" + place }

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
