package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"

	"salve/bot"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the schema up to date through the only writing connection.
func migrate(ctx context.Context, db *sql.DB) error {
	p, err := provider(db)
	if err != nil {
		return err
	}
	if err := refuseNewer(ctx, db, p); err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return failure("migrate", err)
	}
	return nil
}

// checkSchema refuses a database that this build would have to change.
func checkSchema(ctx context.Context, db *sql.DB) error {
	p, err := provider(db)
	if err != nil {
		return err
	}
	if err := refuseNewer(ctx, db, p); err != nil {
		return err
	}
	have, err := schemaVersion(ctx, db)
	if err != nil {
		return err
	}
	if want := newest(p); have < want {
		return fmt.Errorf("%w: its schema is version %d and this build needs %d; start salve serve once to bring it up to date",
			bot.ErrUnavailable, have, want)
	}
	return nil
}

func provider(db *sql.DB) (*goose.Provider, error) {
	fsys, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectSQLite3, db, fsys,
		goose.WithLogger(goose.NopLogger()), goose.WithDisableGlobalRegistry(true))
}

func refuseNewer(ctx context.Context, db *sql.DB, p *goose.Provider) error {
	have, err := schemaVersion(ctx, db)
	if err != nil {
		return err
	}
	if want := newest(p); have > want {
		return fmt.Errorf("%w: it was written by a newer Salve (schema version %d, this build knows %d); "+
			"use that build again or restore a backup: going back is not supported", bot.ErrUnavailable, have, want)
	}
	return nil
}

func newest(p *goose.Provider) int64 {
	sources := p.ListSources()
	return sources[len(sources)-1].Version
}

// schemaVersion is 0 for an empty database.
func schemaVersion(ctx context.Context, db *sql.DB) (int64, error) {
	var table string
	err := db.QueryRowContext(ctx, "SELECT name FROM sqlite_master WHERE type = 'table' AND name = $1", goose.DefaultTablename).Scan(&table)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, failure("read the schema version", err)
	}
	var version int64
	if err := db.QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM "+goose.DefaultTablename).Scan(&version); err != nil {
		return 0, failure("read the schema version", err)
	}
	return version, nil
}
