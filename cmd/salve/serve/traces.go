package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/otlp"
)

// telling is the store of the legs when traces are told: what was committed, and
// by whose commit, so that of several processes one tells.
type telling struct {
	Store
	traces *otlp.Exporter
}

// Commit writes, and tells what was written. Telling neither waits nor fails.
func (t telling) Commit(ctx context.Context, change bot.Change) (bot.Receipt, error) {
	began := time.Now()
	receipt, err := t.Store.Commit(ctx, change)
	if err == nil {
		t.traces.Committed(otlp.Commit{Change: change, Receipt: receipt, Began: began, Ended: time.Now(), From: otlp.LinkOf(ctx)})
	}
	return receipt, err
}

// openTraces finds out what traces are named after, and makes the exporter if
// there is somewhere to send them. Otherwise nothing stands between the legs and the
// store for them.
func (s *Salve) openTraces(ctx context.Context) error {
	s.rows = metered{s.noted, s.metrics}
	first, err := s.store.Events(ctx, bot.EventQuery{Limit: 1})
	if err != nil {
		return err
	}
	if len(first) == 0 {
		return errors.New("the audit log has no first event; the database is damaged: restore it from a backup")
	}
	s.origin.set(first[0].Hash)
	c := s.cfg.Traces
	if c.Endpoint == "" {
		return nil
	}
	headers := make(map[string]secret.Ref, len(c.Headers))
	for name, ref := range c.Headers {
		if headers[name], err = secret.ParseRef(ref); err != nil {
			return fmt.Errorf("traces.headers: %s: %w", name, err)
		}
	}
	s.traces, err = otlp.New(ctx, s.store, otlp.Options{
		Endpoint: c.Endpoint, Origin: first[0].Hash, Headers: headers, Secrets: s.opts.Secrets, Sample: c.Sample,
		Redactor: s.opts.Library.redactor, Version: s.opts.Version, Log: s.log,
		Instance: fmt.Sprintf("%.12s-%d", first[0].Hash, s.store.Epoch()),
	})
	if err != nil {
		return err
	}
	s.rows = telling{Store: s.rows, traces: s.traces}
	return nil
}

// trace is the id of an Incident's trace, and where people look at it; "" when
// it is not sent or nobody said where.
func (s *Salve) trace(id bot.IncidentID) (trace, url string) {
	trace = s.origin.trace(id).String()
	if s.traces != nil && s.traces.Keeps(id) {
		url = s.cfg.Traces.ViewOf(trace)
	}
	return trace, url
}

// linked keeps what a sender says of the trace that made it send.
func (s *Salve) linked(next http.Handler) http.Handler {
	if s.traces == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if v := r.Header.Values("Traceparent"); len(v) == 1 {
			if l := otlp.ParseLink(v[0]); l != (otlp.Link{}) {
				r = r.WithContext(otlp.WithLink(r.Context(), l))
			}
		}
		next.ServeHTTP(w, r)
	})
}

// tracesNow is how the exporter does; nil without one.
func (s *Salve) tracesNow() *otlp.Stats {
	if s.traces == nil {
		return nil
	}
	st := s.traces.Stats()
	return &st
}
