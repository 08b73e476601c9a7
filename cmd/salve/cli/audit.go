package cli

import (
	"context"
	"errors"
	"fmt"

	"salve/bot"
	"salve/bot/audit"
)

// Audit is everything about the audit log.
type Audit struct {
	Verify     AuditVerify     `cmd:"" help:"Prove that no row of the audit log was altered or removed."`
	Show       AuditShow       `cmd:"" help:"List audited events."`
	Report     AuditReport     `cmd:"" help:"Write what an auditor wants to see of a time: changes, decisions, rights, halts, proof."`
	Prove      AuditProve      `cmd:"" help:"Prove that an event is in the log, or that one signed head goes on from another."`
	CheckProof AuditCheckProof `cmd:"" help:"Check a proof; needs no log."`
	Key        AuditKey        `cmd:"" help:"The key that signs heads of the audit log."`
}

// AuditVerify proves the chains.
type AuditVerify struct {
	logAt
	signedBy
}

// Help is shown by --help.
func (AuditVerify) Help() string {
	return "Without --against a log proves by itself: a row that was altered, removed or moved is named. What was cut off at the end, or written anew and sealed again, shows only against signed heads.\n\nExit codes: 0 it proves, 1 it does not, 2 the command line is wrong, 3 it could not be checked.\nA running Salve has a minute for it; for a longer log use --data-dir, also while it runs.\n\nExamples:\n  salve audit verify\n  salve audit verify --data-dir /var/lib/salve --against /var/lib/salve-heads/heads.log\n  salve audit verify --data-dir backup.db --against heads.log --key salve.example.com+1a2b3c4d+AR..."
}

// Run proves.
func (c AuditVerify) Run(ctx context.Context, e *Env) error {
	report, h, err := c.report(ctx, e)
	if err != nil {
		return &UncheckedError{err}
	}
	s := e.screen()
	if s.asJSON {
		if err := s.json(struct {
			audit.Report
			Heads []audit.Head `json:"heads"`
			Given *audit.Heads `json:"given,omitempty"`
		}{report, report.Heads, summary(h)}); err != nil {
			return err
		}
	} else {
		showReport(s, report)
		showHeads(s, h)
	}
	if !report.OK() {
		return errors.New("the audit log does not prove")
	}
	return nil
}

// summary is what was given, without the heads themselves.
func summary(h *audit.Heads) *audit.Heads {
	if h == nil {
		return nil
	}
	return &audit.Heads{Read: h.Read, Foreign: h.Foreign, Torn: h.Torn}
}

func (c AuditVerify) report(ctx context.Context, e *Env) (audit.Report, *audit.Heads, error) {
	if c.DataDir == "" && c.Storage == "" && len(c.Against) == 0 {
		report, err := c.online(ctx, e)
		return report, nil, err
	}
	var h *audit.Heads
	if len(c.Against) > 0 {
		read, err := c.heads(ctx, c.logAt)
		if err != nil {
			return audit.Report{}, nil, err
		}
		h = &read
	}
	l, err := c.open(ctx)
	if err != nil {
		return audit.Report{}, nil, err
	}
	defer e.slowly(func() string { return fmt.Sprintf("%d events read", l.read.Load()) })()
	report, err := l.prove(ctx, proving{
		heads: h, keys: func() (audit.Keys, error) { return c.keys(c.logAt) }, begin: func(bot.Boundary) {}, see: func(bot.Event) {},
	})
	return report, h, errors.Join(err, l.Close())
}

func (c AuditVerify) online(ctx context.Context, e *Env) (audit.Report, error) {
	door, err := e.Door()
	if err != nil {
		return audit.Report{}, err
	}
	defer e.slowly(func() string { return "Salve reads its audit log" })()
	var report audit.Report
	return report, door.Get(ctx, "/v1/audit/verify", nil, &report)
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
	if r.Pruned > 0 {
		s.line("events 1 to %d are not there any more: the log was pruned at a signed head", r.Pruned)
	}
	verdict := s.paint(styleGreen, "the audit log proves")
	if !r.OK() {
		verdict = s.paint(styleRed, "THE AUDIT LOG DOES NOT PROVE")
	}
	s.line("%s in %s: %s", counted(r.Events, "event"), counted(int64(r.Chains), "chain"), verdict)
	if r.Signed != nil && r.OK() {
		s.line("up to event %d it is the log that was signed (%s agree)", r.Signed.To, counted(int64(r.Signed.Heads), "head"))
	}
}

// showHeads says what among the signed heads is none.
func showHeads(s screen, h *audit.Heads) {
	if h == nil {
		return
	}
	for _, f := range h.Foreign {
		s.line("%s %s", s.paint(styleYellow, "not a head:"), plain(f))
	}
	if h.Torn > 0 {
		s.line("%s were cut off while they were written", counted(int64(h.Torn), "head"))
	}
}
