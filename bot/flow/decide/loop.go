package decide

import (
	"context"
	"errors"
	"sync"
	"time"

	"salve/bot"
)

// page is how many due Incidents are read at once.
const page = 256

// crew is the workers and what is in their hands.
type crew struct {
	slots chan struct{}
	group sync.WaitGroup
	mu    sync.Mutex
	busy  map[bot.IncidentID]bool // true: it was due again meanwhile
	watch map[bot.IncidentID][]bot.RunID
}

func newCrew(workers int) *crew {
	return &crew{
		slots: make(chan struct{}, workers),
		busy:  map[bot.IncidentID]bool{}, watch: map[bot.IncidentID][]bot.RunID{},
	}
}

// take reports whether the Incident is free to be looked at. If it is not, it
// is noted that it was due again.
func (c *crew) take(id bot.IncidentID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, there := c.busy[id]; there {
		c.busy[id] = true
		return false
	}
	c.busy[id] = false
	return true
}

// give ends a look and reports whether the Incident was due again meanwhile.
func (c *crew) give(id bot.IncidentID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	again := c.busy[id]
	delete(c.busy, id)
	return again
}

// Run decides until ctx ends, then waits for the looks that have begun. What
// fails is logged and tried again; it gives no error.
func (l *Leg) Run(ctx context.Context) error {
	defer l.crew.group.Wait()
	tick := time.NewTicker(l.opts.Scan)
	defer tick.Stop()
	for {
		l.scan(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-l.wake:
		case <-tick.C:
			l.ended(ctx)
		}
	}
}

// scan hands out what is due, page after page, until there is no more than the
// workers have in hand.
func (l *Leg) scan(ctx context.Context) {
	for ctx.Err() == nil {
		due, err := l.store.DueIncidents(ctx, l.now(), page)
		if err != nil {
			l.complain(ctx, "read due incidents", err)
			return
		}
		if l.handOut(ctx, due) == 0 || len(due) < page {
			return
		}
	}
}

func (l *Leg) handOut(ctx context.Context, due []bot.Incident) int {
	if len(due) == 0 {
		return 0
	}
	out := 0
	brake := l.readBrake(ctx)
	for _, inc := range due {
		if !l.crew.take(inc.ID) {
			continue
		}
		select {
		case l.crew.slots <- struct{}{}:
		case <-ctx.Done():
			l.crew.give(inc.ID)
			return 0
		}
		out++
		l.crew.group.Go(func() { l.work(ctx, inc, brake) })
	}
	return out
}

// work looks at one Incident. A look that has begun is ended even when ctx ends
// meanwhile.
func (l *Leg) work(ctx context.Context, inc bot.Incident, b brakes) {
	defer func() { <-l.crew.slots }()
	err := l.look(context.WithoutCancel(ctx), inc, b)
	again := l.crew.give(inc.ID)
	switch {
	case err == nil:
	case errors.Is(err, bot.ErrConflict):
		again = true
	default:
		l.complain(ctx, "decide about "+inc.ID.String(), err)
		return // the scan comes back to it
	}
	if again {
		l.Wake()
	}
}

func (l *Leg) complain(ctx context.Context, doing string, err error) {
	if ctx.Err() == nil {
		l.opts.Log.WarnContext(ctx, "decision is held up", "doing", doing, "error", err)
	}
}

// watch remembers which Runs an Incident waits for, so that their end is seen
// within a scan; that the Incident becomes due later anyway is what it rests on.
func (l *Leg) watch(id bot.IncidentID, runs []bot.Run) {
	var ids []bot.RunID
	for _, r := range runs {
		if r.Active() {
			ids = append(ids, r.ID)
		}
	}
	l.crew.mu.Lock()
	defer l.crew.mu.Unlock()
	if len(ids) == 0 {
		delete(l.crew.watch, id)
		return
	}
	l.crew.watch[id] = ids
}

// ended looks again at Incidents whose Runs have ended.
func (l *Leg) ended(ctx context.Context) {
	const limit = 2000
	l.crew.mu.Lock()
	waiting := len(l.crew.watch)
	l.crew.mu.Unlock()
	if waiting == 0 {
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
	var again []bot.Incident
	for _, id := range l.crew.over(active) {
		if inc, err := l.store.Incident(ctx, id); err == nil {
			again = append(again, inc)
		}
	}
	l.handOut(ctx, again)
}

// over takes out the Incidents of which a watched Run is not active any more.
func (c *crew) over(active map[bot.RunID]bool) []bot.IncidentID {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []bot.IncidentID
	for id, runs := range c.watch {
		for _, r := range runs {
			if !active[r] {
				out = append(out, id)
				delete(c.watch, id)
				break
			}
		}
	}
	return out
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
