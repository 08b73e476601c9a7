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
	"time"

	"salve/bot"
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
	if err := prepareDir(dir); err != nil {
		return nil, err
	}
	lock, err := takeLock(dir)
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
	var err error
	s.packing = newPacking()
	name := dsn(path, writerPragmas)
	if s.ids, err = upToDate(ctx, name); err != nil {
		return err
	}
	if s.readDB, err = openReaders(path, cmp.Or(opts.Readers, 4)); err != nil {
		return err
	}
	c, err := openConn(context.WithoutCancel(ctx), name)
	if err != nil {
		return err
	}
	s.writer = newWriter(c, s, opts)
	if s.epoch, err = s.writer.begin(time.Now()); err != nil {
		return err
	}
	if s.writer.checkpoints, err = openCheckpointer(context.WithoutCancel(ctx), path, s.log); err != nil {
		return err
	}
	s.writer.start()
	s.log.InfoContext(ctx, "database open", "file", path, "epoch", s.epoch)
	return nil
}

// upToDate brings the database up to date and finds the highest ids in use. It
// has the only connection that writes, and gives it up.
func upToDate(ctx context.Context, name string) (ids map[bot.Kind]*counter, err error) {
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
	return loadCounters(ctx, db)
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
	s := &Store{log: slog.New(slog.DiscardHandler), readDB: db}
	if err := s.check(ctx); err != nil {
		return nil, fmt.Errorf("open database in %s: %w", dir, errors.Join(err, s.Close()))
	}
	return s, nil
}

func (s *Store) check(ctx context.Context) error {
	if err := checkVersion(ctx, s.readDB); err != nil {
		return err
	}
	if err := checkSchema(ctx, s.readDB); err != nil {
		return err
	}
	var err error
	s.packing = newPacking()
	if s.ids, err = loadCounters(ctx, s.readDB); err != nil {
		return err
	}
	return s.readDB.QueryRowContext(ctx, query.Epoch).Scan(&s.epoch)
}

// close lets the writer's connection be the last, so that it can empty the log
// into the database.
func (s *Store) close() error {
	var errs []error
	if s.writer != nil {
		s.writer.stop()
	}
	if s.writer != nil && s.writer.checkpoints != nil {
		errs = append(errs, s.writer.checkpoints.stop())
	}
	if s.readDB != nil {
		errs = append(errs, s.reads.close(), s.readDB.Close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.conn.close())
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
	db, err := sql.Open("sqlite", dsn(path, readerPragmas))
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
