package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"sync/atomic"

	"salve/bot"
	"salve/bot/audit"
	"salve/bot/report"
	"salve/bot/secret"
	"salve/cmd/salve/config"
	"salve/storage/postgres"
	"salve/storage/sqlite"
)

// logAt names the audit log to read.
type logAt struct {
	DataDir string `help:"Read this data directory, or this copy of the database, itself; works with Salve down and beside a running one." placeholder:"PATH" type:"path"`
	Storage string `help:"Read this PostgreSQL database: a secret reference (env:NAME, file:/path) to its URL." placeholder:"REF"`
	Config  string `help:"Where data_dir or storage, and the keys of signed heads, are found if they are not named." default:"salve.yaml" type:"path"`
}

// records is what of a store is read.
type records interface {
	report.Rows
	Boundary(ctx context.Context) (bot.Boundary, error)
	io.Closer
}

// openLog is a log that is read from its database.
type openLog struct {
	records
	read atomic.Int64 // events, for those who wait
}

func (l logAt) open(ctx context.Context) (*openLog, error) {
	path, storage := l.DataDir, l.Storage
	if path != "" && storage != "" {
		return nil, usage("name either --data-dir or --storage")
	}
	if path == "" && storage == "" {
		cfg, err := l.config()
		if err != nil {
			return nil, err
		}
		path, storage = cfg.DataDir, cfg.Storage
	}
	var r records
	var err error
	if storage == "" {
		r, err = sqlite.OpenRecords(ctx, path)
	} else {
		r, err = openPostgres(ctx, storage)
	}
	if err != nil {
		return nil, err
	}
	return &openLog{records: r}, nil
}

// openPostgres opens what `storage` names, itself or by reference.
func openPostgres(ctx context.Context, storage string) (records, error) {
	if ref, err := secret.ParseRef(storage); err == nil {
		if storage, err = localSecret(ref); err != nil {
			return nil, err
		}
	}
	return postgres.OpenRecords(ctx, storage)
}

func (l logAt) config() (config.Config, error) {
	if _, err := os.Stat(l.Config); errors.Is(err, os.ErrNotExist) {
		return config.Config{}, usage("there is no %s; name the data directory: --data-dir DIR, or the configuration: --config FILE", l.Config)
	}
	return config.Load(l.Config)
}

func (l *openLog) events(ctx context.Context) iter.Seq2[bot.Event, error] {
	return audit.Pages(func(after int64, limit int) ([]bot.Event, error) {
		page, err := l.Events(ctx, bot.EventQuery{After: after, Limit: limit})
		l.read.Add(int64(len(page)))
		return page, err
	})
}

// proving is how a log is proved: against which heads, by which keys, and who
// looks on.
type proving struct {
	heads *audit.Heads
	keys  func() (audit.Keys, error) // asked only if the log was pruned
	begin func(bot.Boundary)         // called before the log is read, perhaps again
	see   func(bot.Event)
}

// prove compares the log with itself, with the heads, and with the head at which
// it was pruned.
func (l *openLog) prove(ctx context.Context, p proving) (audit.Report, error) {
	var at bot.Boundary
	return audit.ProvePruned(func() (a audit.Against, err error) {
		if p.heads != nil {
			a.Signed = p.heads.List
		}
		at, a, err = l.boundary(ctx, a, p.keys)
		return a, err
	}, func(yield func(bot.Event, error) bool) {
		p.begin(at)
		for e, err := range l.events(ctx) {
			if err == nil {
				p.see(e)
			}
			if !yield(e, err) {
				return
			}
		}
	})
}

// boundary is where the log was pruned, and what it is compared with because of
// that.
func (l *openLog) boundary(ctx context.Context, a audit.Against, keys func() (audit.Keys, error)) (bot.Boundary, audit.Against, error) {
	b, err := l.Boundary(ctx)
	if err != nil || b.Size == 0 {
		return b, a, err
	}
	k, err := keys()
	if err != nil {
		return b, a, fmt.Errorf("the log was pruned at event %d, at a signed head: %w", b.Size, err)
	}
	a, err = a.Opened(b, k)
	return b, a, err
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
