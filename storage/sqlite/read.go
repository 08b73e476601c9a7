package sqlite

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
)

// rowsOf reads all rows of a query; doing is for the error.
func rowsOf[T any](ctx context.Context, s *Store, doing, text string, args []any, scan func(*sql.Rows) (T, error)) ([]T, error) {
	rows, err := s.readDB.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, failure(doing, err)
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, failure(doing, err)
		}
		out = append(out, v)
	}
	return out, failure(doing, rows.Err())
}

// rowOf reads one row; none is bot.ErrNotFound.
func rowOf[T any](ctx context.Context, s *Store, doing, text string, args []any, scan func(*sql.Rows) (T, error)) (T, error) {
	var none T
	found, err := rowsOf(ctx, s, doing, text, args, scan)
	if err != nil {
		return none, err
	}
	if len(found) == 0 {
		return none, failure(doing, sql.ErrNoRows)
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

// text is the query with its WHERE, order and limit.
func (f *filter) text(from, order string, limit int) string {
	if len(f.terms) > 0 {
		from += " WHERE " + strings.Join(f.terms, " AND ")
	}
	f.args = append(f.args, int64(limit))
	return from + " ORDER BY " + order + " LIMIT $" + strconv.Itoa(len(f.args))
}

// limitOf is how many rows a query wants.
func limitOf(asked, usual int) int {
	if asked <= 0 {
		return usual
	}
	return asked
}
