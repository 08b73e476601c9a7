package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // read what the processes left
	_ "modernc.org/sqlite"

	"salve/bot"
	"salve/storage/postgres"
	"salve/storage/postgres/cluster"
	"salve/storage/sqlite"
)

// The kinds of storage.
const (
	sqliteStorage   = "sqlite"
	postgresStorage = "postgres"
)

const database = "torture"

// base is where the rows are.
type base struct {
	server *cluster.Cluster // nil: SQLite in the directory of the only replica
	data   string           // that directory
	binary string
	url    string
}

// openBase starts a server, if there is to be one. Few connections are enough,
// so that all of them can be taken away.
func openBase(ctx context.Context, o Options) (*base, error) {
	b := &base{data: filepath.Join(o.Dir, "r1", "data"), binary: o.Binary}
	if o.Storage == sqliteStorage {
		return b, nil
	}
	var err error
	b.server, err = cluster.Start(ctx, filepath.Join(o.Dir, "pg"), cluster.Options{Settings: []string{"max_connections=100"}})
	if err != nil {
		return nil, err
	}
	if b.url, err = b.server.Create(ctx, database); err != nil {
		b.server.Stop()
		return nil, err
	}
	return b, nil
}

func (b *base) close() {
	if b.server != nil {
		b.server.Stop()
	}
}

// look opens the rows for looking, while processes write.
func (b *base) look() (*sql.DB, error) {
	if b.server != nil {
		return sql.Open("pgx", b.url)
	}
	return sql.Open("sqlite", "file:"+filepath.Join(b.data, "salve.db")+"?mode=ro&_pragma=busy_timeout(5000)")
}

// rows is what the checker reads.
type rows interface {
	Runs(ctx context.Context, q bot.RunQuery) ([]bot.Run, error)
	Approvals(ctx context.Context, q bot.ApprovalQuery) ([]bot.Approval, error)
	Plan(ctx context.Context, id bot.PlanID) (bot.Plan, error)
	EachEvent(ctx context.Context, f func(bot.Event) error) error
	Close() error
}

// open opens the store when every process has ended.
func (b *base) open(ctx context.Context) (rows, error) {
	if b.server != nil {
		return postgres.Open(ctx, b.url, postgres.Options{Name: "checker"})
	}
	out, err := exec.CommandContext(ctx, b.binary, "audit", "verify", "--data-dir", b.data).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("the audit does not prove: %w\n%s", err, out)
	}
	return sqlite.OpenReadOnly(ctx, b.data)
}

// busy counts what goes on by itself or is about to, and the questions that wait.
const busy = `SELECT
	(SELECT COUNT(*) FROM runs WHERE active = 1 AND state <> 'waiting') +
	(SELECT COUNT(*) FROM approvals WHERE state = 'pending') +
	(SELECT COUNT(*) FROM incidents WHERE due_at > 0 AND due_at <= $1)`

// patience is how long work may go on after the last alert.
const patience = 2 * time.Minute

// quiet waits until nothing goes on by itself, no incident is due and nothing
// waits to be approved.
func (b *base) quiet(ctx context.Context) error {
	db, err := b.look()
	if err != nil {
		return err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("work is stuck: something is still due after %s", patience))
	defer cancel()
	for calm := 0; calm < 3; {
		var n int
		err := db.QueryRowContext(ctx, busy, time.Now().UnixMilli()).Scan(&n)
		if ctx.Err() != nil {
			return errors.Join(context.Cause(ctx), b.stuck(db))
		}
		if err != nil {
			return err
		}
		calm++
		if n > 0 {
			calm = 0
		}
		time.Sleep(200 * time.Millisecond)
	}
	return nil
}

// stuck names some of what is still due.
func (b *base) stuck(db *sql.DB) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	rs, err := db.QueryContext(ctx, `SELECT * FROM (SELECT 'R' AS kind, id, state, due_at FROM runs WHERE active = 1 AND state <> 'waiting' ORDER BY id LIMIT 5) r
		UNION ALL SELECT * FROM (SELECT 'A', id, state, 0 FROM approvals WHERE state = 'pending' ORDER BY id LIMIT 5) a
		UNION ALL SELECT * FROM (SELECT 'I', id, state, due_at FROM incidents WHERE due_at > 0 AND due_at <= $1 ORDER BY id LIMIT 5) i`, time.Now().UnixMilli())
	if err != nil {
		return err
	}
	defer rs.Close()
	var errs []error
	for rs.Next() {
		var kind, state string
		var id, due int64
		if err := rs.Scan(&kind, &id, &state, &due); err != nil {
			return err
		}
		errs = append(errs, fmt.Errorf("%s-%d is %s, due at %d", kind, id, state, due))
	}
	return errors.Join(append(errs, rs.Err())...)
}

// known reads which alerts there are.
func (b *base) known(ctx context.Context) (map[string]bool, error) {
	db, err := b.look()
	if err != nil {
		return nil, err
	}
	defer db.Close()
	rs, err := db.QueryContext(ctx, `SELECT fingerprint FROM alerts`)
	if err != nil {
		return nil, err
	}
	defer rs.Close()
	out := map[string]bool{}
	for rs.Next() {
		var uid string
		if err := rs.Scan(&uid); err != nil {
			return nil, err
		}
		out[uid] = true
	}
	return out, rs.Err()
}
