package watch_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/flow/receive"
	"salve/bot/flow/watch"
	"salve/storage/sqlite"
)

// house is the leg between a real store and the real door.
type house struct {
	*testing.T
	store *sqlite.Store
	leg   *watch.Leg
	low   bool // the disk
}

func newHouse(t *testing.T) *house {
	t.Helper()
	store, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	door, err := receive.New(store, receive.Options{Sources: map[string]receive.Source{bot.SourceSalve: {Decode: watch.Decode}}})
	require.NoError(t, err)
	h := &house{T: t, store: store}
	h.leg, err = watch.New(store, door, watch.Options{Also: []func(context.Context) []bot.Condition{func(context.Context) []bot.Condition {
		if h.low {
			return []bot.Condition{{Name: "disk-low", Severity: bot.SeverityHigh, Says: "little is free"}}
		}
		return nil
	}}})
	require.NoError(t, err)
	return h
}

func (h *house) tick(now time.Time) []bot.Incident {
	h.Helper()
	require.NoError(h, h.leg.Tick(h.Context(), now))
	list, err := h.store.Incidents(h.Context(), bot.IncidentQuery{})
	require.NoError(h, err)
	return list
}

func (h *house) events() int {
	h.Helper()
	list, err := h.store.Events(h.Context(), bot.EventQuery{Limit: 1000})
	require.NoError(h, err)
	return len(list)
}

func TestOneTroubleIsOneIncidentFromBeginningToEnd(t *testing.T) {
	t.Parallel()
	h, now := newHouse(t), time.Now()
	h.low = true
	list := h.tick(now)
	require.Len(t, list, 1)
	require.Equal(t, "Salve: little is free", list[0].Title)
	require.Equal(t, bot.SeverityHigh, list[0].Severity)
	require.Equal(t, "disk-low", list[0].Labels["condition"])
	before := h.events()
	for range 5 {
		now = now.Add(15 * time.Second)
		require.Len(t, h.tick(now), 1)
	}
	require.Equal(t, before, h.events(), "a tick that finds nothing new writes nothing")
	h.low = false
	require.Equal(t, bot.IncidentResolved, h.tick(now)[0].State())
	h.low = true
	list = h.tick(now.Add(time.Minute))
	require.Len(t, list, 1, "again, while its incident takes alerts: the same one")
	require.Equal(t, 2, list[0].Total)
	require.Equal(t, bot.IncidentOpen, list[0].State())
}

func TestARunThatHangsIsFoundInTheRows(t *testing.T) {
	t.Parallel()
	h, now := newHouse(t), time.Now().UTC()
	receipt, err := h.store.Commit(t.Context(), bot.Change{Observed: []bot.Alert{{
		AlertKey: bot.AlertKey{Source: "prod", Fingerprint: "f", StartsAt: now}, GroupKey: "g", State: bot.AlertFiring, ReceivedAt: now, Labels: map[string]string{},
	}}})
	require.NoError(t, err)
	plan := bot.Plan{ID: 1, Incident: receipt.Observed[0].Incident, Steps: []bot.PlanStep{{ID: "restart", Timeout: bot.Duration(time.Minute)}}}
	run := bot.Run{ID: 1, Plan: 1, Incident: plan.Incident, Playbook: "heal", Target: "shop", State: bot.RunRunning,
		Steps: []bot.Step{{ID: "restart", State: bot.StepStarted, StartedAt: now}}}
	_, err = h.store.Commit(t.Context(), bot.Change{Plans: []bot.Plan{plan}, Runs: []bot.Run{run}})
	require.NoError(t, err)
	require.Len(t, h.tick(now.Add(5*time.Minute)), 1)
	list := h.tick(now.Add(7 * time.Minute))
	require.Len(t, list, 2)
	require.Contains(t, list[0].Title, "R-1 (heal on shop) has had step restart in flight since")
	require.Equal(t, "I-1", list[0].Labels["incident"])
}

func TestAnEndThatTheDoorCannotTakeIsToldOnce(t *testing.T) {
	t.Parallel()
	h, now := newHouse(t), time.Now()
	h.low = true
	h.tick(now)
	h.low = false
	far := now.AddDate(20, 0, 0) // the clock was set forward by decades
	for range 5 {
		far = far.Add(15 * time.Second)
		h.tick(far)
	}
	held, err := h.store.QuarantineList(t.Context(), bot.QuarantineQuery{})
	require.NoError(t, err)
	require.Len(t, held, 1)
}
