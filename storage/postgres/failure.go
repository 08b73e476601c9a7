package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"salve/bot"
	"salve/storage/internal/ledger"
)

// errLost is for a process whose lease has ended.
var errLost = fmt.Errorf("%w: this replica has lost its lease and takes a new one", bot.ErrUnavailable)

// failure says what was being done and turns what the database says into the
// sentinels that callers act on: a taken key is a conflict, a reference to
// nothing is not found, and all that is not the Change's own fault means that
// the store is not available.
func failure(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows), errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("%s: %w", doing, bot.ErrNotFound)
	case errors.Is(err, bot.ErrUnavailable), errors.Is(err, bot.ErrConflict), errors.Is(err, ledger.ErrDamaged):
		return fmt.Errorf("%s: %w", doing, err)
	case errors.Is(err, errSlow):
		return fmt.Errorf("%s: %w: %w", doing, bot.ErrUnavailable, err)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", doing, err)
	}
	if errors.Is(err, pgconn.ErrReadOnlyConnection) {
		return fmt.Errorf("%s: %w: %s", doing, bot.ErrUnavailable, advice("25006"))
	}
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return fmt.Errorf("%s: %w: the database cannot be reached; check that it runs and that its address is right: %w", doing, bot.ErrUnavailable, err)
	}
	switch e.Code {
	case "23505":
		return fmt.Errorf("%s: %w: %w", doing, bot.ErrConflict, err)
	case "23503":
		return fmt.Errorf("%s: it names a row that does not exist: %w: %w", doing, bot.ErrNotFound, err)
	}
	if hint := advice(e.Code); hint != "" {
		return fmt.Errorf("%s: %w: %s: %w", doing, bot.ErrUnavailable, hint, err)
	}
	if own(e.Code) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return fmt.Errorf("%s: %w: %w", doing, bot.ErrUnavailable, err)
}

// own reports whether a code tells of the Change's own fault: data or integrity
// exceptions, a limit of a row, or a trigger that refuses.
func own(code string) bool {
	return len(code) == 5 && (code[:2] == "22" || code[:2] == "23" || code[:2] == "54" || code[:2] == "P0")
}

// advice is what to do about a failure of the database. The codes are in
// appendix A of the PostgreSQL manual.
func advice(code string) string {
	switch code {
	case "53100":
		return "the disk of the database is full; free some space"
	case "53200":
		return "the database is out of memory"
	case "53300":
		return "the database has no connection left; raise max_connections or run fewer replicas"
	case "25006":
		return "the database is read-only; name the primary, not a standby"
	case "25P03", "57P01", "57P02", "57P03", "57P05":
		return "the database has ended the connection; it is taken up again by itself"
	case "55P03":
		return "another replica has had the turn to write for too long"
	case "57014":
		return "the database took too long"
	case "28000", "28P01":
		return "the database refuses the user or password; check `storage`"
	case "3D000":
		return "there is no such database; create it, or check `storage`"
	case "42501":
		return "the role lacks a right; it must own the tables"
	case "42P01", "42703":
		return "the tables are not there or not up to date; run `salve migrate`"
	case "XX001", "XX002":
		return "the database is damaged; restore a backup"
	default:
		return ""
	}
}
