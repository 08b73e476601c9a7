// Package postgres is the store for many replicas: one PostgreSQL database that
// several processes read and write at the same time.
//
// It promises what package ledger promises, to all of them together: whoever
// writes has the turn, one row that is locked for as long as a group of Changes
// takes to commit, so that rows are checked and Events are chained as if one
// process wrote. Each process holds a lease, on the clock of the database; a
// process whose lease has ended is refused every write until it has a new one
// with a higher epoch, and what it had in hand is Interrupted for the others.
//
// It assumes PostgreSQL 13 or later with synchronous commits, which it asks for
// if they are off, and a role that may create tables. What a process began
// outside the database before its lease ended cannot be taken back: Held cuts it
// short some time before others may take it over.
//
// On failure nothing is changed, but for a Commit whose answer was lost on the
// way: bot.ErrUnavailable says so, and the row tells. A database that comes back
// is found again without help.
package postgres

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"salve/bot"
	"salve/storage/internal/ledger"
)

// Options may be left zero.
type Options struct {
	Log        *slog.Logger      // nil: nothing is logged
	Committed  func(bot.Touched) // called by the writer after each group that changed rows; must be quick
	Elsewhere  func(bot.Touched) // called after commits of other processes, as far as they are heard; must be quick
	QueueLimit int               // Changes that may wait for the writer; 0: 4096
	Readers    int               // reading connections; 0: 8
	Name       string            // of this replica, for people; "": the host's
	Version    string            // of the program, for people
	Lease      time.Duration     // 0: 9 s; it is renewed after a third of it, and margins are a fifth
}

// Store is the database as this process sees it. It is safe for concurrent use.
type Store struct {
	*ledger.Ledger
	log     *slog.Logger
	db      *pool
	session *session
	lease   *lease
	deaf    context.CancelFunc // ends listening
	hearing sync.WaitGroup
	closing sync.Once
	closed  error
}

// Epoch is that of the lease of this process. It changes when a lease was lost
// and a new one taken.
func (s *Store) Epoch() int64 { return s.lease.epoch() }

// Held is a context that ends some time before others may take over what this
// process has in hand. Call release when what it is for is over.
func (s *Store) Held(ctx context.Context) (held context.Context, release context.CancelFunc) {
	return s.lease.held(ctx)
}

// Close finishes the Changes that wait and gives the lease back, so that others
// need not wait for its end. Whoever commits afterwards gets bot.ErrUnavailable.
func (s *Store) Close() error {
	s.closing.Do(func() { s.closed = s.close() })
	return s.closed
}
