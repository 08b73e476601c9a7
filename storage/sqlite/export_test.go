package sqlite

import (
	"context"

	"salve/storage/internal/ledger"
)

// Exec runs a statement on the writing connection, for tests that break things.
func (s *Store) Exec(ctx context.Context, text string) error {
	return s.Alone(ctx, func(c ledger.Session) (bool, error) { return true, c.Put(ledger.Put{Doing: "test", Text: text}) })
}

// KeepLogShort is for before the first Commit: from how many pages on the log is
// copied into the database.
func (s *Store) KeepLogShort(pages int64) { s.checkpoints.long = pages }

// AtLeast compares versions of SQLite.
func AtLeast(have, want string) bool { return atLeast(have, want) }
