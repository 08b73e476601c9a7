package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	sqlite3 "modernc.org/sqlite"

	"salve/bot"
)

// pagesAtOnce is how much is copied between two rests: 1 MiB of pages.
const pagesAtOnce = 256

// The copy is made for one reader at a time and needs no log of its own: what is
// left half made is thrown away.
var copyPragmas = []string{"synchronous(0)", "journal_mode(OFF)"}

// Backup copies the database in dir, as it is at one moment, into a new file for
// its owner alone, and says what was in it at that moment. It works beside
// whoever holds the database and needs no lock. progress may be nil.
//
// The writer goes on meanwhile, and its log grows until the copy is made. So
// that it is not held up by the disk, each piece is on disk before the next one
// is read, and half of the time the copy rests.
func Backup(ctx context.Context, dir, to string, progress func(done, total int)) (Contents, error) {
	from := filepath.Join(dir, fileName)
	if err := checkFile(from); err != nil {
		return Contents{}, err
	}
	file, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return Contents{}, fmt.Errorf("make the copy: %w", err)
	}
	held, err := copyInto(ctx, from, file, progress)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return Contents{}, fmt.Errorf("copy %s to %s: %w", from, to, err)
	}
	return held, nil
}

func copyInto(ctx context.Context, from string, file *os.File, progress func(done, total int)) (held Contents, err error) {
	c, err := openConn(ctx, dsn(from, readerPragmas))
	if err != nil {
		return Contents{}, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if _, err := c.Exec("begin", "BEGIN"); err != nil {
		return Contents{}, err
	}
	// The first read fixes the moment for all that follows.
	if held, err = contents(c); err != nil {
		return Contents{}, err
	}
	if err := c.copyPages(ctx, file, progress); err != nil {
		return Contents{}, err
	}
	return held, nil
}

// copyPages copies the moment that the connection sees.
func (c *conn) copyPages(ctx context.Context, file *os.File, progress func(done, total int)) error {
	source, ok := c.raw.(interface {
		NewBackup(string) (*sqlite3.Backup, error)
	})
	if !ok {
		return fmt.Errorf("%w: the driver makes no backups", bot.ErrUnavailable)
	}
	b, err := source.NewBackup(dsn(file.Name(), copyPragmas))
	if err != nil {
		return failure("begin the copy", err)
	}
	for more := true; more; {
		if ctx.Err() != nil {
			return errors.Join(context.Cause(ctx), b.Finish())
		}
		began := time.Now()
		if more, err = b.Step(pagesAtOnce); err == nil {
			err = file.Sync()
		}
		if err != nil {
			return errors.Join(failure("copy pages", err), b.Finish())
		}
		if progress != nil {
			progress(b.PageCount()-b.Remaining(), b.PageCount())
		}
		time.Sleep(time.Since(began))
	}
	return withoutLog(b)
}

// withoutLog ends a copy so that it is one file, whole by itself: read later, it
// makes no log beside it.
func withoutLog(b *sqlite3.Backup) error {
	raw, err := b.Commit()
	if err != nil {
		return failure("end the copy", err)
	}
	c := &conn{ctx: context.Background(), raw: raw, stmts: make(map[string]statement)}
	var mode string
	_, err = c.One("end the copy", "PRAGMA journal_mode = DELETE", nil, &mode)
	if err == nil && mode != "delete" {
		err = fmt.Errorf("end the copy: %w: its journal mode is %s", bot.ErrUnavailable, mode)
	}
	return errors.Join(err, c.close())
}
