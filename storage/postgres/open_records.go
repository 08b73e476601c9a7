package postgres

import (
	"context"
	"errors"
	"fmt"

	"salve/bot"
	"salve/storage/internal/ledger"
)

// OpenRecords opens the database at a postgres:// URL beside those who write it,
// to read its audit log and what that refers to. It takes no lease, changes
// nothing, and needs no right but to read. Commit then answers
// bot.ErrUnavailable.
func OpenRecords(ctx context.Context, url string) (*Records, error) {
	cfg, err := configure(url, "records")
	if err != nil {
		return nil, err
	}
	cfg.ValidateConnect = nil // a standby will do
	cfg.RuntimeParams["default_transaction_read_only"] = "on"
	cfg.ValidateConnect = nil // a standby will do
	db := newPool(cfg, 1)
	version, err := checkRecords(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("open database %s at %s: %w", cfg.Database, cfg.Host, errors.Join(err, db.Close()))
	}
	none := func() int64 { return 0 }
	return &Records{
		version: version,
		Ledger:  ledger.Read(ledger.Reading{DB: db.DB, Failure: failure, Epoch: none, Patience: patience, Again: db.again, Clean: clean}),
	}, nil
}

// Records is a database that is only read.
type Records struct {
	*ledger.Ledger
	version int64
}

// prunes is the first version whose log can be pruned.
const prunes = 2

// Boundary is where the log was pruned last; zero: it never was.
func (r *Records) Boundary(ctx context.Context) (bot.Boundary, error) {
	if r.version < prunes {
		return bot.Boundary{}, nil
	}
	return r.Ledger.Boundary(ctx)
}

// Close drops the connections.
func (r *Records) Close() error { return r.CloseReaders() }

func checkRecords(ctx context.Context, db *pool) (version int64, err error) {
	if err := checkVersion(ctx, db.DB); err != nil {
		return 0, err
	}
	version, err = schemaVersion(ctx, db.DB)
	if err == nil && version == 0 {
		err = errors.New("it is no database of Salve")
	}
	return version, err
}
