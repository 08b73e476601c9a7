package sqlite

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
)

const (
	lookEvery = 256  // rows written between two looks at the log
	longLog   = 8000 // pages in the log from which on it is copied, usually
	shortRest = 2000 // pages that the writer may copy by itself
)

const (
	lookAtLog = "PRAGMA wal_checkpoint(NOOP)"
	copyLog   = "PRAGMA wal_checkpoint(PASSIVE)"
)

var checkpointPragmas = []string{"busy_timeout(5000)", "synchronous(FULL)", "wal_autocheckpoint(0)", "cache_size(-64)"}

// checkpointer copies the log into the database beside the writer, on a
// connection of its own, since that takes as long as dozens of commits. What
// the writer adds meanwhile it copies itself, between two groups: then all is
// copied, and SQLite begins the log anew with the next group. When a reader is
// in the way of that, it is tried again a while later.
type checkpointer struct {
	conn    *conn
	log     *slog.Logger
	long    int64         // pages in the log from which on it is copied
	rows    int           // written since the last look; the writer's
	wake    chan struct{} // a look is due
	rest    atomic.Bool   // most is copied: the writer should copy the rest
	running sync.WaitGroup
}

func openCheckpointer(ctx context.Context, path string, log *slog.Logger) (*checkpointer, error) {
	c, err := openConn(ctx, dsn(path, checkpointPragmas))
	if err != nil {
		return nil, err
	}
	if _, _, err := checkpoint(c, lookAtLog); err != nil { // opens the log
		return nil, errors.Join(failure("look at the log", err), c.close())
	}
	return &checkpointer{conn: c, log: log, long: longLog, wake: make(chan struct{}, 1)}, nil
}

func (p *checkpointer) start() {
	p.running.Go(func() {
		for range p.wake {
			if err := p.look(); err != nil {
				p.log.Warn("copy the log into the database", "error", err)
			}
		}
	})
}

// look copies the log if it has become long.
func (p *checkpointer) look() error {
	left, length, err := checkpoint(p.conn, lookAtLog)
	if err != nil || length < p.long {
		return err
	}
	if left > min(shortRest, p.long) {
		if _, _, err := checkpoint(p.conn, copyLog); err != nil {
			return err
		}
	}
	p.rest.Store(true)
	return nil
}

// wrote is called by the writer after each group; c is its connection.
func (p *checkpointer) wrote(c *conn, rows int) {
	if p.rest.CompareAndSwap(true, false) {
		if _, _, err := checkpoint(c, copyLog); err != nil {
			p.log.Warn("copy the log into the database", "error", err)
		}
	}
	if p.rows += rows; p.rows < lookEvery {
		return
	}
	p.rows = 0
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// stop waits for the copy at work; wrote must not be called any more.
func (p *checkpointer) stop() error {
	close(p.wake)
	p.running.Wait()
	return p.conn.close()
}

// checkpoint runs one of the two and says how many pages of the log are not
// copied afterwards, and how many it has.
func checkpoint(c *conn, how string) (left, length int64, err error) {
	var busy, copied int64
	if _, err := c.One("copy the log", how, nil, &busy, &length, &copied); err != nil {
		return 0, 0, err
	}
	return length - copied, length, nil
}
