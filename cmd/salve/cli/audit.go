package cli

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"salve/bot"
	"salve/bot/audit"
	"salve/storage/sqlite"
)

// Audit is everything about the audit log.
type Audit struct {
	Verify AuditVerify `cmd:"" help:"Prove that no row of the audit log was altered or removed."`
	Show   AuditShow   `cmd:"" help:"List audited events."`
}

// AuditVerify proves the chains.
type AuditVerify struct {
	DataDir string `help:"Read this data directory itself; works with Salve down." placeholder:"DIR" type:"existingdir"`
}

// Help is shown by --help.
func (AuditVerify) Help() string {
	return "Exits 1 and names each altered, missing or reordered event if the log does not prove.\nA running Salve has a minute for it; for a longer log use --data-dir, also while it runs.\n\nExamples:\n  salve audit verify\n  salve audit verify --data-dir /var/lib/salve"
}

// Run proves.
func (c AuditVerify) Run(ctx context.Context, e *Env) error {
	report, err := c.report(ctx, e)
	if err != nil {
		return err
	}
	s := e.screen()
	if s.asJSON {
		if err := s.json(report); err != nil {
			return err
		}
	} else {
		showReport(s, report)
	}
	if !report.OK() {
		return errors.New("the audit log does not prove")
	}
	return nil
}

func (c AuditVerify) report(ctx context.Context, e *Env) (audit.Report, error) {
	if c.DataDir != "" {
		return c.offline(ctx, e)
	}
	door, err := e.Door()
	if err != nil {
		return audit.Report{}, err
	}
	defer e.slowly(func() string { return "Salve reads its audit log" })()
	var report audit.Report
	return report, door.Get(ctx, "/v1/audit/verify", nil, &report)
}

func (c AuditVerify) offline(ctx context.Context, e *Env) (audit.Report, error) {
	store, err := sqlite.OpenReadOnly(ctx, c.DataDir)
	if err != nil {
		return audit.Report{}, err
	}
	var read atomic.Int64
	defer e.slowly(func() string { return fmt.Sprintf("%d events read", read.Load()) })()
	report, err := audit.Verify(audit.From(func(f func(bot.Event) error) error {
		return store.EachEvent(ctx, func(v bot.Event) error {
			read.Add(1)
			return f(v)
		})
	}))
	return report, errors.Join(err, store.Close())
}

func showReport(s screen, r audit.Report) {
	for _, f := range r.Faults {
		s.line("%s %s", s.paint(styleRed, "FAULT"), plain(f.String()))
	}
	if r.More > 0 {
		s.line("and %d more", r.More)
	}
	for _, h := range r.Heads {
		s.line("chain %s: head %d %s", plain(h.Chain), h.Seq, h.Hash)
	}
	verdict := s.paint(styleGreen, "the audit log proves")
	if !r.OK() {
		verdict = s.paint(styleRed, "THE AUDIT LOG DOES NOT PROVE")
	}
	s.line("%s in %s: %s", counted(r.Events, "event"), counted(int64(r.Chains), "chain"), verdict)
}
