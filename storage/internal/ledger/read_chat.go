package ledger

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"salve/bot"
	"salve/storage/internal/query"
)

// Posts reads those that the query selects, lowest Rank first, then longest due.
func (l *Ledger) Posts(ctx context.Context, q bot.PostQuery) ([]bot.Post, error) {
	f := filter{scans: true}
	if !q.Due.IsZero() {
		f.scans = false
		f.add("state = 'due' AND due_at <= ?", MS(q.Due))
	}
	if q.Surface != "" {
		f.add("surface = ?", q.Surface)
	}
	if q.Place != "" {
		f.add("place = ?", q.Place)
	}
	if q.Incident != 0 {
		f.scans = false
		f.add("incident = ? AND incident > 0", int64(q.Incident))
	}
	return rowsOf(ctx, l, f.ask("read posts", query.Posts, "rank, due_at, key", limitOf(q.Limit, 50)), scanPost)
}

// Post reads one; bot.ErrNotFound if there is none.
func (l *Ledger) Post(ctx context.Context, key string) (bot.Post, error) {
	return rowOf(ctx, l, asking("read post "+key, query.Post, key), scanPost)
}

// PostAt reads the one that a surface keeps there; bot.ErrNotFound if there is
// none.
func (l *Ledger) PostAt(ctx context.Context, surface string, m bot.Mark) (bot.Post, error) {
	return rowOf(ctx, l, asking("read a post of "+surface, query.PostAt, surface, m.Place, m.Ref), scanPost)
}

func scanPost(rows *sql.Rows) (p bot.Post, err error) {
	p.Version, err = scanVersioned(rows, &p)
	return p, err
}

// scanVersioned reads a noun whose version stands in its row.
func scanVersioned(rows *sql.Rows, noun any) (version int64, err error) {
	var body sql.RawBytes
	if err := rows.Scan(&version, &body); err != nil {
		return 0, err
	}
	return version, decode(body, noun)
}

// Offer reads one by its token; bot.ErrNotFound if there is none. Whether it has
// expired is for the caller to see.
func (l *Ledger) Offer(ctx context.Context, token string) (bot.Offer, error) {
	return rowOf(ctx, l, asking("read offer", query.Offer, token), scanBody[bot.Offer])
}

// Gesture reads one; bot.ErrNotFound if there is none.
func (l *Ledger) Gesture(ctx context.Context, key string) (bot.Gesture, error) {
	return rowOf(ctx, l, asking("read gesture "+key, query.Gesture, key), scanGesture)
}

// DueGestures reads those that are not done and whose time has come, longest due
// first.
func (l *Ledger) DueGestures(ctx context.Context, now time.Time, limit int) ([]bot.Gesture, error) {
	return rowsOf(ctx, l, asking("read due gestures", query.DueGestures, MS(now), int64(limit)), scanGesture)
}

func scanGesture(rows *sql.Rows) (g bot.Gesture, err error) {
	g.Version, err = scanVersioned(rows, &g)
	return g, err
}

// Cursor reads one; where there is none it is at the beginning, with Version 0.
func (l *Ledger) Cursor(ctx context.Context, name string) (bot.Cursor, error) {
	c, err := rowOf(ctx, l, asking("read cursor "+name, query.Cursor, name), func(rows *sql.Rows) (c bot.Cursor, err error) {
		err = rows.Scan(&c.Version, &c.Seq)
		return c, err
	})
	if errors.Is(err, bot.ErrNotFound) {
		err = nil
	}
	c.Name = name
	return c, err
}
