package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strconv"
	"time"

	"salve/bot"
	"salve/bot/audit"
	"salve/bot/report"
	"salve/cmd/salve/paper"
)

// AuditReport writes the report.
type AuditReport struct {
	logAt
	signedBy
	From   string `help:"First day (UTC), or an instant as 2026-01-31T12:00:00Z." required:"" placeholder:"2026-01-01"`
	To     string `help:"Last day (UTC), which is included, or an instant, which is not." required:"" placeholder:"2026-03-31"`
	Format string `help:"html, csv or json." enum:"html,csv,json" default:"html"`
	Out    string `help:"The file to write; standard output without it." placeholder:"FILE" type:"path"`
}

// Help is shown by --help.
func (AuditReport) Help() string {
	return "The log is verified first, against --against if it is given. The report is written also if the log does not prove: it says so at its top, and the exit code is 1.\n\nExample:\n  salve audit report --data-dir /var/lib/salve --against heads.log --from 2026-01-01 --to 2026-03-31 --out q1.html"
}

// Run writes.
func (c AuditReport) Run(ctx context.Context, e *Env) error {
	span, err := c.span()
	if err != nil {
		return err
	}
	var h *audit.Heads
	if len(c.Against) > 0 {
		read, err := c.heads(ctx, c.logAt)
		if err != nil {
			return err
		}
		h = &read
	}
	l, err := c.open(ctx)
	if err != nil {
		return err
	}
	proves, err := c.write(ctx, e, l, &reading{span: span, heads: h})
	if err = errors.Join(err, l.Close()); err != nil {
		return err
	}
	if !proves {
		return errors.New("the audit log does not prove, and the report says so; see salve audit verify")
	}
	return nil
}

// reading is one pass over the log for a report.
type reading struct {
	span    report.Span
	heads   *audit.Heads
	index   *report.Index
	carried bot.Boundary
	wrong   error // what was carried over is not what the log says
}

// begin takes what was so when a pruned log begins.
func (r *reading) begin(b bot.Boundary) {
	r.index, r.carried, r.wrong = report.NewIndex(r.span), b, nil
	for _, e := range b.Carried {
		r.index.Carry(e)
	}
}

func (r *reading) see(e bot.Event) {
	if e.Seq <= r.carried.Size {
		return
	}
	r.index.Take(e)
	if e.Kind == bot.EventPruned && e.Data["size"] == strconv.FormatInt(r.carried.Size, 10) {
		r.wrong = audit.CarriedOver(r.carried, e)
	}
}

func (c AuditReport) write(ctx context.Context, e *Env, l *openLog, in *reading) (proves bool, err error) {
	done := e.slowly(func() string { return fmt.Sprintf("%d events read", l.read.Load()) })
	found, err := l.prove(ctx, proving{
		heads: in.heads, keys: func() (audit.Keys, error) { return c.keys(c.logAt) }, begin: in.begin, see: in.see,
	})
	done()
	if err = errors.Join(err, in.wrong); err != nil {
		return false, err
	}
	x, h := in.index, in.heads
	r := x.Report()
	b := paper.Book{
		Report: r, Proof: paper.Prove(r, found, h),
		Incidents: func() iter.Seq2[report.Incident, error] { return x.Incidents(ctx, l) },
	}
	if c.Out == "" {
		out := bufio.NewWriter(e.Out)
		return found.OK(), errors.Join(b.Write(out, paper.Format(c.Format)), out.Flush())
	}
	return found.OK(), toFile(c.Out, func(w io.Writer) error { return b.Write(w, paper.Format(c.Format)) })
}

// toFile writes a file for its owner alone, whole or not at all.
func toFile(path string, write func(io.Writer) error) (err error) {
	part := path + ".part"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	out := bufio.NewWriter(f)
	err = errors.Join(write(out), out.Flush(), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(part, path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write the report: %w", err), os.Remove(part))
	}
	return nil
}

func (c AuditReport) span() (report.Span, error) {
	from, _, err := instant(c.From)
	if err != nil {
		return report.Span{}, usage("--from: %s", err)
	}
	to, day, err := instant(c.To)
	if err != nil {
		return report.Span{}, usage("--to: %s", err)
	}
	if day {
		to = to.AddDate(0, 0, 1)
	}
	if !from.Before(to) {
		return report.Span{}, usage("--from is not before --to")
	}
	return report.Span{From: from, To: to}, nil
}

// instant reads a day, which begins at midnight UTC, or an instant.
func instant(s string) (t time.Time, day bool, err error) {
	if t, err = time.Parse(time.DateOnly, s); err == nil {
		return t, true, nil
	}
	if t, err = time.Parse(time.RFC3339, s); err != nil {
		return t, false, fmt.Errorf("%q is neither a day like 2026-01-31 nor an instant like 2026-01-31T12:00:00Z", s)
	}
	return t.UTC(), false, nil
}
