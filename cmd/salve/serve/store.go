package serve

import (
	"context"
	"fmt"
	"os"
	"time"

	"salve/bot"
	"salve/bot/flow/act"
	"salve/bot/flow/command"
	"salve/bot/flow/decide"
	"salve/bot/flow/notary"
	"salve/bot/flow/receive"
	"salve/bot/flow/tell"
	"salve/bot/people"
	"salve/cmd/salve/config"
	"salve/integrations/prometheus"
	"salve/integrations/river"
	"salve/storage/datadir"
	"salve/storage/postgres"
	"salve/storage/sqlite"
)

// Store is the database, of either kind: what the legs want of it, and what the
// process does.
type Store interface {
	receive.Store
	decide.Store
	act.Store
	tell.Store
	command.Store
	people.Store
	keeper
	outbox
	inbox
	watched
	prometheus.Rows
	prometheus.Record
}

// watched is how the store is looked after, and what the watch leg wants of it.
type watched interface {
	TryWrite(ctx context.Context) error
	RunsInHand(ctx context.Context, after bot.RunID, limit int) ([]bot.Run, error)
	OpenAlertsOf(ctx context.Context, source string, limit int) ([]bot.Alert, error)
	NoteHeard(ctx context.Context, at map[string]time.Time) error
	LastHeard(ctx context.Context) (map[string]time.Time, error)
}

// keeper is what the process itself wants of the store.
type keeper interface {
	EachEvent(ctx context.Context, f func(bot.Event) error) error
	Ping(ctx context.Context) error
	Prune(ctx context.Context, now time.Time, age time.Duration, maxBytes int64) (int, error)
	notary.Pruner
	Tick(ctx context.Context, name string, at time.Time, every time.Duration) (bool, error)
	Close() error
}

// openStore opens the database that the configuration names. The data directory
// is this process' alone either way.
func (s *Salve) openStore(ctx context.Context) error {
	if err := s.openDatabase(ctx); err != nil {
		return err
	}
	if st, err := os.Stat(s.dir); err == nil && st.Mode().Perm()&0o077 != 0 {
		s.log.WarnContext(ctx, "others may enter the data directory", "dir", s.dir, "mode", st.Mode().Perm(), "fix", "chmod 700 "+s.dir)
	}
	s.noted = noted{Store: s.store, writes: &writes{}}
	if err := s.watchOver(ctx); err != nil {
		return err
	}
	var err error
	s.people, err = people.New(s.noted, people.Options{
		SessionFor: s.cfg.People.SessionFor.Std(), SessionIdle: s.cfg.People.SessionIdle.Std(), LinkFor: s.cfg.People.LinkFor.Std(),
		Expiry: s.clocks.expiry,
	})
	if err != nil {
		return err
	}
	_, err = s.store.Commit(ctx, bot.Change{Events: []bot.Event{
		{At: s.started, Kind: bot.EventStarted, Actor: bot.Salve, Text: "salve " + s.opts.Version + " started", Data: map[string]string{"version": s.opts.Version}},
		s.opts.Library.event(s.started),
	}})
	if err != nil {
		return fmt.Errorf("write the first event: %w", err)
	}
	return nil
}

// shared reports whether other processes may use the database.
func (s *Salve) shared() bool { return s.cfg.Storage != "" }

// reminderScan is how often reminders are looked for, by one of all processes.
const reminderScan = time.Minute

// lease is what a shared store gives the act leg; nil: there is none.
func (s *Salve) lease() act.Lease {
	lease, _ := s.store.(act.Lease)
	return lease
}

// mine tells of all processes one that it is to do what is done every so often.
func (s *Salve) mine(name string, every time.Duration) func(context.Context, time.Time) (bool, error) {
	if !s.shared() {
		return nil
	}
	return func(ctx context.Context, now time.Time) (bool, error) {
		return s.store.Tick(ctx, name, now, every-every/10)
	}
}

func (s *Salve) openDatabase(ctx context.Context) error {
	if !s.shared() {
		store, err := sqlite.Open(ctx, s.dir, sqlite.Options{Log: s.log, Committed: s.hints.committed})
		if err != nil {
			return err
		}
		s.store = store
		return nil
	}
	if err := datadir.Prepare(s.dir); err != nil {
		return err
	}
	var err error
	if s.lock, err = datadir.Lock(s.dir); err != nil {
		return err
	}
	url, err := config.DatabaseURL(ctx, s.cfg.Storage, s.opts.Secrets)
	if err != nil {
		return err
	}
	store, err := postgres.Open(ctx, url, postgres.Options{
		Log: s.log, Committed: s.hints.committed, Elsewhere: s.hints.elsewhere, Name: s.replica(), Version: s.opts.Version,
	})
	if err != nil {
		return err
	}
	s.store = store
	s.carrier, err = river.Start(ctx, url, s.hints, river.Options{Log: s.log, Name: hintName(s.replica(), store.Epoch())})
	return err
}

// replica is the name of this process among several.
func (s *Salve) replica() string {
	if s.cfg.Replica != "" {
		return s.cfg.Replica
	}
	host, err := os.Hostname()
	if err != nil {
		return "salve"
	}
	return host
}

// spread is how long a scan leaves what is due to hints, which go to one of
// several processes.
const spread = time.Second

// among is a time that counts only where several processes share the database.
func (s *Salve) among(d time.Duration) time.Duration {
	if !s.shared() {
		return 0
	}
	return d
}
