package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	sqlite3 "modernc.org/sqlite"

	"salve/bot"
)

// conn is the writing connection with its statements, each prepared when it is
// first used and kept. Only the writer's goroutine uses it. It stands on the
// driver itself: what database/sql adds costs as much as the statements do.
type conn struct {
	ctx   context.Context // the writer's own; it never ends, so no statement is cut short
	raw   driver.Conn
	stmts map[string]statement
	args  []driver.NamedValue // of the statement at work
	dest  []driver.Value      // of the row at work
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

// exec returns how many rows were written.
func (c *conn) exec(text string, args ...any) (int64, error) {
	st, err := c.prepare(text)
	if err != nil {
		return 0, err
	}
	res, err := st.ExecContext(c.ctx, c.bind(args))
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// one reads a single row into dest, of *int64 and *string; there may be none.
func (c *conn) one(text string, args []any, dest ...any) (found bool, err error) {
	err = c.each(text, args, func(row []driver.Value) error {
		found = true
		return fill(dest, row)
	})
	return found && err == nil, err
}

// fill reads a row into dest; a value of another type means damage.
func fill(dest []any, row []driver.Value) error {
	if len(dest) != len(row) {
		return fmt.Errorf("%w: %d columns for %d values", errDamaged, len(row), len(dest))
	}
	for i, v := range row {
		ok := false
		switch d := dest[i].(type) {
		case *int64:
			*d, ok = v.(int64)
		case *string:
			*d, ok = v.(string)
		}
		if !ok {
			return fmt.Errorf("%w: column %d holds %T", errDamaged, i+1, v)
		}
	}
	return nil
}

// each calls scan with every row until it returns an error. The row is good
// until scan returns; scan must not use the connection.
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
