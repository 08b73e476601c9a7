package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"salve/storage/internal/ledger"
)

// OpenRecords opens a data directory, or one database file such as a backup
// under another name, to read its audit log and what that refers to. Unlike
// OpenReadOnly it takes a database of any older version too, since a log is
// verified years later.
func OpenRecords(ctx context.Context, path string) (*Store, error) {
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
	if err := checkRecords(ctx, db); err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, errors.Join(err, s.Close()))
	}
	return s, nil
}

func checkRecords(ctx context.Context, db *sql.DB) error {
	if err := checkVersion(ctx, db); err != nil {
		return err
	}
	p, err := provider(db)
	if err != nil {
		return err
	}
	if err := refuseNewer(ctx, db, p); err != nil {
		return err
	}
	have, err := schemaVersion(ctx, db)
	if err == nil && have == 0 {
		err = errors.New("it is no database of Salve")
	}
	return err
}
