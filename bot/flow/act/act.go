// Package act is the leg that carries out Runs: it takes due Runs from the
// store, asks the guard again, commits that a step is started, does it, and
// commits what became of it.
//
// Promises: nothing leaves the process before its `started` is committed, with
// the guard's verdict; what was started and has no outcome is found at the next
// start and repeated only where that is harmless, else a person is asked; halts
// are read before every step; a connector that hangs delays no other playbook.
// The rows are the truth: Wake and Hint only make it faster, a scan every second
// finds whatever is due.
//
// It assumes that it is the only leg of its kind on the store, unless it is given
// a Lease: then Runs that another process has left are taken up whenever a scan
// finds some, and a step is cut short when the lease cannot be renewed in time.
// On failure of the store nothing is started; an outcome that cannot be
// written is tried again until the process ends, and is unknown after that.
package act

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"salve/bot"
	"salve/bot/runner"
)

// Store is what the leg wants of the store.
type Store interface {
	Rows
	Queue
	Past
}

// Lease is what a store that several processes share adds: the right of this one
// to go on with what it has in hand.
type Lease interface {
	// Held is ctx, ended some time before others may take over.
	Held(ctx context.Context) (held context.Context, release context.CancelFunc)
}

// Rows reads and writes single rows.
type Rows interface {
	Commit(ctx context.Context, change bot.Change) (bot.Receipt, error)
	Run(ctx context.Context, id bot.RunID) (bot.Run, error)
	Plan(ctx context.Context, id bot.PlanID) (bot.Plan, error)
	Incident(ctx context.Context, id bot.IncidentID) (bot.Incident, error)
	Approval(ctx context.Context, id bot.ApprovalID) (bot.Approval, error)
}

// Queue tells what there is to do.
type Queue interface {
	DueRuns(ctx context.Context, now time.Time, limit int) ([]bot.Run, error)
	Interrupted(ctx context.Context) ([]bot.Run, error)
	Epoch() int64
}

// Past tells the guard what happened before.
type Past interface {
	History(ctx context.Context, playbook, target string) (bot.History, error)
	Runs(ctx context.Context, q bot.RunQuery) ([]bot.Run, error)
}

// Brake tells which halts stand, those that are set without the store too.
type Brake interface {
	Halts(ctx context.Context) ([]bot.Halt, error)
}

// Checker finds out whether a check holds.
type Checker interface {
	Check(ctx context.Context, check bot.PlanCheck, of bot.Run, now time.Time) bot.CheckResult
}

// Options tune the leg. The zero value is ready for use.
type Options struct {
	Log      *slog.Logger
	Mask     func(string) string // hides secrets in what actions say; nil: as it is
	Workers  int                 // Runs at once; 0: 512
	PerLane  int                 // Runs of one playbook at once; 0: 64
	Scan     time.Duration       // between scans; 0: 1 s
	Grace    time.Duration       // how long steps in flight may go on after the leg is stopped; 0: 20 s
	Patience time.Duration       // how long an action may still talk after its time is up; 0: 10 s
	Spread   time.Duration       // scans leave what is due for less than this to hints; 0: nothing
	Lease    Lease               // nil: nobody else carries out Runs of the store
	Turned   func()              // called at each turn of the loop; nil: nobody watches
}

// Leg carries out Runs.
type Leg struct {
	store   Store
	brake   Brake
	actions map[string]runner.Action
	checker Checker
	opts    Options
	lanes   *lanes
	wake    chan struct{}
	hints   chan bot.RunID
	tookUp  time.Time // when what others left was looked for last; the loop's
}

// New makes the leg. actions are by the name that plans use.
func New(store Store, brake Brake, actions map[string]runner.Action, checker Checker, opts Options) (*Leg, error) {
	if store == nil || brake == nil || checker == nil {
		return nil, errors.New("act: a store, a brake and a checker are needed")
	}
	for name, a := range actions {
		if a == nil {
			return nil, fmt.Errorf("act: there is nothing behind the action %q", name)
		}
	}
	opts.Log = cmp.Or(opts.Log, slog.New(slog.DiscardHandler))
	opts.Workers = cmp.Or(opts.Workers, 512)
	opts.PerLane = min(cmp.Or(opts.PerLane, 64), opts.Workers)
	opts.Scan = cmp.Or(opts.Scan, time.Second)
	opts.Grace = cmp.Or(opts.Grace, 20*time.Second)
	opts.Patience = cmp.Or(opts.Patience, 10*time.Second)
	if opts.Turned == nil {
		opts.Turned = func() {}
	}
	if opts.Mask == nil {
		opts.Mask = func(s string) string { return s }
	}
	return &Leg{
		store: store, brake: brake, actions: actions, checker: checker, opts: opts,
		lanes: newLanes(opts.Workers, opts.PerLane),
		wake:  make(chan struct{}, 1), hints: make(chan bot.RunID, 1024),
	}, nil
}

// Wake hints that some Run may be due. It never blocks.
func (l *Leg) Wake() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Idle reports whether the leg could carry out more at once.
func (l *Leg) Idle() bool { return 8*l.lanes.size() < l.opts.Workers && 4*len(l.hints) < cap(l.hints) }

// Hint hints that these Runs may be due. It is cheaper than Wake when many Runs
// queue for a lane, since nothing has to be searched. It never blocks.
func (l *Leg) Hint(ids ...bot.RunID) {
	for _, id := range ids {
		select {
		case l.hints <- id:
		default:
			l.Wake()
			return
		}
	}
}

// now is the time as the store keeps it.
func (*Leg) now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
