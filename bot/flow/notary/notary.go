// Package notary signs the head of the audit log and writes it to places outside
// the database, so that a log that is altered, cut off or written anew shows.
//
// It promises that a head is signed only after the log was proved to go on from
// every head found at the places: all of the log at the start, when a place
// answers for the first time, and once a day; between, what was added, and that
// the last signed Event still stands. If the log is another one, nothing is
// signed and nothing written until it proves again; people are told by an
// incident of critical severity, an Event and the process log. Heads are the same
// to the byte for the same log, so that a repeat, and two that write to one
// place, do no harm. Each place fails alone, is tried again, and says how far it
// is behind.
//
// It assumes one chain, a key that is not in the database, and places that the
// database's users cannot write. Events later than the newest head are proved by
// the chain alone. On failure of the store nothing is signed and the next look
// tries again.
package notary

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"salve/bot"
	"salve/bot/audit"
)

// Store is what the leg needs of the store.
type Store interface {
	Events(ctx context.Context, q bot.EventQuery) ([]bot.Event, error)
	Commit(ctx context.Context, change bot.Change) (bot.Receipt, error)
}

// Place keeps signed heads. Put does nothing if the head, or a newer one, is
// there; it never takes one away.
type Place interface {
	Name() string
	// Newest is the newest head there, nil if there is none. A place that cannot
	// list what it has looks for the one of size hint.
	Newest(ctx context.Context, hint int64) ([]byte, error)
	Put(ctx context.Context, size int64, note []byte) error
}

// Options of a Leg; the zero value is ready for production.
type Options struct {
	Log      *slog.Logger
	Keys     audit.Keys    // older keys that are trusted too
	Every    time.Duration // a head at least so often, if there is anything new; 0: 1 minute
	Events   int64         // a head at least after so many; 0: 1000
	LookAt   time.Duration // how often to look; 0: 1 second
	ProveAll time.Duration // how often to read all of the log; 0: 24 hours
	Keep     time.Duration // older Events are dropped, at a signed head; 0: none are
	Pruner   Pruner        // nil: the log is never pruned
}

// Pruner drops Events. It does so only up to a boundary that it has written down
// first.
type Pruner interface {
	Boundary(ctx context.Context) (bot.Boundary, error)
	FirstNeeded(ctx context.Context) (int64, error)
	PruneEvents(ctx context.Context, b bot.Boundary, e bot.Event) (int64, error)
}

// Leg signs and writes. Status may be called by many at once.
type Leg struct {
	store  Store
	signer *audit.Signer
	keys   audit.Keys
	opts   Options
	log    *slog.Logger

	mu     sync.Mutex // over what Status shows; only Run writes it
	places []*place
	newest bot.Event // of the log
	signed audit.Checkpoint
	wrong  string // why nothing is signed

	// Owned by Run.
	note     []byte     // the signed head
	edge     audit.Edge // as far as the log was proved
	last     bot.Event  // at the edge
	proved   time.Time  // when all of it was
	stale    bool       // all of it must be read
	signedAt time.Time
	again    time.Time // when to try after the log did not prove
	told     bool      // people know
	since    time.Time // of the alert by which they do
}

// New makes a Leg that signs with signer and writes to places.
func New(store Store, signer *audit.Signer, places []Place, opts Options) (*Leg, error) {
	if store == nil || signer == nil {
		return nil, errors.New("notary: a store and a key are required")
	}
	own, err := audit.ParseKeys(signer.Public())
	if err != nil {
		return nil, err
	}
	opts.Every, opts.Events = cmp.Or(opts.Every, time.Minute), cmp.Or(opts.Events, 1000)
	opts.LookAt, opts.ProveAll = cmp.Or(opts.LookAt, time.Second), cmp.Or(opts.ProveAll, 24*time.Hour)
	l := &Leg{
		store: store, signer: signer, keys: own.With(opts.Keys), opts: opts, stale: true,
		log: cmp.Or(opts.Log, slog.New(slog.DiscardHandler)),
	}
	for _, p := range places {
		l.places = append(l.places, &place{Place: p})
	}
	return l, nil
}

// lastLook is how long the last look may take when the leg is told to end.
const lastLook = 5 * time.Second

// Run looks until ctx ends, then once more, so that what happened last is signed.
func (l *Leg) Run(ctx context.Context) error {
	t := time.NewTicker(l.opts.LookAt)
	defer t.Stop()
	for {
		if err := l.look(ctx, false); err != nil && ctx.Err() == nil {
			l.log.WarnContext(ctx, "the head of the audit log could not be looked at; it is tried again", "err", err)
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			last, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), lastLook, errors.New("the process ends"))
			defer cancel()
			if err := l.look(last, true); err != nil {
				l.log.WarnContext(last, "the last events are not signed; the next start signs them", "err", err)
			}
			return ctx.Err()
		}
	}
}

// look does what is due. In haste all that is new is signed, unless all of the
// log would have to be read for it.
func (l *Leg) look(ctx context.Context, haste bool) error {
	now := time.Now()
	l.meet(ctx, now)
	newest, err := l.store.Events(ctx, bot.EventQuery{Last: true, Limit: 1})
	if err != nil || len(newest) == 0 {
		return err
	}
	l.set(func() { l.newest = newest[0] })
	if !l.stale && now.Sub(l.proved) >= l.opts.ProveAll && !haste {
		l.forget()
		l.meet(ctx, now)
		l.stale = true
	}
	if l.stale {
		if haste || now.Before(l.again) {
			return l.measure(ctx)
		}
		if err := l.proveAll(ctx, now); err != nil || l.stale {
			if err != nil {
				l.again = now.Add(restFailed)
			}
			return err
		}
	}
	if l.due(now) || haste {
		if err := l.sign(ctx, now); err != nil || l.stale {
			return err
		}
	}
	return l.deliver(ctx, now)
}

func (l *Leg) due(now time.Time) bool {
	unsigned := l.newest.Seq - l.signed.Size
	return unsigned >= l.opts.Events || unsigned != 0 && now.Sub(l.signedAt) >= l.opts.Every
}

// sign takes in what is new and signs the head, if it proves.
func (l *Leg) sign(ctx context.Context, now time.Time) error {
	if whole, err := l.proveNew(ctx); err != nil {
		return err
	} else if !whole {
		l.stale = true
		return l.proveAll(ctx, now)
	}
	if l.edge.Size() == l.signed.Size || l.edge.Size() == 0 {
		return nil
	}
	c := audit.Checkpoint{
		Origin: l.signer.Name(), Size: l.edge.Size(), Root: l.edge.Root(),
		Chain: l.last.Chain, Head: l.last.Hash, At: l.last.At,
	}
	note, err := l.signer.Sign(c)
	if err != nil {
		return err
	}
	l.note, l.signedAt = note, now
	l.set(func() { l.signed = c })
	return nil
}

func (l *Leg) set(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}
