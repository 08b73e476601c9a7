package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"salve/bot"
	"salve/bot/health"
	"salve/bot/secret"
	"salve/integrations/prometheus"
)

// metricsPath is where Prometheus asks.
const metricsPath = "/metrics"

// makeMetrics begins to count; the store must be open.
func (s *Salve) makeMetrics(ctx context.Context) error {
	opts := prometheus.Options{Log: s.log, Version: s.opts.Version, Heads: s.headLags}
	for _, src := range s.cfg.Sources {
		opts.Sources = append(opts.Sources, src.Name)
	}
	for _, p := range s.opts.Library.Playbooks {
		opts.Playbooks = append(opts.Playbooks, p.Name)
	}
	m, err := prometheus.New(ctx, prometheus.Ports{Rows: seenReady{Store: s.store, of: s}, Record: s.store, Brake: s.brake}, opts)
	s.metrics = m
	return err
}

// metricsDoor is what answers at /metrics: on a local listener to whoever sits at
// this machine, elsewhere to whoever shows the token, if there is one.
func (s *Salve) metricsDoor(ctx context.Context) (http.Handler, error) {
	access := prometheus.Access{Local: local(s.cfg)}
	if ref := s.cfg.Metrics.Bearer; ref != "" {
		r, err := secret.ParseRef(ref)
		if err != nil {
			return nil, fmt.Errorf("metrics.bearer: %w", err)
		}
		if access.Bearer, err = s.opts.Secrets.Resolve(ctx, r); err != nil {
			return nil, fmt.Errorf("metrics.bearer: %w", err)
		}
	} else if !access.Local {
		s.log.InfoContext(ctx, "nobody may read /metrics here; to open it, set metrics.bearer in the configuration, for example env:SALVE_METRICS_TOKEN, and give Prometheus the token")
	}
	return s.metrics.Handler(access), nil
}

// metered is the store with each write told to the metrics.
type metered struct {
	Store
	metrics *prometheus.Metrics
}

// Commit writes a Change.
func (m metered) Commit(ctx context.Context, change bot.Change) (bot.Receipt, error) {
	began := time.Now()
	receipt, err := m.Store.Commit(ctx, change)
	m.metrics.Committed(receipt, time.Since(began), err)
	return receipt, err
}

// seenReady is the store as metrics see it: it answers when Salve is ready.
type seenReady struct {
	Store
	of *Salve
}

// Ping says what stands in the way, as /readyz does.
func (w seenReady) Ping(ctx context.Context) error {
	if w.of.doctor == nil {
		return w.Store.Ping(ctx)
	}
	if cs := w.of.doctor.examine(ctx); !health.Ready(cs) {
		return errors.New(cs[0].Says)
	}
	return nil
}
