package post

import (
	"math/rand/v2"
	"sync"
	"time"
)

// What lanes keep to.
const (
	perSurface = 64 // places of one surface that are sent to at once
	minBackoff = time.Second
	maxBackoff = time.Minute
	maxSilence = 15 * time.Minute // whatever a surface asks for
	deniedRest = time.Minute      // between two tries of a surface that takes no credentials
	laneLives  = time.Hour        // a lane without work is forgotten
)

// lanes bound what is sent: one Message at a time at one place, with a rest after
// each, and nothing on a surface that asked for silence. A place that fails waits
// alone.
type lanes struct {
	pace    map[string]time.Duration
	behind  func(surface, place string) string // the front of a place
	changed chan struct{}

	mu     sync.Mutex
	byKey  map[string]*lane
	fronts map[string]*front
}

// lane is one place.
type lane struct {
	surface, place string
	front          string
	mine           bool
	stirred        bool // something may be due
	busy           bool
	rest           time.Time // nothing before
	edits          time.Time // no edit before
	fails          int
	last           time.Time
	stuck          string // why nothing can be put there, for people
}

// front is how a surface is found.
type front struct {
	busy    int
	silent  time.Time // nothing before
	denied  time.Time // since when; zero: it is not
	down    time.Time // since when nothing was taken; zero: it takes
	refused time.Time // when it last refused a Message in every form
	why     string
}

func newLanes(pace map[string]time.Duration, behind func(surface, place string) string) *lanes {
	l := &lanes{pace: pace, behind: behind, changed: make(chan struct{}, 1), byKey: map[string]*lane{}, fronts: map[string]*front{}}
	for name := range pace {
		l.fronts[name] = &front{}
	}
	return l
}

// stir hints that something may be due at a place. It reports whether the place
// was not known.
func (l *lanes) stir(surface, place string, mine bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	front := l.behind(surface, place)
	if l.fronts[front] == nil {
		return false // nothing is behind it in this process
	}
	key := at(surface, place)
	ln, known := l.byKey[key]
	if !known {
		ln = &lane{surface: surface, place: place, front: front}
		l.byKey[key] = ln
	}
	ln.stirred, ln.mine, ln.last = true, mine, time.Now()
	l.change()
	return !known
}

// stirAll hints that something may be due anywhere, and forgets places where
// nothing was for long.
func (l *lanes) stirAll(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, ln := range l.byKey {
		if !ln.busy && now.Sub(ln.last) > laneLives {
			delete(l.byKey, key)
			continue
		}
		ln.stirred = true
	}
}

func (l *lanes) change() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// place is where a turn sends to.
type place struct {
	surface, name string
	mine          bool
	still         bool // nothing is edited there now
	lane          *lane
}

// ready gives the places that may be sent to now, and takes them; and when the
// next of the others may.
func (l *lanes) ready(now time.Time) (out []place, next time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, ln := range l.byKey {
		if !ln.stirred || ln.busy {
			continue
		}
		f := l.fronts[ln.front]
		if f.busy >= perSurface || !f.denied.IsZero() && f.busy > 0 {
			continue // whoever comes back looks again
		}
		if when := later(ln.rest, f.silent); when.After(now) {
			if next.IsZero() || when.Before(next) {
				next = when
			}
			continue
		}
		ln.busy, ln.stirred = true, false
		f.busy++
		out = append(out, place{surface: ln.surface, name: ln.place, mine: ln.mine, still: ln.edits.After(now), lane: ln})
	}
	return out, next
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// end is what came of a turn.
type end struct {
	what  ending
	more  bool          // there may be more to do at the place
	after time.Duration // later: for how long to be silent; 0: as after a failure
	why   string
}

type ending int

const (
	endIdle   ending = iota // the surface was not asked
	endSent                 // it took something, or answered
	endLater                // it wants silence at this place
	endEdit                 // it takes no edits at this place for a while; what is new may go
	endQuiet                // or everywhere
	endDown                 // it did not take anything
	endDenied               // it does not take our credentials
	endStuck                // there is nowhere to put it
)

// back takes a lane back.
func (l *lanes) back(ln *lane, e end, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.change()
	f := l.fronts[ln.front]
	f.busy--
	ln.busy, ln.last = false, now
	ln.stirred = ln.stirred || e.more
	if e.what != endIdle {
		f.met(e, now)
	}
	switch e.what {
	case endIdle:
	case endSent:
		ln.fails, ln.stuck, ln.rest = 0, "", now.Add(l.pace[ln.front])
	case endEdit:
		ln.edits = now.Add(silence(e.after))
	case endLater:
		ln.rest = now.Add(silence(e.after))
	case endQuiet:
		f.silent = later(f.silent, now.Add(silence(e.after)))
	case endDenied:
		f.silent = now.Add(deniedRest)
	case endStuck:
		ln.fails++
		ln.stuck, ln.rest = e.why, now.Add(backOff(ln.fails))
	default:
		ln.fails++
		ln.rest = now.Add(max(backOff(ln.fails), l.pace[ln.front]))
	}
}

// met notes how the surface is found.
func (f *front) met(e end, now time.Time) {
	switch e.what {
	case endDown:
		if f.down.IsZero() {
			f.down = now
		}
		f.why = e.why
	case endDenied:
		if f.denied.IsZero() {
			f.denied = now
		}
		f.why = e.why
	case endSent, endStuck:
		f.down, f.denied = time.Time{}, time.Time{}
	}
}

func silence(after time.Duration) time.Duration {
	return min(max(after, time.Second), maxSilence)
}

// backOff is the pause after the n-th failure, give or take a fifth.
func backOff(n int) time.Duration {
	d := min(minBackoff<<min(n-1, 10), maxBackoff)
	return d - d/5 + rand.N(2*d/5)
}

// refusedOne notes that a surface refused a Message.
func (l *lanes) refusedOne(front string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fronts[front].refused = now
}

// stuckAt is a place where nothing can be put.
type stuckAt struct{ surface, place, why string }

// state is how the surfaces are found, and where nothing can be put.
func (l *lanes) state() (map[string]front, []stuckAt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fronts := make(map[string]front, len(l.fronts))
	for name, f := range l.fronts {
		fronts[name] = *f
	}
	var stuck []stuckAt
	for _, ln := range l.byKey {
		if ln.stuck != "" {
			stuck = append(stuck, stuckAt{ln.surface, ln.place, ln.stuck})
		}
	}
	return fronts, stuck
}
