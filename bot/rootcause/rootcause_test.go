package rootcause_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/rootcause"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var t0 = time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC)

func incident(id bot.IncidentID, title string, at time.Time, labels map[string]string) bot.Incident {
	return bot.Incident{ID: id, Fold: bot.Fold{
		Source: "alertmanager", Title: title, Severity: bot.SeverityHigh, Firing: 1, Total: 1,
		FirstAt: at, LastAt: at, Labels: labels,
	}}
}

func web1() map[string]string {
	return map[string]string{"alertname": "HighLatency", "instance": "web-1", "service": "shop", "namespace": "prod"}
}

func theCase() rootcause.Case {
	inc := incident(142, "HighLatency", t0, web1())
	inc.Firing, inc.Total = 2, 3
	return rootcause.Case{Incident: inc, Now: t0.Add(5 * time.Minute), Alerts: []bot.Alert{
		{AlertKey: bot.AlertKey{Fingerprint: "aa11", StartsAt: t0}, Annotations: map[string]string{"summary": "p99 is 4 s", "description": "The shop\nanswers\tslowly."}, Link: "https://prom.example/g"},
		{AlertKey: bot.AlertKey{Fingerprint: "bb22", StartsAt: t0}, Annotations: map[string]string{"summary": "p99 is 4 s"}},
	}}
}

// fixed answers with what it was given.
type fixed struct {
	name     string
	evidence []bot.Evidence
	err      error
}

func (f fixed) Name() string { return f.name }
func (f fixed) Collect(context.Context, rootcause.Case) ([]bot.Evidence, error) {
	return f.evidence, f.err
}

func concurrent(c rootcause.Case) fixed {
	closed := incident(6, "Old", t0, web1())
	closed.ClosedAt = t0
	return fixed{name: "concurrent incidents", evidence: rootcause.Concurrent(c, []bot.Incident{
		c.Incident, closed,
		incident(11, "DiskFull", t0.Add(-4*time.Minute), map[string]string{"instance": "web-1"}),
		incident(12, "ProbeFailed", t0.Add(time.Minute), map[string]string{"instance": "web-1", "namespace": "prod"}),
		incident(13, "OOMKilled", t0, map[string]string{"instance": "web-1"}),
		incident(14, "QueueLong", t0.Add(time.Hour), map[string]string{"instance": "db-1", "namespace": "prod"}),
		incident(15, "Elsewhere", t0, map[string]string{"instance": "db-1"}),
	})}
}

func recurrences(c rootcause.Case) fixed {
	first, second := incident(77, "HighLatency", t0.Add(-26*time.Hour), web1()), incident(50, "HighLatency", t0.Add(-80*time.Hour), web1())
	first.Firing, first.ResolvedAt = 0, first.FirstAt.Add(14*time.Minute)
	merged := incident(60, "HighLatency", t0.Add(-30*time.Hour), web1())
	merged.MergedInto = 77
	return fixed{name: "history", evidence: rootcause.Recurrences(c, []bot.Incident{c.Incident, first, merged, second}, []bot.Run{
		{ID: 30, Incident: 142, Playbook: "restart", State: bot.RunFixed},
		{ID: 13, Incident: 77, Playbook: "drain", State: bot.RunFailed},
		{ID: 12, Incident: 77, Playbook: "restart", State: bot.RunFixed, EndedAt: t0.Add(-25 * time.Hour)},
		{ID: 9, Incident: 50, Playbook: "restart", State: bot.RunFixed, EndedAt: t0.Add(-79 * time.Hour)},
	})}
}

func TestDiagnosesReadAsTheyShould(t *testing.T) {
	t.Parallel()
	c := theCase()
	tried := fixed{name: "runs", evidence: rootcause.Tried(c, []bot.Run{
		{ID: 31, Incident: 142, Playbook: "restart", Target: "web-1", State: bot.RunNotFixed, Reason: "the check health still fails", Steps: []bot.Step{{State: bot.StepSucceeded}}},
		{ID: 32, Incident: 142, State: bot.RunRunning, Steps: []bot.Step{{State: bot.StepStarted}}},
	})}
	alone := theCase()
	alone.Incident.Firing, alone.Incident.Total, alone.Incident.Truncated = 1, 1, 4
	over := theCase()
	over.Incident.Firing, over.Alerts, over.Incident.Labels = 0, nil, nil
	tests := []struct {
		name       string
		c          rootcause.Case
		collectors []rootcause.Collector
	}{
		{"everything", c, []rootcause.Collector{concurrent(c), recurrences(c), tried}},
		{"one-alert", alone, nil},
		{"nothing-known", over, nil},
		{"gaps", c, []rootcause.Collector{fixed{name: "concurrent incidents", err: errors.New("disk\nfull")}, recurrences(c)}},
		{"a-change", c, []rootcause.Collector{fixed{name: "changes", evidence: []bot.Evidence{{Kind: "change", Subject: "service=shop", Text: "shop 1.4 was rolled out 2 minutes earlier", Cites: "deploy 311"}}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			golden(t, tt.name, rootcause.Summarise(t.Context(), tt.c, tt.collectors...))
		})
	}
}

func golden(t *testing.T, name string, d bot.Diagnosis) {
	t.Helper()
	got, err := json.MarshalIndent(d, "", "  ")
	require.NoError(t, err)
	file := filepath.Join("testdata", name+".golden")
	if *update {
		require.NoError(t, os.WriteFile(file, append(got, '\n'), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got)+"\n")
	cites(t, d)
}

// cites checks what holds for every Diagnosis.
func cites(t *testing.T, d bot.Diagnosis) {
	t.Helper()
	ids := map[string]bool{}
	for _, e := range d.Evidence {
		require.False(t, ids[e.ID])
		ids[e.ID] = true
		require.NotEmpty(t, e.Text)
		require.NotEmpty(t, e.Cites)
	}
	for i, h := range d.Hypotheses {
		require.NotEmpty(t, h.Evidence)
		for _, id := range h.Evidence {
			require.True(t, ids[id], id)
		}
		require.Greater(t, h.Confidence, 0.0)
		require.Less(t, h.Confidence, 1.0)
		if i > 0 {
			require.LessOrEqual(t, h.Confidence, d.Hypotheses[i-1].Confidence)
		}
	}
}

// deaf ignores its context.
type deaf struct{ until chan struct{} }

func (deaf) Name() string { return "metrics" }
func (d deaf) Collect(context.Context, rootcause.Case) ([]bot.Evidence, error) {
	<-d.until
	return nil, nil
}

// patient waits for its context and says why it ended.
type patient struct{}

func (patient) Name() string { return "logs" }
func (patient) Collect(ctx context.Context, _ rootcause.Case) ([]bot.Evidence, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestASlowCollectorBecomesAGap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := deaf{until: make(chan struct{})}
		got := rootcause.Summarise(t.Context(), theCase(), d, patient{}, recurrences(theCase()))
		require.Equal(t, []string{"metrics: no answer within 2s", "logs: no answer within 2s"}, got.Gaps)
		require.NotEmpty(t, got.Hypotheses, "what could be found is there")
		close(d.until)
	})
}

// broken panics.
type broken struct{}

func (broken) Name() string { return "changes" }
func (broken) Collect(context.Context, rootcause.Case) ([]bot.Evidence, error) {
	panic("a mistake in it")
}

func TestACollectorThatBreaksDownTakesNobodyWithIt(t *testing.T) {
	t.Parallel()
	got := rootcause.Summarise(t.Context(), theCase(), broken{}, recurrences(theCase()))
	require.Equal(t, []string{"changes: it broke down"}, got.Gaps)
	require.NotEmpty(t, got.Hypotheses)
}

func TestCountsAndTextAreBounded(t *testing.T) {
	t.Parallel()
	c := theCase()
	var others []bot.Incident
	for i := range 400 {
		others = append(others, incident(bot.IncidentID(1000+i), strings.Repeat("x", 5000), t0.Add(-time.Duration(i)*time.Second), web1()))
	}
	flood := fixed{name: "flood"}
	for i := range 100 {
		flood.evidence = append(flood.evidence, bot.Evidence{Subject: strings.Repeat("s", i*50), Text: strings.Repeat("\xff\n日本", 4000), Cites: "x"})
	}
	collectors := []rootcause.Collector{
		fixed{name: "a", evidence: rootcause.Concurrent(c, others)}, fixed{name: "b", evidence: rootcause.Recurrences(c, others, nil)},
	}
	for range 30 {
		collectors = append(collectors, flood, fixed{name: "e", err: errors.New(strings.Repeat("e", 9000))})
	}
	d := rootcause.Summarise(t.Context(), c, collectors...)
	cites(t, d)
	require.LessOrEqual(t, len(d.Evidence), 40)
	require.LessOrEqual(t, len(d.Hypotheses), 5)
	require.LessOrEqual(t, len(d.Gaps), 10)
	for _, e := range d.Evidence {
		require.LessOrEqual(t, utf8.RuneCountInString(e.Text), 301)
		require.True(t, utf8.ValidString(e.Text))
		require.NotContains(t, e.Text, "\n")
	}
	require.Contains(t, d.Hypotheses[0].Cause, "at least 5")
}

func FuzzTextStaysOneShortLine(f *testing.F) {
	f.Add("summary", "a\nb", "web-1")
	f.Add("title=\x00", "\xff", "日本=\r\n")
	f.Fuzz(func(t *testing.T, title, text, instance string) {
		c := theCase()
		c.Incident.Title, c.Incident.Labels["instance"] = title, instance
		c.Alerts[0].Annotations["summary"] = text
		d := rootcause.Summarise(t.Context(), c, concurrent(c), recurrences(c))
		cites(t, d)
		for _, line := range append([]string{d.Summary}, d.Hypotheses[0].Cause, d.Evidence[1].Text) {
			require.True(t, utf8.ValidString(line))
			require.LessOrEqual(t, utf8.RuneCountInString(line), 301)
			require.NotContains(t, line, "\n")
		}
	})
}
