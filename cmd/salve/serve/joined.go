package serve

import (
	"context"
	"log/slog"
	"sync/atomic"

	"salve/bot"
)

// origin is what traces are named after. It is not known before the store is
// open; until then there are no traces.
type origin struct{ hash atomic.Pointer[string] }

func (o *origin) set(hash string) { o.hash.Store(&hash) }

func (o *origin) trace(id bot.IncidentID) bot.TraceID {
	hash := o.hash.Load()
	if hash == nil {
		return bot.TraceID{}
	}
	return bot.TraceOf(*hash, id)
}

// joined adds trace_id and span_id to what is logged about an Incident, so that
// logs and traces can be joined. It finds the Incident and the Run in the
// attributes "incident" and "run", else in the context. A record of a logger
// with a group is left as it is: there the ids would not stand where they are
// looked for.
type joined struct {
	slog.Handler
	origin   *origin
	incident bot.IncidentID // of the attributes that the logger has
	run      bot.RunID
	grouped  bool
}

// Handle adds the ids.
func (j joined) Handle(ctx context.Context, r slog.Record) error {
	id, run := j.incident, j.run
	r.Attrs(func(a slog.Attr) bool {
		id, run = about(a, id, run)
		return true
	})
	if of, its := bot.Subject(ctx); id == 0 || id == of {
		id = of
		if run == 0 {
			run = its
		}
	}
	if trace := j.origin.trace(id); !j.grouped && !trace.IsZero() {
		span := trace.Root()
		if run != 0 {
			span = trace.Run(run)
		}
		r = r.Clone()
		r.AddAttrs(slog.String("trace_id", trace.String()), slog.String("span_id", span.String()))
	}
	return j.Handler.Handle(ctx, r)
}

// WithAttrs remembers what the logger is about.
func (j joined) WithAttrs(attrs []slog.Attr) slog.Handler {
	if !j.grouped {
		for _, a := range attrs {
			j.incident, j.run = about(a, j.incident, j.run)
		}
	}
	j.Handler = j.Handler.WithAttrs(attrs)
	return j
}

// WithGroup is that of the handler behind.
func (j joined) WithGroup(name string) slog.Handler {
	j.grouped = j.grouped || name != ""
	j.Handler = j.Handler.WithGroup(name)
	return j
}

// about reads an attribute that names an Incident or a Run.
func about(a slog.Attr, id bot.IncidentID, run bot.RunID) (bot.IncidentID, bot.RunID) {
	switch v := a.Value.Any().(type) {
	case bot.IncidentID:
		if a.Key == "incident" {
			return v, run
		}
	case bot.RunID:
		if a.Key == "run" {
			return id, v
		}
	}
	return id, run
}
