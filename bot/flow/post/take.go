package post

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
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

// oldAfter is when an Incident that is over is not news any more.
const oldAfter = time.Hour

// news is what a batch of Events holds about one Incident.
type news struct {
	id   bot.IncidentID
	seq  int64 // of the newest Event
	mood mood
	said []saying
	runs []runNews
	page int64 // the newest Event that pages
	echo bool  // it is about something else; cards that are there tell of it
}

type saying struct {
	seq   int64
	wakes bool
	once  bool
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
		n.said = append(n.said, saying{seq: e.Seq, wakes: w.wakes, once: w.once})
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
	all := collapse(events)
	if done, err := l.echo(ctx, halted(events), all); !done || err != nil {
		return !done, err
	}
	return len(events) == limit, l.put(ctx, cur, all)
}

// put writes the Posts that the news deserve, and how far that was read. Where
// something has changed since, nothing is written, and less is tried next.
func (l *Leg) put(ctx context.Context, cur bot.Cursor, all []*news) error {
	change := bot.Change{Cursors: []bot.Cursor{cur}}
	now := l.now()
	for i, n := range all {
		// What came first goes first, of all that is read at once too.
		posts, err := l.about(ctx, n, now.Add(time.Duration(i-len(all))*time.Millisecond))
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
	if len(cards) == 0 && !n.echo {
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
		return cmp.Or(cmp.Compare(behind(a), behind(b)), cmp.Compare(a.Key, b.Key))
	})
	var out []bot.Post
	for _, c := range cards {
		if !slices.ContainsFunc(out, func(o bot.Post) bool { return o.Surface == c.Surface && o.Place == c.Place }) {
			out = append(out, c)
		}
	}
	return out
}

// behind is how little a card is the one of its place.
func behind(c bot.Post) int {
	switch {
	case c.Moved == "":
		return 0
	case c.State != bot.PostMoot:
		return 1
	default:
		return 2 // what moved there was left out, for there was one
	}
}

// routed are the cards of an Incident that has none so far. One that is over
// already gets none, unless it was only just, and something happened there: where
// chat was switched off for long it does not begin with what is long past.
func (l *Leg) routed(ctx context.Context, n *news, inc bot.Incident, now time.Time) ([]bot.Post, error) {
	over := inc.State() == bot.IncidentClosed || inc.State() == bot.IncidentMerged
	if old := now.Sub(inc.ClosedAt) > oldAfter; over && (old || len(n.said)+len(n.runs) == 0) {
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
