// Package receive is the first leg: it puts what sources deliver on disk, once
// in effect however often it comes.
//
// It promises that Receive and Quarantine return after the commit, that one
// delivery is one commit, that a repeat changes nothing, and that no delivery
// of a known source is dropped: what cannot be taken in is held in quarantine
// until a person replays or discards it.
//
// It assumes that the caller has proved who the source is and has bounded the
// body. Alerts are judged by the rules of their source.
//
// On failure nothing was written and the sender should come again: the store's
// sentinels are passed on. A *bot.Refusal tells what was not taken in and why,
// also beside a Receipt of what was.
package receive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"salve/bot"
	"salve/bot/intake"
)

// Store is where deliveries are kept. A Quarantined with Version 0 whose source
// and SHA256 are held already counts as a repeat of that row.
type Store interface {
	Commit(ctx context.Context, change bot.Change) (bot.Receipt, error)
	NextID(kind bot.Kind) int64
	QuarantineList(ctx context.Context, q bot.QuarantineQuery) ([]bot.Quarantined, error)
	QuarantineItem(ctx context.Context, id bot.QuarantineID) (bot.Quarantined, error)
}

// Source is how the deliveries of one source are read.
type Source struct {
	// Decode reads a body; the alerts beside an error are those that could be
	// read all the same. Its error carries nothing of the body.
	Decode func(source string, body []byte, receivedAt time.Time) ([]bot.Alert, error)
	Rules  intake.Rules
}

// Options of a Door.
type Options struct {
	Sources      map[string]Source // by name
	MaxHeld      int               // payloads held in quarantine at once; 0: 1,000
	MaxHeldBytes int64             // their sizes together; 0: 256 MiB
	// Urgent tells whether something may be done about an alert by itself, so
	// that its decision never waits; nil: every decision is made at once.
	Urgent func(alert bot.Alert) bool
}

// Door takes deliveries in.
type Door struct {
	store    Store
	sources  map[string]Source
	maxHeld  int
	maxBytes int64
	lock     chan struct{} // one change of the quarantine at a time
	urgent   func(bot.Alert) bool
	inFlight atomic.Int64 // deliveries being taken in
}

const (
	crowd = 8               // deliveries at once from which on taking in comes first
	wait  = 5 * time.Second // how long alerts that no playbook waits for can wait then
)

// later is how long a decision about alerts can wait. While many deliveries come
// in at once, what nothing can be done about by itself is put off, so that the
// senders are not.
func (d *Door) later(inFlight int64, alerts []bot.Alert) bot.Duration {
	if inFlight < crowd || d.urgent == nil {
		return 0
	}
	for _, a := range alerts {
		if a.State == bot.AlertResolved || d.urgent(a) {
			return 0
		}
	}
	return bot.Duration(wait)
}

// New makes a Door. It refuses sources whose rules cannot be meant.
func New(store Store, opts Options) (*Door, error) {
	for name, s := range opts.Sources {
		if s.Decode == nil {
			return nil, fmt.Errorf("source %s: it has no decoder", name)
		}
		if err := s.Rules.Check(); err != nil {
			return nil, fmt.Errorf("source %s: %w", name, err)
		}
	}
	return &Door{
		store: store, sources: opts.Sources, lock: make(chan struct{}, 1),
		urgent: opts.Urgent, maxHeld: cmp.Or(opts.MaxHeld, 1000), maxBytes: cmp.Or(opts.MaxHeldBytes, 256<<20),
	}, nil
}

// Receive applies the source's rules to the alerts, which it takes over, and
// commits them. Alerts that the rules cannot take are left out, the delivery is
// held in the same commit, and a *bot.Refusal says so beside the Receipt.
func (d *Door) Receive(ctx context.Context, del bot.Delivery, alerts []bot.Alert) (bot.Receipt, error) {
	source, ok := d.sources[del.Source]
	if !ok {
		return bot.Receipt{}, fmt.Errorf("receive: no source is named %q", del.Source)
	}
	good, problems := source.Rules.Apply(alerts)
	defer d.inFlight.Add(-1)
	change := bot.Change{Observed: good, By: sender(del.Source), Delivery: &del, Later: d.later(d.inFlight.Add(1), good)}
	if len(problems) > 0 {
		return d.receivePart(ctx, change, problems)
	}
	if len(good) == 0 {
		return bot.Receipt{}, nil
	}
	receipt, err := d.store.Commit(ctx, change)
	if err != nil {
		return bot.Receipt{}, fmt.Errorf("commit delivery of %s: %w", del.Source, err)
	}
	return receipt, nil
}

// receivePart commits the alerts that can be taken together with the held
// payload. Where the quarantine has no room they are committed alone.
func (d *Door) receivePart(ctx context.Context, change bot.Change, problems []intake.Problem) (bot.Receipt, error) {
	why := describe(problems)
	receipt, id, err := d.hold(ctx, change, why)
	if err == nil {
		return receipt, bot.Refuse(bot.RefusedInput, why, keptAs(id))
	}
	if _, full := errors.AsType[*bot.Refusal](err); !full || len(change.Observed) == 0 {
		return bot.Receipt{}, err
	}
	receipt, commitErr := d.store.Commit(ctx, change)
	if commitErr != nil {
		return bot.Receipt{}, fmt.Errorf("commit delivery of %s: %w", change.Delivery.Source, commitErr)
	}
	return receipt, err
}

// maxTold is how many problems are told; the rest is counted.
const maxTold = 5

func describe(problems []intake.Problem) string {
	var told []string
	for _, p := range problems[:min(len(problems), maxTold)] {
		told = append(told, p.String())
	}
	if more := len(problems) - len(told); more > 0 {
		told = append(told, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(told, "; ")
}

func keptAs(id bot.QuarantineID) string {
	return fmt.Sprintf("the delivery is kept as %s: see `salve quarantine show %s`, then `salve replay %s` or `salve discard %s`", id, id, id, id)
}

// sender is the source as an Actor.
func sender(source string) bot.Actor { return bot.Actor{Name: source, Surface: "webhook"} }
