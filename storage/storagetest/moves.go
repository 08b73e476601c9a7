package storagetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

var moveTests = map[string]func(*testing.T, *house){
	"a split moves alerts into a new incident of the same change": func(t *testing.T, h *house) {
		a, b := firing("g", "f1", 0), firing("g", "f2", 1)
		b.Severity = bot.SeverityHigh
		id := h.observe(a, b)[0].Incident
		h.work(id, func(i *bot.Incident) { i.DueAt = time.Time{} })
		part := bot.IncidentID(h.NextID(bot.KindIncident))
		h.must(bot.Change{
			Incidents: []bot.Incident{{ID: part, Work: bot.Work{SplitFrom: id}}},
			Moves:     []bot.Move{{Alert: b.AlertKey, To: part}}, Events: []bot.Event{event(bot.EventSplit, id)},
		})
		require.Equal(t, 1, h.incident(id).Total)
		require.Equal(t, bot.SeverityMedium, h.incident(id).Severity)
		require.Equal(t, bot.SeverityHigh, h.incident(part).Severity)
		require.Equal(t, id, h.incident(part).SplitFrom)
		due, err := h.DueIncidents(t.Context(), at(100), 10)
		require.NoError(t, err)
		require.ElementsMatch(t, []bot.IncidentID{id, part}, ids(due))
		require.Equal(t, part, h.observe(resolved(b, 5))[0].Incident, "an alert stays where people put it")
		require.Equal(t, id, h.observe(firing("g", "f3", 6))[0].Incident, "new ones go on as before")
		h.sound()
	},
	"an incident that loses every alert keeps its name": func(t *testing.T, h *house) {
		a := firing("g", "f1", 0)
		one, two := h.observe(a)[0].Incident, h.observe(firing("h", "f2", 0))[0].Incident
		h.must(bot.Change{Moves: []bot.Move{{Alert: a.AlertKey, To: two}}})
		i := h.incident(one)
		require.Equal(t, "Disk is slow", i.Title)
		require.Zero(t, i.Total+i.Firing)
		require.Equal(t, bot.IncidentResolved, i.State())
		require.Equal(t, one, h.observe(firing("g", "f3", 3))[0].Incident)
		require.Equal(t, 1, h.incident(one).Total)
		h.sound()
	},
	"a merge hands alerts and groups to the one that stays": func(t *testing.T, h *house) {
		a := firing("a", "f1", 0)
		one, two := h.observe(a)[0].Incident, h.observe(firing("b", "f2", 1))[0].Incident
		merged := h.work(one, func(i *bot.Incident) { i.MergedInto = two })
		require.Equal(t, bot.IncidentMerged, merged.State())
		require.Empty(t, h.alerts(one))
		require.Equal(t, 2, h.incident(two).Total)
		require.Equal(t, two, h.observe(resolved(a, 5))[0].Incident)
		require.Equal(t, two, h.observe(firing("a", "f3", 6))[0].Incident)
		h.work(two, func(i *bot.Incident) { i.ClosedAt = at(9) })
		require.Greater(t, h.observe(firing("a", "f4", 10))[0].Incident, two, "closing frees all its groups")
		h.sound()
	},
	"merges follow one another": func(t *testing.T, h *house) {
		one, two, three := h.observe(firing("a", "f1", 0))[0].Incident, h.observe(firing("b", "f2", 0))[0].Incident, h.observe(firing("c", "f3", 0))[0].Incident
		h.work(one, func(i *bot.Incident) { i.MergedInto = two })
		h.work(two, func(i *bot.Incident) { i.MergedInto = three })
		require.Equal(t, three, h.observe(firing("a", "f4", 1))[0].Incident)
		require.Equal(t, 4, h.incident(three).Total)
		h.work(one, func(i *bot.Incident) { i.Notes = append(i.Notes, bot.Note{Text: "late"}) })
		require.Equal(t, three, h.observe(firing("a", "f5", 2))[0].Incident, "work on a merged one moves nothing")
		h.sound()
	},
	"an alert that its source regroups brings the group along": func(t *testing.T, h *house) {
		a := firing("g2", "f1", 0)
		id := h.observe(a)[0].Incident
		a.GroupKey = "g1"
		require.Equal(t, id, h.observe(a)[0].Incident)
		require.Equal(t, "g1", h.incident(id).GroupKey)
		require.Equal(t, id, h.observe(firing("g1", "f2", 1))[0].Incident)
		require.Equal(t, id, h.observe(firing("g2", "f3", 1))[0].Incident)
		h.sound()
	},
	"nothing moves to where nothing can be": func(t *testing.T, h *house) {
		a := firing("a", "f1", 0)
		one, two := h.observe(a)[0].Incident, h.observe(firing("b", "f2", 0))[0].Incident
		h.refused(bot.ErrNotFound, bot.Change{Moves: []bot.Move{{Alert: a.AlertKey, To: 99}}})
		h.refused(bot.ErrNotFound, bot.Change{Moves: []bot.Move{{Alert: firing("a", "none", 0).AlertKey, To: two}}})
		i := h.incident(one)
		i.MergedInto = 99
		h.refused(bot.ErrNotFound, bot.Change{Incidents: []bot.Incident{i}})
		i.MergedInto = one
		h.refused(bot.ErrConflict, bot.Change{Incidents: []bot.Incident{i}})
		h.work(two, func(i *bot.Incident) { i.ClosedAt = at(3) })
		i.MergedInto = two
		h.refused(bot.ErrConflict, bot.Change{Incidents: []bot.Incident{i}})
		h.refused(bot.ErrConflict, bot.Change{Moves: []bot.Move{{Alert: a.AlertKey, To: two}}})
		require.Equal(t, bot.IncidentOpen, h.incident(one).State())
		h.sound()
	},
	"a move to where the alert is already changes nothing": func(t *testing.T, h *house) {
		a := firing("a", "f1", 0)
		id := h.observe(a)[0].Incident
		before := h.incident(id)
		h.must(bot.Change{Moves: []bot.Move{{Alert: a.AlertKey, To: id}}})
		require.Equal(t, before, h.incident(id))
	},
}
