package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"salve/bot"
)

const (
	usualLease = 9 * time.Second

	newLease   = `INSERT INTO replicas (name, version, started_at, until_at, ended_at) VALUES ($1, $2, ` + now + `, ` + now + ` + $3, 0) RETURNING epoch`
	renewLease = `UPDATE replicas SET until_at = ` + now + ` + $2 WHERE epoch = $1 AND ended_at = 0`
	endLease   = `UPDATE replicas SET ended_at = ` + now + ` WHERE epoch = $1 AND ended_at = 0`
	endOverdue = `UPDATE replicas SET ended_at = ` + now + ` WHERE ended_at = 0 AND until_at + $1 < ` + now
	anyOverdue = `SELECT COUNT(*) FROM replicas WHERE ended_at = 0 AND until_at + $1 < ` + now
	forget     = `DELETE FROM replicas WHERE ended_at > 0 AND ended_at + 2592000000 < ` + now + ` AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.epoch = replicas.epoch AND active = 1)`
)

// lease is the right of this process to write and to act. It is renewed by one
// goroutine; until tells, on the clock of this process, how long it may be
// trusted: from before the last renewal was asked for, less a margin.
//
//	        renewed        renewed             trusted until   lease ends   others take over
//	──────────┴──────────────┴─────────────────────┴──────────────┴──────────────┴──────►
//	                         └───── lease - margin ┘    margin    ┘    margin    ┘
type lease struct {
	life          context.Context // never ends; close does that
	db            *pool
	log           *slog.Logger
	name, version string
	length        time.Duration
	margin        time.Duration

	mu    sync.Mutex
	term  term
	until time.Time // trusted until; with its monotonic reading
	share share

	stop    context.CancelFunc
	running sync.WaitGroup
}

// term is the time under one epoch without a break in trust.
type term struct {
	epoch int64
	ctx   context.Context
	end   context.CancelCauseFunc
	timer *time.Timer // ends it when trust ends
}

// errTrust is why what was in hand is cut short.
var errTrust = errors.New("the lease of this replica could not be renewed in time")

func newLeaseOf(life context.Context, s *Store, opts Options) *lease {
	length := opts.Lease
	if length <= 0 {
		length = usualLease
	}
	return &lease{
		life: life, db: s.db, log: s.log, name: opts.Name, version: opts.Version, length: length, margin: length / 5, stop: func() {},
	}
}

func (l *lease) epoch() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.term.epoch
}

// take begins a new epoch.
func (l *lease) take(ctx context.Context) error {
	began := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errSlow)
	defer cancel()
	var epoch int64
	err := l.db.retry(func() error {
		return l.db.QueryRowContext(ctx, newLease, l.name, l.version, l.length.Milliseconds()).Scan(&epoch)
	})
	if err != nil {
		return told(ctx, "take a lease", err)
	}
	l.trust(epoch, began)
	return failure("share the work out", l.shareOut(ctx, epoch))
}

// trust notes that the lease counts from the given time on.
func (l *lease) trust(epoch int64, from time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until = from.Add(l.length - l.margin)
	left := time.Until(l.until)
	if l.term.ctx != nil && l.term.epoch == epoch && l.term.ctx.Err() == nil && left > 0 {
		l.term.timer.Reset(left)
		return
	}
	l.breakOff(errTrust)
	ctx, end := context.WithCancelCause(l.life)
	l.term = term{epoch: epoch, ctx: ctx, end: end, timer: time.AfterFunc(left, func() { end(errTrust) })}
}

// breakOff ends the term at work; the lock is held.
func (l *lease) breakOff(why error) {
	if l.term.ctx != nil {
		l.term.timer.Stop()
		l.term.end(why)
	}
}

// keep renews the lease until close.
func (l *lease) keep() {
	ctx, stop := context.WithCancel(l.life)
	l.stop = stop
	l.running.Go(func() {
		every, failed := l.length/3, false
		timer := time.NewTimer(every)
		defer timer.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-timer.C:
			}
			err := l.renew(ctx)
			switch {
			case err == nil && failed:
				l.log.InfoContext(ctx, "lease renewed again", "epoch", l.epoch())
			case err != nil && ctx.Err() == nil && !failed:
				l.log.WarnContext(ctx, "lease cannot be renewed; no step starts until it is", "error", err)
			}
			failed = err != nil
			next := every
			if failed {
				next = min(every, time.Second)
			}
			timer.Reset(next)
		}
	})
}

// renew makes the lease longer, or takes a new one when it was taken away.
func (l *lease) renew(ctx context.Context) error {
	began := time.Now()
	epoch := l.epoch()
	asking, cancel := context.WithTimeoutCause(ctx, l.length/3, errSlow)
	defer cancel()
	var res sql.Result
	err := l.db.retry(func() (err error) {
		res, err = l.db.ExecContext(asking, renewLease, epoch, l.length.Milliseconds())
		return err
	})
	if err != nil {
		return told(asking, "renew the lease", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		l.trust(epoch, began)
		return errors.Join(err, failure("share the work out", l.shareOut(asking, epoch)))
	}
	l.mu.Lock()
	l.breakOff(errTrust)
	l.mu.Unlock()
	if err := l.take(ctx); err != nil {
		return err
	}
	l.log.WarnContext(ctx, "lease lost and a new one taken; what was in hand is for others to look at", "lost", epoch, "epoch", l.epoch())
	return nil
}

// held is ctx, ended when trust in the lease ends. A process that was stopped
// and goes on finds it ended before any timer has told: the clocks are read.
func (l *lease) held(ctx context.Context) (context.Context, context.CancelFunc) {
	l.mu.Lock()
	term, until := l.term.ctx, l.until
	if l.term.ctx != nil && overdue(until) {
		l.breakOff(errTrust)
	}
	l.mu.Unlock()
	held, cancel := context.WithCancelCause(ctx)
	if term == nil {
		cancel(errTrust)
		return held, func() {}
	}
	unhook := context.AfterFunc(term, func() { cancel(context.Cause(term)) })
	if err := context.Cause(term); err != nil {
		cancel(err)
	}
	return held, func() { unhook(); cancel(context.Canceled) }
}

// overdue looks at both clocks, since the monotonic one may stand still while
// the machine sleeps.
func overdue(until time.Time) bool {
	return time.Until(until) <= 0 || time.Now().Round(0).After(until.Round(0))
}

// reap ends leases that nobody has renewed.
func (l *lease) reap(ctx context.Context) (n int64, err error) {
	err = l.db.retry(func() error { return l.db.QueryRowContext(ctx, anyOverdue, l.margin.Milliseconds()).Scan(&n) })
	if err != nil || n == 0 {
		return 0, failure("look for lost replicas", err)
	}
	conn, err := l.db.Conn(ctx)
	if err != nil {
		return 0, failure("look for lost replicas", err)
	}
	defer conn.Close()
	err = inTurn(ctx, conn, func(tx *sql.Tx) error {
		res, err := tx.ExecContext(ctx, endOverdue, l.margin.Milliseconds())
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	return n, failure("end the lease of a lost replica", err)
}

// inTurn runs f in a transaction that has the turn, so that no write of a
// process whose lease it ends is under way.
func inTurn(ctx context.Context, conn *sql.Conn, f func(tx *sql.Tx) error) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	var turn, incident, body int64
	err = tx.QueryRowContext(ctx, takeTurn).Scan(&turn, &incident, &body)
	if err == nil {
		err = f(tx)
	}
	if err != nil {
		return errors.Join(err, ignore(tx.Rollback()))
	}
	return tx.Commit()
}

// close gives the lease back.
func (l *lease) close() {
	l.stop()
	l.running.Wait()
	l.mu.Lock()
	epoch := l.term.epoch
	l.breakOff(fmt.Errorf("%w: it is closed", bot.ErrUnavailable))
	l.mu.Unlock()
	if epoch == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(l.life, 2*time.Second)
	defer cancel()
	if _, err := l.db.ExecContext(ctx, endLease, epoch); err != nil {
		l.log.WarnContext(ctx, "lease not given back; others wait for its end", "error", failure("end the lease", err))
	}
}
