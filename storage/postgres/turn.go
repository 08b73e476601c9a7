package postgres

import (
	"database/sql/driver"

	"github.com/jackc/pgx/v5"

	"salve/bot"
	"salve/storage/internal/ledger"
	"salve/storage/internal/query"
)

// now is the clock of the database, in Unix milliseconds.
const now = `(EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::BIGINT`

const (
	takeTurn = `SELECT turn, incident, body FROM turn WHERE id = 1 FOR UPDATE`
	ownLease = `SELECT until_at FROM replicas WHERE epoch = $1 AND ended_at = 0 AND until_at > ` + now

	// The bodies of repeats, which are told by their sum, stay where they are.
	seenAlerts = `SELECT a.starts_at, a.fingerprint, a.source, a.incident, a.received_at, a.sum, a.body, COALESCE(b.body, '')
FROM unnest($1::BIGINT[], $2::TEXT[], $3::TEXT[], $4::BIGINT[]) AS seen (starts_at, fingerprint, source, sum)
JOIN alerts a USING (starts_at, fingerprint, source) LEFT JOIN bodies b ON b.id = a.body AND a.sum <> seen.sum`
	seenGroups = `SELECT key, incident FROM groups WHERE key = ANY ($1)`

	// Incidents that are about to change: named ones, those of alerts that are no
	// repeats, and those that take the alerts of the groups.
	neededIncidents = `SELECT id, version, fold_rev, due_at, state, home, fold FROM incidents WHERE id IN (
SELECT unnest($5::BIGINT[])
UNION SELECT a.incident FROM unnest($1::BIGINT[], $2::TEXT[], $3::TEXT[], $4::BIGINT[]) AS seen (starts_at, fingerprint, source, sum)
JOIN alerts a USING (starts_at, fingerprint, source) WHERE a.sum <> seen.sum
UNION SELECT incident FROM groups WHERE key = ANY ($6))`
)

// Begin takes the turn, which may mean to wait for others, makes sure of the
// lease, and reads what is needed, all in one exchange.
func (s *session) Begin(n ledger.Needs) (ledger.Found, error) {
	s.queue = s.queue[:0]
	if err := s.ready(); err != nil {
		return ledger.Found{}, err
	}
	var found ledger.Found
	batch := &pgx.Batch{}
	batch.Queue("BEGIN")
	batch.Queue(takeTurn).Query(func(rows pgx.Rows) error { return s.tookTurn(rows, &found) })
	batch.Queue(ownLease, s.epoch()).Query(holds)
	batch.Queue(query.LastEvent).Query(func(rows pgx.Rows) error { return readEnd(rows, &found) })
	read(batch, n, &found)
	ctx, cancel := s.answer()
	defer cancel()
	if err := s.conn.SendBatch(ctx, batch).Close(); err != nil {
		s.last = 0
		return ledger.Found{}, told(ctx, "take the turn to write", err)
	}
	return found, nil
}

func (s *session) tookTurn(rows pgx.Rows, found *ledger.Found) error {
	var turn int64
	got := false
	err := scanAll(rows, func(row []driver.Value) error {
		got = true
		return ledger.Fill([]any{&turn, &found.Last.Incident, &found.Last.Body}, row)
	})
	if err != nil {
		return err
	}
	if !got {
		return errTurn
	}
	found.Counted = true
	found.Shared = s.last == 0 || turn != s.last
	s.turn = turn + 1
	return nil
}

// holds reads the lease of this process.
func holds(rows pgx.Rows) error {
	held := false
	err := scanAll(rows, func([]driver.Value) error {
		held = true
		return nil
	})
	if err == nil && !held {
		err = errLost
	}
	return err
}

// read asks for the rows that a group needs.
func read(batch *pgx.Batch, n ledger.Needs, found *ledger.Found) {
	at, fingerprints, sources, sums, groups := sights(n.Alerts, found)
	if len(at) > 0 {
		batch.Queue(seenAlerts, at, fingerprints, sources, sums).Query(func(rows pgx.Rows) error { return readAlerts(rows, found) })
		batch.Queue(seenGroups, groups).Query(func(rows pgx.Rows) error { return readGroups(rows, found) })
	}
	if len(at)+len(n.Incidents) == 0 {
		return
	}
	named := make([]int64, len(n.Incidents))
	for i, id := range n.Incidents {
		named[i] = int64(id)
	}
	batch.Queue(neededIncidents, at, fingerprints, sources, sums, named, groups).Query(func(rows pgx.Rows) error {
		return readIncidents(rows, found)
	})
}

// sights are the columns of what was observed, each alert and group once; found
// gets a place for each.
func sights(all []ledger.Sight, found *ledger.Found) (at []int64, fingerprints, sources []string, sums []int64, groups []string) {
	if len(all) == 0 {
		return nil, nil, nil, nil, nil
	}
	found.Alerts = make(map[bot.AlertKey]ledger.AlertRow, len(all))
	found.Groups = make(map[string]bot.IncidentID)
	for _, s := range all {
		if _, twice := found.Groups[s.Group]; !twice {
			found.Groups[s.Group] = 0
			groups = append(groups, s.Group)
		}
		if _, twice := found.Alerts[s.Key]; twice {
			continue
		}
		found.Alerts[s.Key] = ledger.AlertRow{}
		at, fingerprints = append(at, ledger.MS(s.Key.StartsAt)), append(fingerprints, cleanText(s.Key.Fingerprint))
		sources, sums = append(sources, cleanText(s.Key.Source)), append(sums, s.Sum)
	}
	return at, fingerprints, sources, sums, groups
}

func readEnd(rows pgx.Rows, found *ledger.Found) error {
	return scanAll(rows, func(row []driver.Value) error {
		found.End = &ledger.EventRow{}
		return ledger.Fill([]any{&found.End.Seq, (*int64)(&found.End.Incident), (*int64)(&found.End.Run), &found.End.Body}, row)
	})
}

func readAlerts(rows pgx.Rows, found *ledger.Found) error {
	return scanAll(rows, func(row []driver.Value) error {
		var key bot.AlertKey
		var at int64
		var a ledger.AlertRow
		err := ledger.Fill([]any{&at, &key.Fingerprint, &key.Source, (*int64)(&a.Incident), &a.ReceivedAt, &a.Sum, &a.Body, &a.Text}, row)
		key.StartsAt = ledger.FromMS(at)
		found.Alerts[key] = a
		return err
	})
}

func readGroups(rows pgx.Rows, found *ledger.Found) error {
	return scanAll(rows, func(row []driver.Value) error {
		var key string
		var id int64
		err := ledger.Fill([]any{&key, &id}, row)
		found.Groups[key] = bot.IncidentID(id)
		return err
	})
}

func readIncidents(rows pgx.Rows, found *ledger.Found) error {
	return scanAll(rows, func(row []driver.Value) error {
		var i ledger.IncidentRow
		err := ledger.Fill([]any{(*int64)(&i.ID), &i.Version, &i.FoldRev, &i.Due, &i.State, &i.Home, &i.Fold}, row)
		found.Incidents = append(found.Incidents, i)
		return err
	})
}
