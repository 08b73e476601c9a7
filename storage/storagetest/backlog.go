package storagetest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

// Waiting reads what those who watch Salve want to know.
type Waiting interface {
	Backlog(ctx context.Context, now time.Time) (bot.Backlog, error)
	OpenPage(ctx context.Context, after bot.IncidentID, limit int) (bot.OpenPage, error)
	EventPage(ctx context.Context, after int64, limit int) (bot.EventPage, error)
}

var backlogTests = map[string]func(*testing.T, *house){
	"nothing waits in an empty store": func(t *testing.T, h *house) {
		got, err := h.Backlog(t.Context(), at(0))
		require.NoError(t, err)
		last := h.events()[0]
		require.Equal(t, bot.Backlog{Runs: map[bot.RunState]int{}, Events: 1, LastEvent: last.At}, got)
	},
	"incidents wait from their due time on, decided or not": func(t *testing.T, h *house) {
		first := h.observe(firing("a", "f1", 0))[0].Incident  // due in minute 1
		second := h.observe(firing("b", "f2", 4))[0].Incident // due in minute 5
		h.observe(firing("c", "f3", 9))                       // due in minute 10
		got, err := h.Backlog(t.Context(), at(0))
		require.NoError(t, err)
		require.Equal(t, bot.Queue{}, got.Decide, "not due yet")
		got, err = h.Backlog(t.Context(), at(6))
		require.NoError(t, err)
		require.Equal(t, bot.Queue{Length: 2, Since: at(1)}, got.Decide)
		require.Equal(t, got.Decide, got.Undecided)

		h.work(first, func(i *bot.Incident) { i.Decision.Headline = "nothing fits" })
		got, err = h.Backlog(t.Context(), at(6))
		require.NoError(t, err)
		require.Equal(t, bot.Queue{Length: 2, Since: at(1)}, got.Decide, "it is still due")
		require.Equal(t, bot.Queue{Length: 1, Since: at(5)}, got.Undecided)
		h.work(second, func(i *bot.Incident) { i.DueAt = time.Time{} })
		got, err = h.Backlog(t.Context(), at(6))
		require.NoError(t, err)
		require.Equal(t, bot.Queue{Length: 1, Since: at(1)}, got.Decide)
		require.Equal(t, bot.Queue{}, got.Undecided)
	},
	"runs are counted by state, and those that are due wait": func(t *testing.T, h *house) {
		p, q, z := h.newPlan(1, "a"), h.newPlan(1, "b"), h.newPlan(1, "c")
		due, waiting, over := h.newRun(p), h.newRun(q), h.newRun(z)
		due.DueAt, due.CreatedAt = at(7), at(3)
		waiting.State, waiting.DueAt, waiting.CreatedAt = bot.RunWaiting, time.Time{}, at(5)
		over.State, over.CreatedAt = bot.RunFixed, at(1)
		h.must(bot.Change{Plans: []bot.Plan{p, q, z}, Runs: []bot.Run{over, due, waiting}})
		got, err := h.Backlog(t.Context(), at(8))
		require.NoError(t, err)
		require.Equal(t, map[bot.RunState]int{bot.RunPlanned: 1, bot.RunWaiting: 1}, got.Runs)
		require.Equal(t, bot.Queue{Length: 2, Since: at(3)}, got.Running)
		require.Equal(t, bot.Queue{Length: 1, Since: at(7)}, got.Act)
		got, err = h.Backlog(t.Context(), at(6))
		require.NoError(t, err)
		require.Equal(t, bot.Queue{}, got.Act)
	},
	"questions wait while they are pending": func(t *testing.T, h *house) {
		p, q := h.newPlan(1, "a"), h.newPlan(2, "b")
		a, b := h.newApproval(p), h.newApproval(q)
		b.OpenedAt = at(4)
		h.must(bot.Change{Plans: []bot.Plan{p, q}, Approvals: []bot.Approval{a, b}})
		got, err := h.Backlog(t.Context(), at(9))
		require.NoError(t, err)
		require.Equal(t, bot.Queue{Length: 2, Since: at(3)}, got.Approvals)
		a.Version, a.State = 1, bot.ApprovalDenied
		h.must(bot.Change{Approvals: []bot.Approval{a}})
		got, err = h.Backlog(t.Context(), at(9))
		require.NoError(t, err)
		require.Equal(t, bot.Queue{Length: 1, Since: at(4)}, got.Approvals)
	},
	"held payloads and events are counted": func(t *testing.T, h *house) {
		h.must(bot.Change{
			Quarantined: []bot.Quarantined{{ID: bot.QuarantineID(h.NextID(bot.KindQuarantine)), Source: "prod", Reason: "r", ReceivedAt: at(1), Size: 1, SHA256: "00", Body: []byte("x"), State: bot.QuarantineHeld}},
			Events:      []bot.Event{event(bot.EventQuarantined, 0)},
		})
		got, err := h.Backlog(t.Context(), at(9))
		require.NoError(t, err)
		require.Equal(t, 1, got.Held)
		require.Equal(t, int64(2), got.Events)
		require.Equal(t, at(100), got.LastEvent)
	},
	"open incidents are counted by severity, page by page": func(t *testing.T, h *house) {
		for n, severity := range []bot.Severity{bot.SeverityLow, bot.SeverityCritical, bot.SeverityLow, bot.SeverityUnknown, bot.SeverityHigh} {
			a := firing(number(n), number(n), n)
			a.Severity = severity
			// A label that says the same as a field would is no severity.
			a.Labels = map[string]string{"severity": "critical"}
			h.observe(a)
			if severity == bot.SeverityHigh {
				h.observe(resolved(a, n+1))
			}
		}
		total, pages := map[bot.Severity]int{}, 0
		for after := bot.IncidentID(0); pages == 0 || after != 0; pages++ {
			p, err := h.OpenPage(t.Context(), after, 2)
			require.NoError(t, err)
			for s, n := range p.Count {
				total[s] += n
			}
			after = p.Last
		}
		require.Equal(t, map[bot.Severity]int{bot.SeverityLow: 2, bot.SeverityCritical: 1, bot.SeverityUnknown: 1}, total)
		require.Equal(t, 3, pages, "two full ones, and one that says that there is no more")
	},
	"what happened is read on from where one stood, without the alerts": func(t *testing.T, h *house) {
		h.observe(firing("a", "f1", 0))
		tricky := event(bot.EventNoted, 1)
		tricky.Text = `{"chain":"main","seq":1,"at":"x","kind":"alerts.received",`
		h.must(bot.Change{Events: []bot.Event{tricky}})
		h.observe(firing("b", "f2", 0))
		h.must(bot.Change{Events: []bot.Event{event(bot.EventTaken, 1)}})
		all := h.events()
		require.Len(t, all, 5)
		for _, c := range []struct {
			after int64
			limit int
			want  bot.EventPage
		}{
			{0, 10, bot.EventPage{Events: []bot.Event{all[0], all[2], all[4]}, Last: 5}},
			{1, 2, bot.EventPage{Events: []bot.Event{all[2]}, Last: 3}},
			{1, 1, bot.EventPage{Last: 2}},
			{3, 10, bot.EventPage{Events: []bot.Event{all[4]}, Last: 5}},
			{5, 10, bot.EventPage{Last: 5}},
			{9, 10, bot.EventPage{Last: 9}},
		} {
			got, err := h.EventPage(t.Context(), c.after, c.limit)
			require.NoError(t, err)
			require.Equal(t, c.want, got, "after %d, limit %d", c.after, c.limit)
		}
	},
	"who asks too late is told so": func(t *testing.T, h *house) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := h.Backlog(ctx, at(0))
		require.ErrorIs(t, err, context.Canceled)
	},
}
