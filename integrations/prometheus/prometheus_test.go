package prometheus_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/prometheus"
)

var ann = bot.Actor{Person: "p-ann", Name: "ann", Surface: "cli"}

// live runs Metrics in a bubble and lets f move the world on.
func live(t *testing.T, w *world, f func(m *prometheus.Metrics)) {
	synctest.Test(t, func(t *testing.T) {
		m := watch(t, w)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- m.Run(ctx) }()
		f(m)
		stop()
		require.NoError(t, <-done)
	})
}

// later lets the follower look.
func later() {
	time.Sleep(2 * time.Second)
	synctest.Wait()
}

func at(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

func event(kind bot.EventKind, by bot.Actor, seconds int) bot.Event {
	return bot.Event{Kind: kind, Actor: by, At: at(seconds), Incident: 1, Approval: 5, Run: 7}
}

func TestWhatHappenedIsCountedFromTheRecord(t *testing.T) {
	t.Parallel()
	alerts, closed := event(bot.EventAlerts, bot.Salve, 0), event(bot.EventClosed, bot.Salve, 900)
	tests := []struct {
		name   string
		world  func(*world)
		events []bot.Event
		want   map[string]float64
	}{
		{"a run that fixed it", func(w *world) {
			w.runs[7] = bot.Run{ID: 7, Playbook: "restart", State: bot.RunFixed, Fix: bot.FixYes, CreatedAt: at(0), EndedAt: at(40)}
		}, []bot.Event{event(bot.EventRunEnded, bot.Salve, 40)}, map[string]float64{
			`salve_runs_ended_total{outcome="fixed",playbook="restart"}`: 1, `salve_run_duration_seconds_sum{outcome="fixed"}`: 40,
			`salve_verifications_total{result="fixed"}`: 1, `salve_events_total{kind="run.ended"}`: 1,
		}},
		{"a run of a playbook that is not loaded, which did not help", func(w *world) {
			w.runs[7] = bot.Run{ID: 7, Playbook: "evil\nname", State: bot.RunNotFixed, Fix: bot.FixNo}
		}, []bot.Event{event(bot.EventRunEnded, bot.Salve, 40)}, map[string]float64{
			`salve_runs_ended_total{outcome="not_fixed",playbook="other"}`: 1, `salve_verifications_total{result="not_fixed"}`: 1,
		}},
		{"a run that never came to verification", func(w *world) {
			w.runs[7] = bot.Run{ID: 7, Playbook: "restart", State: bot.RunCancelled}
		}, []bot.Event{event(bot.EventRunEnded, bot.Salve, 40)}, map[string]float64{
			`salve_runs_ended_total{outcome="cancelled",playbook="restart"}`: 1, `salve_verifications_total{result="unknown"}`: 0,
		}},
		{"a run whose verification could not tell", func(w *world) {
			w.runs[7] = bot.Run{ID: 7, Playbook: "restart", State: bot.RunUnverified, Fix: bot.FixUnknown}
		}, []bot.Event{event(bot.EventRunEnded, bot.Salve, 40)}, map[string]float64{`salve_verifications_total{result="unknown"}`: 1}},
		{"an approval, which is the first that a person did", func(w *world) {
			w.approvals[5] = bot.Approval{ID: 5, OpenedAt: at(10)}
		}, []bot.Event{alerts, event(bot.EventProposed, bot.Salve, 10), event(bot.EventVoted, ann, 70), event(bot.EventApproved, ann, 70), event(bot.EventRunPlanned, ann, 70)},
			map[string]float64{
				`salve_approvals_ended_total{decision="approved"}`: 1, `salve_approval_duration_seconds_sum{decision="approved"}`: 60,
				`salve_incident_acknowledge_seconds_count{by="person"}`: 1, `salve_incident_acknowledge_seconds_sum{by="person"}`: 70,
				`salve_incident_acknowledge_seconds_count{by="automation"}`: 0,
			}},
		{"a denial", func(w *world) { w.approvals[5] = bot.Approval{ID: 5, OpenedAt: at(10)} },
			[]bot.Event{alerts, event(bot.EventDenied, ann, 40)}, map[string]float64{
				`salve_approvals_ended_total{decision="denied"}`: 1, `salve_approval_duration_seconds_sum{decision="denied"}`: 30,
				`salve_incident_acknowledge_seconds_sum{by="person"}`: 40,
			}},
		{"questions that nobody answered", func(*world) {}, []bot.Event{event(bot.EventExpired, bot.Salve, 1), event(bot.EventWithdrawn, bot.Salve, 1)}, map[string]float64{
			`salve_approvals_ended_total{decision="expired"}`: 1, `salve_approvals_ended_total{decision="withdrawn"}`: 1,
			`salve_approval_duration_seconds_count{decision="denied"}`: 0,
		}},
		{"automation before a person", func(*world) {}, []bot.Event{alerts, event(bot.EventRunPlanned, bot.Salve, 3), event(bot.EventTaken, ann, 9)}, map[string]float64{
			`salve_incident_acknowledge_seconds_count{by="automation"}`: 1, `salve_incident_acknowledge_seconds_sum{by="automation"}`: 3,
			`salve_incident_acknowledge_seconds_count{by="person"}`: 0,
		}},
		{"a note is no acknowledgement", func(*world) {}, []bot.Event{alerts, event(bot.EventNoted, ann, 3)}, map[string]float64{
			`salve_incident_acknowledge_seconds_count{by="person"}`: 0, `salve_events_total{kind="alerts.received"}`: 1,
		}},
		{"an incident that a run fixed, up to its last alert", func(w *world) {
			w.incidents[1], w.runs[7] = bot.Incident{ID: 1}, bot.Run{ID: 7, Playbook: "restart", State: bot.RunFixed}
		}, []bot.Event{alerts, event(bot.EventRunEnded, bot.Salve, 40), event(bot.EventAlerts, bot.Salve, 300), closed}, map[string]float64{
			`salve_incident_resolve_seconds_count{remediated="true"}`: 1, `salve_incident_resolve_seconds_sum{remediated="true"}`: 300,
		}},
		{"one that was closed while it fired, up to then", func(w *world) {
			w.incidents[1] = bot.Incident{ID: 1, Fold: bot.Fold{Firing: 1}}
		}, []bot.Event{alerts, event(bot.EventAlerts, bot.Salve, 300), closed}, map[string]float64{
			`salve_incident_resolve_seconds_sum{remediated="false"}`: 900,
		}},
		{"one that was reopened, from then on", func(w *world) { w.incidents[1] = bot.Incident{ID: 1} },
			[]bot.Event{alerts, event(bot.EventReopened, ann, 500), event(bot.EventAlerts, bot.Salve, 600), closed}, map[string]float64{
				`salve_incident_resolve_seconds_sum{remediated="false"}`: 100,
			}},
		{"a clock that went back", func(w *world) { w.incidents[1] = bot.Incident{ID: 1, Fold: bot.Fold{Firing: 1}} },
			[]bot.Event{event(bot.EventAlerts, bot.Salve, 1000), closed}, map[string]float64{
				`salve_incident_resolve_seconds_count{remediated="false"}`: 1, `salve_incident_resolve_seconds_sum{remediated="false"}`: 0,
			}},
		{"what is not there is passed over", func(*world) {}, []bot.Event{event(bot.EventRunEnded, bot.Salve, 1), event(bot.EventApproved, ann, 1), closed, event(bot.EventHalted, ann, 2)},
			map[string]float64{`salve_events_total{kind="halt.set"}`: 1, `salve_audit_unread_events`: 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			tt.world(w)
			live(t, w, func(m *prometheus.Metrics) {
				w.tell(tt.events...)
				later()
				scrape(t, m).has(t, tt.want)
				later()
				scrape(t, m).has(t, tt.want)
			})
		})
	}
}

func TestCountingBeginsWhereTheLogEnded(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.tell(event(bot.EventHalted, ann, 0), event(bot.EventHalted, ann, 0))
	live(t, w, func(m *prometheus.Metrics) {
		w.tell(event(bot.EventHalted, ann, 0))
		later()
		scrape(t, m).has(t, map[string]float64{`salve_events_total{kind="halt.set"}`: 1, "salve_audit_events_total": 3})
	})
}

func TestALongLogIsTakenInWhole(t *testing.T) {
	t.Parallel()
	w := newWorld()
	live(t, w, func(m *prometheus.Metrics) {
		for n := range 2500 {
			kind := bot.EventAlerts
			if n%500 == 7 {
				kind = bot.EventNoted
			}
			w.tell(bot.Event{Kind: kind, Incident: 1})
		}
		scrape(t, m).has(t, map[string]float64{"salve_audit_unread_events": 2500})
		later()
		scrape(t, m).has(t, map[string]float64{
			`salve_events_total{kind="alerts.received"}`: 2495, `salve_events_total{kind="incident.noted"}`: 5, "salve_audit_unread_events": 0,
		})
	})
}

func TestAStoreThatFailsLeavesNothingOutAndCountsNothingTwice(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.runs[7] = bot.Run{ID: 7, Playbook: "restart", State: bot.RunFailed}
	w.approvals[5] = bot.Approval{ID: 5, OpenedAt: at(0)}
	live(t, w, func(m *prometheus.Metrics) {
		w.set(func(w *world) { w.failRows = fmt.Errorf("read: %w", bot.ErrUnavailable) })
		w.tell(event(bot.EventAlerts, bot.Salve, 0), event(bot.EventNoted, ann, 1), event(bot.EventApproved, ann, 2), event(bot.EventRunEnded, bot.Salve, 3))
		time.Sleep(10 * time.Second)
		got := scrape(t, m)
		got.has(t, map[string]float64{`salve_events_total{kind="incident.noted"}`: 1, `salve_events_total{kind="alerts.received"}`: 1, "salve_audit_unread_events": 2})
		require.Positive(t, got[`salve_scrape_errors_total{part="events"}`])
		w.set(func(w *world) { w.failRows = nil })
		later()
		scrape(t, m).has(t, map[string]float64{
			`salve_events_total{kind="incident.noted"}`: 1, `salve_events_total{kind="alerts.received"}`: 1, "salve_audit_unread_events": 0,
			`salve_approvals_ended_total{decision="approved"}`: 1, `salve_runs_ended_total{outcome="failed",playbook="restart"}`: 1,
		})
	})
}

func TestWhatWaitsIsReadAtTheScrape(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.open = append(make([]bot.Severity, 1200), bot.SeverityHigh)
	w.halts = []bot.Halt{{Scope: bot.HaltAll, At: at(-60)}, {Scope: bot.HaltTarget, Name: "evil", At: at(-90)}, {Scope: "strange", At: at(-10)}}
	w.backlog = bot.Backlog{
		Decide: bot.Queue{Length: 4, Since: at(-30)}, Undecided: bot.Queue{Length: 2, Since: at(-20)}, Act: bot.Queue{Length: 1, Since: at(-10)},
		Approvals: bot.Queue{Length: 3, Since: at(-40)}, Running: bot.Queue{Length: 6, Since: at(-50)},
		Runs: map[bot.RunState]int{bot.RunWaiting: 2, bot.RunRunning: 3, "strange": 1}, Held: 9, Events: 12, LastEvent: at(-5),
	}
	live(t, w, func(m *prometheus.Metrics) {
		synctest.Wait()
		scrape(t, m).has(t, map[string]float64{
			`salve_queue_length{leg="decide"}`: 4, `salve_queue_oldest_seconds{leg="decide"}`: 30, `salve_queue_length{leg="act"}`: 1,
			"salve_undecided_incidents": 2, "salve_undecided_oldest_seconds": 20, "salve_pending_approvals": 3,
			"salve_pending_approval_oldest_seconds": 40, `salve_active_runs{state="waiting"}`: 2, `salve_active_runs{state="other"}`: 1,
			`salve_active_runs{state="undoing"}`: 0, "salve_active_run_oldest_seconds": 50, "salve_quarantined_payloads": 9,
			"salve_audit_events_total": 12, "salve_audit_last_event_timestamp_seconds": float64(at(-5).Unix()),
			`salve_halts{scope="all"}`: 2, `salve_halts{scope="target"}`: 1, `salve_halts{scope="playbook"}`: 0, "salve_halt_oldest_seconds": 90,
			"salve_ready": 1, "salve_store_up": 1, "salve_epoch": 3, `salve_build_info{version="1.2.3"}`: 1, "salve_time_seconds": float64(start.Unix()),
		})
		require.NotContains(t, scrape(t, m), `salve_open_incidents{severity="high"}`, "the count is not finished")
		later()
		scrape(t, m).has(t, map[string]float64{`salve_open_incidents{severity="unknown"}`: 1200, `salve_open_incidents{severity="high"}`: 1})
	})
}

func TestAScrapeAnswersWhenTheStoreDoesNot(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.backlog.Decide.Length = 4
	live(t, w, func(m *prometheus.Metrics) {
		later()
		m.Committed(bot.Receipt{}, time.Second, nil)
		w.set(func(w *world) { w.fail = bot.ErrUnavailable })
		time.Sleep(20 * time.Second)
		got := scrape(t, m)
		got.has(t, map[string]float64{
			"salve_store_up": 0, "salve_ready": 0, `salve_commits_total{result="done"}`: 1, "salve_commit_last_duration_seconds": 1,
			`salve_scrape_errors_total{part="backlog"}`: 1, `salve_scrape_errors_total{part="ready"}`: 1, `salve_scrape_errors_total{part="halts"}`: 1,
		})
		require.NotContains(t, got, `salve_queue_length{leg="decide"}`, "an old figure would lie")
		require.NotContains(t, got, `salve_halts{scope="all"}`)
		require.NotContains(t, got, `salve_open_incidents{severity="high"}`)
		require.Contains(t, got, "go_goroutines")
		w.set(func(w *world) { w.fail = nil })
		time.Sleep(20 * time.Second)
		scrape(t, m).has(t, map[string]float64{"salve_store_up": 1, `salve_queue_length{leg="decide"}`: 4, `salve_open_incidents{severity="high"}`: 0})
	})
}

func TestPlacesOfSignedHeadsShowHowFarTheyAreBehind(t *testing.T) {
	t.Parallel()
	live(t, newWorld(), func(m *prometheus.Metrics) {
		later()
		scrape(t, m).has(t, map[string]float64{
			`salve_audit_head_lag_events{place="heads.log"}`: 3, `salve_audit_head_lag_seconds{place="heads.log"}`: 90,
		})
	})
}

// stuck is a store that answers when it is too late.
type stuck struct{ *world }

func (s stuck) Backlog(ctx context.Context, now time.Time) (bot.Backlog, error) {
	if now.After(start) {
		<-ctx.Done()
		return bot.Backlog{}, context.Cause(ctx)
	}
	return s.world.Backlog(ctx, now)
}

func TestAScrapeEndsWithinASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		m, err := prometheus.New(t.Context(), prometheus.Ports{Rows: stuck{w}, Record: w, Brake: w}, prometheus.Options{})
		require.NoError(t, err)
		time.Sleep(time.Millisecond)
		began := time.Now()
		scrape(t, m).has(t, map[string]float64{"salve_store_up": 0, "salve_ready": 1})
		require.Equal(t, time.Second, time.Since(began))
	})
}

func TestMetricsNeedTheirPortsAndAStore(t *testing.T) {
	t.Parallel()
	w := newWorld()
	_, err := prometheus.New(t.Context(), prometheus.Ports{Rows: w, Record: w}, prometheus.Options{})
	require.ErrorContains(t, err, "a brake")
	w.fail = errors.New("gone")
	_, err = prometheus.New(t.Context(), prometheus.Ports{Rows: w, Record: w, Brake: w}, prometheus.Options{})
	require.ErrorContains(t, err, "begin to count: gone")
}

func TestNoWordFromOutsideBecomesALabel(t *testing.T) {
	t.Parallel()
	w := newWorld()
	live(t, w, func(m *prometheus.Metrics) {
		m.Committed(bot.Receipt{Observed: []bot.Observation{{Key: bot.AlertKey{Source: "evil"}, Outcome: bot.OutcomeNew}}}, 0, nil)
		for n := range 1000 {
			w.tell(bot.Event{Kind: bot.EventKind("evil." + strings.Repeat("x", n%60) + strings.Repeat("y", n/60))})
			m.Decided(bot.Decision{Candidates: []bot.Candidate{{Verdict: bot.Verdict{Ruling: "evil", Rule: fmt.Sprintf("evil %d", n)}}}})
		}
		later()
		got := scrape(t, m)
		got.has(t, map[string]float64{
			`salve_alerts_total{outcome="new",source="other"}`: 1, `salve_verdicts_total{decision="deny",rule="other"}`: 1000,
		})
		kinds := 0
		for series := range got {
			if strings.HasPrefix(series, "salve_events_total") {
				kinds++
			}
		}
		require.LessOrEqual(t, kinds, 130)
	})
}
