package hear

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"salve/bot"
)

const (
	scanEvery   = time.Second
	scanned     = 64               // rows of one scan
	leaseFor    = 30 * time.Second // for which a Gesture that was taken up is this process'
	leaseRest   = 5 * time.Second  // of it that must be left to begin
	maxAttempts = 5
	tooOld      = 10 * time.Minute // after which a person may not mean it any more
	tellEvery   = 10 * time.Second // how often a user is told that it is too much
	maxUndone   = 10_000
)

// Run works on Gestures until ctx ends, and then ends what is in hand. What waits
// stays in the store for whoever runs next.
func (l *Leg) Run(ctx context.Context) error {
	var crew sync.WaitGroup
	for range l.opts.Workers {
		crew.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case j := <-l.queue:
					l.serve(ctx, j)
				}
			}
		})
	}
	tick := time.NewTicker(scanEvery)
	defer tick.Stop()
	for {
		l.opts.Turned()
		l.scan(ctx)
		select {
		case <-ctx.Done():
			crew.Wait()
			l.last(ctx)
			return nil
		case <-tick.C:
		}
	}
}

// last carries out what is no row and was said to be heard: halts, while the store
// was down. All else is taken up by whoever runs next.
func (l *Leg) last(ctx context.Context) {
	for {
		select {
		case j := <-l.queue:
			if j.Version == 0 && !j.flood {
				l.serve(ctx, j)
			} else {
				l.letGo(j.Gesture)
			}
		default:
			return
		}
	}
}

// scan takes up what is due: what a crash cut off, and what found no room.
func (l *Leg) scan(ctx context.Context) {
	l.writeUndone(ctx)
	if len(l.queue) > queued/2 {
		return // taking up more than there is room for would use up its attempts
	}
	due, err := l.Store.DueGestures(ctx, instant(time.Now()), scanned)
	if err != nil {
		if ctx.Err() == nil {
			l.log.WarnContext(ctx, "due gestures cannot be read", "err", err)
		}
		return
	}
	for _, g := range due {
		if !l.takeUp(g) {
			continue
		}
		g, ok := l.lease(ctx, g)
		if !ok {
			l.letGo(g)
			continue
		}
		_ = l.enqueue(job{Gesture: g}) // it is a row: without room it comes again
	}
}

// takeUp takes a row in hand, if this process has it not.
func (l *Leg) takeUp(g bot.Gesture) bool {
	l.mu.Lock()
	_, answered := l.undone[g.Key]
	held := l.hands[g.Key]
	if !answered && !held {
		l.hands[g.Key] = true
		l.waiting[g.Surface+" "+g.User.ID]++
	}
	l.mu.Unlock()
	return !answered && !held
}

// lease makes a row this process' for a while; false: another has it.
func (l *Leg) lease(ctx context.Context, g bot.Gesture) (bot.Gesture, bool) {
	ctx, cancel := context.WithTimeoutCause(ctx, hearTimeout, errSlow)
	defer cancel()
	g.Attempts, g.DueAt = g.Attempts+1, instant(time.Now()).Add(leaseFor)
	_, err := l.Store.Commit(ctx, bot.Change{Gestures: []bot.Gesture{g}})
	if err != nil {
		if !errors.Is(err, bot.ErrConflict) {
			l.log.WarnContext(ctx, "a gesture could not be taken up", "gesture", g.Key, "err", err)
		}
		return g, false
	}
	g.Version++
	return g, true
}

// serve works on one Gesture to its end. It is cut by its own deadline only, so
// that stopping ends what was begun.
func (l *Leg) serve(ctx context.Context, j job) {
	defer l.letGo(j.Gesture)
	ctx = context.WithoutCancel(ctx)
	g := j.Gesture
	if j.flood {
		l.attempt(ctx, g, (*turn).flooded)
		return
	}
	if g.Version > 0 && time.Until(g.DueAt) < leaseRest { // it waited long; another may be at it
		again, ok := l.again(ctx, g)
		if !ok {
			return
		}
		g = again
	}
	l.finish(ctx, g, l.attempt(ctx, g, (*turn).work))
}

// again reads a Gesture anew and leases it.
func (l *Leg) again(ctx context.Context, g bot.Gesture) (bot.Gesture, bool) {
	wait, cancel := context.WithTimeoutCause(ctx, hearTimeout, errSlow)
	defer cancel()
	now, err := l.Store.Gesture(wait, g.Key)
	if err != nil || now.Done || now.Version != g.Version {
		return g, false
	}
	return l.lease(ctx, now)
}

// attempt works on a Gesture; one that panics fails alone.
func (l *Leg) attempt(ctx context.Context, g bot.Gesture, do func(*turn, context.Context) string) (result string) {
	ctx, cancel := context.WithTimeoutCause(ctx, workTimeout, errSlow)
	defer cancel()
	v, ok := l.venues[g.Surface]
	if !ok {
		return "not carried out: " + g.Surface + " is not configured any more"
	}
	t := &turn{Leg: l, g: g, venue: v, to: g, now: time.Now()}
	defer func() {
		if p := recover(); p != nil {
			l.log.ErrorContext(ctx, "a gesture panicked", "gesture", g.Key, "surface", g.Surface, "kind", g.Kind, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			result = "failed: an error inside of Salve"
			t.apologise(ctx)
		}
	}()
	if g.Attempts > maxAttempts {
		return t.refuse(ctx, bot.Refuse(bot.RefusedLater, fmt.Sprintf("This came to no end %d times and is given up; it is not known whether it was done.", maxAttempts), "Look before you say it again: salve list"))
	}
	return do(t, ctx)
}

// finish writes down what became of a Gesture. Until that is written, this
// process does not take it up again.
func (l *Leg) finish(ctx context.Context, g bot.Gesture, result string) {
	if g.Version == 0 {
		return // it never was a row
	}
	g = over(g, result)
	if l.write(ctx, g) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.undone) < maxUndone {
		l.undone[g.Key] = g
	}
}

const maxResult = 300 // runes, of what was said too

// over is a Gesture that is done: what opens something is dropped, and of what
// was said so much is kept that people see what it was.
func over(g bot.Gesture, result string) bot.Gesture {
	g.Done, g.Result, g.Text, g.Fields, g.Handles = true, short(result, maxResult), short(g.Text, maxResult), nil, nil
	return g
}

// write reports whether there is no more to write.
func (l *Leg) write(ctx context.Context, g bot.Gesture) bool {
	ctx, cancel := context.WithTimeoutCause(ctx, hearTimeout, errSlow)
	defer cancel()
	_, err := l.Store.Commit(ctx, bot.Change{Gestures: []bot.Gesture{g}})
	if err == nil || errors.Is(err, bot.ErrConflict) {
		return true
	}
	l.log.WarnContext(ctx, "what became of a gesture is not written yet", "gesture", g.Key, "err", err)
	return false
}

func (l *Leg) writeUndone(ctx context.Context) {
	l.mu.Lock()
	list := slices.Collect(maps.Values(l.undone))
	l.mu.Unlock()
	for _, g := range list {
		if !l.write(ctx, g) {
			return
		}
		l.mu.Lock()
		delete(l.undone, g.Key)
		l.mu.Unlock()
	}
}

// tooMuch tells a user, now and then, that more waits than is taken.
func (l *Leg) tooMuch(ctx context.Context, g bot.Gesture) {
	user, now := g.Surface+" "+g.User.ID, time.Now()
	l.mu.Lock()
	for u, at := range l.told {
		if now.Sub(at) >= tellEvery {
			delete(l.told, u)
		}
	}
	_, lately := l.told[user]
	if !lately {
		l.told[user] = now
	}
	l.mu.Unlock()
	if lately {
		return
	}
	l.log.WarnContext(ctx, "a user does more than is taken", "surface", g.Surface, "user", g.User.ID)
	l.mu.Lock()
	l.waiting[user]++
	l.mu.Unlock()
	if err := l.enqueue(job{Gesture: g, flood: true}); err != nil {
		l.log.WarnContext(ctx, "a user could not be told that it is too much", "surface", g.Surface, "user", g.User.ID, "err", err)
	}
}
