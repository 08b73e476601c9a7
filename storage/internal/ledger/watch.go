package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"salve/bot"
	"salve/storage/internal/query"
)

// TryWrite takes the way of every Change: through the queue and the writer, to
// the end of the audit log, onto the disk. It leaves no Event. bot.ErrAudit says
// that the log could not be continued, bot.ErrOverloaded that the queue is full.
func (l *Ledger) TryWrite(ctx context.Context) error {
	if l.writer == nil {
		return errReadOnly
	}
	_, err := l.writer.submit(ctx, &request{done: make(chan result, 1), apply: func(t *tx) (bot.Receipt, error) {
		if err := t.tryAudit(); err != nil {
			return bot.Receipt{}, err
		}
		return bot.Receipt{}, t.write("try to write", query.TryWrite)
	}})
	return err
}

// tryAudit looks whether the last Event is the one that the next would follow.
func (t *tx) tryAudit() error {
	if t.wrote {
		return nil // others in this transaction are ahead of what is on disk
	}
	var row EventRow
	found, err := t.session.One("read the end of the audit log", query.LastEvent, nil, &row.Seq, (*int64)(&row.Incident), (*int64)(&row.Run), &row.Body)
	if err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("%w: it is empty", bot.ErrAudit)
	}
	e, err := row.event()
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", bot.ErrAudit, err)
	case e.Seq != t.head.seq || e.Hash != t.head.hash:
		return fmt.Errorf("%w: the last event on disk is not the one that was written last", bot.ErrAudit)
	default:
		return nil
	}
}

// RunsInHand reads active Runs, oldest first, after the one given.
func (l *Ledger) RunsInHand(ctx context.Context, after bot.RunID, limit int) ([]bot.Run, error) {
	return rowsOf(ctx, l, asking("read runs in hand", query.RunsInHand, int64(after), int64(limit)), scanRun)
}

// OpenAlertsOf reads the firing alerts of a source in its open Incidents.
func (l *Ledger) OpenAlertsOf(ctx context.Context, source string, limit int) ([]bot.Alert, error) {
	all, err := rowsOf(ctx, l, asking("read open alerts of "+source, query.OpenAlertsOf, source, int64(limit)), func(rows *sql.Rows) (bot.Alert, error) {
		var id bot.IncidentID
		return scanAlertInto(rows, &id, &id)
	})
	return slices.DeleteFunc(all, func(a bot.Alert) bool { return a.State != bot.AlertFiring }), err
}

const (
	heardPrefix = "heard/"
	heardFor    = 30 * 24 * time.Hour // who was not heard for so long is forgotten
)

// NoteHeard keeps when somebody was heard last, the latest of what all processes
// say.
func (l *Ledger) NoteHeard(ctx context.Context, at map[string]time.Time) error {
	if len(at) == 0 {
		return nil
	}
	return l.Alone(ctx, func(s Session) (wrote bool, err error) {
		var newest time.Time
		for _, name := range slices.Sorted(maps.Keys(at)) {
			n, err := s.Exec("note who was heard", query.NoteHeard, heardPrefix+name, MS(at[name]))
			if err != nil {
				return wrote, err
			}
			if wrote = wrote || n > 0; at[name].After(newest) {
				newest = at[name]
			}
		}
		n, err := s.Exec("forget who is gone", query.ForgetHeard, MS(newest.Add(-heardFor)))
		return wrote || n > 0, err
	})
}

// LastHeard reads what NoteHeard keeps.
func (l *Ledger) LastHeard(ctx context.Context) (map[string]time.Time, error) {
	out := map[string]time.Time{}
	_, err := rowsOf(ctx, l, asking("read who was heard", query.LastHeard), func(rows *sql.Rows) (struct{}, error) {
		var name string
		var at int64
		err := rows.Scan(&name, &at)
		out[strings.TrimPrefix(name, heardPrefix)] = FromMS(at)
		return struct{}{}, err
	})
	return out, err
}
