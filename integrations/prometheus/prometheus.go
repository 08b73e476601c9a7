// Package prometheus shows Salve to a Prometheus: what waits, what was done, and
// whether Salve itself is well.
//
// It promises that a scrape costs a few milliseconds however much is stored,
// ends within a second, and answers when the database does not: what would come
// from it is then left out and salve_store_up is 0. What happened is counted from
// the committed Events and Receipts, never from intentions, so that the figures
// cannot disagree with the record. No label holds a word from outside: sources
// and playbooks are those of the configuration, everything else is from Salve's
// own small sets.
//
// It assumes that Run runs for as long as the process does, and that Source,
// Committed and Decided are called by those who do what they tell. Counters begin
// at zero with the process and do not know what happened before.
//
// On failure of the store the follower stays where it is in the log and goes on
// from there, so that nothing is counted twice or left out; a row that is damaged
// is passed over with a warning.
package prometheus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	prom "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"salve/bot"
)

// Rows is what waits in the store, as it is now.
type Rows interface {
	Ping(ctx context.Context) error
	Epoch() int64
	Backlog(ctx context.Context, now time.Time) (bot.Backlog, error)
	OpenPage(ctx context.Context, after bot.IncidentID, limit int) (bot.OpenPage, error)
}

// Record is what happened.
type Record interface {
	EventPage(ctx context.Context, after int64, limit int) (bot.EventPage, error)
	Events(ctx context.Context, q bot.EventQuery) ([]bot.Event, error)
	Incident(ctx context.Context, id bot.IncidentID) (bot.Incident, error)
	Approval(ctx context.Context, id bot.ApprovalID) (bot.Approval, error)
	Run(ctx context.Context, id bot.RunID) (bot.Run, error)
}

// Brake tells which halts stand.
type Brake interface {
	Halts(ctx context.Context) ([]bot.Halt, error)
}

// Ports are what is looked at; all are required.
type Ports struct {
	Rows   Rows
	Record Record
	Brake  Brake
}

// Options of Metrics; the zero value is ready for production.
type Options struct {
	Log       *slog.Logger // nil: none
	Version   string
	Sources   []string // names that may be shown; others are "other"
	Playbooks []string // the same
	// Heads tells how far the places of signed heads are behind; nil: there are
	// none. Places are those of the configuration.
	Heads func() []bot.HeadLag
}

// Metrics is everything that is shown. It is safe for use by many at once.
type Metrics struct {
	ports    Ports
	log      *slog.Logger
	registry *prom.Registry
	counters *counters
	heads    func() []bot.HeadLag
	open     atomic.Pointer[openCount]
	seen     atomic.Int64 // Seq of the last Event that was taken in; only follow writes it
	lastTook atomic.Int64 // nanoseconds of the last write that was done
	behind   bool         // the store could not be read the last time; owned by follow
}

// New makes Metrics that count from now on. It reads the end of the log.
func New(ctx context.Context, ports Ports, opts Options) (*Metrics, error) {
	if ports.Rows == nil || ports.Record == nil || ports.Brake == nil {
		return nil, errors.New("prometheus: rows, a record and a brake are needed")
	}
	b, err := ports.Rows.Backlog(ctx, time.Now().UTC())
	if err != nil {
		return nil, fmt.Errorf("begin to count: %w", err)
	}
	names := newCatalog()
	m := &Metrics{
		ports: ports, log: cmp.Or(opts.Log, slog.New(slog.DiscardHandler)), registry: prom.NewRegistry(),
		counters: newCounters(names, opts), heads: opts.Heads,
	}
	if m.heads == nil {
		m.heads = func() []bot.HeadLag { return nil }
	}
	m.seen.Store(b.Events)
	all := append(m.counters.all(), newScrape(m, names, opts.Version),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewBuildInfoCollector())
	for _, c := range all {
		if err := m.registry.Register(c); err != nil {
			return nil, fmt.Errorf("prometheus: %w", err)
		}
	}
	return m, nil
}

// Run keeps the counters up with the log until ctx ends.
func (m *Metrics) Run(ctx context.Context) error {
	var both sync.WaitGroup
	both.Go(func() { m.follow(ctx) })
	both.Go(func() { m.countOpen(ctx) })
	both.Wait()
	return nil
}
