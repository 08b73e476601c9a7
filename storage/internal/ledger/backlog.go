package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"salve/bot"
	"salve/storage/internal/query"
)

// undecidedLimit is how many of the longest due Incidents are looked at for one
// that nobody has decided about. Unlike the others it reads rows.
const undecidedLimit = 1000

// Backlog reads what waits at now. It ends with its context.
func (l *Ledger) Backlog(ctx context.Context, now time.Time) (bot.Backlog, error) {
	b := bot.Backlog{Runs: make(map[bot.RunState]int)}
	a := patient("count what waits", query.Backlog, MS(now), int64(bot.BacklogLimit), int64(undecidedLimit))
	if _, err := rowsOf(ctx, l, a, func(rows *sql.Rows) (struct{}, error) { return struct{}{}, scanBacklog(rows, &b) }); err != nil {
		return bot.Backlog{}, err
	}
	for _, read := range []func(context.Context, *bot.Backlog) error{l.oldestRun, l.oldestPending, l.lastEvent} {
		if err := read(ctx, &b); err != nil {
			return bot.Backlog{}, err
		}
	}
	return b, nil
}

// patient is a query that ends with its context, since who watches a database
// asks it also when it is ill.
func patient(doing, text string, args ...any) ask {
	a := asking(doing, text, args...)
	a.long = true
	return a
}

func scanBacklog(rows *sql.Rows, b *bot.Backlog) error {
	var what string
	var count int
	var since int64
	if err := rows.Scan(&what, &count, &since); err != nil {
		return err
	}
	q := bot.Queue{Length: count, Since: FromMS(since)}
	switch what {
	case "decide":
		b.Decide = q
	case "undecided":
		b.Undecided = q
	case "act":
		b.Act = q
	case "approvals":
		b.Approvals = q
	case "held":
		b.Held = count
	default:
		state, ok := strings.CutPrefix(what, "run ")
		if !ok {
			return fmt.Errorf("%w: nobody asked for %q", ErrDamaged, what)
		}
		b.Runs[bot.RunState(state)] = count
		b.Running.Length += count
	}
	return nil
}

func (l *Ledger) oldestRun(ctx context.Context, b *bot.Backlog) error {
	found, err := rowsOf(ctx, l, patient("read the oldest active run", query.OldestActiveRun), scanRun)
	if len(found) > 0 {
		b.Running.Since = found[0].CreatedAt
	}
	return err
}

func (l *Ledger) oldestPending(ctx context.Context, b *bot.Backlog) error {
	found, err := rowsOf(ctx, l, patient("read the oldest question", query.OldestPending), scanApproval)
	if len(found) > 0 {
		b.Approvals.Since = found[0].OpenedAt
	}
	return err
}

func (l *Ledger) lastEvent(ctx context.Context, b *bot.Backlog) error {
	found, err := rowsOf(ctx, l, patient("read the last event", query.LastEvent), scanEvent)
	if len(found) > 0 {
		b.Events, b.LastEvent = found[0].Seq, found[0].At
	}
	return err
}

// OpenPage counts up to limit open Incidents after one by their severity.
func (l *Ledger) OpenPage(ctx context.Context, after bot.IncidentID, limit int) (bot.OpenPage, error) {
	p := bot.OpenPage{Count: make(map[bot.Severity]int)}
	found, err := rowsOf(ctx, l, patient("count open incidents", query.OpenFolds, int64(after), int64(limit)),
		func(rows *sql.Rows) (id bot.IncidentID, err error) {
			var fold struct { // the rest of it is passed over
				Severity bot.Severity `json:"severity"`
			}
			var body sql.RawBytes
			if err := rows.Scan((*int64)(&id), &body); err != nil {
				return 0, err
			}
			if err := jsonv2.Unmarshal(body, &fold, lenient); err != nil {
				return 0, fmt.Errorf("%w: fold: %w", ErrDamaged, err)
			}
			p.Count[fold.Severity]++
			return id, nil
		})
	if err == nil && len(found) == limit {
		p.Last = found[limit-1]
	}
	return p, err
}

// EventPage reads what happened after the Event with that Seq, looking at no
// more than limit Events.
func (l *Ledger) EventPage(ctx context.Context, after int64, limit int) (bot.EventPage, error) {
	last, err := rowOf(ctx, l, patient("read the end of the log", query.LastSeq), func(rows *sql.Rows) (seq int64, err error) {
		err = rows.Scan(&seq)
		return seq, err
	})
	if err != nil {
		return bot.EventPage{}, err
	}
	p := bot.EventPage{Last: max(after, min(last, after+int64(limit)))}
	if p.Last > after {
		p.Events, err = rowsOf(ctx, l, patient("read events", query.EventsButAlerts, after, p.Last), scanEvent)
	}
	return p, err
}
