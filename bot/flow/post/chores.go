package post

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"salve/bot"
)

// How often what is done by the clock is looked at.
const (
	expiringEvery = 10 * time.Second
	weeklyEvery   = 10 * time.Second
	standInEvery  = 30 * time.Second
)

// When people hear that a question ends soon.
const (
	lastPart    = 5 // of the time that a question has, the last fifth
	lastMinutes = 10 * time.Minute
)

// lately reports whether a chore was done less than every ago, and notes that it
// is done now.
func (l *Leg) lately(chore string, every time.Duration) bool {
	now := time.Now()
	if last, ok := l.chores[chore]; ok && now.Sub(last) < every {
		return true
	}
	l.chores[chore] = now
	return false
}

// expiring writes an Event about each question whose time is nearly over; chat
// follows from it. A Cursor whose Seq is a time in milliseconds holds up to when
// questions were looked at, so that each is told once, whoever looks.
func (l *Leg) expiring(ctx context.Context) error {
	if l.lately("expiring", expiringEvery) {
		return nil
	}
	now := l.now()
	if mine, err := l.opts.Mine(ctx, now); err != nil || !mine {
		return err
	}
	cur, err := l.store.Cursor(ctx, "expiring")
	if err != nil {
		return err
	}
	if cur.Seq > now.UnixMilli() { // a clock was ahead: told twice is better than not at all
		cur.Seq = now.Add(-lastMinutes).UnixMilli()
	}
	open, err := l.store.Approvals(ctx, bot.ApprovalQuery{States: []bot.ApprovalState{bot.ApprovalPending}, Limit: openLimit})
	if err != nil {
		return err
	}
	change := bot.Change{}
	for _, a := range open {
		if at := nearlyOver(a); at.UnixMilli() > cur.Seq && !at.After(now) && now.Before(a.ExpiresAt) {
			change.Events = append(change.Events, bot.Event{
				At: now, Kind: bot.EventExpiring, Actor: bot.Salve, Incident: a.Incident, Plan: a.Plan, Approval: a.ID,
				Text: fmt.Sprintf("nobody has decided about %s on %s, which is asked until %s", a.Playbook, a.Target, a.ExpiresAt.UTC().Format("15:04 UTC")),
			})
		}
	}
	if len(change.Events) == 0 {
		return nil
	}
	cur.Seq = now.UnixMilli()
	change.Cursors = []bot.Cursor{cur}
	_, err = l.store.Commit(ctx, change)
	if errors.Is(err, bot.ErrConflict) {
		return nil // another process has told it
	}
	if err == nil {
		l.Wake()
	}
	return err
}

// nearlyOver is when a fifth of its time is left, or ten minutes if that is less.
func nearlyOver(a bot.Approval) time.Time {
	return a.ExpiresAt.Add(-min(a.ExpiresAt.Sub(a.OpenedAt)/lastPart, lastMinutes))
}

// maxWeeks bounds how many weeks that nobody told are passed over at once.
const maxWeeks = 1000

// weekly makes a Post when the time for it has come; of weeks that were missed
// only the last is told. A Cursor whose Seq is a time in milliseconds holds up to
// when that was done.
func (l *Leg) weekly(ctx context.Context) error {
	if l.lately("weekly", weeklyEvery) {
		return nil
	}
	var errs []error
	for _, w := range l.opts.Weekly {
		errs = append(errs, l.tellWeek(ctx, w))
	}
	return errors.Join(errs...)
}

func (l *Leg) tellWeek(ctx context.Context, w Weekly) error {
	now := l.now()
	cur, err := l.store.Cursor(ctx, "weekly/"+at(w.Surface, w.Place))
	if err != nil {
		return err
	}
	change := bot.Change{}
	if cur.Version == 0 {
		cur.Seq = now.UnixMilli() // the first start: nothing was missed
	} else {
		due, err := lastDue(w, time.UnixMilli(cur.Seq).UTC(), now)
		if err != nil || due.IsZero() {
			return err
		}
		cur.Seq = due.UnixMilli()
		change.Posts = []bot.Post{{
			Key: at(w.Surface, w.Place) + "/weekly/" + due.UTC().Format("2006-01-02T15:04Z"), Surface: w.Surface, Place: w.Place,
			Kind: bot.MessageWeekly, State: bot.PostDue, Rank: rankWeekly, DueAt: now, OpenedAt: due, Wanted: 1, Nonce: secret(),
		}}
	}
	change.Cursors = []bot.Cursor{cur}
	_, err = l.store.Commit(ctx, change)
	if errors.Is(err, bot.ErrConflict) {
		return nil
	}
	l.lanes.stir(w.Surface, w.Place, l.opts.Share(w.Place))
	return err
}

// lastDue is the last time between the two that a week is to be told; zero: none.
func lastDue(w Weekly, after, now time.Time) (due time.Time, err error) {
	for range maxWeeks {
		next, err := w.Next(after)
		if err != nil {
			return due, fmt.Errorf("when the week is told: %w", err)
		}
		if next.After(now) || !next.After(after) {
			break
		}
		due, after = next, next
	}
	return due, nil
}

func (l *Leg) makeWeekly(ctx context.Context, p bot.Post) (made, error) {
	if l.opts.Week == nil {
		return moot("weeks are not told any more"), nil
	}
	m, err := l.opts.Week(ctx, p.Surface, p.OpenedAt.AddDate(0, 0, -7), p.OpenedAt)
	if err != nil {
		return made{}, fmt.Errorf("tell the week: %w", err)
	}
	return made{message: m}, nil
}

// maxStandIns bounds how many notices page at once while chat is down.
const maxStandIns = 200

// standIn pages for notices that call for people and wait because their surface
// is down for long.
func (l *Leg) standIn(ctx context.Context) error {
	if l.opts.Pagers == nil || l.lately("stand-in", standInEvery) {
		return nil
	}
	now := l.now()
	fronts, _ := l.lanes.state()
	for key, f := range fronts {
		name, place, _ := strings.Cut(key, "/")
		since := f.out()
		if name == SurfacePage || since.IsZero() || now.Sub(since) < l.opts.PageAfter {
			continue
		}
		due, err := l.store.Posts(ctx, bot.PostQuery{Surface: name, Place: place, Due: now, Limit: maxStandIns})
		if err != nil {
			return err
		}
		for _, p := range due {
			if p.Kind == bot.MessageNotice && p.Rank == rankNotice && p.Mark == (bot.Mark{}) {
				if err := l.pageFor(ctx, p, now); err != nil {
					return fmt.Errorf("%s: %w", p.Key, err)
				}
			}
		}
	}
	return nil
}

// pageFor makes a notice that cannot be posted page, once.
func (l *Leg) pageFor(ctx context.Context, notice bot.Post, now time.Time) error {
	inc, err := l.store.Incident(ctx, notice.Incident)
	if errors.Is(err, bot.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, name := range l.pagers(inc) {
		made := page(name, inc.ID, now)
		p, err := l.store.Post(ctx, made.Key)
		if errors.Is(err, bot.ErrNotFound) {
			p, err = made, nil
		}
		if err != nil {
			return err
		}
		if p.Moved != "" && p.About >= notice.About {
			continue // it is told
		}
		p.Moved, p.About, p.Wanted = notice.Surface+" is down", max(p.About, notice.About), max(p.Wanted+1, notice.Wanted)
		if p.State != bot.PostDue {
			p.State, p.DueAt, p.Attempts = bot.PostDue, now, 0
		}
		if _, err := l.write(ctx, p); err != nil {
			return err
		}
		l.lanes.stir(p.Surface, p.Place, l.opts.Share(p.Place))
	}
	return nil
}

// page is the one page of a pager for an Incident.
func page(pager string, id bot.IncidentID, now time.Time) bot.Post {
	return bot.Post{
		Key: at(SurfacePage, pager) + "/" + id.String(), Surface: SurfacePage, Place: pager, Kind: bot.MessagePage,
		Incident: id, OpenedAt: now, Rank: rankUrgent,
	}
}
