package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strconv"
	"strings"
	"time"

	"salve/bot"
	"salve/storage/internal/query"
)

// Incident reads one; bot.ErrNotFound if there is none.
func (l *Ledger) Incident(ctx context.Context, id bot.IncidentID) (bot.Incident, error) {
	return rowOf(ctx, l, asking("read incident "+id.String(), query.Incident, int64(id)), scanIncident)
}

// Incidents reads those that the query selects, newest first. Each state is
// read by itself, so that few open ones are found at once among many closed.
func (l *Ledger) Incidents(ctx context.Context, q bot.IncidentQuery) ([]bot.Incident, error) {
	if len(q.States) <= 1 {
		return l.incidents(ctx, q)
	}
	var all []bot.Incident
	for _, state := range slices.Compact(slices.Sorted(slices.Values(q.States))) {
		one := q
		one.States = []bot.IncidentState{state}
		found, err := l.incidents(ctx, one)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	slices.SortFunc(all, func(a, b bot.Incident) int { return cmp.Compare(b.ID, a.ID) })
	return all[:min(len(all), limitOf(q.Limit, 50))], nil
}

func (l *Ledger) incidents(ctx context.Context, q bot.IncidentQuery) ([]bot.Incident, error) {
	var f filter
	in(&f, "state", q.States)
	if q.Owner != "" {
		f.add("owner = ? AND owner <> ''", string(q.Owner))
	}
	if q.Text != "" {
		f.scans = true
		f.add(`title_lower LIKE ? ESCAPE '\'`, "%"+likeEscaper.Replace(strings.ToLower(q.Text))+"%")
	}
	if q.Like != nil {
		f.add("title = ? AND source = ?", q.Like.Title, q.Like.Source)
	}
	if q.Like != nil && len(q.States) > 0 && !slices.Contains(q.States, bot.IncidentOpen) {
		f.add("state <> 'open'") // says that the index by title can be used
	}
	if q.Before != 0 {
		f.add("id < ?", int64(q.Before))
	}
	return rowsOf(ctx, l, f.ask("read incidents", query.Incidents, "id DESC", limitOf(q.Limit, 50)), scanIncident)
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// DueIncidents reads those whose time has come, longest due first.
func (l *Ledger) DueIncidents(ctx context.Context, now time.Time, limit int) ([]bot.Incident, error) {
	return rowsOf(ctx, l, asking("read due incidents", query.DueIncidents, MS(now), int64(limit)), scanIncident)
}

// IncidentsWhere reads the Incidents that a query of the store's own selects.
func (l *Ledger) IncidentsWhere(ctx context.Context, doing, text string, args ...any) ([]bot.Incident, error) {
	return rowsOf(ctx, l, asking(doing, text, args...), scanIncident)
}

func scanIncident(rows *sql.Rows) (bot.Incident, error) {
	var i bot.Incident
	var due int64
	var fold, work sql.RawBytes
	if err := rows.Scan((*int64)(&i.ID), &i.Version, &i.FoldRev, &due, &fold, &work); err != nil {
		return i, err
	}
	i.DueAt = FromMS(due)
	var folded tallied
	if err := decodeFold(fold, &folded); err != nil {
		return i, err
	}
	i.Fold = folded.Fold
	if string(work) == "{}" {
		return i, nil
	}
	return i, decode(work, &i.Work)
}

// Alerts reads alerts of an Incident: firing first, worst first, oldest first.
func (l *Ledger) Alerts(ctx context.Context, id bot.IncidentID, limit int) ([]bot.Alert, error) {
	return rowsOf(ctx, l, asking("read alerts of "+id.String(), query.AlertsToShow, int64(id), int64(limit)),
		func(rows *sql.Rows) (bot.Alert, error) { return scanAlert(rows, id) })
}

func scanAlert(rows *sql.Rows, id bot.IncidentID) (bot.Alert, error) {
	return scanAlertInto(rows, &id)
}

// scanAlertInto reads a row whose first columns go into before.
func scanAlertInto(rows *sql.Rows, id *bot.IncidentID, before ...any) (bot.Alert, error) {
	var key bot.AlertKey
	var startsAt, receivedAt int64
	var body sql.RawBytes
	if err := rows.Scan(append(before, &startsAt, &key.Fingerprint, &key.Source, &receivedAt, &body)...); err != nil {
		return bot.Alert{}, err
	}
	key.StartsAt = FromMS(startsAt)
	a, err := decodeAlert(key, receivedAt, body)
	a.Incident = *id
	return a, err
}

// chunk is how many Incidents one query asks for; a shorter list is filled up
// with its last one, so that there is one statement.
const chunk = 64

// AlertsOfMany reads all alerts of several Incidents at once, each in the order
// of Alerts. It is for Incidents that have few.
func (l *Ledger) AlertsOfMany(ctx context.Context, ids []bot.IncidentID) (map[bot.IncidentID][]bot.Alert, error) {
	out := make(map[bot.IncidentID][]bot.Alert, len(ids))
	for part := range slices.Chunk(ids, chunk) {
		args := make([]any, chunk)
		for i := range args {
			args[i] = int64(part[min(i, len(part)-1)])
		}
		text := query.AlertsOfMany + " WHERE a.incident IN ($1" + manyMore + ") ORDER BY a.incident, a.rank, a.starts_at, a.fingerprint, a.source"
		alerts, err := rowsOf(ctx, l, asking("read alerts of many incidents", text, args...), func(rows *sql.Rows) (bot.Alert, error) {
			var id bot.IncidentID
			return scanAlertInto(rows, &id, &id)
		})
		if err != nil {
			return nil, err
		}
		for _, a := range alerts {
			out[a.Incident] = append(out[a.Incident], a)
		}
	}
	return out, nil
}

// manyMore is the rest of a chunk's place-holders.
var manyMore = func() string {
	var b strings.Builder
	for i := 2; i <= chunk; i++ {
		b.WriteString(", $" + strconv.Itoa(i))
	}
	return b.String()
}()
