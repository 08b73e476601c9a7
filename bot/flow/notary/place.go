package notary

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"salve/bot"
	"salve/bot/audit"
)

const (
	placeTimeout = 10 * time.Second
	firstRest    = 5 * time.Second
	longestRest  = 5 * time.Minute
)

// place is a Place with what is known of it. The leg's mutex guards it.
type place struct {
	Place
	met    bool             // it was asked what it has
	has    audit.Checkpoint // the newest head there
	note   []byte           // which is this
	behind time.Time        // when the oldest Event was written that no head there covers; zero: none
	err    error
	rest   time.Duration
	retry  time.Time
}

// meet asks the places that were not asked yet which head is their newest. One
// that answers may know of a log that this one does not go on from.
func (l *Leg) meet(ctx context.Context, now time.Time) {
	hint := l.signed.Size
	for _, p := range l.places {
		if p.met || now.Before(p.retry) {
			hint = max(hint, p.has.Size)
			continue
		}
		has, note, err := l.ask(ctx, p, hint)
		l.set(func() { p.outcome(err, now) })
		if err != nil {
			l.complain(ctx, p, "the heads at a place cannot be read", err)
			continue
		}
		hint = max(hint, has.Size)
		l.set(func() { p.met, p.has, p.note = true, has, note })
		if has.Size > 0 && !same(has, l.signed) {
			l.stale = true
		}
	}
}

func same(a, b audit.Checkpoint) bool {
	return a.Size == b.Size && a.Root == b.Root && a.Head == b.Head
}

// forget makes the next meeting ask every place again: others may write there.
func (l *Leg) forget() {
	l.set(func() {
		for _, p := range l.places {
			p.met = false
		}
	})
}

// ask reads the newest head of a place. One that no trusted key has signed is as
// bad as a place that does not answer: nothing can be compared with it.
func (l *Leg) ask(ctx context.Context, p *place, hint int64) (audit.Checkpoint, []byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, placeTimeout, fmt.Errorf("no answer within %s", placeTimeout))
	defer cancel()
	note, err := p.Newest(ctx, hint)
	if err != nil || note == nil {
		return audit.Checkpoint{}, nil, err
	}
	c, err := l.keys.Open(note)
	if err != nil {
		return audit.Checkpoint{}, nil, fmt.Errorf("the newest head there: %w; add the public key that signed it to audit.keys, or find out who wrote it", err)
	}
	return c, note, nil
}

// deliver writes the signed head to the places that do not have it, all at once.
func (l *Leg) deliver(ctx context.Context, now time.Time) error {
	var wg sync.WaitGroup
	errs := make([]error, len(l.places))
	for i, p := range l.places {
		if !p.met || p.has.Size >= l.signed.Size || now.Before(p.retry) {
			continue
		}
		wg.Go(func() {
			ctx, cancel := context.WithTimeoutCause(ctx, placeTimeout, fmt.Errorf("no answer within %s", placeTimeout))
			defer cancel()
			errs[i] = p.Put(ctx, l.signed.Size, l.note)
			l.set(func() {
				if p.outcome(errs[i], now); errs[i] == nil {
					p.has, p.note, p.behind = l.signed, l.note, time.Time{}
				}
			})
		})
	}
	wg.Wait()
	for i, p := range l.places {
		if errs[i] != nil {
			l.complain(ctx, p, "a signed head of the audit log could not be written", errs[i])
		}
		if errors.Is(errs[i], bot.ErrConflict) { // another head of this size is there
			l.set(func() { p.met = false })
			l.stale = true
		}
	}
	return l.measure(ctx)
}

// outcome notes how a call to the place ended.
func (p *place) outcome(err error, now time.Time) {
	p.err = err
	if err == nil {
		p.rest, p.retry = 0, time.Time{}
		return
	}
	p.rest = min(max(2*p.rest, firstRest), longestRest)
	p.retry = now.Add(p.rest)
}

func (l *Leg) complain(ctx context.Context, p *place, what string, err error) {
	l.log.WarnContext(ctx, what, "place", p.Name(), "err", err, "again_in", p.rest.String())
}

// measure finds since when each place is behind.
func (l *Leg) measure(ctx context.Context) error {
	for _, p := range l.places {
		if p.has.Size >= l.newest.Seq || !p.behind.IsZero() {
			continue
		}
		next, err := l.store.Events(ctx, bot.EventQuery{After: p.has.Size, Limit: 1})
		if err != nil {
			return err
		}
		if len(next) > 0 {
			l.set(func() { p.behind = next[0].At })
		}
	}
	return nil
}
