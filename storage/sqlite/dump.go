package sqlite

import (
	"context"
	"database/sql"
	"iter"
	"strings"
)

// Rows reads a table, a row at a time, as int64, string, []byte and nil. The row
// is good until the next.
func (s *Store) Rows(ctx context.Context, table string, columns []string) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		rows, err := s.DB().QueryContext(ctx, "SELECT "+strings.Join(columns, ", ")+" FROM "+table)
		if err != nil {
			yield(nil, failure("read table "+table, err))
			return
		}
		defer rows.Close()
		row, dest := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			dest[i] = &row[i]
		}
		if each(rows, dest, func() bool { return yield(row, nil) }) {
			if err := rows.Err(); err != nil {
				yield(nil, failure("read table "+table, err))
			}
		}
	}
}

// each scans every row into dest; it is false when f has had enough.
func each(rows *sql.Rows, dest []any, f func() bool) bool {
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return true // rows.Err tells it too
		}
		if !f() {
			return false
		}
	}
	return true
}
