package ledger

import (
	"context"
	"database/sql"
	"slices"

	"salve/bot"
	"salve/storage/internal/query"
)

// Events reads those that the query selects, in the order of the chain.
func (l *Ledger) Events(ctx context.Context, q bot.EventQuery) ([]bot.Event, error) {
	var f filter
	if q.Incident != 0 {
		f.add("incident = ? AND incident > 0", int64(q.Incident))
	}
	if q.Run != 0 {
		f.add("run = ? AND run > 0", int64(q.Run))
	}
	if q.After != 0 {
		f.add("seq > ?", q.After)
	}
	order := "seq"
	if q.Last {
		order = "seq DESC"
	}
	events, err := rowsOf(ctx, l, f.ask("read events", query.Events, order, limitOf(q.Limit, 200)), scanEvent)
	if q.Last {
		slices.Reverse(events)
	}
	return events, err
}

// EachEvent calls f with every Event of the log in the order of the chain, as
// of one moment, and ends at the first error.
func (l *Ledger) EachEvent(ctx context.Context, f func(bot.Event) error) error {
	rows, err := l.reading.DB.QueryContext(ctx, query.AllEvents)
	if err != nil {
		return l.reading.Failure("read events", err)
	}
	defer rows.Close()
	for rows.Next() {
		e, err := scanEvent(rows)
		if err != nil {
			return l.reading.Failure("read events", err)
		}
		if err := f(e); err != nil {
			return err
		}
	}
	return l.reading.Failure("read events", rows.Err())
}

func scanEvent(rows *sql.Rows) (bot.Event, error) {
	var row EventRow
	if err := rows.Scan(&row.Seq, (*int64)(&row.Incident), (*int64)(&row.Run), &row.Body); err != nil {
		return bot.Event{}, err
	}
	return row.event()
}

// QuarantineList reads those that the query selects, newest first, without Body.
func (l *Ledger) QuarantineList(ctx context.Context, q bot.QuarantineQuery) ([]bot.Quarantined, error) {
	var f filter
	in(&f, "state", q.States)
	return rowsOf(ctx, l, f.ask("read quarantine", query.Quarantine, "id DESC", limitOf(q.Limit, 50)),
		func(rows *sql.Rows) (v bot.Quarantined, err error) {
			err = scanQuarantined(rows, &v)
			return v, err
		})
}

// QuarantineItem reads one with its Body, which is empty when it was settled
// and its retention is over; bot.ErrNotFound if there is none.
func (l *Ledger) QuarantineItem(ctx context.Context, id bot.QuarantineID) (bot.Quarantined, error) {
	return rowOf(ctx, l, asking("read quarantined payload "+id.String(), query.QuarantineItem, int64(id)),
		func(rows *sql.Rows) (v bot.Quarantined, err error) {
			var packed []byte
			if err := scanQuarantined(rows, &v, &packed); err != nil {
				return v, err
			}
			v.Body, err = l.packing.unpack(packed)
			return v, err
		})
}

func scanQuarantined(rows *sql.Rows, v *bot.Quarantined, more ...any) error {
	var receivedAt int64
	dest := []any{(*int64)(&v.ID), &v.Version, (*string)(&v.State), &v.Source, &v.Reason, &receivedAt, &v.Size, &v.SHA256, &v.Repeats}
	if err := rows.Scan(append(dest, more...)...); err != nil {
		return err
	}
	v.ReceivedAt = FromMS(receivedAt)
	return nil
}
