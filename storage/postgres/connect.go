package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sys/unix"
)

const (
	dialTimeout = 5 * time.Second
	patience    = 10 * time.Second // for one answer of the database
)

// errSlow is why an answer is not waited for any longer.
var errSlow = fmt.Errorf("the database has not answered for %s", patience)

// Settings of every connection. A process that is stopped in the middle of a
// transaction keeps the others waiting for as long as the idle one may stay.
// Every statement is answered by an index; plans are made once, while tables may
// still be small, and must be those of large ones.
var settings = map[string]string{
	"timezone":                            "UTC",
	"lock_timeout":                        "8000",
	"statement_timeout":                   "30000",
	"idle_in_transaction_session_timeout": "4000",
	"standard_conforming_strings":         "on",
	"enable_seqscan":                      "off",
	"enable_hashjoin":                     "off",
	"enable_mergejoin":                    "off",
	"jit":                                 "off",
}

// configure reads a URL.
func configure(url, name string) (*pgx.ConnConfig, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errors.New("storage: it is not the URL of a PostgreSQL database; write postgres://USER@HOST:PORT/DATABASE")
	}
	for k, v := range settings {
		cfg.RuntimeParams[k] = v
	}
	cfg.RuntimeParams["application_name"] = "salve " + name
	cfg.ConnectTimeout = dialTimeout
	// One that is opened while the database is read-only would stay so; and those
	// of a standby are.
	cfg.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	dialer := &net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 2 * time.Second, Count: 3},
		Control:         giveUpSoon,
	}
	cfg.DialFunc = dialer.DialContext
	return cfg, nil
}

// giveUpSoon makes the kernel end a connection whose far end does not answer.
func giveUpSoon(network, _ string, c syscall.RawConn) error {
	if network == "unix" {
		return nil
	}
	var err error
	cerr := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(patience.Milliseconds()))
	})
	return errors.Join(err, cerr)
}

// connect opens the writing connection, whose commits are on disk when they are
// answered.
func connect(ctx context.Context, cfg *pgx.ConnConfig) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errSlow)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, failure("connect to the database", err)
	}
	if err := synchronous(ctx, conn); err != nil {
		return nil, errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
	}
	return conn, nil
}

func synchronous(ctx context.Context, conn *pgx.Conn) error {
	var commit string
	if err := conn.QueryRow(ctx, "SELECT current_setting('synchronous_commit')").Scan(&commit); err != nil {
		return failure("look at the database", err)
	}
	if commit != "off" {
		return nil
	}
	_, err := conn.Exec(ctx, "SET synchronous_commit = on")
	return failure("ask for synchronous commits", err)
}
