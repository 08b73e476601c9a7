package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"

	"salve/bot"
	"salve/storage/internal/query"
)

// Source is another store's tables.
type Source interface {
	Epoch() int64
	Rows(ctx context.Context, table string, columns []string) iter.Seq2[[]any, error]
}

// Fill copies everything from another store into an empty database, in one
// transaction: whatever goes wrong, the database is as it was. told is called
// after each table with the number of its rows; a table's number is counted
// again in the database. A database that is not empty is refused.
func Fill(ctx context.Context, url string, from Source, told func(table string, rows int64)) (err error) {
	cfg, err := configure(url, "copy")
	if err != nil {
		return err
	}
	if err := migrate(ctx, cfg.Copy()); err != nil {
		return err
	}
	for _, name := range []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"} {
		delete(cfg.RuntimeParams, name)
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return failure("connect to the database", err)
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	tx, err := conn.Begin(ctx)
	if err != nil {
		return failure("begin", err)
	}
	if err := fill(ctx, tx, from, told); err != nil {
		return errors.Join(err, ignore(tx.Rollback(context.WithoutCancel(ctx))))
	}
	return failure("commit the copy", tx.Commit(ctx))
}

func fill(ctx context.Context, tx pgx.Tx, from Source, told func(string, int64)) error {
	// Whoever writes waits, and then finds rows that it did not expect: so nobody may.
	if _, err := tx.Exec(ctx, "LOCK TABLE turn, replicas IN ACCESS EXCLUSIVE MODE"); err != nil {
		return failure("keep others away", err)
	}
	if err := isEmpty(ctx, tx); err != nil {
		return err
	}
	for _, t := range query.Tables {
		n, err := fillTable(ctx, tx, t, from.Rows(ctx, t.Name, t.Columns))
		if err != nil {
			return fmt.Errorf("copy table %s: %w", t.Name, err)
		}
		told(t.Name, n)
	}
	for _, text := range continueAbove {
		if _, err := tx.Exec(ctx, text); err != nil {
			return failure("set what is counted", err)
		}
	}
	_, err := tx.Exec(ctx, `SELECT setval(pg_get_serial_sequence('replicas', 'epoch'), GREATEST($1::BIGINT, (SELECT COALESCE(MAX(epoch), 1) FROM replicas)))`, from.Epoch())
	return failure("set the epoch", err)
}

// continueAbove makes ids go on above those that were copied.
var continueAbove = []string{
	`UPDATE turn SET turn = turn + 1, incident = (SELECT COALESCE(MAX(id), 0) FROM incidents), body = (SELECT COALESCE(MAX(id), 0) FROM bodies)`,
	`SELECT setval('plan_ids', GREATEST(1, (SELECT MAX(id) FROM plans)), EXISTS (SELECT 1 FROM plans))`,
	`SELECT setval('approval_ids', GREATEST(1, (SELECT MAX(id) FROM approvals)), EXISTS (SELECT 1 FROM approvals))`,
	`SELECT setval('run_ids', GREATEST(1, (SELECT MAX(id) FROM runs)), EXISTS (SELECT 1 FROM runs))`,
	`SELECT setval('quarantine_ids', GREATEST(1, (SELECT MAX(id) FROM quarantined)), EXISTS (SELECT 1 FROM quarantined))`,
	`SELECT setval(pg_get_serial_sequence('deliveries', 'id'), GREATEST(1, (SELECT MAX(id) FROM deliveries)), EXISTS (SELECT 1 FROM deliveries))`,
}

func isEmpty(ctx context.Context, tx pgx.Tx) error {
	for _, t := range query.Tables {
		var any bool
		if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM "+t.Name+")").Scan(&any); err != nil {
			return failure("look into table "+t.Name, err)
		}
		if any {
			return fmt.Errorf("the database is not empty: table %s has rows; name an empty database", t.Name)
		}
	}
	return nil
}

func fillTable(ctx context.Context, tx pgx.Tx, t query.Table, rows iter.Seq2[[]any, error]) (int64, error) {
	next, stop := iter.Pull2(rows)
	defer stop()
	n, err := tx.CopyFrom(ctx, pgx.Identifier{t.Name}, t.Columns, pgx.CopyFromFunc(func() ([]any, error) {
		row, err, more := next()
		if !more || err != nil {
			return nil, err
		}
		return clean(row), nil
	}))
	if err != nil {
		return n, failure("write", err)
	}
	var have int64
	if err := tx.QueryRow(ctx, "SELECT COUNT(*) FROM "+t.Name).Scan(&have); err != nil {
		return n, failure("count", err)
	}
	if have != n {
		return n, fmt.Errorf("%w: %d rows were sent and %d are there", bot.ErrUnavailable, n, have)
	}
	return n, nil
}
