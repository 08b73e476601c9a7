// Package ledger is what stores have in common: how nouns are kept in rows, the
// one writer that commits Changes in groups, and the readers.
//
// It promises that a Change is written whole or not at all, that Commit answers
// only after the Change is on disk, that callers who wait at the same time are
// committed together, and that a Change that writes nothing costs no flush.
// Events are sealed into one chain in the order of the transactions. Reads see
// what is committed and never wait for the writer.
//
// It assumes a Session that lets one process at a time write, and the tables
// that the queries of package query speak of. On failure nothing is changed; see
// Session for the errors.
package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"salve/bot"
)

// ErrDamaged: a row does not hold what was written. It concerns whoever reads
// that row, not the store as a whole.
var ErrDamaged = errors.New("a stored row cannot be read; restore a backup")

// Reading is how a Ledger reads.
type Reading struct {
	DB      *sql.DB                             // the Ledger closes it
	Failure func(doing string, err error) error // maps errors as a Session does
	Epoch   func() int64
	// Patience bounds each read that does not end with its context; 0: the
	// database is in this process and always answers.
	Patience time.Duration
	// Again reports whether another try is worth it after an error of the
	// database; nil: it never is.
	Again func(error) bool
	// Clean makes of arguments what the database keeps of them; nil: it keeps
	// everything.
	Clean func(args []any) []any
}

// Writing is how a Ledger writes.
type Writing struct {
	Session    Session
	IDs        IDs
	Log        *slog.Logger      // nil: nothing is logged
	Committed  func(bot.Touched) // called by the writer after each group that changed rows; must be quick
	Wrote      func(rows int)    // called by the writer after each group
	QueueLimit int               // Changes that may wait; 0: 4096
}

// IDs hands out ids. It never repeats one that is in use.
type IDs interface {
	// Next is 0 for an unknown kind, or when there is none to be had.
	Next(kind bot.Kind) int64
	// Reach makes ids go on above one that was chosen elsewhere.
	Reach(kind bot.Kind, id int64) error
}

// Ledger is the common part of a store. It is safe for concurrent use.
type Ledger struct {
	reading Reading
	reads   prepared
	packing *packing
	writer  *writer // nil when opened for reading
}

// Read makes a Ledger that only reads.
func Read(r Reading) *Ledger { return &Ledger{reading: r, packing: newPacking()} }

// Start makes a Ledger that writes too: it takes up the chain at its head, or
// begins it.
func Start(r Reading, w Writing) (*Ledger, error) {
	l := Read(r)
	w.Log = cmp.Or(w.Log, slog.New(slog.DiscardHandler))
	l.writer = newWriter(l.packing, w)
	if err := l.writer.begin(); err != nil {
		return nil, err
	}
	l.writer.start()
	return l, nil
}

// Stop lets the writer finish the Changes that wait; whoever commits afterwards
// gets bot.ErrUnavailable.
func (l *Ledger) Stop() {
	if l.writer != nil {
		l.writer.stop()
	}
}

// CloseReaders gives the reading connections back.
func (l *Ledger) CloseReaders() error { return errors.Join(l.reads.close(), l.reading.DB.Close()) }

// DB is the reading connections, for what a store reads beside the ledger.
func (l *Ledger) DB() *sql.DB { return l.reading.DB }

// NextID hands out the next id of a kind. It never repeats one that is in use;
// ids that are handed out and not written leave gaps. An unknown kind gives 0,
// and so does a store that cannot be reached.
func (l *Ledger) NextID(kind bot.Kind) int64 {
	if l.writer == nil {
		return 0
	}
	return l.writer.ids.Next(kind)
}

// Ping reports whether the database can be read.
func (l *Ledger) Ping(ctx context.Context) error {
	var one int
	return l.reading.Failure("ping", l.again(func() error { return l.reading.DB.QueryRowContext(ctx, "SELECT 1").Scan(&one) }))
}

// again runs what reads once more if that is worth it.
func (l *Ledger) again(read func() error) error {
	err := read()
	if err != nil && l.reading.Again != nil && l.reading.Again(err) {
		err = read()
	}
	return err
}

var errReadOnly = fmt.Errorf("%w: it was opened for reading", bot.ErrUnavailable)
