package postgres

import (
	"context"
	"log/slog"
	"sync/atomic"

	"salve/bot"
	"salve/storage/internal/ledger"
)

// ids are handed out by the database. Those of new Incidents are handed out
// within a turn; Next is for the few that are made by hand.
type ids struct {
	ctx     context.Context
	db      *pool
	log     *slog.Logger
	session *session
	highest map[bot.Kind]*atomic.Int64 // handed out here
}

var (
	nextID = map[bot.Kind]string{
		bot.KindIncident:   `UPDATE turn SET incident = incident + 1 WHERE id = 1 RETURNING incident`,
		bot.KindPlan:       `SELECT nextval('plan_ids')`,
		bot.KindApproval:   `SELECT nextval('approval_ids')`,
		bot.KindRun:        `SELECT nextval('run_ids')`,
		bot.KindQuarantine: `SELECT nextval('quarantine_ids')`,
	}
	reachID = map[bot.Kind]string{
		bot.KindPlan:       `SELECT setval('plan_ids', GREATEST($1::BIGINT, (SELECT last_value FROM plan_ids)))`,
		bot.KindApproval:   `SELECT setval('approval_ids', GREATEST($1::BIGINT, (SELECT last_value FROM approval_ids)))`,
		bot.KindRun:        `SELECT setval('run_ids', GREATEST($1::BIGINT, (SELECT last_value FROM run_ids)))`,
		bot.KindQuarantine: `SELECT setval('quarantine_ids', GREATEST($1::BIGINT, (SELECT last_value FROM quarantine_ids)))`,
	}
)

func newIDs(ctx context.Context, db *pool, s *session, log *slog.Logger) *ids {
	i := &ids{ctx: ctx, db: db, log: log, session: s, highest: make(map[bot.Kind]*atomic.Int64)}
	for kind := range nextID {
		i.highest[kind] = new(atomic.Int64)
	}
	return i
}

// Next asks the database. It is 0 when that fails: whoever wants to write a row
// then is told that it has no id, and tries again.
func (i *ids) Next(kind bot.Kind) int64 {
	text, known := nextID[kind]
	if !known {
		return 0
	}
	ctx, cancel := context.WithTimeoutCause(i.ctx, patience, errSlow)
	defer cancel()
	var id int64
	if err := i.db.retry(func() error { return i.db.QueryRowContext(ctx, text).Scan(&id) }); err != nil {
		i.log.WarnContext(ctx, "no id", "kind", kind, "error", told(ctx, "take an id", err))
		return 0
	}
	raise(i.highest[kind], id)
	return id
}

// Reach makes the ids of a kind go on above one that was chosen elsewhere.
func (i *ids) Reach(kind bot.Kind, id int64) error {
	if id <= i.highest[kind].Load() {
		return nil
	}
	raise(i.highest[kind], id)
	return i.session.Put(ledger.Put{Doing: "take an id", Text: reachID[kind], Args: []any{id}})
}

func raise(highest *atomic.Int64, id int64) {
	for {
		have := highest.Load()
		if id <= have || highest.CompareAndSwap(have, id) {
			return
		}
	}
}
