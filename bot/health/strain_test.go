package health_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/health"
)

var patience = health.Patience{Stuck: 5 * time.Minute, Waiting: 4 * time.Hour, Undecided: 10 * time.Minute, Queue: 2 * time.Minute}

func ago(d time.Duration) time.Time { return t0.Add(-d) }

func run(state bot.RunState, change func(*health.Run)) health.Run {
	r := health.Run{Run: bot.Run{ID: 7, Incident: 3, Playbook: "heal", Target: "shop", State: state, CreatedAt: ago(24 * time.Hour)}}
	if change != nil {
		change(&r)
	}
	return r
}

func inFlight(begun time.Time) func(*health.Run) {
	return func(r *health.Run) { r.Step, r.Begun, r.Timeout = "restart", begun, time.Minute }
}

func TestARunIsStuckWhenItsTimeIsLongOver(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		run  health.Run
		want string
	}{
		{"a step within its time", run(bot.RunRunning, inFlight(ago(6*time.Minute))), ""},
		{"a step beyond it", run(bot.RunRunning, inFlight(ago(6*time.Minute+1))), "run-stuck/R-7"},
		{"an undo beyond it", run(bot.RunUndoing, inFlight(ago(time.Hour))), "run-stuck/R-7"},
		{"a run that is not due", run(bot.RunRunning, nil), ""},
		{"verifying in time", run(bot.RunVerifying, func(r *health.Run) { r.VerifyBy = ago(5 * time.Minute) }), ""},
		{"verifying too long", run(bot.RunVerifying, func(r *health.Run) { r.VerifyBy = ago(5*time.Minute + 1) }), "run-stuck/R-7"},
		{"waiting for a person for long", run(bot.RunWaiting, nil), "run-waiting/R-7"},
		{"waiting since its last step", run(bot.RunWaiting, func(r *health.Run) { r.Steps = []bot.Step{{EndedAt: ago(time.Hour)}} }), ""},
		{"waiting since its last check", run(bot.RunWaiting, func(r *health.Run) { r.Checks = []bot.CheckResult{{At: ago(time.Hour)}} }), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cs, unsure := health.Strained(health.Strain{Now: t0, Runs: []health.Run{tt.run}}, patience)
			require.Empty(t, unsure)
			if tt.want == "" {
				require.Empty(t, cs)
				return
			}
			require.Equal(t, []string{tt.want}, keys(cs))
			require.True(t, cs[0].Since.Before(t0))
			require.Equal(t, "R-7", cs[0].About["run"])
			require.Contains(t, cs[0].Do, "alve")
			again, _ := health.Strained(health.Strain{Now: t0.Add(time.Hour), Runs: []health.Run{tt.run}}, patience)
			require.Equal(t, cs, again, "while it lasts, it is the same condition")
		})
	}
}

func TestAnAlertAboutSalveMakesNoEndOfAlerts(t *testing.T) {
	t.Parallel()
	own := func(id bot.RunID) health.Run {
		return run(bot.RunRunning, func(r *health.Run) { inFlight(ago(time.Hour))(r); r.ID, r.Own = id, true })
	}
	cs, _ := health.Strained(health.Strain{Now: t0, Runs: []health.Run{own(1), own(2), own(3), run(bot.RunRunning, inFlight(ago(time.Hour)))}}, patience)
	require.Equal(t, []string{"run-stuck/" + health.Own, "run-stuck/R-7"}, keys(cs), "all of its own together are one")

	undecided := bot.Incident{ID: 1, DueAt: ago(time.Hour), Fold: bot.Fold{Source: bot.SourceSalve}}
	cs, _ = health.Strained(health.Strain{Now: t0, Incidents: []bot.Incident{undecided}}, patience)
	require.Empty(t, cs, "an incident about Salve that waits makes no other")
}

func TestManyAreToldTogether(t *testing.T) {
	t.Parallel()
	var s health.Strain
	s.Now = t0
	for i := range 50 {
		s.Incidents = append(s.Incidents, bot.Incident{ID: bot.IncidentID(i + 1), DueAt: ago(time.Hour), Fold: bot.Fold{Source: "prod"}})
	}
	cs, _ := health.Strained(s, patience)
	require.Len(t, cs, health.Most+1)
	require.Equal(t, "incident-undecided/I-20", cs[health.Most-1].Key())
	require.Equal(t, "incident-undecided/more", cs[health.Most].Key())
}

func TestAnIncidentIsUndecidedAfterAWhile(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		due  time.Time
		want int
	}{"just due": {ago(time.Minute), 0}, "due for long": {ago(10*time.Minute + 1), 1}} {
		cs, _ := health.Strained(health.Strain{Now: t0, Incidents: []bot.Incident{{ID: 4, DueAt: tt.due}}}, patience)
		require.Len(t, cs, tt.want, name)
	}
}

func TestAQueueIsOldWhenItsFirstIs(t *testing.T) {
	t.Parallel()
	cs, _ := health.Strained(health.Strain{Now: t0, Queues: []health.Queue{
		{Leg: "empty"}, {Leg: "short", Oldest: ago(2 * time.Minute)}, {Leg: "long", Oldest: ago(2*time.Minute + 1)},
	}}, patience)
	require.Equal(t, []string{"queue-old/long"}, keys(cs))
	require.Zero(t, cs[0].Since, "it lasts while others come to stand in front")
}

func TestASourceIsSilentWhenItShouldHaveBeenHeard(t *testing.T) {
	t.Parallel()
	every := 5 * time.Minute
	tests := []struct {
		name           string
		source         health.Source
		started        time.Time
		silent, unsure bool
	}{
		{"nothing is expected", health.Source{}, ago(time.Hour), false, false},
		{"heard just now", health.Source{Every: every, Heard: ago(time.Minute)}, ago(time.Hour), false, false},
		{"heard at the last moment", health.Source{Every: every, Heard: ago(every)}, ago(time.Hour), false, false},
		{"heard too long ago", health.Source{Every: every, Heard: ago(every + 1)}, ago(time.Hour), true, false},
		{"never heard", health.Source{Every: every}, ago(every + 1), true, false},
		{"never heard, and Salve has just started", health.Source{Every: every}, ago(time.Minute), false, true},
		{"heard long before Salve started", health.Source{Every: every, Heard: ago(time.Hour)}, ago(time.Minute), false, true},
		{"heard just before Salve started", health.Source{Every: every, Heard: ago(2 * time.Minute)}, ago(time.Minute), false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.source.Name = "prod"
			cs, unsure := health.Strained(health.Strain{Now: t0, Started: tt.started, Sources: []health.Source{tt.source}}, patience)
			require.Equal(t, tt.silent, len(cs) == 1)
			require.Equal(t, tt.unsure, len(unsure) == 1)
		})
	}
}

func TestAConditionIsAnAlertLikeAnyOther(t *testing.T) {
	t.Parallel()
	c := bot.Condition{Name: "source-silent", Subject: "prod", Severity: bot.SeverityHigh, Says: "the source prod is silent",
		Do: "Look.", About: map[string]string{"sender": "prod"}, Since: ago(time.Minute), Detail: "/var/lib/salve"}
	a := health.Alert(c, "https://salve.example.com/", t0)
	require.Equal(t, bot.AlertKey{Source: bot.SourceSalve, Fingerprint: health.Fingerprint(c), StartsAt: ago(time.Minute)}, a.AlertKey)
	require.Equal(t, map[string]string{"alertname": "SalveSourceSilent", "condition": "source-silent", "subject": "prod", "sender": "prod"}, a.Labels)
	require.Equal(t, "source-silent", a.GroupKey)
	require.NotContains(t, fmt.Sprint(a), "/var/lib", "the cause in the machine's words is for the log and the status")
	c.Subject = "other"
	require.NotEqual(t, a.Fingerprint, health.Fingerprint(c))
}
