package river

import (
	"context"
	"log/slog"

	"github.com/riverqueue/river"

	"salve/bot"
)

// decideArgs is a job: Incidents that may be due.
type decideArgs struct {
	Incidents []bot.IncidentID `json:"incidents"`
}

// Kind names the job in the database.
func (decideArgs) Kind() string { return "salve_decide" }

// actArgs is a job: Runs that may be due.
type actArgs struct {
	Runs []bot.RunID `json:"runs"`
}

// Kind names the job in the database.
func (actArgs) Kind() string { return "salve_act" }

func (c *Carrier) decide(_ context.Context, job *river.Job[decideArgs]) error {
	c.legs.Decide(job.Args.Incidents)
	return nil
}

func (c *Carrier) act(_ context.Context, job *river.Job[actArgs]) error {
	c.legs.Act(job.Args.Runs)
	return nil
}

// quieter makes the queue's own log less loud: what goes wrong there makes
// hints late, and nothing more.
type quieter struct{ slog.Handler }

// Enabled is that of one level down.
func (q quieter) Enabled(ctx context.Context, level slog.Level) bool {
	return q.Handler.Enabled(ctx, level-4)
}

// Handle logs one level down.
func (q quieter) Handle(ctx context.Context, r slog.Record) error {
	r.Level -= 4
	return q.Handler.Handle(ctx, r)
}

// WithAttrs keeps it quiet.
func (q quieter) WithAttrs(attrs []slog.Attr) slog.Handler {
	return quieter{q.Handler.WithAttrs(attrs)}
}

// WithGroup keeps it quiet.
func (q quieter) WithGroup(name string) slog.Handler { return quieter{q.Handler.WithGroup(name)} }
