package cli

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"salve/bot"
	"salve/bot/audit"
	"salve/bot/secret"
	"salve/cmd/salve/config"
	"salve/storage/datadir"
	"salve/storage/postgres"
	"salve/storage/sqlite"
)

// Storage is everything about the database.
type Storage struct {
	Copy StorageCopy `cmd:"" help:"Copy the embedded database into an empty PostgreSQL database."`
}

// StorageCopy moves from one machine to many.
type StorageCopy struct {
	From string `required:"" help:"The data directory of a Salve that is stopped." placeholder:"DIR" type:"existingdir"`
	To   string `required:"" help:"The empty database: postgres://USER@HOST:PORT/DATABASE, or env:NAME or file:PATH that leads to such a URL." placeholder:"URL"`
}

// Help is shown by --help.
func (StorageCopy) Help() string {
	return "Everything is copied in one transaction; if anything fails the database stays empty. Rows are counted\nand the audit log is proved at both ends. The data directory is left as it is.\n\nExamples:\n  salve storage copy --from /var/lib/salve --to postgres://salve@db.example.com/salve\n  SALVE_DATABASE=postgres://salve:secret@db.example.com/salve salve storage copy --from /var/lib/salve --to env:SALVE_DATABASE"
}

// copied is what was done, as --json tells it.
type copied struct {
	From   string           `json:"from"`
	Rows   map[string]int64 `json:"rows"`
	Events int64            `json:"events"`
	Heads  []audit.Head     `json:"heads"`
}

// Run copies.
func (c StorageCopy) Run(ctx context.Context, e *Env, secrets secret.Resolver) error {
	if what, fix := config.CheckStorage(c.To); what != "" {
		return usage("--to %s; %s", what, fix)
	}
	url, err := config.DatabaseURL(ctx, c.To, secrets)
	if err != nil {
		return err
	}
	lock, err := datadir.Lock(c.From)
	if err != nil {
		return fmt.Errorf("what is written during a copy would be lost: %w", err)
	}
	out, err := c.copy(ctx, e, url)
	if err = errors.Join(err, lock.Close()); err != nil {
		return err
	}
	return c.show(e, out)
}

func (c StorageCopy) copy(ctx context.Context, e *Env, url string) (out copied, err error) {
	out = copied{From: c.From, Rows: map[string]int64{}}
	from, err := sqlite.OpenReadOnly(ctx, c.From)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	var doing atomic.Value
	doing.Store("the audit log is being proved")
	defer e.slowly(func() string { return doing.Load().(string) })()
	before, err := proved(ctx, from)
	if err != nil {
		return out, fmt.Errorf("the database in %s: %w; nothing was copied", c.From, err)
	}
	doing.Store("tables are being copied")
	err = postgres.Fill(ctx, url, from, func(table string, n int64) {
		out.Rows[table] = n
		doing.Store(fmt.Sprintf("%s of %s copied", counted(n, "row"), table))
	})
	if err != nil {
		return out, err
	}
	doing.Store("the audit log is being proved at the other end")
	to, err := postgres.Open(ctx, url, postgres.Options{Name: "copy", Readers: 2})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	after, err := proved(ctx, to)
	if err != nil {
		return out, fmt.Errorf("the copy: %w; empty that database and copy again", err)
	}
	if fmt.Sprint(before.Heads) != fmt.Sprint(after.Heads) {
		return out, fmt.Errorf("the audit log ends at %v here and at %v there; empty that database and copy again", before.Heads, after.Heads)
	}
	out.Events, out.Heads = after.Events, after.Heads
	return out, nil
}

// log is a store with an audit log.
type log interface {
	EachEvent(ctx context.Context, f func(bot.Event) error) error
}

// proved gives the report on a log, or what is wrong with it.
func proved(ctx context.Context, of log) (audit.Report, error) {
	report, err := audit.Verify(audit.From(func(f func(bot.Event) error) error { return of.EachEvent(ctx, f) }))
	if err == nil && !report.OK() {
		err = fmt.Errorf("its audit log does not prove: %s", report.Faults[0])
	}
	return report, err
}

func (StorageCopy) show(e *Env, out copied) error {
	s := e.screen()
	if s.asJSON {
		return s.json(out)
	}
	for _, table := range []string{"incidents", "alerts", "plans", "approvals", "runs", "people", "tokens", "quarantined", "deliveries", "posts"} {
		s.line("%10d  %s", out.Rows[table], table)
	}
	s.line("%10d  events; the audit log proves at both ends", out.Events)
	s.line("Copied. Next: set `storage` in the configuration and start `salve serve`. Keep %s until you trust the new one.", plain(out.From))
	return nil
}
