package storagetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"salve/bot"
)

var orderTests = map[string]func(*testing.T, *house){
	"every order of deliveries gives the same incident": everyOrder,
	"random histories keep every fold true to its rows": randomHistory,
}

// everyOrder plays all orders of five deliveries, each followed by a repeat of
// an earlier one, every time to a source of its own, so that one store serves.
func everyOrder(t *testing.T, h *house) {
	a, b := firing("g", "f1", 0), firing("g", "f2", 2)
	b.Severity = bot.SeverityCritical
	late := resolved(a, 9)
	late.Annotations = map[string]string{"summary": "over"}
	deliveries := [][]bot.Alert{{a}, {b, a}, {resolved(a, 5), b}, {resolved(b, 6)}, {late, firing("g", "f1", 20)}}
	var want string
	for n, order := range permutations(len(deliveries)) {
		source := fmt.Sprintf("s%d", n)
		for i, k := range order {
			h.observe(from(source, deliveries[k])...)
			h.observe(from(source, deliveries[order[i/2]])...)
		}
		got := h.picture(source)
		if n == 0 {
			want = got
		}
		require.Equal(t, want, got, "order %v", order)
	}
	h.sound()
}

func from(source string, alerts []bot.Alert) []bot.Alert {
	alerts = slices.Clone(alerts)
	for i := range alerts {
		alerts[i].Source = source
	}
	return alerts
}

// picture is all that is known of a source but its name and ids.
func (h *house) picture(source string) string {
	h.t.Helper()
	all, err := h.Incidents(h.t.Context(), bot.IncidentQuery{Limit: 10_000, Like: &bot.Fold{Title: "Disk is slow", Source: source}})
	require.NoError(h.t, err)
	require.Len(h.t, all, 1)
	i := all[0]
	alerts := h.alerts(i.ID)
	i.Fold.Source = ""
	for k := range alerts {
		alerts[k].Source, alerts[k].Incident, alerts[k].ReceivedAt = "", 0, time.Time{}
	}
	return fmt.Sprintf("%+v %s %+v", i.Fold, i.State(), alerts)
}

func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{nil}
	}
	var all [][]int
	for _, p := range permutations(n - 1) {
		for i := range n {
			all = append(all, slices.Insert(slices.Clone(p), i, n-1))
		}
	}
	return all
}

// randomHistory draws what may happen to a few alerts and incidents.
func randomHistory(t *testing.T, h *house) {
	round := 0
	rapid.Check(t, func(t *rapid.T) {
		round++
		source := fmt.Sprintf("round%d", round)
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			if rapid.IntRange(0, 4).Draw(t, "kind") == 0 {
				h.drawMove(t, source)
				continue
			}
			var alerts []bot.Alert
			for range rapid.IntRange(1, 3).Draw(t, "alerts") {
				alerts = append(alerts, drawAlert(t, source))
			}
			h.observe(alerts...)
		}
	})
	h.sound()
}

var titles = []string{"Disk is slow", "Disk is full"}

func drawAlert(t *rapid.T, source string) bot.Alert {
	n := rapid.IntRange(0, 4).Draw(t, "alert")
	a := firing(fmt.Sprintf("g%d", n%2), number(n), n)
	a.Source = source
	a.Severity = bot.Severity(rapid.IntRange(0, 5).Draw(t, "severity"))
	a.Title = rapid.SampledFrom(titles).Draw(t, "title")
	a.Labels["x"] = rapid.SampledFrom([]string{"1", "2"}).Draw(t, "label")
	a.Truncated = rapid.IntRange(0, 2).Draw(t, "truncated")
	if rapid.Bool().Draw(t, "resolved") {
		a = resolved(a, rapid.IntRange(5, 8).Draw(t, "end"))
	}
	return a
}

// drawMove moves, merges, closes or reopens something of the source.
func (h *house) drawMove(t *rapid.T, source string) {
	h.t.Helper()
	var all []bot.Incident
	for _, title := range titles {
		found, err := h.Incidents(h.t.Context(), bot.IncidentQuery{Like: &bot.Fold{Title: title, Source: source}})
		require.NoError(h.t, err)
		all = append(all, found...)
	}
	all = slices.DeleteFunc(all, func(i bot.Incident) bool { return i.MergedInto != 0 })
	if len(all) == 0 {
		return
	}
	one := rapid.SampledFrom(all).Draw(t, "incident")
	other := rapid.SampledFrom(all).Draw(t, "other")
	change := bot.Change{Events: []bot.Event{event(bot.EventNoted, one.ID)}}
	switch rapid.IntRange(0, 3).Draw(t, "what") {
	case 0:
		one.ClosedAt = at(50)
		change.Incidents = []bot.Incident{one}
	case 1:
		one.ClosedAt = time.Time{}
		change.Incidents = []bot.Incident{one}
	case 2:
		if one.ID == other.ID || other.State() == bot.IncidentClosed {
			return
		}
		one.MergedInto = other.ID
		change.Incidents = []bot.Incident{one}
	case 3:
		alerts := h.alerts(one.ID)
		if len(alerts) == 0 || other.State() == bot.IncidentClosed {
			return
		}
		change.Moves = []bot.Move{{Alert: alerts[0].AlertKey, To: other.ID}}
	}
	h.must(change)
}
