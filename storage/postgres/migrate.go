package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"salve/bot"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Schema is the version that the tables have, 0 if there are none, and the one
// that this build needs.
func Schema(ctx context.Context, url string) (have, need int64, err error) {
	cfg, err := configure(url, "migrate")
	if err != nil {
		return 0, 0, err
	}
	cfg.ValidateConnect = nil // it is only looked at
	db := stdlib.OpenDB(*cfg)
	defer func() { err = errors.Join(err, db.Close()) }()
	p, err := provider(db)
	if err != nil {
		return 0, 0, err
	}
	have, err = schemaVersion(ctx, db)
	return have, newest(p), err
}

// Migrate brings the tables up to date; see Schema for the versions.
func Migrate(ctx context.Context, url string) (from, to int64, err error) {
	if from, to, err = Schema(ctx, url); err != nil {
		return from, to, err
	}
	cfg, err := configure(url, "migrate")
	if err != nil {
		return from, to, err
	}
	return from, to, migrate(ctx, cfg)
}

// migrate brings the tables up to date. Of several who do so at the same time
// one works and the others wait.
func migrate(ctx context.Context, cfg *pgx.ConnConfig) (err error) {
	delete(cfg.RuntimeParams, "lock_timeout") // another replica may be at it for a while
	delete(cfg.RuntimeParams, "statement_timeout")
	delete(cfg.RuntimeParams, "idle_in_transaction_session_timeout")
	db := stdlib.OpenDB(*cfg)
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.PingContext(ctx); err != nil {
		return failure("connect to the database", err)
	}
	if err := checkVersion(ctx, db); err != nil {
		return err
	}
	p, err := provider(db)
	if err != nil {
		return err
	}
	have, err := schemaVersion(ctx, db)
	if err != nil {
		return err
	}
	switch want := newest(p); {
	case have == want:
		return nil
	case have > want:
		return fmt.Errorf("%w: it was written by a newer Salve (schema version %d, this build knows %d); "+
			"use that build again or restore a backup: going back is not supported", bot.ErrUnavailable, have, want)
	}
	if _, err := p.Up(ctx); err != nil {
		return failure("migrate", err)
	}
	return nil
}

func newest(p *goose.Provider) int64 {
	sources := p.ListSources()
	return sources[len(sources)-1].Version
}

const oldestServer = 130000 // the first with what the statements need; supported until November 2025

func checkVersion(ctx context.Context, db *sql.DB) error {
	var have int
	if err := db.QueryRowContext(ctx, "SELECT current_setting('server_version_num')::INT").Scan(&have); err != nil {
		return failure("look at the database", err)
	}
	if have < oldestServer {
		return fmt.Errorf("%w: PostgreSQL %d is too old; 13 or later is needed", bot.ErrUnavailable, have/10000)
	}
	return nil
}

func provider(db *sql.DB) (*goose.Provider, error) {
	fsys, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	one, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, db, fsys, goose.WithSessionLocker(one),
		goose.WithLogger(goose.NopLogger()), goose.WithDisableGlobalRegistry(true))
}

// schemaVersion is 0 for an empty database.
func schemaVersion(ctx context.Context, db *sql.DB) (int64, error) {
	var known bool
	if err := db.QueryRowContext(ctx, "SELECT to_regclass($1) IS NOT NULL", goose.DefaultTablename).Scan(&known); err != nil {
		return 0, failure("read the schema version", err)
	}
	if !known {
		return 0, nil
	}
	var version int64
	if err := db.QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM "+goose.DefaultTablename).Scan(&version); err != nil {
		return 0, failure("read the schema version", err)
	}
	return version, nil
}
