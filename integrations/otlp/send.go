package otlp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"

	"salve/bot"
	"salve/integrations/internal/outbound"
)

const (
	maxBatch   = 512 // spans in one request
	maxTries   = 5   // of one batch
	maxPause   = 30 * time.Second
	maxAnswer  = 64 << 10
	flushFor   = 5 * time.Second
	remindEach = time.Minute // of a collector that is in trouble
)

// Run sends what is queued until ctx ends, then what waits, within five seconds.
func (e *Exporter) Run(ctx context.Context) {
	defer e.client.Close()
	t := trouble{}
	var batch []*tracepb.Span
	for ctx.Err() == nil {
		batch = e.gather(ctx)
		if len(batch) > 0 && e.deliver(ctx, batch, &t) {
			batch = nil
		}
	}
	e.flush(context.WithoutCancel(ctx), batch, &t)
	if n := e.lost(&t); n > 0 {
		e.log.WarnContext(ctx, "traces were dropped that the collector did not take before the end", "endpoint", e.url, "dropped", n)
	}
}

// flush sends what waits, each once.
func (e *Exporter) flush(ctx context.Context, batch []*tracepb.Span, t *trouble) {
	ctx, cancel := context.WithTimeoutCause(ctx, flushFor, fmt.Errorf("no answer within %s of the end", flushFor))
	defer cancel()
	for {
		for len(batch) < maxBatch && len(e.queue) > 0 {
			batch = e.take(ctx, batch, <-e.queue)
		}
		if len(batch) == 0 {
			return
		}
		if err := e.post(ctx, batch, t); err != nil {
			e.drop(ctx, len(batch)+len(e.queue), err, t)
			return
		}
		batch = nil
	}
}

// gather waits for a span and for those that come soon after it.
func (e *Exporter) gather(ctx context.Context) []*tracepb.Span {
	var batch []*tracepb.Span
	reading := context.WithoutCancel(ctx) // a span that was taken is made whole
	select {
	case s := <-e.queue:
		batch = e.take(reading, batch, s)
	case <-ctx.Done():
		return nil
	}
	full := time.NewTimer(e.opts.Every)
	defer full.Stop()
	for len(batch) < maxBatch {
		select {
		case s := <-e.queue:
			batch = e.take(reading, batch, s)
		case <-full.C:
			return batch
		case <-ctx.Done():
			return batch
		}
	}
	return batch
}

// take makes a span whole and puts it into the batch, behind the root of its
// trace if that was not told by this process. The root says the same whoever
// tells it and whenever.
func (e *Exporter) take(ctx context.Context, batch []*tracepb.Span, s span) []*tracepb.Span {
	if !e.known.root(s.incident) {
		if root, ok := e.root(ctx, &s); ok {
			batch = append(batch, e.spell.span(&root))
			e.known.addRoot(s.incident)
		}
	}
	if s.complete != nil {
		if p := e.plan(ctx, s.plan); p != nil {
			s.complete(&s, p)
		}
	}
	return append(batch, e.spell.span(&s))
}

// readTimeout bounds one read of the store.
const readTimeout = 2 * time.Second

// root is the span that all others of an Incident hang from: the moment at which
// its first Event was written.
func (e *Exporter) root(ctx context.Context, of *span) (span, bool) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	events, err := e.rows.Events(ctx, bot.EventQuery{Incident: of.incident, Limit: 1})
	if err != nil || len(events) == 0 {
		return span{}, false // the next span of the Incident tries again
	}
	s := e.newSpan(of.incident, of.trace, "incident", "")
	s.id, s.parent = of.trace.Root(), bot.SpanID{}
	s.start, s.end = events[0].At, events[0].At
	if events[0].Actor.Surface == "webhook" {
		s.add(text(attrSource, events[0].Actor.Name))
	}
	return s, true
}

// plan reads a Plan; nil when it cannot be read, which costs the span what only
// the Plan knows.
func (e *Exporter) plan(ctx context.Context, id bot.PlanID) *bot.Plan {
	if p := e.known.plan(id); p != nil {
		return p
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	p, err := e.rows.Plan(ctx, id)
	if err != nil {
		return nil
	}
	e.known.addPlan(id, &p)
	return &p
}

// deliver posts a batch, again where that may help. It reports whether the
// batch is done with; it is not when ctx ends meanwhile.
func (e *Exporter) deliver(ctx context.Context, batch []*tracepb.Span, t *trouble) bool {
	e.held.Store(int64(len(batch)))
	defer e.held.Store(0)
	pause := e.opts.Pause
	for try := 1; ; try++ {
		err := e.post(ctx, batch, t)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		again, isAgain := errors.AsType[*later](err)
		if !isAgain || try == maxTries {
			e.drop(ctx, len(batch), err, t)
			return true
		}
		e.complain(ctx, err, t)
		select {
		case <-time.After(min(max(pause, again.wait), maxPause)):
		case <-ctx.Done():
			return false
		}
		pause *= 2
	}
}

// later is an error after which the same request may do better.
type later struct {
	why  string
	wait time.Duration
}

func (l *later) Error() string { return l.why }

// post sends a batch once.
func (e *Exporter) post(ctx context.Context, batch []*tracepb.Span, t *trouble) error {
	body, err := e.encode(batch)
	if err != nil {
		return fmt.Errorf("encode %d spans: %w", len(batch), err)
	}
	header, err := e.header(ctx)
	if err != nil {
		return &later{why: err.Error()}
	}
	answer, err := e.client.Do(ctx, outbound.Call{Method: http.MethodPost, URL: e.url, Header: header, Body: body})
	switch {
	case err != nil:
		return &later{why: err.Error()}
	case answer.Status >= 200 && answer.Status < 300:
		refused := min(rejected(answer.Body), int64(len(batch)))
		e.sent.Add(int64(len(batch)) - refused)
		e.dropped.Add(refused)
		e.fine(ctx, t)
		return nil
	case answer.Status == http.StatusTooManyRequests, answer.Status >= 502 && answer.Status <= 504:
		return &later{why: fmt.Sprintf("the collector answered %d", answer.Status), wait: answer.RetryAfter}
	default:
		return fmt.Errorf("the collector answered %d", answer.Status)
	}
}

func (e *Exporter) drop(ctx context.Context, spans int, err error, t *trouble) {
	e.dropped.Add(int64(spans))
	e.complain(ctx, err, t)
}
