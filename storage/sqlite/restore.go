package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"salve/storage/datadir"
)

// FileName is the name of the database in its directory.
const FileName = fileName

// Hold takes the lock of a data directory, which it makes if need be, so that no
// Salve starts on it until it is closed.
func Hold(dir string) (io.Closer, error) {
	if err := datadir.Prepare(dir); err != nil {
		return nil, err
	}
	return datadir.Lock(dir)
}

// Replace puts the closed database in staged into the place of the one in dir,
// and keeps that one, with its log if it has one, under the name aside; "" means
// that there was none. Whoever calls it holds dir. At no moment, and after no
// crash, does a database stand there with the log of another.
func Replace(ctx context.Context, staged, dir, aside string) (kept string, err error) {
	from, to := filepath.Join(staged, fileName), filepath.Join(dir, fileName)
	if err := wholeByItself(from); err != nil {
		return "", err
	}
	aside = filepath.Join(dir, aside)
	switch info, err := os.Lstat(to); {
	case err == nil && !info.Mode().IsRegular():
		return "", fmt.Errorf("%s is not a file but leads elsewhere; name the data directory that it is really in", to)
	case err == nil:
		if err := setAside(ctx, to, aside); err != nil {
			return "", fmt.Errorf("keep %s as %s: %w", to, aside, err)
		}
		kept = aside
	case !errors.Is(err, fs.ErrNotExist):
		return "", err
	}
	if err := syncDir(dir); err != nil {
		return kept, err
	}
	if err := os.Rename(from, to); err != nil {
		return kept, err
	}
	return kept, syncDir(dir)
}

// setAside gives the database and its log second names, and takes the log away
// from the first. A log that can be emptied into the database is: what is left of
// it then is nothing. One that cannot belongs to a database that is damaged, and
// stays with it; SQLite itself would throw it away.
func setAside(ctx context.Context, path, aside string) error {
	if _, err := os.Lstat(aside); err == nil {
		return fs.ErrExist
	}
	if err := os.Link(path+"-wal", aside+"-wal"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	_ = emptyLog(ctx, path) // it may be damaged: that is why it is replaced
	if info, err := os.Stat(aside + "-wal"); err == nil && info.Size() == 0 {
		if err := os.Remove(aside + "-wal"); err != nil {
			return err
		}
	}
	for _, end := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + end); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return os.Link(path, aside)
}

// emptyLog opens and closes the database as the last one to do so, which empties
// its log.
func emptyLog(ctx context.Context, path string) (err error) {
	db, err := sql.Open("sqlite", dsn(path, writerPragmas))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	var busy, length, copied int
	return db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &length, &copied)
}
