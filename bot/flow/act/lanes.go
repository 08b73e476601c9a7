package act

import (
	"slices"
	"sync"

	"salve/bot"
)

// maxQueued is how many Runs of one lane are remembered while they wait for a
// place; more stay in the store until a later scan.
const maxQueued = 1024

// lanes bound how many Runs are carried at once, in all and for each lane, so
// that a connector that hangs fills its own lane and no other. A Run is known
// from entering until leaving; a known one does not enter again.
type lanes struct {
	all, each int

	mu      sync.Mutex
	running int
	byName  map[string]*lane
	order   []string // lanes where Runs queue; the first is served first
	known   map[bot.RunID]struct{}
}

type lane struct {
	running int
	queue   []bot.RunID
}

func newLanes(all, each int) *lanes {
	return &lanes{all: all, each: each, byName: map[string]*lane{}, known: map[bot.RunID]struct{}{}}
}

// enter reports whether the Run may be carried now, and whether it was taken at
// all: one that has no place now queues, and a leave gives it out later.
func (l *lanes) enter(id bot.RunID, name string) (now, taken bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.known[id]; known {
		return false, false
	}
	ln := l.byName[name]
	if ln == nil {
		ln = &lane{}
		l.byName[name] = ln
	}
	if l.running < l.all && ln.running < l.each && len(ln.queue) == 0 {
		l.known[id] = struct{}{}
		l.running++
		ln.running++
		return true, true
	}
	if len(ln.queue) >= maxQueued {
		return false, false
	}
	l.known[id] = struct{}{}
	if len(ln.queue) == 0 {
		l.order = append(l.order, name)
	}
	ln.queue = append(ln.queue, id)
	return false, true
}

// leave gives the place of a Run back. It hands out the queued Run that takes
// it, lanes in turn; false when none can.
func (l *lanes) leave(id bot.RunID, name string) (bot.RunID, string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.known, id)
	l.running--
	ln := l.byName[name]
	ln.running--
	if ln.running == 0 && len(ln.queue) == 0 {
		delete(l.byName, name)
	}
	for i, n := range l.order {
		if next := l.byName[n]; next.running < l.each {
			return l.pop(i, n, next), n, true
		}
	}
	return 0, "", false
}

func (l *lanes) pop(i int, name string, ln *lane) bot.RunID {
	id := ln.queue[0]
	ln.queue = ln.queue[1:]
	l.order = slices.Delete(l.order, i, i+1)
	if len(ln.queue) > 0 {
		l.order = append(l.order, name)
	}
	ln.running++
	l.running++
	return id
}

func (l *lanes) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.known)
}
