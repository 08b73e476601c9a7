package prometheus

import (
	"context"
	"errors"
	"time"

	prom "github.com/prometheus/client_golang/prometheus"

	"salve/bot"
)

// scrapeTimeout is how long a scrape waits for the store.
const scrapeTimeout = time.Second

var errScrapeTimeout = errors.New("the store did not answer a scrape in time")

// scrape reads the store and the brake when Prometheus asks.
type scrape struct {
	m       *Metrics
	version string
	descs   map[string]*prom.Desc
}

// atScrape are the families that scrape makes.
var atScrape = []string{
	"salve_build_info", "salve_ready", "salve_store_up", "salve_scrape_duration_seconds", "salve_epoch", "salve_time_seconds",
	"salve_quarantined_payloads", "salve_queue_length", "salve_queue_oldest_seconds", "salve_undecided_incidents",
	"salve_undecided_oldest_seconds", "salve_open_incidents", "salve_open_incidents_timestamp_seconds", "salve_active_runs",
	"salve_active_run_oldest_seconds", "salve_pending_approvals", "salve_pending_approval_oldest_seconds",
	"salve_audit_events_total", "salve_audit_last_event_timestamp_seconds", "salve_audit_unread_events",
	"salve_audit_head_lag_events", "salve_audit_head_lag_seconds", "salve_commit_last_duration_seconds", "salve_halts", "salve_halt_oldest_seconds",
}

func newScrape(m *Metrics, c catalog, version string) *scrape {
	s := &scrape{m: m, version: version, descs: make(map[string]*prom.Desc)}
	for _, name := range atScrape {
		s.descs[name] = c.desc(name)
	}
	return s
}

// Describe names what Collect gives.
func (s *scrape) Describe(ch chan<- *prom.Desc) {
	for _, d := range s.descs {
		ch <- d
	}
	s.m.counters.scrapeErrors.Describe(ch)
}

// Collect reads what is shown now.
func (s *scrape) Collect(ch chan<- prom.Metric) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), scrapeTimeout, errScrapeTimeout)
	defer cancel()
	now := time.Now()
	g := gauges{s: s, ch: ch, now: now}
	g.set("salve_build_info", 1, s.version)
	g.set("salve_time_seconds", unix(now))
	g.set("salve_epoch", float64(s.m.ports.Rows.Epoch()))
	g.set("salve_commit_last_duration_seconds", time.Duration(s.m.lastTook.Load()).Seconds())
	g.set("salve_ready", g.ok(partReady, s.m.ports.Rows.Ping(ctx)))

	for _, lag := range s.m.heads() {
		g.set("salve_audit_head_lag_events", float64(lag.Events), lag.Place)
		g.set("salve_audit_head_lag_seconds", lag.For.Seconds(), lag.Place)
	}

	b, err := s.m.ports.Rows.Backlog(ctx, now.UTC())
	g.set("salve_store_up", g.ok(partBacklog, err))
	if err == nil {
		g.backlog(b)
	}
	halts, err := s.m.ports.Brake.Halts(ctx)
	if g.ok(partHalts, err) == 1 {
		g.halts(halts)
	}
	if open := s.m.open.Load(); open != nil {
		g.open(*open)
	}
	g.set("salve_scrape_duration_seconds", time.Since(now).Seconds())
	s.m.counters.scrapeErrors.Collect(ch) // the last: errors of this scrape are in it
}

// gauges sends the figures of one scrape.
type gauges struct {
	s   *scrape
	ch  chan<- prom.Metric
	now time.Time
}

func (g gauges) set(name string, v float64, labels ...string) {
	g.send(name, prom.GaugeValue, v, labels)
}

func (g gauges) send(name string, kind prom.ValueType, v float64, labels []string) {
	g.ch <- prom.MustNewConstMetric(g.s.descs[name], kind, v, labels...)
}

// ok is 1 without an error, else 0; the error is counted and logged.
func (g gauges) ok(part string, err error) float64 {
	if err == nil {
		return 1
	}
	g.s.m.counters.scrapeErrors.WithLabelValues(part).Inc()
	g.s.m.log.Warn("a scrape of /metrics could not read all", "part", part, "err", err)
	return 0
}

// age is for how long something has been waiting.
func (g gauges) age(since time.Time) float64 {
	if since.IsZero() {
		return 0
	}
	return between(since, g.now)
}

func (g gauges) backlog(b bot.Backlog) {
	for leg, q := range map[string]bot.Queue{"decide": b.Decide, "act": b.Act} {
		g.set("salve_queue_length", float64(q.Length), leg)
		g.set("salve_queue_oldest_seconds", g.age(q.Since), leg)
	}
	g.set("salve_undecided_incidents", float64(b.Undecided.Length))
	g.set("salve_undecided_oldest_seconds", g.age(b.Undecided.Since))
	g.runs(b)
	g.set("salve_pending_approvals", float64(b.Approvals.Length))
	g.set("salve_pending_approval_oldest_seconds", g.age(b.Approvals.Since))
	g.set("salve_quarantined_payloads", float64(b.Held))
	g.send("salve_audit_events_total", prom.CounterValue, float64(b.Events), nil)
	g.set("salve_audit_last_event_timestamp_seconds", unix(b.LastEvent))
	g.set("salve_audit_unread_events", float64(max(0, b.Events-g.s.m.seen.Load())))
}

func (g gauges) runs(b bot.Backlog) {
	known := 0
	for _, state := range []bot.RunState{bot.RunPlanned, bot.RunRunning, bot.RunVerifying, bot.RunUndoing, bot.RunWaiting} {
		g.set("salve_active_runs", float64(b.Runs[state]), string(state))
		known += b.Runs[state]
	}
	g.set("salve_active_runs", float64(b.Running.Length-known), other)
	g.set("salve_active_run_oldest_seconds", g.age(b.Running.Since))
}

func (g gauges) halts(all []bot.Halt) {
	count := map[bot.HaltScope]int{bot.HaltAll: 0, bot.HaltPlaybook: 0, bot.HaltTarget: 0}
	var oldest time.Time
	for _, h := range all {
		scope := h.Scope
		if _, known := count[scope]; !known {
			scope = bot.HaltAll // what is not known stops everything
		}
		count[scope]++
		if oldest.IsZero() || h.At.Before(oldest) {
			oldest = h.At
		}
	}
	for scope, n := range count {
		g.set("salve_halts", float64(n), string(scope))
	}
	g.set("salve_halt_oldest_seconds", g.age(oldest))
}

func (g gauges) open(o openCount) {
	for s := bot.SeverityUnknown; s <= bot.SeverityCritical; s++ {
		g.set("salve_open_incidents", float64(o.by[s]), s.String())
	}
	g.set("salve_open_incidents_timestamp_seconds", unix(o.at))
}

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
