package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/storage/internal/query"
	"salve/storage/sqlite"
	"salve/storage/storagetest"
)

func TestSQLiteCanBeWatched(t *testing.T) {
	t.Parallel()
	storagetest.RunWatch(t, func(t *testing.T, dir string) storagetest.Watched {
		return open(t, dir, sqlite.Options{})
	})
}

func TestATryMeetsTheDiskAsAChangeDoes(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), sqlite.Options{})
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.TryWrite(t.Context()))
	require.NoError(t, s.Exec(t.Context(), "PRAGMA query_only = 1"))
	require.NoError(t, s.Ping(t.Context()), "reading says nothing about writing")
	require.ErrorIs(t, s.TryWrite(t.Context()), bot.ErrUnavailable)
}

func TestATrySeesThatTheAuditLogWasCut(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), sqlite.Options{})
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.Exec(t.Context(), "DROP TRIGGER events_no_delete"))
	require.NoError(t, s.TryWrite(t.Context()))
	require.NoError(t, s.Exec(t.Context(), "DELETE FROM events"))
	require.ErrorIs(t, s.TryWrite(t.Context()), bot.ErrAudit)
}

func TestTheWatchReadsByIndex(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	db, err := sql.Open("sqlite", filepath.Join(dir, "salve.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	for text, index := range map[string]string{query.RunsInHand: "runs_in_hand", query.OpenAlertsOf: "incidents_state"} {
		rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+text, "0", 10)
		require.NoError(t, err)
		plan := ""
		for rows.Next() {
			var id, parent, unused int
			var detail string
			require.NoError(t, rows.Scan(&id, &parent, &unused, &detail))
			plan += detail + "\n"
		}
		require.NoError(t, rows.Err())
		require.NoError(t, rows.Close())
		require.Contains(t, plan, index)
		require.NotContains(t, plan, "SCAN", plan)
	}
}
