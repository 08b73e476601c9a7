package sqlite_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/storage/sqlite"
)

func TestSmoke(t *testing.T) {
	dir := t.TempDir()
	s, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
	require.NoError(t, err)
	_, err = sqlite.Open(t.Context(), dir, sqlite.Options{})
	require.ErrorContains(t, err, "in use by process")
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	a := bot.Alert{AlertKey: bot.AlertKey{Source: "am", Fingerprint: "f", StartsAt: now}, GroupKey: "g", State: bot.AlertFiring,
		Severity: bot.SeverityLow, Title: "T", Labels: map[string]string{"a": "b"}, ReceivedAt: now}
	r, err := s.Commit(t.Context(), bot.Change{Observed: []bot.Alert{a}, By: bot.Salve, Delivery: &bot.Delivery{Body: []byte("x")}})
	require.NoError(t, err)
	t.Log(r)
	r, err = s.Commit(t.Context(), bot.Change{Observed: []bot.Alert{a}, By: bot.Salve})
	require.NoError(t, err)
	t.Log(r)
	a.State, a.EndsAt = bot.AlertResolved, now.Add(time.Minute)
	r, err = s.Commit(t.Context(), bot.Change{Observed: []bot.Alert{a}, By: bot.Salve})
	require.NoError(t, err)
	t.Log(r)
	inc, err := s.Incident(t.Context(), 1)
	require.NoError(t, err)
	t.Logf("%+v", inc)
	ev, err := s.Events(t.Context(), bot.EventQuery{})
	require.NoError(t, err)
	t.Logf("%+v", ev)
	ro, err := sqlite.OpenReadOnly(t.Context(), dir)
	require.NoError(t, err)
	require.NoError(t, ro.Close())
	require.NoError(t, s.Close())
	ro, err = sqlite.OpenReadOnly(t.Context(), dir)
	require.NoError(t, err)
	require.NoError(t, ro.Close())
}
