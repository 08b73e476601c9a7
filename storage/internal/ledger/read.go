package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"salve/bot"
)

// ask is a query with what it is for, which errors say.
type ask struct {
	doing string
	text  string
	args  []any
	long  bool // it may take long: it ends with its context
}

func asking(doing, text string, args ...any) ask { return ask{doing: doing, text: text, args: args} }

// errSlow: a store that is not in this process has not answered.
var errSlow = fmt.Errorf("%w: the database does not answer", bot.ErrUnavailable)

// rowsOf reads all rows.
func rowsOf[T any](ctx context.Context, l *Ledger, a ask, scan func(*sql.Rows) (T, error)) (out []T, err error) {
	if err := ctx.Err(); err != nil {
		return nil, l.reading.Failure(a.doing, err)
	}
	if l.reading.Clean != nil {
		a.args = l.reading.Clean(a.args)
	}
	if !a.long {
		// To watch a context takes two goroutines a query, which is more than most
		// of them take to run.
		ctx = context.WithoutCancel(ctx)
	}
	if l.reading.Patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, l.reading.Patience, errSlow)
		defer cancel()
	}
	err = l.again(func() error {
		out, err = readRows(ctx, l, a, scan)
		return err
	})
	if err != nil && errors.Is(context.Cause(ctx), errSlow) {
		err = errSlow
	}
	return out, l.reading.Failure(a.doing, err)
}

func readRows[T any](ctx context.Context, l *Ledger, a ask, scan func(*sql.Rows) (T, error)) ([]T, error) {
	rows, err := l.reads.query(ctx, l.reading.DB, a.text, a.args)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// rowOf reads one row; none is bot.ErrNotFound.
func rowOf[T any](ctx context.Context, l *Ledger, a ask, scan func(*sql.Rows) (T, error)) (T, error) {
	var none T
	found, err := rowsOf(ctx, l, a, scan)
	if err != nil {
		return none, err
	}
	if len(found) == 0 {
		return none, l.reading.Failure(a.doing, sql.ErrNoRows)
	}
	return found[0], nil
}

// scanBody reads a noun that is stored as one column.
func scanBody[T any](rows *sql.Rows) (v T, err error) {
	var body sql.RawBytes
	if err := rows.Scan(&body); err != nil {
		return v, err
	}
	return v, decode(body, &v)
}

// filter builds a WHERE clause out of the terms that a query asks for.
type filter struct {
	terms []string
	args  []any
	scans bool // a term that no index answers
}

// add takes a term with one ? for each argument.
func (f *filter) add(term string, args ...any) {
	for _, a := range args {
		f.args = append(f.args, a)
		term = strings.Replace(term, "?", "$"+strconv.Itoa(len(f.args)), 1)
	}
	f.terms = append(f.terms, term)
}

// in adds column IN (...), when there are values.
func in[T ~string](f *filter, column string, values []T) {
	if len(values) == 0 {
		return
	}
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = string(v)
	}
	f.add(column+" IN (?"+strings.Repeat(", ?", len(values)-1)+")", args...)
}

// ask is the query with its WHERE, order and limit.
func (f *filter) ask(doing, from, order string, limit int) ask {
	if len(f.terms) > 0 {
		from += " WHERE " + strings.Join(f.terms, " AND ")
	}
	args := append(slices.Clip(f.args), int64(limit))
	return ask{
		doing: doing, text: from + " ORDER BY " + order + " LIMIT $" + strconv.Itoa(len(args)), args: args,
		long: f.scans || limit > 1000,
	}
}

// limitOf is how many rows a query wants.
func limitOf(asked, usual int) int {
	if asked <= 0 {
		return usual
	}
	return asked
}
