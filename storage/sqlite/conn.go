package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"slices"
)

// conn is the writing connection with its statements, each prepared when it is
// first used and kept. Only the writer's goroutine uses it.
type conn struct {
	ctx   context.Context // the writer's own; it never ends, so no statement is cut short
	sql   *sql.Conn
	stmts map[string]*sql.Stmt
}

func (c *conn) prepare(text string) (*sql.Stmt, error) {
	if st := c.stmts[text]; st != nil {
		return st, nil
	}
	st, err := c.sql.PrepareContext(c.ctx, text)
	if err != nil {
		return nil, err
	}
	c.stmts[text] = st
	return st, nil
}

// exec returns how many rows were written.
func (c *conn) exec(text string, args ...any) (int64, error) {
	st, err := c.prepare(text)
	if err != nil {
		return 0, err
	}
	res, err := st.ExecContext(c.ctx, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// one reads a single row into dest; there may be none.
func (c *conn) one(text string, args []any, dest ...any) (found bool, err error) {
	st, err := c.prepare(text)
	if err != nil {
		return false, err
	}
	err = st.QueryRowContext(c.ctx, args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// each reads all rows; scan is called with every one.
func (c *conn) each(text string, args []any, scan func(*sql.Rows) error) error {
	st, err := c.prepare(text)
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(c.ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (c *conn) close() error {
	var errs []error
	for _, st := range c.stmts {
		errs = append(errs, st.Close())
	}
	return errors.Join(slices.Concat(errs, []error{c.sql.Close()})...)
}
