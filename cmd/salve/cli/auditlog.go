package cli

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"sync/atomic"

	"salve/bot"
	"salve/bot/audit"
	"salve/cmd/salve/config"
	"salve/storage/sqlite"
)

// logAt names the audit log to read.
type logAt struct {
	DataDir string `help:"Read this data directory, or this copy of the database, itself; works with Salve down and beside a running one." placeholder:"PATH" type:"path"`
	Config  string `help:"Where data_dir, and the keys of signed heads, are found if they are not named." default:"salve.yaml" type:"path"`
}

// openLog is a log that is read from its database.
type openLog struct {
	*sqlite.Store
	read atomic.Int64 // events, for those who wait
}

func (l logAt) open(ctx context.Context) (*openLog, error) {
	path := l.DataDir
	if path == "" {
		cfg, err := l.config()
		if err != nil {
			return nil, err
		}
		path = cfg.DataDir
	}
	store, err := sqlite.OpenRecords(ctx, path)
	if err != nil {
		return nil, err
	}
	return &openLog{Store: store}, nil
}

func (l logAt) config() (config.Config, error) {
	if _, err := os.Stat(l.Config); errors.Is(err, os.ErrNotExist) {
		return config.Config{}, usage("there is no %s; name the data directory: --data-dir DIR, or the configuration: --config FILE", l.Config)
	}
	return config.Load(l.Config)
}

func (l *openLog) events(ctx context.Context) iter.Seq2[bot.Event, error] {
	return audit.From(func(f func(bot.Event) error) error {
		return l.EachEvent(ctx, func(v bot.Event) error {
			l.read.Add(1)
			return f(v)
		})
	})
}

// prove compares the log with itself and with the heads, if there are any.
func (l *openLog) prove(ctx context.Context, h *audit.Heads) (audit.Report, error) {
	return l.proveStream(l.events(ctx), h)
}

func (l *openLog) proveStream(events iter.Seq2[bot.Event, error], h *audit.Heads) (audit.Report, error) {
	var against audit.Against
	if h != nil {
		against.Signed = h.List
	}
	return audit.Prove(events, against)
}

// newest is the number of the last event.
func (l *openLog) newest(ctx context.Context) (int64, error) {
	last, err := l.Events(ctx, bot.EventQuery{Last: true, Limit: 1})
	if err != nil {
		return 0, err
	}
	if len(last) == 0 {
		return 0, fmt.Errorf("the audit log is empty")
	}
	return last[0].Seq, nil
}
