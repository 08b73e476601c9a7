package ledger

import (
	"context"
	"database/sql"
	"sync/atomic"

	"salve/bot"
	"salve/storage/internal/query"
)

// Counter hands out ids of one process. It only grows, also when a transaction is rolled back,
// so that an id that somebody has seen is never another row's.
type Counter struct{ last atomic.Int64 }

// Next is one more than the highest.
func (c *Counter) Next() int64 { return c.last.Add(1) }

// Reach makes the Counter go on above an id that was chosen elsewhere.
func (c *Counter) Reach(id int64) {
	for {
		last := c.last.Load()
		if id <= last || c.last.CompareAndSwap(last, id) {
			return
		}
	}
}

// Own is the IDs of a database that one process alone writes.
type Own map[bot.Kind]*Counter

// Next is 0 for an unknown kind.
func (o Own) Next(kind bot.Kind) int64 {
	if c := o[kind]; c != nil {
		return c.Next()
	}
	return 0
}

// Reach makes ids of a kind go on above one that was chosen elsewhere.
func (o Own) Reach(kind bot.Kind, id int64) error {
	o[kind].Reach(id)
	return nil
}

// LoadOwn finds the highest ids in use.
func LoadOwn(ctx context.Context, db *sql.DB) (Own, error) {
	rows, err := db.QueryContext(ctx, query.HighestIDs)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	ids := make(Own)
	for rows.Next() {
		var kind bot.Kind
		var highest int64
		if err := rows.Scan(&kind, &highest); err != nil {
			return nil, err
		}
		c := new(Counter)
		c.last.Store(highest)
		ids[kind] = c
	}
	return ids, rows.Err()
}
