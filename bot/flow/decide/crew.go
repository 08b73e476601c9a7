package decide

import (
	"sync"
	"time"

	"salve/bot"
)

const (
	maxClashes = 5    // conflicts one after the other, before a row is set aside
	maxAside   = 8192 // rows set aside that a page reads past
)

// crew is the workers, what is in their hands, and what is left alone for a
// while.
type crew struct {
	slots chan struct{}
	rest  time.Duration // how long what fails is left alone
	group sync.WaitGroup

	mu    sync.Mutex
	busy  map[bot.IncidentID]bool // true: it was due again meanwhile
	clash map[bot.IncidentID]int  // conflicts one after the other
	aside map[bot.IncidentID]time.Time
	watch map[bot.IncidentID][]bot.RunID
	quiet time.Time // no complaint is logged before
}

func newCrew(workers int, rest time.Duration) *crew {
	return &crew{
		slots: make(chan struct{}, workers), rest: rest,
		busy: map[bot.IncidentID]bool{}, clash: map[bot.IncidentID]int{},
		aside: map[bot.IncidentID]time.Time{}, watch: map[bot.IncidentID][]bot.RunID{},
	}
}

// take reports whether the Incident is free to be looked at. If it is in hand,
// it is noted that it was due again.
func (c *crew) take(id bot.IncidentID, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, there := c.busy[id]; there {
		c.busy[id] = true
		return false
	}
	if until, there := c.aside[id]; there && now.Before(until) {
		return false
	}
	delete(c.aside, id)
	c.busy[id] = false
	return true
}

// outcome is how a look ended.
type outcome int

const (
	settled outcome = iota
	clashed         // something changed meanwhile
	failed
)

// give ends a look and reports whether the Incident should be looked at again at
// once: it was due again meanwhile, or it clashed. What fails, and what clashes
// all the time, is set aside for a while, so that it spins nobody's wheels.
func (c *crew) give(id bot.IncidentID, how outcome, now time.Time) (again bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	again = c.busy[id] || how == clashed
	delete(c.busy, id)
	if how == settled {
		delete(c.clash, id)
		return again
	}
	c.clash[id]++
	if how == failed || c.clash[id] >= maxClashes {
		delete(c.clash, id)
		if len(c.aside) >= maxAside {
			clear(c.aside) // they are tried early, no more
		}
		c.aside[id] = now.Add(c.rest)
		return false
	}
	return again
}

// past is how many rows a page must read to get past those set aside.
func (c *crew) past() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.aside)
}

func (c *crew) mayComplain(now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Before(c.quiet) {
		return false
	}
	c.quiet = now.Add(c.rest)
	return true
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
