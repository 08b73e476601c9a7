package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"salve/bot"
)

const (
	listen     = `LISTEN salve_touched`
	tellOthers = `SELECT pg_notify('salve_touched', $1)`
	maxWord    = 7900 // bytes; the database takes less than 8000
)

// word is what processes tell each other after a commit. Nothing rests on it.
type word struct {
	Epoch     int64            `json:"e"`
	Incidents []bot.IncidentID `json:"i,omitempty"`
	Runs      []bot.RunID      `json:"r,omitempty"`
	Approvals []bot.ApprovalID `json:"a,omitempty"`
	Halts     bool             `json:"h,omitempty"`
}

// wordFor is cut to what fits: of a storm the others need not know each row.
func wordFor(epoch int64, t bot.Touched) string {
	w := word{Epoch: epoch, Incidents: t.Incidents, Runs: t.Runs, Approvals: t.Approvals, Halts: t.Halts}
	for {
		b, err := json.Marshal(w)
		if err == nil && len(b) <= maxWord {
			return string(b)
		}
		w.Incidents, w.Runs, w.Approvals = w.Incidents[:len(w.Incidents)/2], w.Runs[:len(w.Runs)/2], w.Approvals[:len(w.Approvals)/2]
	}
}

// hear passes on what other processes commit, until ctx ends. While it cannot be
// heard, halts may have changed: that is passed on when it can again.
func (s *Store) hear(ctx context.Context, cfg *pgx.ConnConfig, told func(bot.Touched)) {
	for ctx.Err() == nil {
		if err := s.hearOnce(ctx, cfg, told); err != nil && ctx.Err() == nil {
			s.log.DebugContext(ctx, "other replicas cannot be heard", "error", failure("listen", err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(tryAgain):
		}
	}
}

func (s *Store) hearOnce(ctx context.Context, cfg *pgx.ConnConfig, told func(bot.Touched)) error {
	asking, cancel := context.WithTimeoutCause(ctx, patience, errSlow)
	defer cancel()
	conn, err := pgx.ConnectConfig(asking, cfg)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(asking)) }() // it is being left
	if _, err := conn.Exec(asking, listen); err != nil {
		return err
	}
	told(bot.Touched{Halts: true})
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		var w word
		if err := json.Unmarshal([]byte(n.Payload), &w); err != nil || w.Epoch == s.Epoch() {
			continue // not ours to understand, or our own
		}
		told(bot.Touched{Incidents: w.Incidents, Runs: w.Runs, Approvals: w.Approvals, Halts: w.Halts})
	}
}
