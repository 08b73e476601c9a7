package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
)

// Versions are those of the schema, oldest first.
func Versions() ([]int64, error) {
	var all []int64
	p, err := provider(&sql.DB{})
	if err != nil {
		return nil, err
	}
	for _, s := range p.ListSources() {
		all = append(all, s.Version)
	}
	return all, nil
}

// MakeOld makes a database of an older version in dir (0: nothing in it), runs statements in it, and
// gives its schema as text.
func MakeOld(ctx context.Context, dir string, version int64, statements string) (schema string, err error) {
	path := filepath.Join(dir, fileName)
	if err := prepareFile(path); err != nil {
		return "", err
	}
	db, err := sql.Open("sqlite", dsn(path, []string{"journal_mode(WAL)"}))
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	p, err := provider(db)
	if err != nil {
		return "", err
	}
	if version == 0 {
		return "", db.PingContext(ctx)
	}
	if _, err := p.UpTo(ctx, version); err != nil {
		return "", err
	}
	if _, err := db.ExecContext(ctx, statements); err != nil {
		return "", err
	}
	err = db.QueryRowContext(ctx, `SELECT group_concat(sql, ';' || char(10) || char(10)) FROM
		(SELECT sql FROM sqlite_master WHERE sql <> '' AND name NOT LIKE 'goose%' AND name NOT LIKE 'sqlite%' ORDER BY type DESC, name)`).Scan(&schema)
	return schema + ";\n", err
}
