package postgres

import (
	"context"
	"hash/fnv"
	"time"

	"salve/bot"
	"salve/storage/internal/ledger"
	"salve/storage/internal/query"
)

const aliveEpochs = `SELECT epoch FROM replicas WHERE ended_at = 0 AND until_at > ` + now + ` ORDER BY epoch`

// leftAlone is for how long what is due may lie in the share of another process
// before everybody takes it.
const leftAlone = 10 * time.Second

// share is which rows a process looks for by itself, so that those who share the
// database do not all look at the same: every n-th from k on. That two believe in
// different shares for a moment costs a conflict or some seconds, no more.
type share struct{ n, k int64 }

// shareOut finds the share of an epoch among those that live.
func (l *lease) shareOut(ctx context.Context, epoch int64) error {
	rows, err := l.db.QueryContext(ctx, aliveEpochs)
	if err != nil {
		return err
	}
	defer rows.Close()
	mine := share{}
	for rows.Next() {
		var e int64
		if err := rows.Scan(&e); err != nil {
			return err
		}
		if e < epoch {
			mine.k++
		}
		mine.n++
	}
	if err := rows.Err(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.share = mine
	return nil
}

// args are those of the queries for a share.
func (l *lease) args(at time.Time, limit int) []any {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := max(l.share.n, 1)
	return []any{ledger.MS(at), int64(limit), n, l.share.k % n, ledger.MS(at.Add(-leftAlone))}
}

// DueIncidents reads those of this process' share whose time has come, and those
// that others have left alone, longest due first.
func (s *Store) DueIncidents(ctx context.Context, at time.Time, limit int) ([]bot.Incident, error) {
	return s.IncidentsWhere(ctx, "read due incidents", query.DueShareOfIncidents, s.lease.args(at, limit)...)
}

// DueRuns reads the active Runs of this process' share whose time has come, and
// those that others have left alone, longest due first.
func (s *Store) DueRuns(ctx context.Context, at time.Time, limit int) ([]bot.Run, error) {
	return s.RunsWhere(ctx, "read due runs", query.DueShareOfRuns, s.lease.args(at, limit)...)
}

// Shares reports whether what has this key is for this process to look for.
func (s *Store) Shares(key string) bool {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key)) // it never fails
	s.lease.mu.Lock()
	defer s.lease.mu.Unlock()
	n := uint64(max(s.lease.share.n, 1))
	return h.Sum64()%n == uint64(s.lease.share.k)%n
}
