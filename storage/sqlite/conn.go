package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	sqlite3 "modernc.org/sqlite"

	"salve/bot"
	"salve/storage/internal/ledger"
)

// conn is a connection with its statements, each prepared when it is first used
// and kept. The writer's is a ledger.Session; what it puts off is nothing. It stands on the
// driver itself: what database/sql adds costs as much as the statements do.
type conn struct {
	ctx   context.Context // the writer's own; it never ends, so no statement is cut short
	raw   driver.Conn
	stmts map[string]statement
	args  []driver.NamedValue // of the statement at work
	dest  []driver.Value      // of the row at work
	guard *guard              // of the writer's, once the database is open
}

// statement is what the driver's statements can do.
type statement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

func openConn(ctx context.Context, dsn string) (*conn, error) {
	raw, err := (&sqlite3.Driver{}).Open(dsn)
	if err != nil {
		return nil, failure("open", err)
	}
	return &conn{ctx: ctx, raw: raw, stmts: make(map[string]statement)}, nil
}

func (c *conn) prepare(text string) (statement, error) {
	if st := c.stmts[text]; st != nil {
		return st, nil
	}
	prepared, err := c.raw.Prepare(text)
	if err != nil {
		return nil, err
	}
	st, ok := prepared.(statement)
	if !ok {
		return nil, errors.Join(fmt.Errorf("%w: the driver's statements take no context", bot.ErrUnavailable), prepared.Close())
	}
	c.stmts[text] = st
	return st, nil
}

// bind takes int64, string, []byte and nil.
func (c *conn) bind(args []any) []driver.NamedValue {
	c.args = c.args[:0]
	for i, a := range args {
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	return c.args
}

// Exec returns how many rows were written.
func (c *conn) Exec(doing, text string, args ...any) (int64, error) {
	st, err := c.prepare(text)
	if err != nil {
		return 0, failure(doing, err)
	}
	res, err := st.ExecContext(c.ctx, c.bind(args))
	if err != nil {
		return 0, failure(doing, err)
	}
	return res.RowsAffected()
}

// Put runs the statement at once: that costs as little as putting it off.
func (c *conn) Put(p ledger.Put) error {
	n, err := c.Exec(p.Doing, p.Text, p.Args...)
	if err == nil && n == 0 && p.Hit {
		err = fmt.Errorf("%s: %w", p.Doing, bot.ErrConflict)
	}
	return err
}

// Flush has nothing to do.
func (c *conn) Flush() error { return nil }

// Begin takes the write lock, which nobody else wants: all that is remembered
// is good.
func (c *conn) Begin(ledger.Needs) (ledger.Found, error) {
	if err := c.guard.check(); err != nil {
		return ledger.Found{}, err
	}
	_, err := c.Exec("begin", "BEGIN IMMEDIATE")
	return ledger.Found{}, err
}

// Commit answers when all is on disk.
func (c *conn) Commit(ledger.Counters, bot.Touched) error {
	_, err := c.Exec("commit", "COMMIT")
	return err
}

// Rollback fails when SQLite has rolled back by itself, as it does after some
// failures; then there was nothing to do.
func (c *conn) Rollback() error {
	_, err := c.Exec("roll back", "ROLLBACK")
	return err
}

// One reads a single row into dest, of *int64 and *string; there may be none.
func (c *conn) One(doing, text string, args []any, dest ...any) (found bool, err error) {
	err = c.Each(doing, text, args, func(row []driver.Value) error {
		found = true
		return ledger.Fill(dest, row)
	})
	return found && err == nil, err
}

// Each calls scan with every row until it returns an error.
func (c *conn) Each(doing, text string, args []any, scan func(row []driver.Value) error) error {
	return failure(doing, c.each(text, args, scan))
}

func (c *conn) each(text string, args []any, scan func(row []driver.Value) error) (err error) {
	st, err := c.prepare(text)
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(c.ctx, c.bind(args))
	if err != nil {
		return err
	}
	defer func() {
		if cerr := rows.Close(); err == nil {
			err = cerr
		}
	}()
	dest := c.row(len(rows.Columns()))
	for {
		if err := rows.Next(dest); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if err := scan(dest); err != nil {
			return err
		}
	}
}

func (c *conn) row(n int) []driver.Value {
	if cap(c.dest) < n {
		c.dest = make([]driver.Value, n)
	}
	return c.dest[:n]
}

func (c *conn) close() error {
	var errs []error
	for _, st := range c.stmts {
		errs = append(errs, st.Close())
	}
	return errors.Join(append(errs, c.raw.Close())...)
}
