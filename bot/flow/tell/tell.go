// Package tell is the fourth leg: it shows people where things stand, wakes
// what watches live, and reminds owners of what they hold.
//
// It promises that a Card is made from the rows as they are now, that Publish
// never blocks whoever calls it, and that a slow or vanished subscriber costs
// nobody else anything. Reminders are audited Events, at most one per Incident
// in each ReminderEvery, also over restarts.
//
// It assumes that Publish is called after every commit; a hint that is lost
// costs a view its freshness until the next one, never a decision. On failure
// of the store Card, Board, Proposals and Timeline return its error (wrapping
// bot.ErrNotFound for what does not exist), and Run logs it and tries again at
// the next scan.
package tell

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"salve/bot"
)

// Reader reads the rows of one Incident.
type Reader interface {
	Incident(ctx context.Context, id bot.IncidentID) (bot.Incident, error)
	Alerts(ctx context.Context, id bot.IncidentID, limit int) ([]bot.Alert, error)
	Plans(ctx context.Context, id bot.IncidentID) ([]bot.Plan, error)
	Plan(ctx context.Context, id bot.PlanID) (bot.Plan, error)
	Events(ctx context.Context, q bot.EventQuery) ([]bot.Event, error)
}

// Lister lists rows over all Incidents.
type Lister interface {
	Incidents(ctx context.Context, q bot.IncidentQuery) ([]bot.Incident, error)
	Approvals(ctx context.Context, q bot.ApprovalQuery) ([]bot.Approval, error)
	Runs(ctx context.Context, q bot.RunQuery) ([]bot.Run, error)
	Halts(ctx context.Context) ([]bot.Halt, error)
	People(ctx context.Context) ([]bot.Person, error)
}

// Committer writes the reminders.
type Committer interface {
	Commit(ctx context.Context, change bot.Change) (bot.Receipt, error)
}

// Store is what the leg needs of the store.
type Store interface {
	Reader
	Lister
	Committer
}

// Options of a Leg; the zero value is ready for production.
type Options struct {
	Log *slog.Logger
	// Mine reports whether this process is to look for reminders now; nil: it is
	// the only one.
	Mine      func(ctx context.Context, now time.Time) (bool, error)
	Playbooks []bot.Playbook // loaded ones
	// Nearest names the playbook that came nearest to fitting and why it did
	// not; nil, or a nil result, shows none.
	Nearest       func(alert bot.Alert, inc bot.Incident) *bot.CardNearest
	ReminderEvery time.Duration // 0: 4 hours; negative: no reminders
	ScanEvery     time.Duration // 0: 1 minute
	Turned        func()        // called at each turn of the loop; nil: nobody watches
	// Brake reads what is halted, flag file included; nil: the store's rows.
	Brake interface {
		Halts(ctx context.Context) ([]bot.Halt, error)
	}
	// Trace names the trace of an Incident and where people look at it; nil:
	// Cards do not say.
	Trace func(id bot.IncidentID) (trace, url string)
}

// Leg tells people. It is safe for use by many at once.
type Leg struct {
	store   Store
	opts    Options
	log     *slog.Logger
	started time.Time

	mu   sync.Mutex
	subs map[*subscriber]struct{}

	reminded map[bot.IncidentID]time.Time // owned by Run
}

// New makes a Leg over a store.
func New(store Store, opts Options) (*Leg, error) {
	if store == nil {
		return nil, errors.New("tell: a store is required")
	}
	opts.ReminderEvery = cmp.Or(opts.ReminderEvery, 4*time.Hour)
	opts.ScanEvery = cmp.Or(opts.ScanEvery, time.Minute)
	if opts.Turned == nil {
		opts.Turned = func() {}
	}
	if opts.Brake == nil {
		opts.Brake = store
	}
	return &Leg{
		store: store, opts: opts, started: time.Now(),
		log:      cmp.Or(opts.Log, slog.New(slog.DiscardHandler)),
		subs:     map[*subscriber]struct{}{},
		reminded: map[bot.IncidentID]time.Time{},
	}, nil
}
