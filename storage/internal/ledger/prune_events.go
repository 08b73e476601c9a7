package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"database/sql"

	"salve/bot"
	"salve/storage/internal/query"
)

// Boundary is where the log was pruned last; zero: it never was.
func (l *Ledger) Boundary(ctx context.Context) (bot.Boundary, error) {
	var b bot.Boundary
	var carried string
	err := l.reading.DB.QueryRowContext(ctx, query.LastBoundary).Scan(&b.Size, (*text)(&b.Note), (*text)(&b.Edge), &carried)
	if errors.Is(err, sql.ErrNoRows) {
		return bot.Boundary{}, nil
	}
	if err != nil {
		return bot.Boundary{}, l.reading.Failure("read where the audit log was pruned", err)
	}
	if err := json.Unmarshal([]byte(carried), &b.Carried); err != nil {
		return bot.Boundary{}, fmt.Errorf("read where the audit log was pruned: %w", ErrDamaged)
	}
	return b, nil
}

// text is bytes in a column of text.
type text []byte

// Scan takes what the driver gives.
func (t *text) Scan(v any) error {
	switch v := v.(type) {
	case string:
		*t = text(v)
	case []byte:
		*t = append(text(nil), v...)
	default:
		return fmt.Errorf("%T is not text", v)
	}
	return nil
}

// FirstNeeded is the first Event about an Incident that is not closed, or that
// has a Run in hand; 0 when there is none.
func (l *Ledger) FirstNeeded(ctx context.Context) (int64, error) {
	var first int64
	err := l.reading.DB.QueryRowContext(ctx, query.FirstNeeded).Scan(&first)
	return first, l.reading.Failure("find what of the audit log is needed", err)
}

// PruneEvents writes the boundary together with the Event that tells of it, and
// then drops the Events up to it, some at a time. A boundary that is not above
// the last one is written no more, but what was left of its Events is dropped. It
// refuses to drop the last Event, and returns how many it dropped.
func (l *Ledger) PruneEvents(ctx context.Context, b bot.Boundary, e bot.Event) (int64, error) {
	if l.writer == nil {
		return 0, errReadOnly
	}
	carried, err := json.Marshal(b.Carried)
	if err != nil {
		return 0, fmt.Errorf("prune the audit log: %w", err)
	}
	dropped, more := int64(0), true
	for mark := true; more; mark = false {
		_, err := l.writer.submit(ctx, &request{done: make(chan result, 1), apply: func(t *tx) (bot.Receipt, error) {
			if mark {
				return bot.Receipt{}, t.bound(b, string(carried), e)
			}
			n, err := t.dropEvents()
			dropped, more = dropped+n, n > 0
			return bot.Receipt{}, err
		}})
		if err != nil {
			return dropped, fmt.Errorf("prune the audit log: %w", err)
		}
	}
	return dropped, nil
}

func (t *tx) bound(b bot.Boundary, carried string, e bot.Event) error {
	last, err := t.boundary()
	if err != nil || b.Size <= last {
		return err
	}
	if b.Size >= t.head.seq {
		return fmt.Errorf("event %d is not behind the head of the log: %w", b.Size, bot.ErrConflict)
	}
	if err := t.write("write where the audit log is pruned", query.InsertBoundary, b.Size, string(b.Note), string(b.Edge), carried); err != nil {
		return err
	}
	return t.seal(e)
}

func (t *tx) boundary() (int64, error) {
	var size int64
	var note, edge, carried string
	_, err := t.session.One("read where the audit log was pruned", query.LastBoundary, nil, &size, &note, &edge, &carried)
	return size, err
}

// dropEvents drops a batch, oldest first.
func (t *tx) dropEvents() (int64, error) {
	last, err := t.boundary()
	if err != nil || last == 0 {
		return 0, err
	}
	var first int64
	if _, err := t.session.One("find the first event", query.FirstEvent, nil, &first); err != nil || first > last {
		return 0, err
	}
	return t.exec("drop events", query.DropEvents, min(first+pruneBatch-1, last))
}
