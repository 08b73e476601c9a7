package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"salve/bot"
	"salve/storage/internal/ledger"
)

// failure says what was being done and turns what the driver says into the
// sentinels that callers act on: a taken key is a conflict, a reference to
// nothing is not found, and all that is not the Change's own fault means that
// the store is not available.
func failure(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("%s: %w", doing, bot.ErrNotFound)
	case errors.Is(err, ledger.ErrDamaged), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", doing, err)
	}
	e, ok := errors.AsType[*driver.Error](err)
	if !ok {
		return fmt.Errorf("%s: %w: %w", doing, bot.ErrUnavailable, err)
	}
	switch e.Code() {
	case codes.SQLITE_CONSTRAINT_UNIQUE, codes.SQLITE_CONSTRAINT_PRIMARYKEY, codes.SQLITE_CONSTRAINT_ROWID:
		return fmt.Errorf("%s: %w: %w", doing, bot.ErrConflict, err)
	case codes.SQLITE_CONSTRAINT_FOREIGNKEY:
		return fmt.Errorf("%s: it names a row that does not exist: %w: %w", doing, bot.ErrNotFound, err)
	}
	if hint := advice(e.Code()); hint != "" {
		return fmt.Errorf("%s: %w: %s: %w", doing, bot.ErrUnavailable, hint, err)
	}
	if e.Code()&0xff == codes.SQLITE_CONSTRAINT || e.Code()&0xff == codes.SQLITE_TOOBIG {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return fmt.Errorf("%s: %w: %w", doing, bot.ErrUnavailable, err)
}

// advice is what to do about a failure of the disk.
func advice(code int) string {
	switch code & 0xff {
	case codes.SQLITE_FULL:
		return "the disk is full; free some space"
	case codes.SQLITE_READONLY, codes.SQLITE_PERM:
		return "the database cannot be written; check its owner and mode, and that the disk is not mounted read-only"
	case codes.SQLITE_IOERR:
		return "the disk reports an error; check the system log and free space"
	case codes.SQLITE_CANTOPEN:
		return "the database file cannot be opened; check that it and its directory exist and belong to this user"
	case codes.SQLITE_BUSY, codes.SQLITE_LOCKED:
		return "another process holds the database; stop it"
	case codes.SQLITE_CORRUPT, codes.SQLITE_NOTADB:
		return "the database file is damaged; restore a backup"
	default:
		return ""
	}
}
