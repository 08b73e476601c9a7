package sqlite

import (
	"context"
	"database/sql"
	"sync/atomic"

	"salve/bot"
	"salve/storage/internal/query"
)

// counter hands out ids. It only grows, also when a transaction is rolled back,
// so that an id that somebody has seen is never another row's.
type counter struct{ last atomic.Int64 }

func (c *counter) next() int64 { return c.last.Add(1) }

// reach makes the counter go on above an id that was chosen elsewhere.
func (c *counter) reach(id int64) {
	for {
		last := c.last.Load()
		if id <= last || c.last.CompareAndSwap(last, id) {
			return
		}
	}
}

func loadCounters(ctx context.Context, db *sql.DB) (map[bot.Kind]*counter, error) {
	rows, err := db.QueryContext(ctx, query.HighestIDs)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	ids := make(map[bot.Kind]*counter)
	for rows.Next() {
		var kind bot.Kind
		var highest int64
		if err := rows.Scan(&kind, &highest); err != nil {
			return nil, err
		}
		c := new(counter)
		c.last.Store(highest)
		ids[kind] = c
	}
	return ids, rows.Err()
}
