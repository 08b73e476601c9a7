package decide

import (
	"context"
	"errors"
	"time"

	"salve/bot"
)

const (
	pageSize = 256                  // due Incidents read at once
	idle     = 2 * time.Millisecond // from a scan that found nothing to the next
)

// page is what was read for a whole page of due Incidents.
type page struct {
	brakes
	alerts map[bot.IncidentID][]bot.Alert // of those that have few
}

// Run decides until ctx ends, then waits for the looks that have begun. What
// fails is logged and tried again; it gives no error.
func (l *Leg) Run(ctx context.Context) error {
	defer l.crew.group.Wait()
	tick := time.NewTicker(l.opts.Scan)
	defer tick.Stop()
	scanning := true
	for {
		next := time.Now()
		if scanning && !l.scan(ctx) {
			next = next.Add(idle) // commits that follow at once make nothing due either, as a rule
		}
		scanning = true
		select {
		case <-ctx.Done():
			return nil
		case <-l.wake:
			time.Sleep(time.Until(next))
		case id := <-l.hints:
			l.lookAt(ctx, id)
			scanning = false
		case <-tick.C:
			l.ended(ctx)
		}
	}
}

// scan hands out what is due, page after page, until there is no more than the
// workers have in hand. It reports whether there was anything.
func (l *Leg) scan(ctx context.Context) (found bool) {
	for ctx.Err() == nil {
		l.opts.Turned()
		limit := pageSize + l.crew.past()
		due, err := l.store.DueIncidents(ctx, l.now().Add(-l.opts.Spread), limit)
		if err != nil {
			l.complain(ctx, "read due incidents", err)
			return found
		}
		l.crowded.Store(len(due)-l.crew.past() >= crowd)
		out := l.handOut(ctx, due)
		found = found || out > 0
		if out == 0 || len(due) < limit {
			return found
		}
	}
	return found
}

// lookAt looks at the Incidents that hints name, together with those that wait.
func (l *Leg) lookAt(ctx context.Context, id bot.IncidentID) {
	var due []bot.Incident
	for {
		inc, err := l.store.Incident(ctx, id)
		if err == nil && !inc.DueAt.IsZero() && !inc.DueAt.After(l.now()) {
			due = append(due, inc)
		}
		if len(due) == pageSize {
			break
		}
		var more bool
		if id, more = l.nextHint(); !more {
			break
		}
	}
	l.handOut(ctx, due)
}

func (l *Leg) nextHint() (bot.IncidentID, bool) {
	select {
	case id := <-l.hints:
		return id, true
	default:
		return 0, false
	}
}

func (l *Leg) handOut(ctx context.Context, due []bot.Incident) int {
	if len(due) == 0 {
		return 0
	}
	out := 0
	known := page{brakes: l.readBrake(ctx), alerts: l.readAlerts(ctx, due)}
	for _, inc := range due {
		if !l.crew.take(inc.ID, l.now()) {
			continue
		}
		select {
		case l.crew.slots <- struct{}{}:
		case <-ctx.Done():
			l.crew.give(inc.ID, settled, l.now())
			return 0
		}
		out++
		l.crew.group.Go(func() { l.work(ctx, inc, known) })
	}
	return out
}

// work looks at one Incident. A look that has begun is ended even when ctx ends
// meanwhile.
func (l *Leg) work(ctx context.Context, inc bot.Incident, known page) {
	defer func() { <-l.crew.slots }()
	ctx = bot.About(ctx, inc.ID, 0)
	err := l.look(context.WithoutCancel(ctx), inc, known)
	how := settled
	switch {
	case errors.Is(err, bot.ErrConflict):
		how = clashed
	case err != nil:
		how = failed
		l.complain(ctx, "decide about "+inc.ID.String(), err)
	}
	if l.crew.give(inc.ID, how, l.now()) {
		l.Wake()
	}
}

// complain logs what holds decisions up, once a scan: a store that fails holds
// up all of them.
func (l *Leg) complain(ctx context.Context, doing string, err error) {
	if ctx.Err() == nil && l.crew.mayComplain(l.now()) {
		l.opts.Log.WarnContext(ctx, "decision is held up", "doing", doing, "error", err)
	}
}

// ended looks again at Incidents whose Runs have ended.
func (l *Leg) ended(ctx context.Context) {
	const limit = 2000
	l.crew.mu.Lock()
	waiting := len(l.crew.watch)
	l.crew.mu.Unlock()
	if waiting == 0 || l.catchingUp.Load() {
		return
	}
	runs, err := l.store.Runs(ctx, bot.RunQuery{Active: true, Limit: limit})
	if err != nil || len(runs) == limit {
		return // the due times will tell
	}
	active := map[bot.RunID]bool{}
	for _, r := range runs {
		active[r.ID] = true
	}
	over := l.crew.over(active)
	if len(over) == 0 || !l.catchingUp.CompareAndSwap(false, true) {
		return
	}
	l.crew.group.Go(func() {
		defer l.catchingUp.Store(false)
		l.catchUp(ctx, over)
	})
}

// catchUp looks at Incidents one after the other, so that new ones never wait
// behind them.
func (l *Leg) catchUp(ctx context.Context, ids []bot.IncidentID) {
	known := page{brakes: l.readBrake(ctx)}
	for _, id := range ids {
		inc, err := l.store.Incident(ctx, id)
		if err != nil || ctx.Err() != nil {
			continue // the due times will tell
		}
		if !l.crew.take(id, l.now()) {
			continue
		}
		select {
		case l.crew.slots <- struct{}{}:
			l.work(ctx, inc, known)
		case <-ctx.Done():
			l.crew.give(id, settled, l.now())
		}
	}
}

// brakes is the halts as they were read for a page.
type brakes struct {
	halts   []bot.Halt
	missing []string
}

func (l *Leg) readBrake(ctx context.Context) brakes {
	halts, err := l.brake.Halts(ctx)
	if err != nil {
		l.complain(ctx, "read the halts", err)
		return brakes{missing: []string{"which halts stand"}}
	}
	return brakes{halts: halts}
}

// few is how many alerts an Incident has at most to be read together with
// others.
const few = 8

// readAlerts reads the alerts of Incidents that have few, all at once. What it
// lacks each look reads for itself.
func (l *Leg) readAlerts(ctx context.Context, due []bot.Incident) map[bot.IncidentID][]bot.Alert {
	var ids []bot.IncidentID
	for _, inc := range due {
		if inc.Total <= few {
			ids = append(ids, inc.ID)
		}
	}
	if len(ids) < 2 {
		return nil
	}
	alerts, err := l.store.AlertsOfMany(ctx, ids)
	if err != nil {
		return nil
	}
	return alerts
}
