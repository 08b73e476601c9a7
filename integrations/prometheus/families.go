package prometheus

import prom "github.com/prometheus/client_golang/prometheus"

// Kind is what a metric is.
type Kind string

// The kinds of metric.
const (
	Counter   Kind = "counter"
	Gauge     Kind = "gauge"
	Histogram Kind = "histogram"
)

// Origin is where a figure comes from, and so what a restart does to it.
type Origin string

// The origins of figures.
const (
	FromRecord Origin = "record" // read from the database at the scrape; a restart changes nothing
	FromLog    Origin = "log"    // counted since this process started, by following the audit log
	SinceStart Origin = "start"  // counted since this process started, of what it did itself
	AtScrape   Origin = "now"    // the state of this process at the scrape
)

// Family is one metric as it is documented.
type Family struct {
	Name   string
	Kind   Kind
	Labels []string
	Origin Origin
	Help   string
}

// Families are all metrics of Salve's own, in the order of the documentation.
func Families() []Family {
	return []Family{
		{"salve_build_info", Gauge, []string{"version"}, AtScrape, "Always 1; the label says which Salve runs."},
		{"salve_ready", Gauge, nil, AtScrape, "1 if /readyz would answer 200, else 0."},
		{"salve_store_up", Gauge, nil, AtScrape, "1 if the database answered this scrape; with 0, what is read from it is left out."},
		{"salve_scrape_errors_total", Counter, []string{"part"}, SinceStart, "Scrapes that could not read a part: ready, backlog, halts, severities or events."},
		{"salve_scrape_duration_seconds", Gauge, nil, AtScrape, "How long reading the database took for this scrape."},
		{"salve_epoch", Gauge, nil, AtScrape, "The number of this start, with PostgreSQL of the lease of this replica; each gets the next."},
		{"salve_time_seconds", Gauge, nil, AtScrape, "What Salve's clock says, as a Unix time."},

		{"salve_deliveries_total", Counter, []string{"source", "result"}, SinceStart, "POSTs of sources that were answered: taken, quarantined (kept, not wholly understood) or refused."},
		{"salve_deliveries_refused_total", Counter, []string{"source", "reason"}, SinceStart, "Refused POSTs by reason; try_later is overload or a database that did not answer, and the sender comes again."},
		{"salve_deliveries_in_flight", Gauge, nil, AtScrape, "POSTs of sources that are being answered."},
		{"salve_delivery_duration_seconds", Histogram, []string{"source"}, SinceStart, "How long a POST of a source took, from its header to the end of the answer."},
		{"salve_alerts_total", Counter, []string{"source", "outcome"}, SinceStart, "Alerts that were committed, by what became of each: new, repeat, updated, resolved or stale."},
		{"salve_quarantined_payloads", Gauge, nil, FromRecord, "Payloads that wait in quarantine for a person."},

		{"salve_queue_length", Gauge, []string{"leg"}, FromRecord, "What is due: incidents for decide, runs for act. Counted up to 10000."},
		{"salve_queue_oldest_seconds", Gauge, []string{"leg"}, FromRecord, "For how long the one that waits longest has been due; 0 if nothing is."},
		{"salve_undecided_incidents", Gauge, nil, FromRecord, "Incidents that were never looked at, among the 1000 that have been due longest."},
		{"salve_undecided_oldest_seconds", Gauge, nil, FromRecord, "For how long the first of them has been due; 0 if there is none."},
		{"salve_open_incidents", Gauge, []string{"severity"}, FromRecord, "Incidents that fire, counted in the background."},
		{"salve_open_incidents_timestamp_seconds", Gauge, nil, FromRecord, "When that count was finished; every 15 s, with very many incidents less often."},

		{"salve_active_runs", Gauge, []string{"state"}, FromRecord, "Runs that hold their target, by state; waiting is for a person. Counted up to 10000."},
		{"salve_active_run_oldest_seconds", Gauge, nil, FromRecord, "Age of the oldest active run; 0 if there is none."},
		{"salve_runs_ended_total", Counter, []string{"playbook", "outcome"}, FromLog, "Runs that ended: fixed, not_fixed, unverified, failed or cancelled."},
		{"salve_run_duration_seconds", Histogram, []string{"outcome"}, FromLog, "From the planning of a run to its end."},
		{"salve_verifications_total", Counter, []string{"result"}, FromLog, "What verification found, once for each run that came so far: fixed, not_fixed or unknown."},

		{"salve_pending_approvals", Gauge, nil, FromRecord, "Questions that wait for people. Counted up to 10000."},
		{"salve_pending_approval_oldest_seconds", Gauge, nil, FromRecord, "For how long the oldest has been waiting; 0 if none is."},
		{"salve_approvals_ended_total", Counter, []string{"decision"}, FromLog, "Questions that were approved, denied, expired or withdrawn."},
		{"salve_approval_duration_seconds", Histogram, []string{"decision"}, FromLog, "From the opening of a question to its approval or denial."},
		{"salve_verdicts_total", Counter, []string{"decision", "rule"}, SinceStart, "Changed decisions about a playbook for a target: allow, ask or deny, with the first rule that asked or denied (none for allow)."},

		{"salve_incident_acknowledge_seconds", Histogram, []string{"by"}, FromLog, "Time to acknowledge: from the first event of an incident until a person first took it, was given it or voted, or a run was first planned by itself, whichever came first."},
		{"salve_incident_resolve_seconds", Histogram, []string{"remediated"}, FromLog, "Time to resolve, known when an incident closes: from its first event or last reopening until its last alert event, or until the closing if it still fired; remediated is true if a run fixed it."},

		{"salve_audit_events_total", Counter, nil, FromRecord, "Events in the audit log."},
		{"salve_audit_last_event_timestamp_seconds", Gauge, nil, FromRecord, "When the last event happened, as a Unix time."},
		{"salve_audit_head_lag_events", Gauge, []string{"place"}, AtScrape, "Events that no signed head covers at a place where heads are written; absent without an audit key."},
		{"salve_audit_head_lag_seconds", Gauge, []string{"place"}, AtScrape, "For how long the oldest of them has been there."},
		{"salve_audit_unread_events", Gauge, nil, AtScrape, "Events that the counters of this process have not taken in yet."},
		{"salve_events_total", Counter, []string{"kind"}, FromLog, "Events that were written, by kind."},
		{"salve_commits_total", Counter, []string{"result"}, SinceStart, "Writes of the legs and of commands: done, conflict (tried again), overloaded, unavailable (the database could not be written), left (nobody waited for the answer) or refused."},
		{"salve_commit_duration_seconds", Histogram, nil, SinceStart, "How long a write took that was done, waiting for its turn included."},
		{"salve_commit_last_duration_seconds", Gauge, nil, AtScrape, "How long the last of them took."},

		{"salve_halts", Gauge, []string{"scope"}, AtScrape, "Halts that stand: all, playbook or target, the flag file included."},
		{"salve_halt_oldest_seconds", Gauge, nil, AtScrape, "For how long the oldest has been standing; 0 if none is."},
	}
}

// catalog gives the families by name to those who make metrics of them.
type catalog map[string]Family

func newCatalog() catalog {
	c := catalog{}
	for _, f := range Families() {
		c[f.Name] = f
	}
	return c
}

// of gives a family; to ask for one that is not documented is a mistake of the
// programmer.
func (c catalog) of(name string) Family {
	f, ok := c[name]
	if !ok {
		panic("prometheus: " + name + " is not among the families")
	}
	return f
}

func (c catalog) counter(name string) *prom.CounterVec {
	f := c.of(name)
	return prom.NewCounterVec(prom.CounterOpts{Name: f.Name, Help: f.Help}, f.Labels)
}

func (c catalog) gauge(name string) *prom.GaugeVec {
	f := c.of(name)
	return prom.NewGaugeVec(prom.GaugeOpts{Name: f.Name, Help: f.Help}, f.Labels)
}

func (c catalog) histogram(name string, buckets []float64) *prom.HistogramVec {
	f := c.of(name)
	return prom.NewHistogramVec(prom.HistogramOpts{Name: f.Name, Help: f.Help, Buckets: buckets}, f.Labels)
}

func (c catalog) desc(name string) *prom.Desc {
	f := c.of(name)
	return prom.NewDesc(f.Name, f.Help, f.Labels, nil)
}

// The buckets: of answers, and of what people and playbooks do.
var (
	fast = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	slow = []float64{1, 5, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 2 * 3600, 4 * 3600, 8 * 3600, 24 * 3600}
)
