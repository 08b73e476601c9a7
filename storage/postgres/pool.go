package postgres

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// pool is the reading connections. When one turns out to be dead the others are
// suspect for a while: each is asked before it is used, so that one more try is
// enough, whatever has happened to all of them.
type pool struct {
	*sql.DB
	suspect atomic.Int64 // until when, in Unix nanoseconds
}

const suspectFor = 5 * time.Second

func newPool(cfg *pgx.ConnConfig, size int) *pool {
	p := &pool{}
	p.DB = stdlib.OpenDB(*cfg, stdlib.OptionShouldPing(func(_ context.Context, q stdlib.ShouldPingParams) bool {
		return q.IdleDuration > time.Second || time.Now().UnixNano() < p.suspect.Load()
	}))
	p.SetMaxOpenConns(size)
	p.SetMaxIdleConns(size)
	return p
}

// again reports whether an error tells of a dead connection, so that another try
// is worth it.
func (p *pool) again(err error) bool {
	if !dead(err) {
		return false
	}
	p.suspect.Store(time.Now().Add(suspectFor).UnixNano())
	return true
}

// dead: the far end has gone, or has said that it goes (class 57P and 08).
func dead(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return strings.HasPrefix(e.Code, "57P") || strings.HasPrefix(e.Code, "08") || e.Code == "25P03"
	}
	_, onNet := errors.AsType[*net.OpError](err)
	return onNet || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || pgconn.SafeToRetry(err)
}

// retry runs f once more after a dead connection.
func (p *pool) retry(f func() error) error {
	err := f()
	if err != nil && p.again(err) {
		err = f()
	}
	return err
}
