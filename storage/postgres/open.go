package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/jackc/pgx/v5"

	"salve/bot"
	"salve/storage/internal/ledger"
	"salve/storage/internal/query"
)

// Open opens the database at a postgres:// URL: it brings the tables up to date,
// however many open it at the same time, and takes a lease. The context bounds
// the opening only. The URL may hold a password and is in no error.
func Open(ctx context.Context, url string, opts Options) (*Store, error) {
	if opts.Name == "" {
		host, err := os.Hostname()
		if err != nil {
			return nil, fmt.Errorf("name this replica: %w", err)
		}
		opts.Name = host
	}
	cfg, err := configure(url, opts.Name)
	if err != nil {
		return nil, err
	}
	s := &Store{log: cmp.Or(opts.Log, slog.New(slog.DiscardHandler))}
	if err := s.open(ctx, cfg, opts); err != nil {
		return nil, errors.Join(fmt.Errorf("open database %s at %s: %w", cfg.Database, cfg.Host, err), s.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, cfg *pgx.ConnConfig, opts Options) error {
	if err := migrate(ctx, cfg.Copy()); err != nil {
		return err
	}
	s.db = newPool(cfg, cmp.Or(max(opts.Readers, 0), 8))
	life := context.WithoutCancel(ctx)
	s.lease = newLeaseOf(life, s, opts)
	if err := s.lease.take(ctx); err != nil {
		return err
	}
	s.lease.keep()
	s.session = &session{ctx: life, cfg: cfg, epoch: s.Epoch}
	var err error
	s.Ledger, err = ledger.Start(s.reading(), ledger.Writing{
		Session: s.session, IDs: newIDs(life, s.db, s.session, s.log), Log: s.log, Committed: opts.Committed, QueueLimit: opts.QueueLimit,
	})
	if err != nil {
		return err
	}
	if opts.Elsewhere != nil {
		var listening context.Context
		listening, s.deaf = context.WithCancel(life)
		s.hearing.Go(func() { s.hear(listening, cfg, opts.Elsewhere) })
	}
	if _, err := s.db.ExecContext(ctx, forget); err != nil {
		return failure("forget old replicas", err)
	}
	s.log.InfoContext(ctx, "database open", "database", cfg.Database, "host", cfg.Host, "epoch", s.Epoch(), "replica", opts.Name)
	return nil
}

func (s *Store) reading() ledger.Reading {
	return ledger.Reading{DB: s.db.DB, Failure: failure, Epoch: s.Epoch, Patience: patience, Again: s.db.again, Clean: clean}
}

func (s *Store) close() error {
	var errs []error
	if s.deaf != nil {
		s.deaf()
		s.hearing.Wait()
	}
	if s.Ledger != nil {
		s.Stop()
	}
	if s.session != nil {
		errs = append(errs, s.session.close())
	}
	if s.lease != nil {
		s.lease.close()
	}
	switch {
	case s.Ledger != nil:
		errs = append(errs, s.CloseReaders())
	case s.db != nil:
		errs = append(errs, s.db.Close())
	}
	return errors.Join(errs...)
}

// Interrupted reads the Runs that a process which is gone had in hand: active,
// not waiting for a person, not due, and of an epoch whose lease has ended. It
// ends the leases that nobody has renewed.
func (s *Store) Interrupted(ctx context.Context) ([]bot.Run, error) {
	if n, err := s.lease.reap(ctx); err != nil {
		return nil, err
	} else if n > 0 {
		s.log.WarnContext(ctx, "another replica has not renewed its lease; what it had in hand is taken up", "replicas", n)
	}
	return s.RunsWhere(ctx, "read interrupted runs", query.LeftRuns)
}
