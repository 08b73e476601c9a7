package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/storage/internal/query"
	"salve/storage/sqlite"
)

func TestWhoeverWatchesReadsAlongIndexes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	defer func() { require.NoError(t, s.Close()) }()
	db, err := sql.Open("sqlite", filepath.Join(dir, "salve.db"))
	require.NoError(t, err)
	defer db.Close()
	whole := regexp.MustCompile(`(?m)SCAN (incidents|runs|approvals|quarantined|events)$`)
	for _, text := range []string{query.Backlog, query.OldestActiveRun, query.OldestPending, query.OpenFolds, query.EventsButAlerts} {
		require.NotRegexp(t, whole, plan(t, db, text), text)
	}
	require.Regexp(t, whole, plan(t, db, query.Incidents), "this is what a scan of all looks like")
}

// plan says how a query is carried out.
func plan(t *testing.T, db *sql.DB, text string) string {
	t.Helper()
	var args []any
	for n := 1; strings.Contains(text, "$"+strconv.Itoa(n)); n++ {
		args = append(args, 10)
	}
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+text, args...)
	require.NoError(t, err)
	defer rows.Close()
	var steps []string
	for rows.Next() {
		var id, parent, unused int
		var step string
		require.NoError(t, rows.Scan(&id, &parent, &unused, &step))
		steps = append(steps, step)
	}
	require.NoError(t, rows.Err())
	return strings.Join(steps, "\n")
}

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
