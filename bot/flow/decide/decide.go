// Package decide is the leg between alerts and Runs: it takes due Incidents from
// the store, says why they happened, which playbook fits, and what may be done
// about it, and writes down a proposal, a Run, or why neither.
//
// It promises one commit per look, in which the decision, the plans, questions
// and Runs, their Events and the next due time stand together; that what a
// person must agree to is asked and never begun; that a plan which was denied,
// carried out or expired is not proposed again for the same alerts unless
// somebody asks; that what a halt stopped does not begin by itself when the halt
// is lifted; and that a question whose facts have gone is withdrawn. The rows are
// the truth: Wake only makes it faster, a scan every second finds what is due.
//
// It assumes that the store refuses what rests on rows that have changed, so that
// of several legs on one store the first to commit decides; that the act leg
// asks the guard again, and that the store refuses a second active Run on a
// target. On a conflict, and when the store or the brake cannot be read, the
// Incident stays due and is looked at again.
package decide

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"salve/bot"
	"salve/bot/rootcause"
)

// Store is what the leg wants of the store.
type Store interface {
	Queue
	Records
	Past
}

// Queue tells which Incidents are due and takes what is decided.
type Queue interface {
	DueIncidents(ctx context.Context, now time.Time, limit int) ([]bot.Incident, error)
	Incident(ctx context.Context, id bot.IncidentID) (bot.Incident, error)
	Commit(ctx context.Context, change bot.Change) (bot.Receipt, error)
	NextID(kind bot.Kind) int64
}

// Records are the rows of one Incident.
type Records interface {
	Alerts(ctx context.Context, id bot.IncidentID, limit int) ([]bot.Alert, error)
	Plans(ctx context.Context, id bot.IncidentID) ([]bot.Plan, error)
	Approvals(ctx context.Context, q bot.ApprovalQuery) ([]bot.Approval, error)
	AlertsOfMany(ctx context.Context, ids []bot.IncidentID) (map[bot.IncidentID][]bot.Alert, error)
}

// Past is what happened before, here and in other Incidents.
type Past interface {
	Incidents(ctx context.Context, q bot.IncidentQuery) ([]bot.Incident, error)
	Run(ctx context.Context, id bot.RunID) (bot.Run, error)
	Runs(ctx context.Context, q bot.RunQuery) ([]bot.Run, error)
	Plan(ctx context.Context, id bot.PlanID) (bot.Plan, error)
	History(ctx context.Context, playbook, target string) (bot.History, error)
}

// Brake tells which halts stand, those that are set without the store too.
type Brake interface {
	Halts(ctx context.Context) ([]bot.Halt, error)
}

// Options tune the leg. The zero value is ready for use.
type Options struct {
	Log        *slog.Logger
	Collectors []rootcause.Collector // asked beside those over the store
	Workers    int                   // Incidents looked at at once; 0: 32
	Scan       time.Duration         // between scans; 0: 1 s
	Quiet      time.Duration         // how long after it resolved an Incident closes by itself; 0: 10 m
	Turned     func()                // called at each turn of the loop; nil: nobody watches
	// Expiry is the time by which questions are opened and expire; nil: the wall
	// clock. It should not go back.
	Expiry func() time.Time
	// Spread is for a store that several processes share: scans leave what is due
	// for less than this to hints, which go to one of them. 0: they leave nothing.
	Spread  time.Duration
	Decided func(bot.Decision) // called after the commit of one that is another than before; must be quick; nil: nobody
}

// Leg decides about Incidents.
type Leg struct {
	store   Store
	brake   Brake
	library atomic.Pointer[Library]
	opts    Options
	past    *past
	crew    *crew
	wake    chan struct{}
	hints   chan bot.IncidentID
	crowded atomic.Bool // many Incidents are due at once

	catchingUp atomic.Bool // Incidents whose Runs have ended are being looked at
	clock      func() time.Time
}

// New makes the leg. The library may be replaced later with Swap.
func New(store Store, brake Brake, library *Library, opts Options) (*Leg, error) {
	if store == nil || brake == nil {
		return nil, errors.New("decide: a store and a brake are needed")
	}
	opts.Log = cmp.Or(opts.Log, slog.New(slog.DiscardHandler))
	opts.Workers = cmp.Or(opts.Workers, 32)
	opts.Scan = cmp.Or(opts.Scan, time.Second)
	opts.Quiet = cmp.Or(opts.Quiet, 10*time.Minute)
	if opts.Turned == nil {
		opts.Turned = func() {}
	}
	if opts.Workers < 1 || opts.Scan < 0 || opts.Quiet < 0 {
		return nil, errors.New("decide: workers, scan and quiet may not be negative")
	}
	l := &Leg{
		store: store, brake: brake, opts: opts, past: newPast(store), crew: newCrew(opts.Workers, opts.Scan),
		wake: make(chan struct{}, 1), hints: make(chan bot.IncidentID, 4*pageSize), clock: time.Now,
	}
	if l.opts.Expiry == nil {
		l.opts.Expiry = func() time.Time { return l.clock() }
	}
	return l, l.Swap(library)
}

// Swap puts other playbooks in place. A look that has begun ends with the ones
// that it began with; plans that were proposed stay as they were shown.
func (l *Leg) Swap(library *Library) error {
	if library == nil || library.Index == nil || library.Plans == nil {
		return errors.New("decide: a library with an index and compiled plans is needed")
	}
	l.library.Store(library)
	return nil
}

// Wake hints that some Incident may be due. It never blocks.
func (l *Leg) Wake() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Idle reports whether the leg could look at more at once.
func (l *Leg) Idle() bool {
	return 2*len(l.crew.slots) < cap(l.crew.slots) && 4*len(l.hints) < cap(l.hints)
}

// Hint hints that these Incidents may be due. It never blocks.
func (l *Leg) Hint(ids ...bot.IncidentID) {
	for _, id := range ids {
		select {
		case l.hints <- id:
		default:
			return // a scan finds them
		}
	}
}

// now is an instant as the store keeps it.
func (l *Leg) now() time.Time { return l.clock().UTC().Truncate(time.Millisecond) }

// expiry is the time for questions, never before now. While the clocks agree it
// is the now of the look, so that what one look writes has one time.
func (l *Leg) expiry(now time.Time) time.Time {
	if t := l.opts.Expiry().UTC().Truncate(time.Millisecond); t.Sub(now) > time.Second {
		return t
	}
	return now
}
