// Package otlp tells an OpenTelemetry collector, over OTLP/HTTP, the trace of
// each incident: from the delivery that opened it to what verification found.
//
// It promises that Committed never waits and never fails: what the collector
// does not take in time is dropped, counted and said in the log. Nothing of
// Salve rests on it. Ids are computed from what is stored (see bot.TraceOf), so
// that spans of one incident join into one trace whichever process tells them,
// and one that is told twice is the same span. No environment variable changes
// anything, the only address that is called is that of the endpoint, and a
// redirect is not followed.
//
// It assumes that Committed is called after each commit, with what was written,
// and that Run runs. What may be said of people is how they decided, never who
// they are; text from outside is bounded and masked.
//
// On failure a batch is tried again for some seconds where the collector may do
// better later, and then dropped. When Run is told to end it sends what waits,
// within five seconds.
package otlp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/internal/outbound"
)

// Rows are what is read of the store, by Run alone: the first Event of an
// Incident, and Plans, which never change.
type Rows interface {
	Events(ctx context.Context, q bot.EventQuery) ([]bot.Event, error)
	Plan(ctx context.Context, id bot.PlanID) (bot.Plan, error)
}

// Options of an Exporter. Endpoint and Origin are required.
type Options struct {
	Endpoint string                // base URL of the collector; /v1/traces is added
	Origin   string                // see bot.TraceOf
	Headers  map[string]secret.Ref // sent to the endpoint alone
	Secrets  secret.Resolver       // required with Headers
	Sample   float64               // share of the incidents that is told; 0: all
	Redactor *secret.Redactor      // masks text; nil: one that knows only the shapes of secrets
	Version  string                // of the program
	Instance string                // tells processes apart
	Log      *slog.Logger          // nil: none
	Queue    int                   // spans that may wait; 0: 4,096
	Every    time.Duration         // how long a span waits for others to go with; 0: 1 s
	Pause    time.Duration         // before the first repeat, then doubled; 0: 1 s
	Timeout  time.Duration         // of one request; 0: 10 s
}

// Stats tell how it goes.
type Stats struct {
	Sent    int64  `json:"sent"`              // spans that the collector took
	Dropped int64  `json:"dropped"`           // spans that it did not
	Waiting int    `json:"waiting"`           // spans in the queue, and those that are tried again
	Problem string `json:"problem,omitempty"` // of the last request; empty: none
}

// Exporter tells. It is safe for concurrent use.
type Exporter struct {
	rows   Rows
	opts   Options
	url    string
	client *outbound.Client
	log    *slog.Logger
	queue  chan span

	sent, dropped atomic.Int64
	held          atomic.Int64 // spans in the hands of Run
	problem       atomic.Pointer[string]

	known known // owned by Run
	spell spell // owned by Run
}

// New makes an Exporter and resolves its headers once, so that a reference that
// leads nowhere is found at the start.
func New(ctx context.Context, rows Rows, opts Options) (*Exporter, error) {
	target, address, err := endpoint(opts.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("traces.endpoint %w", err)
	}
	if rows == nil || opts.Origin == "" {
		return nil, errors.New("otlp: a store and its origin are required")
	}
	for name := range opts.Headers {
		if err := CheckHeader(name); err != nil {
			return nil, fmt.Errorf("traces.headers: %q %w", name, err)
		}
	}
	client, err := outbound.New(outbound.Options{Allow: []string{address}, Timeout: cmp.Or(opts.Timeout, 10*time.Second), MaxBody: maxAnswer})
	if err != nil {
		return nil, fmt.Errorf("traces.endpoint %w", err)
	}
	opts.Sample = cmp.Or(opts.Sample, 1)
	opts.Every, opts.Pause = cmp.Or(opts.Every, time.Second), cmp.Or(opts.Pause, time.Second)
	if opts.Redactor == nil {
		opts.Redactor = secret.NewRedactor()
	}
	e := &Exporter{
		rows: rows, opts: opts, url: target, client: client, log: cmp.Or(opts.Log, slog.New(slog.DiscardHandler)),
		queue: make(chan span, cmp.Or(opts.Queue, 4096)), known: newKnown(), spell: spell{mask: opts.Redactor.String},
	}
	if _, err := e.header(ctx); err != nil {
		return nil, err
	}
	return e, nil
}

// CheckEndpoint reports what is wrong with an Endpoint.
func CheckEndpoint(raw string) error {
	_, _, err := endpoint(raw)
	return err
}

// endpoint gives the URL to post to, and the address to allow.
func endpoint(raw string) (target, address string, err error) {
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", "", errors.New("is not the address of a collector")
	}
	port := cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	if !strings.HasSuffix(strings.TrimSuffix(u.Path, "/"), "/v1/traces") {
		u = u.JoinPath("v1", "traces")
	}
	return u.String(), net.JoinHostPort(u.Hostname(), port), nil
}

// CheckHeader reports why a header of that name cannot be sent along.
func CheckHeader(name string) error {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	if name == "" || len(name) > 128 || strings.Trim(name, allowed) != "" {
		return errors.New("is not the name of a header")
	}
	switch http.CanonicalHeaderKey(name) {
	case "Content-Type", "Content-Length", "Content-Encoding", "Host", "Transfer-Encoding", "Connection", "Te", "Trailer",
		"Upgrade", "Expect", "User-Agent":
		return errors.New("is set by Salve itself")
	}
	return nil
}

// header is what goes with each request. Secrets are resolved anew, so that one
// that was changed is used at once.
func (e *Exporter) header(ctx context.Context) (http.Header, error) {
	h := http.Header{"Content-Type": {"application/x-protobuf"}, "User-Agent": {"salve"}}
	for name, ref := range e.opts.Headers {
		if e.opts.Secrets == nil {
			return nil, errors.New("traces.headers: there is nothing here that resolves secrets")
		}
		value, err := e.opts.Secrets.Resolve(ctx, ref)
		if err != nil {
			return nil, fmt.Errorf("traces.headers: %w", err)
		}
		if strings.ContainsFunc(value.Reveal(), func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return nil, fmt.Errorf("traces.headers: what %s names cannot stand in a header", ref)
		}
		h.Set(name, value.Reveal())
	}
	return h, nil
}

// Stats tell how it goes now.
func (e *Exporter) Stats() Stats {
	s := Stats{Sent: e.sent.Load(), Dropped: e.dropped.Load(), Waiting: len(e.queue) + int(e.held.Load())}
	if p := e.problem.Load(); p != nil {
		s.Problem = *p
	}
	return s
}

// Keeps reports whether the trace of an Incident is told.
func (e *Exporter) Keeps(id bot.IncidentID) bool {
	return bot.TraceOf(e.opts.Origin, id).Sampled(e.opts.Sample)
}

// put queues a span; when there is no room it is dropped.
func (e *Exporter) put(s span) {
	select {
	case e.queue <- s:
	default:
		e.dropped.Add(1)
	}
}
