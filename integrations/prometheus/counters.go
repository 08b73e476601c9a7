package prometheus

import (
	"context"
	"errors"
	"time"

	prom "github.com/prometheus/client_golang/prometheus"

	"salve/bot"
)

// other stands for what is not known by name.
const other = "other"

// The values that labels have from the start on, so that a rate over them is
// right from the first one that happens.
var (
	outcomes   = []string{string(bot.OutcomeNew), string(bot.OutcomeRepeat), string(bot.OutcomeUpdated), string(bot.OutcomeResolved), string(bot.OutcomeStale)}
	endings    = []string{string(bot.RunFixed), string(bot.RunNotFixed), string(bot.RunUnverified), string(bot.RunFailed), string(bot.RunCancelled)}
	fixes      = []string{"fixed", "not_fixed", "unknown"}
	decisions  = []string{string(bot.ApprovalApproved), string(bot.ApprovalDenied), string(bot.ApprovalExpired), string(bot.ApprovalWithdrawn)}
	commits    = []string{commitDone, commitConflict, commitOverloaded, commitUnavailable, commitLeft, commitRefused}
	results    = []string{resultTaken, resultQuarantined, resultRefused}
	parts      = []string{partReady, partBacklog, partHalts, partSeverities, partEvents}
	byWhom     = []string{byPerson, byAutomation}
	remediated = []string{"true", "false"}
)

// What became of a write.
const (
	commitDone        = "done"
	commitConflict    = "conflict"
	commitOverloaded  = "overloaded"
	commitUnavailable = "unavailable"
	commitLeft        = "left"
	commitRefused     = "refused"
)

// The parts of a scrape that may fail each by itself.
const (
	partReady      = "ready"
	partBacklog    = "backlog"
	partHalts      = "halts"
	partSeverities = "severities"
	partEvents     = "events"
)

// counters are what is counted since the start.
type counters struct {
	sources, playbooks names
	kinds, rules       *words

	deliveries, refused, alerts         *prom.CounterVec
	runsEnded, verifications            *prom.CounterVec
	approvalsEnded, verdicts            *prom.CounterVec
	events, commits, scrapeErrors       *prom.CounterVec
	inFlight                            *prom.GaugeVec
	delivery, run, approval, commitTook *prom.HistogramVec
	acknowledge, resolve                *prom.HistogramVec
}

func newCounters(c catalog, opts Options) *counters {
	n := &counters{
		sources: newNames(opts.Sources), playbooks: newNames(opts.Playbooks), kinds: &words{max: 128}, rules: &words{max: 64},
		deliveries:     c.counter("salve_deliveries_total"),
		refused:        c.counter("salve_deliveries_refused_total"),
		alerts:         c.counter("salve_alerts_total"),
		runsEnded:      c.counter("salve_runs_ended_total"),
		verifications:  c.counter("salve_verifications_total"),
		approvalsEnded: c.counter("salve_approvals_ended_total"),
		verdicts:       c.counter("salve_verdicts_total"),
		events:         c.counter("salve_events_total"),
		commits:        c.counter("salve_commits_total"),
		scrapeErrors:   c.counter("salve_scrape_errors_total"),
		inFlight:       c.gauge("salve_deliveries_in_flight"),
		delivery:       c.histogram("salve_delivery_duration_seconds", fast),
		run:            c.histogram("salve_run_duration_seconds", slow),
		approval:       c.histogram("salve_approval_duration_seconds", slow),
		commitTook:     c.histogram("salve_commit_duration_seconds", fast),
		acknowledge:    c.histogram("salve_incident_acknowledge_seconds", slow),
		resolve:        c.histogram("salve_incident_resolve_seconds", slow),
	}
	n.begin()
	return n
}

// begin gives each series that is known beforehand its zero.
func (n *counters) begin() {
	n.sources.each(func(source string) {
		n.delivery.WithLabelValues(source)
		zero(n.deliveries, results, source)
		zero(n.refused, reasons(), source)
		zero(n.alerts, outcomes, source)
	})
	n.playbooks.each(func(playbook string) { zero(n.runsEnded, endings, playbook) })
	zero(n.verifications, fixes)
	zero(n.approvalsEnded, decisions)
	zero(n.commits, commits)
	zero(n.scrapeErrors, parts)
	n.inFlight.WithLabelValues()
	n.commitTook.WithLabelValues()
	n.verdicts.WithLabelValues(string(bot.Allow), noRule)
	n.events.WithLabelValues(string(bot.EventAlerts))
	for vec, values := range map[*prom.HistogramVec][]string{
		n.run: endings, n.approval: decisions[:2], n.acknowledge: byWhom, n.resolve: remediated,
	} {
		for _, v := range values {
			vec.WithLabelValues(v)
		}
	}
}

func zero(vec *prom.CounterVec, last []string, before ...string) {
	for _, v := range last {
		vec.WithLabelValues(append(before[:len(before):len(before)], v)...)
	}
}

func (n *counters) all() []prom.Collector {
	return []prom.Collector{
		n.deliveries, n.refused, n.alerts, n.runsEnded, n.verifications, n.approvalsEnded, n.verdicts, n.events, n.commits,
		n.inFlight, n.delivery, n.run, n.approval, n.commitTook, n.acknowledge, n.resolve,
	}
}

// Committed tells of a write: what it gave, how long it took and how it failed.
func (m *Metrics) Committed(receipt bot.Receipt, took time.Duration, err error) {
	n := m.counters
	if err != nil {
		n.commits.WithLabelValues(commitFailure(err)).Inc()
		return
	}
	n.commits.WithLabelValues(commitDone).Inc()
	n.commitTook.WithLabelValues().Observe(took.Seconds())
	m.lastTook.Store(int64(took))
	n.observed(receipt.Observed)
}

// observed counts alerts; those that stand together mostly say the same.
func (n *counters) observed(all []bot.Observation) {
	for from := 0; from < len(all); {
		to := from + 1
		for to < len(all) && all[to].Key.Source == all[from].Key.Source && all[to].Outcome == all[from].Outcome {
			to++
		}
		n.alerts.WithLabelValues(n.sources.of(all[from].Key.Source), string(all[from].Outcome)).Add(float64(to - from))
		from = to
	}
}

func commitFailure(err error) string {
	switch {
	case errors.Is(err, bot.ErrConflict):
		return commitConflict
	case errors.Is(err, bot.ErrOverloaded):
		return commitOverloaded
	case errors.Is(err, bot.ErrUnavailable):
		return commitUnavailable
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return commitLeft
	default:
		return commitRefused
	}
}

// noRule is the rule of a verdict that allows.
const noRule = "none"

// Decided tells of a decision that was committed and is another than before.
func (m *Metrics) Decided(d bot.Decision) {
	for _, c := range d.Candidates {
		rule := noRule
		if c.Verdict.Ruling != bot.Allow {
			rule = m.counters.rules.of(decisive(c.Verdict))
		}
		m.counters.verdicts.WithLabelValues(ruling(c.Verdict.Ruling), rule).Inc()
	}
}

// decisive is the first rule below the root that is as strict as it.
func decisive(v bot.Verdict) string {
	for _, c := range v.Children {
		if ruling(c.Ruling) == ruling(v.Ruling) {
			return decisive(c)
		}
	}
	return v.Rule
}

// ruling is what a Ruling comes to: what is not known denies.
func ruling(r bot.Ruling) string { return string(r.Stricter(bot.Allow)) }
