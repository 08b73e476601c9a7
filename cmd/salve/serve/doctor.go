package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"salve/bot"
	"salve/bot/health"
	"salve/cmd/salve/config"
)

const (
	askWithin  = 2 * time.Second        // for one question to the store
	tryEvery   = 4 * time.Second        // between two tries to write
	retryEvery = 500 * time.Millisecond // after one that failed, so that what heals is seen soon
	lookEvery  = 5 * time.Second        // between two looks that nobody asked for
	slowLeg    = 2 * time.Minute        // one that reminds people rests for a minute
	leastSpace = 16 << 20               // bytes: room for the log of the database to be copied
)

// limits are the thresholds of a configuration. A database elsewhere has a disk
// elsewhere; what is here holds a lock and a flag.
func limits(cfg config.Config) health.Limits {
	l := health.Limits{
		LegSlow: slowLeg, LegDead: cfg.Watch.LegDead.Std(), DiskFree: cfg.Watch.DiskFree, Certificates: cfg.Watch.Certificate.Std(),
	}
	if cfg.Storage == "" {
		l.DiskLeast = leastSpace
	}
	return l
}

// patient is the part of the store that the doctor asks.
type patient interface {
	Ping(ctx context.Context) error
	TryWrite(ctx context.Context) error
}

// doctor gathers facts about this process and keeps what is wrong with it.
type doctor struct {
	store    patient
	brake    *Brake
	writes   *writes
	beats    *beats
	dir      string
	log      *slog.Logger
	limits   health.Limits
	cert     *certificate // nil: no TLS
	draining atomic.Bool
	disk     func(dir string) health.Disk

	trying chan struct{} // one at a time tries to write

	mu    sync.Mutex
	tried time.Time
	fault error           // of the last try
	now   []bot.Condition // as of the last look
}

// examine looks at everything now. It takes a few seconds at most, and writes at
// most once in tryEvery, however often it is asked.
func (d *doctor) examine(ctx context.Context) []bot.Condition {
	cs := health.Judge(d.facts(ctx), d.limits)
	d.mu.Lock()
	defer d.mu.Unlock()
	before := d.now
	d.now = health.Since(before, cs, time.Now())
	d.tell(ctx, before, d.now)
	return slices.Clone(d.now)
}

// last is what the last look found.
func (d *doctor) last() []bot.Condition {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.now)
}

func (d *doctor) facts(ctx context.Context) health.Facts {
	f := health.Facts{
		Now: time.Now(), Draining: d.draining.Load(), Legs: d.beats.legs(), Disk: d.disk(d.dir), Certificate: d.cert.ends(),
	}
	ask, cancel := context.WithTimeoutCause(ctx, askWithin, fmt.Errorf("no answer within %s", askWithin))
	defer cancel()
	if f.Read = d.store.Ping(ask); f.Read != nil {
		d.doubt()
	}
	switch err := d.try(ask); {
	case err == nil:
		f.Write = d.writes.last()
	case errors.Is(err, bot.ErrOverloaded):
		f.Busy = true
	case errors.Is(err, bot.ErrAudit):
		f.Audit = err
	default:
		f.Write = err
	}
	halts, err := d.brake.Halts(ask)
	if f.Halts = err; f.Read != nil {
		f.Halts = nil // that says it already
	}
	f.Clock = ofClock(halts)
	f.Uncontained = d.brake.uncontained()
	return f
}

// doubt makes the next try one that writes: what went well before the database was
// gone says nothing about after.
func (d *doctor) doubt() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tried = time.Time{}
}

// try writes, unless that was done a moment ago or somebody is at it: then it
// gives what came of it last.
func (d *doctor) try(ctx context.Context) error {
	select {
	case d.trying <- struct{}{}:
		defer func() { <-d.trying }()
	default:
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.fault
	}
	d.mu.Lock()
	tried, fault := d.tried, d.fault
	d.mu.Unlock()
	rest := tryEvery
	if fault != nil {
		rest = retryEvery
	}
	if time.Since(tried) < rest {
		return fault
	}
	fault = d.store.TryWrite(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tried, d.fault = time.Now(), fault
	return fault
}

// tell logs what has come and what is over, once.
func (d *doctor) tell(ctx context.Context, before, now []bot.Condition) {
	for _, c := range now {
		if !has(before, c) {
			d.log.WarnContext(ctx, "unwell", "condition", c.Key(), "unready", c.Unready, "says", c.Says, "detail", c.Detail)
		}
	}
	for _, c := range before {
		if !has(now, c) {
			d.log.InfoContext(ctx, "well again", "condition", c.Key(), "since", c.Since)
		}
	}
}

func has(cs []bot.Condition, c bot.Condition) bool {
	return slices.ContainsFunc(cs, func(o bot.Condition) bool { return o.Key() == c.Key() })
}

// run looks from time to time, so that everybody knows since when.
func (d *doctor) run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		d.examine(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Conditions is what is wrong, for those who may read.
func (d *doctor) Conditions() []bot.Condition { return d.last() }
