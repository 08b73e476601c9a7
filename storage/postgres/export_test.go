package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/stdlib"
)

// Freeze ends the renewals of the lease, as a process that stands still does.
func (s *Store) Freeze() {
	s.lease.stop()
	s.lease.running.Wait()
}

// Thaw lets the process go on.
func (s *Store) Thaw() { s.lease.keep() }

// Renew renews the lease now.
func (s *Store) Renew(ctx context.Context) error { return s.lease.renew(ctx) }

// Gather is for looking at what a group becomes.
var Gather = gather

// MigrateTo makes the tables as a version left them.
func MigrateTo(ctx context.Context, url string, version int64) (err error) {
	cfg, err := configure(url, "test")
	if err != nil {
		return err
	}
	db := stdlib.OpenDB(*cfg)
	defer func() { err = errors.Join(err, db.Close()) }()
	p, err := provider(db)
	if err != nil {
		return err
	}
	_, err = p.UpTo(ctx, version)
	return err
}
