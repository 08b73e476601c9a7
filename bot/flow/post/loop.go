package post

import (
	"context"
	"fmt"
	"sync"
	"time"

	"salve/bot"
)

// What a search for places with work reads.
const (
	lookPage = 200
	deepPage = 8192
	deepLook = 30 // every so many scans, and at the start
	stirScan = 10 // every so many scans all known places are looked at
)

// Run reads the log and sends until ctx ends. Then it begins nothing more and
// waits for what is on its way; what that leaves undone another start takes up.
func (l *Leg) Run(ctx context.Context) error {
	var crew sync.WaitGroup
	defer crew.Wait()
	if l.opts.Plotter != nil {
		crew.Go(func() { l.draw(ctx) })
	}
	tick := time.NewTicker(scanEvery)
	defer tick.Stop()
	l.scan(ctx, 0)
	for turns, more := 1, true; ; {
		l.opts.Turned()
		if more {
			more = l.read(ctx)
		}
		wait, stop := l.send(ctx, &crew)
		var on <-chan struct{}
		if more {
			on = closed
		}
		select {
		case <-ctx.Done():
			stop()
			return nil
		case <-on:
		case <-l.wake:
			more = true
		case <-l.lanes.changed:
		case <-wait:
		case <-tick.C:
			l.scan(ctx, turns)
			turns++
			more = true
		}
		stop()
	}
}

var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// read takes one batch of Events. It reports whether to go on at once.
func (l *Leg) read(ctx context.Context) bool {
	ctx, cancel := context.WithTimeoutCause(ctx, storeWithin, errStore)
	defer cancel()
	more, err := l.take(ctx)
	if err != nil && ctx.Err() == nil {
		l.opts.Log.WarnContext(ctx, "chat cannot go on with the log, tried again at the next scan", "error", err)
	}
	return more && err == nil
}

var errStore = fmt.Errorf("the store did not answer within %s", storeWithin)

// send starts the lanes that may go. It gives a channel that tells when the next
// one may, and a way to give that up.
func (l *Leg) send(ctx context.Context, crew *sync.WaitGroup) (<-chan time.Time, func()) {
	if ctx.Err() != nil {
		return nil, func() {}
	}
	places, next := l.lanes.ready(time.Now())
	for _, at := range places {
		crew.Go(func() { l.lanes.back(at.lane, l.turn(ctx, at), time.Now()) })
	}
	if next.IsZero() {
		return nil, func() {}
	}
	timer := time.NewTimer(time.Until(next))
	return timer.C, func() { timer.Stop() }
}

// scan finds what hints have left, and does what is done by the clock.
func (l *Leg) scan(ctx context.Context, turns int) {
	ctx, cancel := context.WithTimeoutCause(ctx, storeWithin, errStore)
	defer cancel()
	page := lookPage
	if turns%deepLook == 0 {
		page = deepPage
	}
	if turns%stirScan == 0 {
		l.lanes.stirAll(time.Now())
	}
	for _, do := range []struct {
		what string
		now  func(context.Context) error
	}{
		{"what is due cannot be found", func(ctx context.Context) error { return l.look(ctx, page) }},
		{"questions that end soon cannot be looked for", l.expiring},
		{"the week cannot be told", l.weekly},
		{"what waits while chat is down cannot be paged", l.standIn},
	} {
		if err := do.now(ctx); err != nil && ctx.Err() == nil {
			l.opts.Log.WarnContext(ctx, do.what+", tried again at the next scan", "error", err)
		}
	}
}

// look finds the places where something is due. One that is full of work hides
// no other for long: now and then more is read.
func (l *Leg) look(ctx context.Context, page int) error {
	now := l.now()
	for _, name := range l.names {
		due, err := l.store.Posts(ctx, bot.PostQuery{Surface: name, Due: now, Limit: page})
		if err != nil {
			return fmt.Errorf("read what is due on %s: %w", name, err)
		}
		seen := map[string]bool{}
		for _, p := range due {
			if seen[p.Place] {
				continue
			}
			mine := l.opts.Share(p.Place)
			if !mine && now.Sub(p.DueAt) < othersAfter {
				continue
			}
			seen[p.Place] = true
			l.lanes.stir(name, p.Place, mine)
		}
	}
	return nil
}

// Idle reports whether everything that has happened is shown and nothing waits to
// be, now or later.
func (l *Leg) Idle(ctx context.Context) (bool, error) {
	cur, err := l.store.Cursor(ctx, cursorName)
	if err != nil {
		return false, fmt.Errorf("read how far the log was told: %w", err)
	}
	news, err := l.store.Events(ctx, bot.EventQuery{After: cur.Seq, Limit: 1})
	if err != nil || len(news) > 0 {
		return false, err
	}
	due, err := l.store.Posts(ctx, bot.PostQuery{Due: time.Now().Add(idleFor), Limit: 1})
	return err == nil && len(due) == 0, err
}

// idleFor is how far ahead nothing may be due.
const idleFor = 24 * time.Hour
