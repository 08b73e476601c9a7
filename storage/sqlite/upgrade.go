package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/pressly/goose/v3"

	"salve/bot"
	"salve/storage/datadir"
)

const versionTable = goose.DefaultTablename

// Schema says which version of the schema the database in dir has, and which one
// this build needs. It works beside whoever holds the database.
func Schema(ctx context.Context, dir string) (have, need int64, err error) {
	path := filepath.Join(dir, fileName)
	if err := checkFile(path); err != nil {
		return 0, 0, err
	}
	db, err := openReaders(path, 1)
	if err != nil {
		return 0, 0, fmt.Errorf("open database in %s: %w", dir, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	p, err := provider(db)
	if err != nil {
		return 0, 0, err
	}
	have, err = schemaVersion(ctx, db)
	return have, newest(p), err
}

// NeedsSchema is the version of the schema that this build needs.
func NeedsSchema() (int64, error) {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return 0, err
	}
	p, err := provider(db)
	if err != nil {
		return 0, errors.Join(err, db.Close())
	}
	return newest(p), db.Close()
}

// Migrate brings the database in dir up to date and does nothing else. It takes
// the lock, so that Salve must not run. before is called under the lock when
// there is something to change; its error stops everything.
func Migrate(ctx context.Context, dir string, before func(context.Context) error) (err error) {
	path := filepath.Join(dir, fileName)
	if err := checkFile(path); err != nil {
		return err
	}
	lock, err := datadir.Lock(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	have, need, err := Schema(ctx, dir)
	if err != nil || have == need {
		return err
	}
	if have < need {
		if err := before(ctx); err != nil {
			return err
		}
	}
	db, err := sql.Open("sqlite", dsn(path, writerPragmas))
	if err != nil {
		return fmt.Errorf("%w: open database: %w", bot.ErrUnavailable, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	if err := checkVersion(ctx, db); err != nil {
		return err
	}
	return migrate(ctx, db)
}
