// Package sqlite is the embedded store: one database file that holds everything
// Salve knows, written by one goroutine and read by a few.
//
// It promises that a Change is written whole or not at all, that Commit answers
// only after the Change is on disk (write-ahead log, synchronous=FULL), that
// callers who wait at the same time are committed together, and that a Change
// that writes nothing costs no flush. Events are sealed into one chain in the
// order of the transactions. Reads see what is committed and never wait for the
// writer.
//
// It assumes that no other process writes the database: Open takes an exclusive
// lock on the directory. Times are kept in UTC with millisecond precision.
//
// On failure nothing is changed: bot.ErrConflict, bot.ErrNotFound and
// bot.ErrOverloaded concern one Change; bot.ErrUnavailable says that the disk or
// the database could not be written and what to look at. A caller whose context
// ends cancels nothing: the Change may still be committed.
package sqlite

import (
	"log/slog"
	"os"
	"sync"

	"salve/bot"
	"salve/storage/internal/ledger"
)

// Options may be left zero.
type Options struct {
	Log        *slog.Logger      // nil: nothing is logged
	Committed  func(bot.Touched) // called by the writer after each group that changed rows; must be quick
	QueueLimit int               // Changes that may wait for the writer; 0: 4096
	Readers    int               // reading connections; 0: 4
}

// Store is the database. It is safe for concurrent use.
type Store struct {
	*ledger.Ledger
	log         *slog.Logger
	lock        *os.File // nil when opened for reading
	epoch       int64
	conn        *conn // the writer's; nil when opened for reading
	checkpoints *checkpointer
	closing     sync.Once
	closed      error
}

// Epoch is the number of times that the database was opened for writing. A Run
// with a lower one was begun by a process that is gone.
func (s *Store) Epoch() int64 { return s.epoch }

// Close finishes the Changes that wait, closes the database and gives the lock
// back. Whoever commits afterwards gets bot.ErrUnavailable.
func (s *Store) Close() error {
	s.closing.Do(func() { s.closed = s.close() })
	return s.closed
}
