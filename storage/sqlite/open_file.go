package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"salve/bot"
	"salve/storage/internal/ledger"
)

// OpenRecords opens a data directory, or one database file such as a backup
// under another name, to read its audit log and what that refers to. Unlike
// OpenReadOnly it takes a database of any older version too, since a log is
// verified years later.
func OpenRecords(ctx context.Context, path string) (*Records, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if info.IsDir() {
		path = filepath.Join(path, fileName)
		if err := checkFile(path); err != nil {
			return nil, err
		}
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("open database: %s is neither a directory nor a file", path)
	}
	db, err := openReaders(path, 1)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	s := &Store{log: slog.New(slog.DiscardHandler)}
	s.Ledger = ledger.Read(s.reading(db))
	version, err := checkRecords(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, errors.Join(err, s.Close()))
	}
	return &Records{Store: s, version: version}, nil
}

// Records is a database that is only read, of this version or an older one.
type Records struct {
	*Store
	version int64
}

// prunes is the first version whose log can be pruned.
const prunes = 2

// Boundary is where the log was pruned last; zero: it never was.
func (r *Records) Boundary(ctx context.Context) (bot.Boundary, error) {
	if r.version < prunes {
		return bot.Boundary{}, nil
	}
	return r.Store.Boundary(ctx)
}

func checkRecords(ctx context.Context, db *sql.DB) (version int64, err error) {
	if err := checkVersion(ctx, db); err != nil {
		return 0, err
	}
	p, err := provider(db)
	if err != nil {
		return 0, err
	}
	if err := refuseNewer(ctx, db, p); err != nil {
		return 0, err
	}
	version, err = schemaVersion(ctx, db)
	if err == nil && version == 0 {
		err = errors.New("it is no database of Salve")
	}
	return version, err
}
