package bot_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"salve/bot"
)

var epoch = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)

// observation draws one delivery of an alert with the key (prod, fp, start).
func observation(t *rapid.T, fp string, start time.Time) bot.Alert {
	text := rapid.SampledFrom([]string{"", "a", "b", "c"})
	a := bot.Alert{
		AlertKey: bot.AlertKey{Source: "prod", Fingerprint: fp, StartsAt: start},
		GroupKey: "g", State: bot.AlertFiring, Title: "T" + fp,
		Severity:    rapid.SampledFrom([]bot.Severity{bot.SeverityUnknown, bot.SeverityLow, bot.SeverityHigh}).Draw(t, "severity"),
		Labels:      map[string]string{"service": fp, "env": "x"},
		Annotations: map[string]string{"summary": text.Draw(t, "summary"), text.Draw(t, "name"): "v"},
		Truncated:   rapid.IntRange(0, 2).Draw(t, "truncated"),
		ReceivedAt:  epoch.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "received")) * time.Second),
	}
	if rapid.Bool().Draw(t, "resolved") {
		a.State = bot.AlertResolved
		a.EndsAt = start.Add(time.Duration(rapid.IntRange(1, 3).Draw(t, "ends")) * time.Minute)
	}
	return a
}

func TestMergeIsAJoin(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := observation(t, "f", epoch), observation(t, "f", epoch), observation(t, "f", epoch)
		require.Equal(t, a, a.Merge(a), "idempotent")
		require.Equal(t, a.Merge(b), b.Merge(a), "commutative")
		require.Equal(t, a.Merge(b).Merge(c), a.Merge(b.Merge(c)), "associative")
		require.True(t, a.Merge(b).Merge(b).Same(a.Merge(b)))
	})
}

func TestAResolvedAlertStaysResolved(t *testing.T) {
	t.Parallel()
	firing := bot.Alert{State: bot.AlertFiring, Annotations: map[string]string{"summary": "zzz"}}
	over := bot.Alert{State: bot.AlertResolved, EndsAt: epoch, Annotations: map[string]string{"summary": "aaa"}}
	got := over.Merge(firing)
	require.Equal(t, bot.AlertResolved, got.State)
	require.Equal(t, epoch, got.EndsAt)
	require.Equal(t, "aaa", got.Annotations["summary"], "the text of the resolved one is kept")
}

func TestAFoldTakenAlertByAlertIsTheFoldOfAllRows(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var deliveries []bot.Alert
		for range rapid.IntRange(1, 8).Draw(t, "deliveries") {
			fp := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "fp")
			start := epoch.Add(time.Duration(rapid.IntRange(0, 2).Draw(t, "start")) * time.Hour)
			deliveries = append(deliveries, observation(t, fp, start))
		}
		one, rows := replay(deliveries)
		require.True(t, one.Same(bot.FoldAlerts(rows)), "%+v\n%+v", one, bot.FoldAlerts(rows))

		shuffled := append([]bot.Alert(nil), deliveries...)
		r := rand.New(rand.NewPCG(1, uint64(len(deliveries))))
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		other, _ := replay(append(shuffled, deliveries...))
		require.True(t, one.Same(other), "order and repeats changed the fold:\n%+v\n%+v", one, other)
	})
}

// replay takes deliveries in one by one as a store does.
func replay(deliveries []bot.Alert) (bot.Fold, []bot.Alert) {
	rows := map[bot.AlertKey]bot.Alert{}
	var fold bot.Fold
	all := func() (out []bot.Alert) {
		for _, a := range rows {
			out = append(out, a)
		}
		return out
	}
	for _, d := range deliveries {
		old, known := rows[d.AlertKey]
		merged := d
		var before *bot.Alert
		if known {
			merged, before = old.Merge(d), &old
		}
		rows[d.AlertKey] = merged
		next, ok := fold.Absorb(before, merged)
		if !ok {
			next = bot.FoldAlerts(all())
		}
		fold = next
	}
	return fold, all()
}

func TestAnIncidentsStateIsComputed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		inc  bot.Incident
		want bot.IncidentState
	}{
		{"something fires", bot.Incident{Fold: bot.Fold{Firing: 1}}, bot.IncidentOpen},
		{"nothing fires", bot.Incident{}, bot.IncidentResolved},
		{"closed wins over firing", bot.Incident{Fold: bot.Fold{Firing: 1}, Work: bot.Work{ClosedAt: epoch}}, bot.IncidentClosed},
		{"merged wins over all", bot.Incident{Work: bot.Work{ClosedAt: epoch, MergedInto: 1}}, bot.IncidentMerged},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, tt.inc.State())
		})
	}
}
