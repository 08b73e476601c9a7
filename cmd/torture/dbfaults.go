package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"salve/cmd/internal/trial"
)

// databaseFaults are those of the network to the database and of the database.
func databaseFaults() []fault {
	taker := &taker{}
	return []fault{
		proxied("refuse", 5*time.Second, trial.Refuse, 0),
		proxied("hang", 13*time.Second, trial.Hang, 0),
		proxied("half", 13*time.Second, trial.Half, 0),
		proxied("slow", 5*time.Second, trial.Pass, 50*time.Millisecond),
		{name: "backends", begin: terminate, end: nothing},
		{name: "immediate", hold: 2 * time.Second, begin: immediate, end: restart},
		{name: "crash", hold: 2 * time.Second, begin: crash, end: restart},
		{name: "exhausted", hold: 6 * time.Second, begin: taker.take, end: taker.giveBack},
		{name: "readonly", hold: 6 * time.Second, begin: readOnly, end: writable},
	}
}

const others = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'salve%'`

// terminate ends every connection of every salve.
func terminate(ctx context.Context, f *fleet, _ *replica) error {
	return f.base.server.Exec(ctx, database, others)
}

func immediate(_ context.Context, f *fleet, _ *replica) error {
	f.base.server.Immediate()
	return nil
}

// crash kills the server and every one of its processes.
func crash(ctx context.Context, f *fleet, _ *replica) error {
	conn, err := pgx.Connect(ctx, f.base.url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }() // it is dead by then
	rs, err := conn.Query(ctx, `SELECT pid FROM pg_stat_activity`)
	if err != nil {
		return err
	}
	pids, err := pgx.CollectRows(rs, pgx.RowTo[int])
	if err != nil {
		return err
	}
	f.base.server.Crash()
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL) // most have gone with the first
	}
	return nil
}

// restart starts the server again. It refuses for a moment, while a process of
// the one before is still there.
func restart(ctx context.Context, f *fleet, _ *replica) error {
	var err error
	for range 50 {
		if err = f.base.server.Restart(ctx); err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("restart the database: %w", err)
}

func readOnly(ctx context.Context, f *fleet, r *replica) error {
	return errors.Join(
		f.base.server.Exec(ctx, "postgres", "ALTER DATABASE "+database+" SET default_transaction_read_only = on"),
		f.base.server.Exec(ctx, "postgres", others))
}

func writable(ctx context.Context, f *fleet, _ *replica) error {
	return f.base.server.Exec(ctx, "postgres", "ALTER DATABASE "+database+" RESET default_transaction_read_only")
}

// taker takes every connection that the database has, those of the replicas too,
// and whatever gets free, until it gives all back.
type taker struct {
	stop    context.CancelFunc
	running sync.WaitGroup
	taken   []*pgx.Conn
}

func (t *taker) take(ctx context.Context, f *fleet, _ *replica) error {
	last, err := pgx.Connect(ctx, f.base.url)
	if err != nil {
		return err
	}
	t.taken = []*pgx.Conn{last}
	for t.another(ctx, f.base.url) == nil {
	}
	taking, stop := context.WithCancel(ctx)
	t.stop = stop
	t.running.Go(func() {
		for taking.Err() == nil {
			if t.another(taking, f.base.url) != nil {
				time.Sleep(5 * time.Millisecond)
			}
		}
	})
	_, err = last.Exec(ctx, others)
	return err
}

func (t *taker) another(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err == nil {
		t.taken = append(t.taken, conn)
	}
	return err
}

func (t *taker) giveBack(ctx context.Context, _ *fleet, _ *replica) error {
	t.stop()
	t.running.Wait()
	var errs []error
	for _, conn := range t.taken {
		errs = append(errs, conn.Close(ctx))
	}
	return errors.Join(errs...)
}
