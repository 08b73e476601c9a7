package serve

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"salve/bot"
	"salve/bot/health"
)

// beats keeps when each leg's loop turned last.
type beats struct {
	mu sync.Mutex
	at map[string]time.Time // with the monotonic clock
}

// of gives what a leg calls at each turn.
func (b *beats) of(leg string) func() {
	beat := func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.at[leg] = time.Now()
	}
	beat()
	return beat
}

// all begins anew, when the loops begin.
func (b *beats) all() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for leg := range b.at {
		b.at[leg] = time.Now()
	}
}

func (b *beats) legs() []health.Leg {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]health.Leg, 0, len(b.at))
	for name, at := range b.at {
		out = append(out, health.Leg{Name: name, Idle: time.Since(at)})
	}
	slices.SortFunc(out, func(a, b health.Leg) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// noted is the store that remembers how the last write went.
type noted struct {
	Store
	*writes
}

// writes is what became of the last write.
type writes struct {
	mu     sync.Mutex
	failed error // nil: it went well
	at     time.Time
}

// Commit writes a Change and notes how that went.
func (n noted) Commit(ctx context.Context, c bot.Change) (bot.Receipt, error) {
	r, err := n.Store.Commit(ctx, c)
	n.note(err)
	return r, err
}

func (w *writes) note(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case err == nil:
		w.failed = nil
	case errors.Is(err, bot.ErrUnavailable), errors.Is(err, bot.ErrAudit):
		w.failed, w.at = err, time.Now()
	}
}

// freshness is for how long a failed write speaks against the store, when
// smaller ones go well.
const freshness = 10 * time.Second

// last is why the last write failed, if that was lately.
func (w *writes) last() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Since(w.at) > freshness {
		return nil
	}
	return w.failed
}

// heard keeps when each source was heard last: anything that it sent and that was
// let in, also what repeats or cannot be understood.
type heard struct {
	mu sync.Mutex
	at map[string]time.Time
}

func (h *heard) mark(source string, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if at.After(h.at[source]) {
		h.at[source] = at
	}
}

func (h *heard) last(source string) time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at[source]
}

// listener is the door that hears who comes.
type listener struct {
	door interface {
		Receive(ctx context.Context, d bot.Delivery, alerts []bot.Alert) (bot.Receipt, error)
		Quarantine(ctx context.Context, d bot.Delivery, reason string) (bot.QuarantineID, error)
	}
	heard *heard
}

// Receive passes a delivery on.
func (l listener) Receive(ctx context.Context, d bot.Delivery, alerts []bot.Alert) (bot.Receipt, error) {
	l.heard.mark(d.Source, d.ReceivedAt)
	return l.door.Receive(ctx, d, alerts)
}

// Quarantine passes a delivery on.
func (l listener) Quarantine(ctx context.Context, d bot.Delivery, reason string) (bot.QuarantineID, error) {
	l.heard.mark(d.Source, d.ReceivedAt)
	return l.door.Quarantine(ctx, d, reason)
}
