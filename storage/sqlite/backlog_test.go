package sqlite_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/storage/sqlite"
)

// crowd is a store with many open Incidents, all of them due.
func crowd(tb testing.TB, n int64) *sqlite.Store {
	tb.Helper()
	s := open(tb, tb.TempDir(), sqlite.Options{})
	tb.Cleanup(func() { require.NoError(tb, s.Close()) })
	for from := int64(0); from < n; from += 1000 {
		var alerts []bot.Alert
		for i := from; i < from+1000; i++ {
			alerts = append(alerts, benchAlert(i))
		}
		_, err := s.Commit(tb.Context(), bot.Change{Observed: alerts, By: bot.Salve})
		require.NoError(tb, err)
	}
	return s
}

func BenchmarkBacklogOfManyIncidents(b *testing.B) {
	s, now := crowd(b, 100_000), benchStart.Add(time.Hour)
	b.Run("what waits", func(b *testing.B) {
		for b.Loop() {
			got, err := s.Backlog(b.Context(), now)
			require.NoError(b, err)
			require.Equal(b, bot.BacklogLimit, got.Decide.Length)
			require.Equal(b, benchStart, got.Undecided.Since)
		}
	})
	b.Run("a page of open ones", func(b *testing.B) {
		for b.Loop() {
			p, err := s.OpenPage(b.Context(), 50_000, 500)
			require.NoError(b, err)
			require.NotZero(b, p.Last)
		}
	})
	b.Run("a page of 1000 alerts that came in", func(b *testing.B) {
		for b.Loop() {
			p, err := s.EventPage(b.Context(), 50_000, 1000)
			require.NoError(b, err)
			require.Empty(b, p.Events)
		}
	})
}
