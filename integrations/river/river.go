// Package river spreads hints over the replicas that share a PostgreSQL
// database, as jobs of the queue River (github.com/riverqueue/river).
//
// A hint names rows that may be due; the replica whose turn it is looks at them.
// It promises never to block who gives a hint, and to hand it to this process
// itself when the queue cannot take it. It assumes that nothing rests on a hint:
// one may be lost, late, or come twice, and each leg scans its rows anyway. Jobs
// are therefore tried once and forgotten soon.
package river

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"salve/bot"
)

// Legs look at rows that may be due. They must be quick.
type Legs interface {
	Decide(ids []bot.IncidentID)
	Act(ids []bot.RunID)
}

// Options may be left zero.
type Options struct {
	Log  *slog.Logger // nil: nothing is logged
	Name string       // of this replica; must differ between replicas; "": a random one
}

const (
	perJob    = 64   // rows in a job
	queueSize = 1024 // hints that may wait to be sent
	kept      = time.Minute
)

// Carrier carries hints.
type Carrier struct {
	legs    Legs
	log     *slog.Logger
	pool    *pgxpool.Pool
	client  *river.Client[pgx.Tx]
	hints   chan bot.Touched
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// Start brings River's tables up to date and begins to work. Give the Carrier
// back with Stop. The context bounds the starting only.
func Start(ctx context.Context, url string, legs Legs, opts Options) (*Carrier, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("river: it is not the URL of a PostgreSQL database")
	}
	cfg.MaxConns = 8
	cfg.ConnConfig.ConnectTimeout = 5 * time.Second
	cfg.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite // one opened while it is read-only would stay so
	cfg.ConnConfig.RuntimeParams["application_name"] = "salve hints"
	cfg.ConnConfig.RuntimeParams["synchronous_commit"] = "off" // nothing rests on a hint, so nobody waits for the disk
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect the queue of hints: %w", err)
	}
	c := &Carrier{
		legs: legs, log: cmp.Or(opts.Log, slog.New(slog.DiscardHandler)), pool: pool, hints: make(chan bot.Touched, queueSize),
	}
	if err := c.start(ctx, opts); err != nil {
		pool.Close()
		return nil, fmt.Errorf("start the queue of hints: %w", err)
	}
	return c, nil
}

func (c *Carrier) start(ctx context.Context, opts Options) error {
	if err := c.migrate(ctx); err != nil {
		return err
	}
	workers := river.NewWorkers()
	if err := errors.Join(
		river.AddWorkerSafely(workers, river.WorkFunc(c.decide)), river.AddWorkerSafely(workers, river.WorkFunc(c.act)),
	); err != nil {
		return err
	}
	var err error
	c.client, err = river.NewClient(riverpgxv5.New(c.pool), &river.Config{
		ID: opts.Name, Logger: slog.New(quieter{c.log.Handler()}), Workers: workers, MaxAttempts: 1,
		Queues:        map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 16}},
		FetchCooldown: 2 * time.Millisecond, FetchPollInterval: time.Second, JobTimeout: 10 * time.Second, RescueStuckJobsAfter: kept,
		CompletedJobRetentionPeriod: kept, DiscardedJobRetentionPeriod: kept, CancelledJobRetentionPeriod: kept,
	})
	if err != nil {
		return err
	}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c.cancel = cancel
	if err := c.client.Start(life); err != nil {
		cancel()
		return err
	}
	c.running.Go(func() { c.send(life) })
	return nil
}

// migration is the lock under which one replica at a time changes River's tables.
const migration = 0x53414c5645 // "SALVE"

func (c *Carrier) migrate(ctx context.Context) error {
	conn, err := c.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", int64(migration)); err != nil {
		return err
	}
	m, err := rivermigrate.New(riverpgxv5.New(c.pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err == nil {
		_, err = m.Migrate(ctx, rivermigrate.DirectionUp, nil)
	}
	_, uerr := conn.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", int64(migration))
	return errors.Join(err, uerr)
}

// Carry passes a hint on. It never blocks.
func (c *Carrier) Carry(t bot.Touched) {
	if len(t.Incidents)+len(t.Runs) == 0 {
		return
	}
	select {
	case c.hints <- t:
	default:
		c.give(t)
	}
}

// give hands a hint to the legs of this process.
func (c *Carrier) give(t bot.Touched) {
	if len(t.Incidents) > 0 {
		c.legs.Decide(t.Incidents)
	}
	if len(t.Runs) > 0 {
		c.legs.Act(t.Runs)
	}
}

// send makes jobs of hints, of all that wait at once.
func (c *Carrier) send(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case t := <-c.hints:
			c.insert(ctx, c.gather(t))
		}
	}
}

func (c *Carrier) gather(t bot.Touched) bot.Touched {
	for len(t.Incidents)+len(t.Runs) < 64*perJob {
		select {
		case more := <-c.hints:
			t.Incidents, t.Runs = append(slices.Clip(t.Incidents), more.Incidents...), append(slices.Clip(t.Runs), more.Runs...)
		default:
			return t
		}
	}
	return t
}

func (c *Carrier) insert(ctx context.Context, t bot.Touched) {
	var jobs []river.InsertManyParams
	for ids := range slices.Chunk(once(t.Incidents), perJob) {
		jobs = append(jobs, river.InsertManyParams{Args: decideArgs{Incidents: ids}})
	}
	for ids := range slices.Chunk(once(t.Runs), perJob) {
		jobs = append(jobs, river.InsertManyParams{Args: actArgs{Runs: ids}})
	}
	inserting, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if _, err := c.client.InsertManyFast(inserting, jobs); err != nil {
		if ctx.Err() == nil {
			c.log.DebugContext(ctx, "hints stay in this process", "error", err)
		}
		c.give(t)
	}
}

func once[T ~int64](ids []T) []T {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Leader is the name of the replica that looks after the queue; "" when there is
// none at the moment.
func (c *Carrier) Leader(ctx context.Context) (string, error) {
	var name string
	err := c.pool.QueryRow(ctx, "SELECT leader_id FROM river_leader WHERE expires_at > now()").Scan(&name)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("%w: read who leads: %w", bot.ErrUnavailable, err)
	}
	return name, nil
}

// Stop ends the work and waits for what is at work.
func (c *Carrier) Stop(ctx context.Context) {
	c.cancel()
	c.running.Wait()
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	if err := c.client.Stop(ctx); err != nil {
		c.log.DebugContext(ctx, "the queue of hints did not end in time", "error", err)
	}
	c.pool.Close()
}
