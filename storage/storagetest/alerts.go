package storagetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

var alertTests = map[string]func(*testing.T, *house){
	"a first alert makes an incident that is due at once": func(t *testing.T, h *house) {
		a := firing("g", "f1", 0)
		seen := h.observe(a)
		require.Len(t, seen, 1)
		require.Equal(t, bot.OutcomeNew, seen[0].Outcome)
		require.Equal(t, a.AlertKey, seen[0].Key)
		require.Contains(t, seen[0].Because, "new incident")
		i := h.incident(seen[0].Incident)
		require.True(t, i.Fold.Same(bot.FoldAlerts([]bot.Alert{a})))
		require.Equal(t, bot.Work{}, i.Work)
		require.EqualValues(t, 1, i.Version)
		require.EqualValues(t, 1, i.FoldRev)
		require.Equal(t, a.ReceivedAt, i.DueAt)
		a.Incident = i.ID
		require.Equal(t, []bot.Alert{a}, h.alerts(i.ID))
	},
	"alerts of one source and group belong together": func(t *testing.T, h *house) {
		seen := h.observe(firing("g", "f1", 0), firing("g", "f2", 1), firing("other", "f3", 1))
		elsewhere := firing("g", "f1", 0)
		elsewhere.Source = "staging"
		seen = append(seen, h.observe(elsewhere)...)
		require.Equal(t, seen[0].Incident, seen[1].Incident)
		require.Contains(t, seen[1].Because, "merged because "+seen[0].Incident.String()+" takes alerts of group")
		require.NotEqual(t, seen[0].Incident, seen[2].Incident)
		require.NotEqual(t, seen[0].Incident, seen[3].Incident)
		require.NotEqual(t, seen[2].Incident, seen[3].Incident)
		h.sound()
	},
	"a repeat writes nothing and says so": func(t *testing.T, h *house) {
		a := firing("g", "f1", 0)
		first := h.observe(a)
		before, i := h.events(), h.incident(first[0].Incident)
		a.ReceivedAt = at(9)
		again := h.observe(a, a)
		for _, o := range again {
			require.Equal(t, bot.OutcomeRepeat, o.Outcome)
			require.Equal(t, first[0].Incident, o.Incident)
			require.Contains(t, o.Because, "already known since 2026-03-04 05:07:07 UTC, nothing changed")
		}
		require.Equal(t, before, h.events())
		require.Equal(t, i, h.incident(i.ID))
	},
	"the same alert twice in one change is one row": func(t *testing.T, h *house) {
		a := firing("g", "f1", 0)
		seen := h.observe(a, a, resolved(a, 5))
		require.Equal(t, []bot.Outcome{bot.OutcomeNew, bot.OutcomeRepeat, bot.OutcomeResolved},
			[]bot.Outcome{seen[0].Outcome, seen[1].Outcome, seen[2].Outcome})
		require.Len(t, h.alerts(seen[0].Incident), 1)
		require.EqualValues(t, 1, h.incident(seen[0].Incident).FoldRev, "one change is one revision")
		h.sound()
	},
	"times finer than a millisecond make no difference": func(t *testing.T, h *house) {
		a := firing("g", "f1", 0)
		h.observe(a)
		a.StartsAt = a.StartsAt.Add(400 * time.Microsecond).In(time.FixedZone("x", 3600))
		require.Equal(t, bot.OutcomeRepeat, h.observe(a)[0].Outcome)
	},
	"an alert that ends resolves the incident": func(t *testing.T, h *house) {
		a, b := firing("g", "f1", 0), firing("g", "f2", 1)
		id := h.observe(a, b)[0].Incident
		o := h.observe(resolved(a, 5))[0]
		require.Equal(t, bot.OutcomeResolved, o.Outcome)
		require.Contains(t, o.Because, "ended at 2026-03-04 05:11:07 UTC")
		require.Equal(t, bot.IncidentOpen, h.incident(id).State())
		h.observe(resolved(b, 7))
		i := h.incident(id)
		require.Equal(t, bot.IncidentResolved, i.State())
		require.Equal(t, at(7), i.ResolvedAt)
		h.sound()
	},
	"a firing after its own end is stale and writes nothing": func(t *testing.T, h *house) {
		a := firing("g", "f1", 0)
		h.observe(resolved(a, 5))
		before := h.events()
		o := h.observe(a)[0]
		require.Equal(t, bot.OutcomeStale, o.Outcome)
		require.Contains(t, o.Because, "this firing is older than its own resolution at 2026-03-04 05:11:07 UTC")
		require.Equal(t, before, h.events())
	},
	"a later start is another alert of the same incident until it closes": func(t *testing.T, h *house) {
		a := firing("g", "f1", 0)
		id := h.observe(a, resolved(a, 5))[0].Incident
		o := h.observe(firing("g", "f1", 8))[0]
		require.Equal(t, id, o.Incident)
		require.Contains(t, o.Because, "and is resolved")
		i := h.incident(id)
		require.Equal(t, bot.IncidentOpen, i.State())
		require.Equal(t, 2, i.Total)
		h.sound()
	},
	"changed text updates the row and the incident is due": func(t *testing.T, h *house) {
		a := firing("g", "f1", 0)
		id := h.observe(a)[0].Incident
		i := h.work(id, func(i *bot.Incident) { i.DueAt = time.Time{} })
		require.Zero(t, i.DueAt)
		a.Annotations = map[string]string{"summary": "~worse"}
		a.ReceivedAt = at(30)
		require.Equal(t, bot.OutcomeUpdated, h.observe(a)[0].Outcome)
		require.Equal(t, at(30), h.incident(id).DueAt)
		require.Equal(t, "~worse", h.alerts(id)[0].Annotations["summary"])
		h.sound()
	},
	"labels that alerts do not share leave the fold": func(t *testing.T, h *house) {
		a, b := firing("g", "f1", 0), firing("g", "f2", 1)
		id := h.observe(a, b)[0].Incident
		require.Equal(t, map[string]string{"alertname": "DiskSlow"}, h.incident(id).Labels)
		b.Labels = map[string]string{"zone": "c"}
		h.observe(b)
		require.Empty(t, h.incident(id).Labels)
		h.sound()
	},
	"alerts are listed firing first, worst first, oldest first": func(t *testing.T, h *house) {
		mild, bad, old, over, dark := firing("g", "f1", 3), firing("g", "f2", 4), firing("g", "f3", 1), firing("g", "f4", 0), firing("g", "f5", 5)
		bad.Severity, dark.Severity = bot.SeverityHigh, bot.SeverityUnknown
		over.Severity = bot.SeverityCritical
		id := h.observe(mild, bad, old, resolved(over, 6), dark)[0].Incident
		var order []string
		for _, a := range h.alerts(id) {
			order = append(order, a.Fingerprint)
		}
		require.Equal(t, []string{"f5", "f2", "f3", "f1", "f4"}, order)
		first, err := h.Alerts(t.Context(), id, 2)
		require.NoError(t, err)
		require.Len(t, first, 2)
	},
	"alerts of many incidents are what each has": func(t *testing.T, h *house) {
		ids := []bot.IncidentID{h.observe(firing("g", "f1", 3), firing("g", "f2", 1))[0].Incident, 4711}
		for i := range 150 {
			ids = append(ids, h.observe(firing(fmt.Sprintf("g%d", i), "f", i))[0].Incident)
		}
		many, err := h.AlertsOfMany(t.Context(), ids)
		require.NoError(t, err)
		require.Len(t, many, len(ids)-1, "nothing for one that does not exist")
		for id, alerts := range many {
			require.Equal(t, h.alerts(id), alerts)
		}
		none, err := h.AlertsOfMany(t.Context(), nil)
		require.NoError(t, err)
		require.Empty(t, none)
	},
	"one event for each incident that changed, by the sender": func(t *testing.T, h *house) {
		a := firing("g", "f1", 0)
		h.observe(a)
		n := len(h.events())
		h.observe(resolved(a, 2), firing("g", "f2", 1), firing("g", "f3", 3), firing("other", "f4", 1))
		added := h.events()[n:]
		require.Len(t, added, 2)
		require.Equal(t, "2 new alerts, 1 resolved", added[0].Text)
		require.Equal(t, bot.EventAlerts, added[0].Kind)
		require.Equal(t, sender, added[0].Actor)
		require.Equal(t, at(4), added[0].At)
		require.Equal(t, "1 new alert", added[1].Text)
		require.NotEqual(t, added[0].Incident, added[1].Incident)
	},
	"text of any kind survives": func(t *testing.T, h *house) {
		a := firing("g\x00\U0001F525", "f'1\"; DROP TABLE alerts; --", 0)
		a.Title = "nul \x00, quote ', \u2028, \U0001F4A5 " + strings.Repeat("long ", 2000)
		a.Labels = map[string]string{"": "empty", "k\n": "v\t\\"}
		id := h.observe(a)[0].Incident
		a.Incident = id
		require.Equal(t, []bot.Alert{a}, h.alerts(id))
		require.Equal(t, a.Title, h.incident(id).Title)
		require.Equal(t, bot.OutcomeRepeat, h.observe(a)[0].Outcome)
	},
	"text that is not UTF-8 is kept readable and still a repeat": func(t *testing.T, h *house) {
		a := firing("g", "f1", 0)
		a.Title, a.Labels = "bad \xff", map[string]string{"\xfe": "1", "\xfd": "2"}
		id := h.observe(a)[0].Incident
		require.Equal(t, bot.OutcomeRepeat, h.observe(a)[0].Outcome)
		require.Equal(t, "bad \uFFFD", h.alerts(id)[0].Title)
	},
}
