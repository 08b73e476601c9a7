package storagetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

var incidentTests = map[string]func(*testing.T, *house){
	"work is written by version and survives whole": func(t *testing.T, h *house) {
		i := h.incident(h.observe(firing("g", "f1", 0))[0].Incident)
		i.Work = bot.Work{
			Owner: "p-ann", OwnerName: "ann", SnoozedUntil: at(60), CloseReason: "x", SplitFrom: 3,
			Diagnosis: bot.Diagnosis{At: at(2), Summary: "s", Evidence: []bot.Evidence{{ID: "E1", Kind: bot.EvidenceAlert, Text: "t", At: at(1)}}},
			Decision:  bot.Decision{At: at(2), Headline: "h", Targets: []string{"a"}, Candidates: []bot.Candidate{{Playbook: "p", Verdict: bot.Verdict{Ruling: bot.Deny}}}},
			Asked:     []bot.Ask{{Kind: bot.AskRun, By: ann, At: at(3), Params: map[string]string{"a": "b"}}},
			Notes:     []bot.Note{{At: at(3), By: ann, Text: "n"}},
		}
		i.DueAt = at(5)
		h.must(bot.Change{Incidents: []bot.Incident{i}})
		i.Version++
		require.Equal(t, i, h.incident(i.ID))
	},
	"an old version is a conflict and nothing of its change is written": func(t *testing.T, h *house) {
		id := h.observe(firing("g", "f1", 0))[0].Incident
		old := h.incident(id)
		h.work(id, func(i *bot.Incident) { i.Owner = "p-ann" })
		old.Owner = "p-bob"
		h.refused(bot.ErrConflict, bot.Change{
			Observed: []bot.Alert{firing("g2", "f2", 0)}, Incidents: []bot.Incident{old}, Events: []bot.Event{event(bot.EventTaken, id)},
			Halts: []bot.Halt{{Scope: bot.HaltAll, By: ann, At: at(1)}},
		})
		require.Equal(t, bot.PersonID("p-ann"), h.incident(id).Owner)
		halts, err := h.Halts(t.Context())
		require.NoError(t, err)
		require.Empty(t, halts)
	},
	"alerts do not touch the version of work": func(t *testing.T, h *house) {
		id := h.observe(firing("g", "f1", 0))[0].Incident
		read := h.incident(id)
		h.observe(firing("g", "f2", 1))
		read.Owner = "p-ann"
		h.must(bot.Change{Incidents: []bot.Incident{read}})
		i := h.incident(id)
		require.Equal(t, 2, i.Total, "the fold that was given is ignored")
		require.Equal(t, bot.PersonID("p-ann"), i.Owner)
	},
	"a due mark counts only for the fold that was seen": func(t *testing.T, h *house) {
		id := h.observe(firing("g", "f1", 0))[0].Incident
		read := h.incident(id)
		h.observe(firing("g", "f2", 10))
		read.DueAt = time.Time{}
		h.must(bot.Change{Incidents: []bot.Incident{read}})
		require.False(t, h.incident(id).DueAt.IsZero(), "what came meanwhile keeps it due")
		h.work(id, func(i *bot.Incident) { i.DueAt = at(90) })
		require.Equal(t, at(90), h.incident(id).DueAt)
	},
	"due incidents come by their time": func(t *testing.T, h *house) {
		a, b, c := h.observe(firing("a", "f1", 5))[0].Incident, h.observe(firing("b", "f2", 3))[0].Incident, h.observe(firing("c", "f3", 8))[0].Incident
		due, err := h.DueIncidents(t.Context(), at(6), 10)
		require.NoError(t, err)
		require.Equal(t, []bot.IncidentID{b, a}, ids(due))
		due, err = h.DueIncidents(t.Context(), at(60), 1)
		require.NoError(t, err)
		require.Equal(t, []bot.IncidentID{b}, ids(due))
		h.work(b, func(i *bot.Incident) { i.DueAt = time.Time{} })
		due, err = h.DueIncidents(t.Context(), at(60), 10)
		require.NoError(t, err)
		require.Equal(t, []bot.IncidentID{a, c}, ids(due))
	},
	"a closed incident takes no new alerts, but its own still end": func(t *testing.T, h *house) {
		a := firing("g", "f1", 0)
		id := h.observe(a)[0].Incident
		closed := h.work(id, func(i *bot.Incident) { i.ClosedAt, i.DueAt = at(3), time.Time{} })
		require.Equal(t, bot.IncidentClosed, closed.State())
		require.Equal(t, bot.OutcomeRepeat, h.observe(a)[0].Outcome)
		next := h.observe(firing("g", "f2", 4))[0]
		require.NotEqual(t, id, next.Incident)
		require.Contains(t, next.Because, "new incident")
		require.Equal(t, id, h.observe(resolved(a, 5))[0].Incident)
		require.Equal(t, 0, h.incident(id).Firing)
		require.Equal(t, bot.IncidentClosed, h.incident(id).State())
		h.sound()
	},
	"a reopened incident takes alerts again unless another does": func(t *testing.T, h *house) {
		id := h.observe(firing("g", "f1", 0), firing("h", "f9", 0))[0].Incident
		h.work(id, func(i *bot.Incident) { i.ClosedAt = at(3) })
		h.work(id, func(i *bot.Incident) { i.ClosedAt = time.Time{} })
		require.Equal(t, bot.IncidentOpen, h.incident(id).State())
		require.Equal(t, id, h.observe(firing("g", "f2", 4))[0].Incident)
		h.work(id, func(i *bot.Incident) { i.ClosedAt = at(5) })
		other := h.observe(firing("g", "f3", 6))[0].Incident
		h.work(id, func(i *bot.Incident) { i.ClosedAt = time.Time{} })
		require.Equal(t, other, h.observe(firing("g", "f4", 7))[0].Incident)
		h.sound()
	},
	"an incident without alerts can be made by hand": func(t *testing.T, h *house) {
		id := bot.IncidentID(h.NextID(bot.KindIncident))
		h.must(bot.Change{Incidents: []bot.Incident{{ID: id, DueAt: at(1), Work: bot.Work{Owner: "p-ann"}}}})
		i := h.incident(id)
		require.EqualValues(t, 1, i.Version)
		require.Equal(t, at(1), i.DueAt)
		require.Equal(t, bot.PersonID("p-ann"), i.Owner)
		h.refused(bot.ErrConflict, bot.Change{Incidents: []bot.Incident{{ID: id}}})
		require.Greater(t, h.NextID(bot.KindIncident), int64(id))
	},
	"an id taken elsewhere is not handed out again": func(t *testing.T, h *house) {
		h.must(bot.Change{Incidents: []bot.Incident{{ID: 500}}})
		require.EqualValues(t, 501, h.NextID(bot.KindIncident))
	},
	"incidents are found by state, owner, title and likeness": func(t *testing.T, h *house) {
		b := firing("b", "f2", 1)
		b.Title = "100% of Größe_x used"
		one, two := h.observe(firing("a", "f1", 0))[0].Incident, h.observe(b)[0].Incident
		three := h.observe(resolved(firing("c", "f3", 0), 2))[0].Incident
		h.work(two, func(i *bot.Incident) { i.Owner = "p-ann" })
		for _, q := range []struct {
			query bot.IncidentQuery
			want  []bot.IncidentID
		}{
			{bot.IncidentQuery{}, []bot.IncidentID{three, two, one}},
			{bot.IncidentQuery{Limit: 2}, []bot.IncidentID{three, two}},
			{bot.IncidentQuery{Before: two}, []bot.IncidentID{one}},
			{bot.IncidentQuery{States: []bot.IncidentState{bot.IncidentOpen}}, []bot.IncidentID{two, one}},
			{bot.IncidentQuery{States: []bot.IncidentState{bot.IncidentResolved, bot.IncidentClosed}}, []bot.IncidentID{three}},
			{bot.IncidentQuery{Owner: "p-ann"}, []bot.IncidentID{two}},
			{bot.IncidentQuery{Text: "gröSSe"}, nil},
			{bot.IncidentQuery{Text: "GRÖßE_"}, []bot.IncidentID{two}},
			{bot.IncidentQuery{Text: "100%"}, []bot.IncidentID{two}},
			{bot.IncidentQuery{Text: "disk%"}, nil},
			{bot.IncidentQuery{Text: "DISK"}, []bot.IncidentID{three, one}},
			{bot.IncidentQuery{Like: &bot.Fold{Source: "prod", Title: "Disk is slow"}}, []bot.IncidentID{three, one}},
			{bot.IncidentQuery{Like: &bot.Fold{Source: "prod", Title: "disk is slow"}}, nil},
			{bot.IncidentQuery{Like: &bot.Fold{Source: "x", Title: "Disk is slow"}}, nil},
		} {
			found, err := h.Incidents(t.Context(), q.query)
			require.NoError(t, err)
			require.Equal(t, q.want, ids(found), "%+v", q.query)
		}
	},
	"what is not there is not found": func(t *testing.T, h *house) {
		ctx := t.Context()
		_, err := h.Incident(ctx, 7)
		require.ErrorIs(t, err, bot.ErrNotFound)
		_, err = h.Plan(ctx, 7)
		require.ErrorIs(t, err, bot.ErrNotFound)
		_, err = h.Approval(ctx, 7)
		require.ErrorIs(t, err, bot.ErrNotFound)
		_, err = h.Run(ctx, 7)
		require.ErrorIs(t, err, bot.ErrNotFound)
		_, err = h.Person(ctx, "x")
		require.ErrorIs(t, err, bot.ErrNotFound)
		_, err = h.PersonBy(ctx, bot.Identity{Surface: "unix", ID: "1"})
		require.ErrorIs(t, err, bot.ErrNotFound)
		_, err = h.Token(ctx, "x")
		require.ErrorIs(t, err, bot.ErrNotFound)
		_, err = h.QuarantineItem(ctx, 7)
		require.ErrorIs(t, err, bot.ErrNotFound)
		h.refused(bot.ErrNotFound, bot.Change{Incidents: []bot.Incident{{ID: 7, Version: 1}}})
		alerts, err := h.Alerts(ctx, 7, 10)
		require.NoError(t, err)
		require.Empty(t, alerts)
		require.NoError(t, h.Ping(ctx))
	},
}
