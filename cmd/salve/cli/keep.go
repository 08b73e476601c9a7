package cli

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"salve/bot/secret"
	"salve/cmd/salve/backup"
	"salve/cmd/salve/config"
	"salve/storage/postgres"
)

// where names the data directory, by the configuration or itself.
type where struct {
	Config  string `help:"The configuration, for its data_dir." default:"salve.yaml" type:"path"`
	DataDir string `help:"The data directory itself, without a configuration." placeholder:"DIR" type:"path"`
}

func (w where) dir() (string, error) {
	if w.DataDir != "" {
		return w.DataDir, nil
	}
	cfg, err := config.Load(w.Config)
	if err != nil {
		return "", fmt.Errorf("%w\nOr name the data directory: --data-dir DIR", err)
	}
	if cfg.Storage != "" {
		return "", errors.New("`storage` names a PostgreSQL database: back it up and restore it with its own tools, pg_dump and pg_restore")
	}
	return cfg.DataDir, nil
}

// telling shows on a terminal what is going on if it takes long.
func (e *Env) telling() (tell func(string), done func()) {
	var doing atomic.Value
	doing.Store("working")
	return func(s string) { doing.Store(s) }, e.slowly(func() string { return doing.Load().(string) })
}

// Backup makes a backup.
type Backup struct {
	where
	To    string `help:"A file that ends in .db, or a directory, which is made if need be. Without it: backups in the data directory." placeholder:"DIR|FILE.db" type:"path"`
	Force bool   `help:"Replace the file if it is there."`
	Keep  int    `help:"Remove older backups of the directory beyond so many, once the new one is proved." placeholder:"N"`
}

// Help is shown by --help.
func (Backup) Help() string {
	return "The copy is the database at one moment. It is proved before it gets its name: every page, the rows of every table, the whole audit log. A manifest with its SHA-256 lies beside it.\n\nExamples:\n  salve backup --config /etc/salve/salve.yaml --to /backup/salve --keep 14\n  salve backup --data-dir /var/lib/salve --to /mnt/before-upgrade.db"
}

// Run makes it.
func (c Backup) Run(ctx context.Context, e *Env) error {
	if c.Keep < 0 {
		return usage("--keep takes how many backups stay, 1 or more")
	}
	dir, err := c.dir()
	if err != nil {
		return err
	}
	tell, done := e.telling()
	defer done()
	made, err := backup.Make(ctx, backup.Options{
		DataDir: dir, To: c.To, Force: c.Force, Keep: c.Keep, Version: e.Version, Now: time.Now(), Tell: tell, Gently: gently,
	})
	if err != nil {
		return err
	}
	s := e.screen()
	if s.asJSON {
		return s.json(made)
	}
	showBackup(s, made)
	return nil
}

func showBackup(s screen, made backup.Made) {
	m := made.Manifest
	s.line("%s", plain(made.Path))
	s.line("  %s in %s, schema version %d, %s", size(m.Bytes), span(time.Duration(m.TookMS)*time.Millisecond), m.Schema, s.paint(styleGreen, "proved"))
	s.line("  %s", held(m))
	s.line("  audit head: chain %s %d %s", plain(m.Audit.Chain), m.Audit.Seq, m.Audit.Hash)
	s.line("  sha256 %s", m.SHA256)
	for _, path := range made.Removed {
		s.line("  removed: %s", plain(path))
	}
}

func held(m backup.Manifest) string {
	return fmt.Sprintf("%s, %s, %s, %s until %s", counted(m.Incidents, "incident"), counted(m.Alerts, "alert"), counted(m.Runs, "run"),
		counted(m.Events, "event"), m.LastEvent.UTC().Format(time.RFC3339))
}

func size(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }

// Restore puts a backup back.
type Restore struct {
	File string `arg:"" help:"The backup." type:"path"`
	where
	NoHalt bool `help:"Let automation go on by itself at the next start."`
}

// Help is shown by --help.
func (Restore) Help() string {
	return "The backup is proved first; the database that is replaced is kept beside it. What was done after the backup is not known then, so everything is halted until a person lifts it.\n\nExamples:\n  salve restore /backup/salve/salve-backup-20260504T030000Z.db --config /etc/salve/salve.yaml\n  salve restore before-upgrade.db --data-dir /var/lib/salve"
}

// Run puts it back.
func (c Restore) Run(ctx context.Context, e *Env) error {
	dir, err := c.dir()
	if err != nil {
		return err
	}
	tell, done := e.telling()
	defer done()
	out, err := backup.Restore(ctx, backup.Restoring{File: c.File, DataDir: dir, NoHalt: c.NoHalt, Now: time.Now(), Tell: tell})
	if err != nil {
		return err
	}
	s := e.screen()
	if s.asJSON {
		return s.json(out)
	}
	showRestored(s, out)
	return nil
}

func showRestored(s screen, r backup.Restored) {
	m := r.Manifest
	s.line("%s is restored from %s", plain(r.DataDir), plain(r.File))
	s.line("  %s", held(m))
	s.line("  what came after %s, %s ago, is not in it", m.LastEvent.UTC().Format(time.RFC3339), s.ago(m.LastEvent))
	if !r.Proved {
		s.line("  %s", s.paint(styleYellow, "no manifest lay beside it: it proves by itself, but that it is whole at its end cannot be told"))
	}
	s.line("  audit head: chain %s %d %s", plain(r.Head.Chain), r.Head.Seq, r.Head.Hash)
	if r.Kept != "" {
		s.line("  the database that was there is kept: %s%s", plain(r.Kept), beyond(r))
	}
	if r.Aside > 0 {
		s.line("  %s in chat that nobody had worked on by then will not be carried out", counted(int64(r.Aside), "request"))
	}
	if r.Halted {
		s.line("  everything is halted: start Salve, look at `salve runs --active` and `salve approvals`, then `salve resume`")
	}
}

func beyond(r backup.Restored) string {
	switch {
	case r.Lost < 0:
		return "; what it has beyond the backup cannot be told"
	case r.Lost == 0:
		return "; it has nothing beyond the backup"
	default:
		return fmt.Sprintf("; it has %s beyond the backup, until %s", counted(r.Lost, "event"), r.LostUntil.UTC().Format(time.RFC3339))
	}
}

// Migrate brings the database up to date.
type Migrate struct {
	where
	Check    bool   `help:"Only say whether there is something to do; exits 3 if there is."`
	NoBackup bool   `help:"Make no backup before."`
	To       string `help:"Where the backup before it goes. Without it: backups in the data directory." placeholder:"DIR|FILE.db" type:"path"`
}

// Help is shown by --help.
func (Migrate) Help() string {
	return "Serving does the same at its start, without a backup. There is no way back but that backup and the older build. A PostgreSQL database is not backed up: use pg_dump before.\n\nExamples:\n  salve migrate --check --config /etc/salve/salve.yaml\n  salve migrate --config /etc/salve/salve.yaml"
}

// errPending: the database is not up to date.
var errPending = errors.New("the database is not up to date; run salve migrate, or start salve serve")

// Run migrates, or looks.
func (c Migrate) Run(ctx context.Context, e *Env, secrets secret.Resolver) error {
	tell, done := e.telling()
	defer done()
	m, err := c.shared(ctx, secrets)
	if errors.Is(err, errEmbedded) {
		m, err = c.embedded(ctx, e, tell)
	}
	if err != nil {
		return err
	}
	return e.migrated(m)
}

func (c Migrate) embedded(ctx context.Context, e *Env, tell func(string)) (backup.Migrated, error) {
	dir, err := c.dir()
	if err != nil {
		return backup.Migrated{}, err
	}
	if c.Check {
		return backup.Look(ctx, dir)
	}
	return backup.Migrate(ctx, backup.Options{DataDir: dir, To: c.To, Version: e.Version, Now: time.Now(), Tell: tell}, !c.NoBackup)
}

// errEmbedded: the database is not PostgreSQL.
var errEmbedded = errors.New("the database is the embedded one")

// shared migrates a PostgreSQL database, or looks. It makes no backup: that is
// what pg_dump is for.
func (c Migrate) shared(ctx context.Context, secrets secret.Resolver) (m backup.Migrated, err error) {
	if c.DataDir != "" {
		return m, errEmbedded
	}
	cfg, err := config.Load(c.Config)
	if err != nil {
		return m, fmt.Errorf("%w\nOr name the data directory: --data-dir DIR", err)
	}
	if cfg.Storage == "" {
		return m, errEmbedded
	}
	if c.To != "" {
		return m, usage("--to is for the embedded database; back a PostgreSQL database up with pg_dump")
	}
	url, err := config.DatabaseURL(ctx, cfg.Storage, secrets)
	if err != nil {
		return m, err
	}
	if c.Check {
		m.From, m.To, err = postgres.Schema(ctx, url)
		return m, err
	}
	m.From, m.To, err = postgres.Migrate(ctx, url)
	m.Done = err == nil && m.From < m.To
	return m, err
}

func (e *Env) migrated(m backup.Migrated) error {
	s := e.screen()
	switch {
	case s.asJSON:
		if err := s.json(m); err != nil {
			return err
		}
	case m.Done:
		if m.Backup != nil {
			s.line("backup made before:")
			showBackup(s, *m.Backup)
		}
		s.line("The database was brought from schema version %d to %d.", m.From, m.To)
	case m.Pending():
		s.line("The database has schema version %d; this build needs %d.", m.From, m.To)
	default:
		s.line("The database is up to date: schema version %d.", m.From)
	}
	if m.Pending() {
		return errPending
	}
	return nil
}
