package postgres

import (
	"context"
	"time"

	"salve/bot"
	"salve/storage/internal/ledger"
)

const aliveReplicas = `SELECT name, epoch, version, started_at, until_at, ` + now + ` FROM replicas WHERE ended_at = 0 ORDER BY epoch`

// Replicas are the processes that hold a lease, oldest first.
func (s *Store) Replicas(ctx context.Context) (all []bot.Replica, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errSlow)
	defer cancel()
	err = s.db.retry(func() error {
		all, err = s.replicas(ctx)
		return err
	})
	return all, told(ctx, "read replicas", err)
}

func (s *Store) replicas(ctx context.Context) ([]bot.Replica, error) {
	rows, err := s.db.QueryContext(ctx, aliveReplicas)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []bot.Replica
	for rows.Next() {
		var r bot.Replica
		var since, until, clock int64
		if err := rows.Scan(&r.Name, &r.Epoch, &r.Version, &since, &until, &clock); err != nil {
			return nil, err
		}
		r.Since, r.Until, r.Late = ledger.FromMS(since), ledger.FromMS(until), until < clock
		all = append(all, r)
	}
	return all, rows.Err()
}

// Skew is how far the clock of this process is ahead of the database's.
func (s *Store) Skew(ctx context.Context) (time.Duration, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errSlow)
	defer cancel()
	began := time.Now()
	var clock int64
	err := s.db.retry(func() error { return s.db.QueryRowContext(ctx, "SELECT "+now).Scan(&clock) })
	if err != nil {
		return 0, told(ctx, "read the database's clock", err)
	}
	took := time.Since(began)
	return began.Add(took / 2).Sub(ledger.FromMS(clock)), nil
}
