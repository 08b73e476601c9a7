package discord

import (
	"context"
	"sync"
	"time"
)

// memory keeps answers for a while. Those who ask for the same at the same time
// wait for one call. A fault is kept for a moment, so that a Discord that fails is
// not asked by everybody; nothing that is over is ever given.
type memory[T any] struct {
	keep  time.Duration
	most  int
	mu    sync.Mutex
	known map[string]*kept[T]
}

type kept[T any] struct {
	done  chan struct{}
	value T
	err   error
	until time.Time
	from  time.Time
}

const keptFault = 5 * time.Second

func newMemory[T any](keep time.Duration, most int) *memory[T] {
	return &memory[T]{keep: keep, most: most, known: map[string]*kept[T]{}}
}

func (m *memory[T]) get(ctx context.Context, key string, ask func(context.Context) (T, error)) (T, error) {
	value, _, err := m.dated(ctx, key, ask)
	return value, err
}

// dated tells when the value was read, too.
func (m *memory[T]) dated(ctx context.Context, key string, ask func(context.Context) (T, error)) (T, time.Time, error) {
	for {
		k, mine := m.hold(key)
		if mine {
			m.fill(ctx, key, k, ask)
			return k.value, k.from, k.err
		}
		select {
		case <-k.done:
		case <-ctx.Done():
			var none T
			return none, time.Time{}, transportFault(ctx.Err(), false)
		}
		if ended(k.err) != nil && ctx.Err() == nil {
			continue // whoever asked has gone; that says nothing about Discord
		}
		return k.value, k.from, k.err
	}
}

// hold gives what is kept; true: it is empty, and the caller's to fill.
func (m *memory[T]) hold(key string) (*kept[T], bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if k := m.known[key]; k != nil && (k.until.IsZero() || now.Before(k.until)) {
		return k, false
	}
	if len(m.known) >= m.most {
		m.forget(now)
	}
	k := &kept[T]{done: make(chan struct{})}
	m.known[key] = k
	return k, true
}

func (m *memory[T]) fill(ctx context.Context, key string, k *kept[T], ask func(context.Context) (T, error)) {
	from := time.Now()
	value, err := ask(ctx)
	m.mu.Lock()
	defer m.mu.Unlock()
	k.value, k.err, k.from = value, err, from
	k.until = from.Add(m.keep)
	if err != nil {
		k.until = time.Now().Add(keptFault)
	}
	if ended(err) != nil && m.known[key] == k {
		delete(m.known, key)
	}
	close(k.done)
}

// forget drops what is over, and something if nothing is.
func (m *memory[T]) forget(now time.Time) {
	for key, k := range m.known {
		if !k.until.IsZero() && now.After(k.until) {
			delete(m.known, key)
		}
	}
	for key, k := range m.known {
		if len(m.known) < m.most {
			return
		}
		if !k.until.IsZero() {
			delete(m.known, key)
		}
	}
}
