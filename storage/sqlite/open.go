package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"salve/bot"
	"salve/storage/datadir"
	"salve/storage/internal/ledger"
	"salve/storage/internal/query"
)

const (
	fileName      = "salve.db"
	oldestVersion = "3.51.3" // older ones may lose commits when the log is reset
)

// Open opens or makes the database in dir, for this process alone: it takes the
// lock file, checks who may read the files, migrates, and raises the epoch.
// The context bounds the opening only.
func Open(ctx context.Context, dir string, opts Options) (*Store, error) {
	if err := datadir.Prepare(dir); err != nil {
		return nil, err
	}
	lock, err := datadir.Lock(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{log: cmp.Or(opts.Log, slog.New(slog.DiscardHandler)), lock: lock}
	if err := s.open(ctx, dir, opts); err != nil {
		return nil, fmt.Errorf("open database in %s: %w", dir, errors.Join(err, s.Close()))
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, dir string, opts Options) error {
	path := filepath.Join(dir, fileName)
	if err := prepareFile(path); err != nil {
		return err
	}
	name := dsn(path, writerPragmas)
	ids, err := s.upToDate(ctx, name)
	if err != nil {
		return err
	}
	if s.conn, err = openConn(context.WithoutCancel(ctx), name); err != nil {
		return err
	}
	if s.checkpoints, err = openCheckpointer(context.WithoutCancel(ctx), path, s.log); err != nil {
		return err
	}
	s.checkpoints.start()
	readers := cmp.Or(opts.Readers, 4)
	db, err := openReaders(path, readers)
	if err != nil {
		return err
	}
	if err := connect(ctx, db, readers); err != nil {
		return errors.Join(err, db.Close())
	}
	s.Ledger, err = ledger.Start(s.reading(db), ledger.Writing{
		Session: s.conn, IDs: ids, Log: s.log, Committed: opts.Committed, QueueLimit: opts.QueueLimit,
		Wrote: func(rows int) { s.checkpoints.wrote(s.conn, rows) },
	})
	if err != nil {
		return errors.Join(err, db.Close())
	}
	if s.conn.guard, err = watch(path); err != nil {
		return err
	}
	s.log.InfoContext(ctx, "database open", "file", path, "epoch", s.epoch)
	return nil
}

func (s *Store) reading(db *sql.DB) ledger.Reading {
	return ledger.Reading{DB: db, Failure: failure, Epoch: s.Epoch}
}

// upToDate brings the database up to date, raises the epoch and finds the
// highest ids in use. It has the only connection that writes, and gives it up.
func (s *Store) upToDate(ctx context.Context, name string) (ids ledger.Own, err error) {
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	if err := checkVersion(ctx, db); err != nil {
		return nil, err
	}
	if err := migrate(ctx, db); err != nil {
		return nil, err
	}
	if _, err := db.ExecContext(ctx, query.RaiseEpoch); err != nil {
		return nil, failure("raise the epoch", err)
	}
	if err := db.QueryRowContext(ctx, query.Epoch).Scan(&s.epoch); err != nil {
		return nil, failure("read the epoch", err)
	}
	return ledger.LoadOwn(ctx, db)
}

// OpenReadOnly opens the database in dir beside whoever holds it, without the
// lock; Commit and Prune then answer bot.ErrUnavailable. It is meant for
// verifying the audit log.
func OpenReadOnly(ctx context.Context, dir string) (*Store, error) {
	path := filepath.Join(dir, fileName)
	if err := checkFile(path); err != nil {
		return nil, err
	}
	db, err := openReaders(path, 1)
	if err != nil {
		return nil, fmt.Errorf("open database in %s: %w", dir, err)
	}
	s := &Store{log: slog.New(slog.DiscardHandler)}
	s.Ledger = ledger.Read(s.reading(db))
	if err := s.check(ctx, db); err != nil {
		return nil, fmt.Errorf("open database in %s: %w", dir, errors.Join(err, s.Close()))
	}
	return s, nil
}

func (s *Store) check(ctx context.Context, db *sql.DB) error {
	if err := checkVersion(ctx, db); err != nil {
		return err
	}
	if err := checkSchema(ctx, db); err != nil {
		return err
	}
	return db.QueryRowContext(ctx, query.Epoch).Scan(&s.epoch)
}

// close lets the writer's connection be the last, so that it can empty the log
// into the database.
func (s *Store) close() error {
	var errs []error
	if s.Ledger != nil {
		s.Stop()
	}
	if s.checkpoints != nil {
		errs = append(errs, s.checkpoints.stop())
	}
	if s.Ledger != nil {
		errs = append(errs, s.CloseReaders())
	}
	if s.conn != nil {
		errs = append(errs, s.conn.close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// Pragmas stand in the name of the database, so that every connection has them
// from its first statement on.
var (
	writerPragmas = []string{"journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(5000)", "foreign_keys(1)",
		"cache_size(-16000)", "wal_autocheckpoint(0)", "journal_size_limit(67108864)", "temp_store(2)"}
	readerPragmas = []string{"busy_timeout(5000)", "query_only(1)", "foreign_keys(1)", "temp_store(2)"}
)

func dsn(path string, pragmas []string) string {
	q := make(url.Values)
	for _, p := range pragmas {
		q.Add("_pragma", p)
	}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
}

func openReaders(path string, n int) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn(path, readerPragmas)+"&mode=rw") // never makes the file
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db, nil
}

func checkVersion(ctx context.Context, db *sql.DB) error {
	var have string
	if err := db.QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&have); err != nil {
		return failure("read the SQLite version", err)
	}
	if !atLeast(have, oldestVersion) {
		return fmt.Errorf("%w: SQLite %s can lose commits; build Salve with SQLite %s or later", bot.ErrUnavailable, have, oldestVersion)
	}
	return nil
}

func atLeast(have, want string) bool {
	h, w := strings.Split(have, "."), strings.Split(want, ".")
	for i := range w {
		if i >= len(h) {
			return false
		}
		a, errA := strconv.Atoi(h[i])
		b, errB := strconv.Atoi(w[i])
		if errA != nil || errB != nil {
			return false
		}
		if a != b {
			return a > b
		}
	}
	return true
}
