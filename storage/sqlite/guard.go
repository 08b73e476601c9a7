package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"salve/bot"
)

// guard knows the files that are open. One that is removed or replaced under a
// process stays open in it, and whatever is written there is gone with the
// process: nobody may be told that it is on disk.
type guard struct {
	path string
	open map[string]os.FileInfo // by name
}

// watch remembers the database and its log.
func watch(path string) (*guard, error) {
	g := &guard{path: path, open: make(map[string]os.FileInfo)}
	for _, name := range []string{path, path + "-wal"} {
		info, err := os.Stat(name)
		if err != nil {
			return nil, fmt.Errorf("%w: look at database file: %w", bot.ErrUnavailable, err)
		}
		g.open[name] = info
	}
	return g, nil
}

// check costs two looks at a directory, a thousandth of a commit.
func (g *guard) check() error {
	if g == nil {
		return nil
	}
	for name, was := range g.open {
		is, err := os.Stat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist), err == nil && !os.SameFile(was, is):
			return fmt.Errorf("%w: %s was removed or replaced under this process: if it was moved, move it back; "+
				"if not, stop Salve and restore a backup", bot.ErrUnavailable, name)
		case err != nil:
			return fmt.Errorf("%w: look at database file: %w", bot.ErrUnavailable, err)
		}
	}
	return nil
}

// connect opens the reading connections now, so that none is ever opened on
// another file that came in the place of this one. A stranger that is empty would
// even make SQLite throw the log away.
func connect(ctx context.Context, db *sql.DB, n int) (err error) {
	conns := make([]*sql.Conn, 0, n)
	for range n {
		c, cerr := db.Conn(ctx)
		if cerr != nil {
			err = failure("connect", cerr)
			break
		}
		conns = append(conns, c)
		var one int // the log is opened by the first read
		if cerr := c.QueryRowContext(ctx, "SELECT 1 FROM sqlite_master LIMIT 1").Scan(&one); cerr != nil {
			err = failure("connect", cerr)
			break
		}
	}
	for _, c := range conns {
		err = errors.Join(err, c.Close()) // back into the pool
	}
	return err
}
