package tell

import (
	"context"
	"slices"

	"salve/bot"
)

// maxHints is how many ids a waiting hint may name before it says "anything".
const maxHints = 256

// subscriber holds at most one hint: what was not read is merged with the next.
type subscriber struct{ ch chan bot.Touched }

// Subscribe gives what commits touch from now on, until ctx ends; then the
// channel is closed. Hints that are not read are merged. A zero Touched says
// that too much changed to be listed: look at everything.
func (l *Leg) Subscribe(ctx context.Context) <-chan bot.Touched {
	s := &subscriber{ch: make(chan bot.Touched, 1)}
	l.mu.Lock()
	l.subs[s] = struct{}{}
	l.mu.Unlock()
	context.AfterFunc(ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.subs, s)
		close(s.ch)
	})
	return s.ch
}

// Publish tells every subscriber. It never waits for one.
func (l *Leg) Publish(t bot.Touched) {
	if size(t) == 0 && !t.Halts {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for s := range l.subs {
		s.offer(t)
	}
}

// offer is called with the lock held, so that nobody else sends: there is room
// after the waiting hint was taken out.
func (s *subscriber) offer(t bot.Touched) {
	select {
	case waiting := <-s.ch:
		t = merge(waiting, t)
	default:
		t = clip(t)
	}
	s.ch <- t
}

func merge(a, b bot.Touched) bot.Touched {
	if size(a) == 0 && !a.Halts {
		return a // it says "anything" already
	}
	return clip(bot.Touched{
		Incidents: join(a.Incidents, b.Incidents),
		Runs:      join(a.Runs, b.Runs),
		Approvals: join(a.Approvals, b.Approvals),
		Halts:     a.Halts || b.Halts,
	})
}

func join[T comparable](a, b []T) []T {
	out := slices.Clip(a)
	for _, id := range first(b, maxHints+1) {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// clip turns a hint that names too much into one that says "anything".
func clip(t bot.Touched) bot.Touched {
	if size(t) > maxHints {
		return bot.Touched{}
	}
	return t
}

func size(t bot.Touched) int { return len(t.Incidents) + len(t.Runs) + len(t.Approvals) }

func first[T any](list []T, n int) []T { return list[:min(n, len(list))] }
