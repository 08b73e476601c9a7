package sqlite_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"salve/bot"
	"salve/storage/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var now = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

func note(text string) bot.Change {
	return bot.Change{Events: []bot.Event{{Kind: bot.EventNoted, At: now, Actor: bot.Salve, Text: text}}}
}

func texts(t *testing.T, s *sqlite.Store) []string {
	t.Helper()
	var all []string
	prev := bot.Event{}
	require.NoError(t, s.EachEvent(t.Context(), func(e bot.Event) error {
		again, err := e.Seal(e.Chain, prev.Seq+1, prev.Hash)
		require.NoError(t, err)
		require.Equal(t, again, e)
		prev = e
		all = append(all, e.Text)
		return nil
	}))
	return all[1:]
}

func closing(t *testing.T, s *sqlite.Store) *sqlite.Store {
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestASecondProcessIsTurnedAway(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	_, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
	require.ErrorIs(t, err, bot.ErrUnavailable)
	require.ErrorContains(t, err, "in use by process")
	require.ErrorContains(t, err, filepath.Base(os.Args[0]))
	require.NoError(t, s.Close())
	closing(t, open(t, dir, sqlite.Options{}))
}

func TestFilesBelongToTheirOwnerAlone(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "data")
	s := open(t, dir, sqlite.Options{})
	_, err := s.Commit(t.Context(), note("x"))
	require.NoError(t, err)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 4, "database, log, its index, lock")
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), e.Name())
	}
	info, err := os.Stat(dir)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	require.NoError(t, s.Close())

	file := filepath.Join(dir, "salve.db")
	require.NoError(t, os.Chmod(file, 0o640))
	_, err = sqlite.Open(t.Context(), dir, sqlite.Options{})
	require.ErrorContains(t, err, "run: chmod 600 "+file)
	_, err = sqlite.OpenReadOnly(t.Context(), dir)
	require.ErrorContains(t, err, "run: chmod 600 "+file)
	require.NoError(t, os.Chmod(file, 0o600))
	require.NoError(t, os.Chmod(dir, 0o777))
	_, err = sqlite.Open(t.Context(), dir, sqlite.Options{})
	require.ErrorContains(t, err, "run: chmod 700 "+dir)
	require.NoError(t, os.Chmod(dir, 0o700))
	closing(t, open(t, dir, sqlite.Options{}))
}

func TestWhatIsNoDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "salve.db"), []byte("these are not the pages of a database, but it is long enough"), 0o600))
	_, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
	require.ErrorIs(t, err, bot.ErrUnavailable)
	require.ErrorContains(t, err, "restore a backup")
	_, err = sqlite.Open(t.Context(), filepath.Join(dir, "salve.db"), sqlite.Options{})
	require.Error(t, err)
	_, err = sqlite.OpenReadOnly(t.Context(), t.TempDir())
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestANewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	require.NoError(t, s.Exec(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)`))
	require.NoError(t, s.Close())
	for _, try := range []func() error{
		func() error { _, err := sqlite.Open(t.Context(), dir, sqlite.Options{}); return err },
		func() error { _, err := sqlite.OpenReadOnly(t.Context(), dir); return err },
	} {
		err := try()
		require.ErrorIs(t, err, bot.ErrUnavailable)
		require.ErrorContains(t, err, "newer Salve (schema version 999")
		require.ErrorContains(t, err, "going back is not supported")
	}
}

func TestReadingBesideTheWriter(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	_, err := s.Commit(t.Context(), note("one"))
	require.NoError(t, err)
	reader, err := sqlite.OpenReadOnly(t.Context(), dir)
	require.NoError(t, err)
	require.Equal(t, s.Epoch(), reader.Epoch())
	_, err = s.Commit(t.Context(), note("two"))
	require.NoError(t, err)
	require.Equal(t, []string{"one", "two"}, texts(t, reader))
	_, err = reader.Commit(t.Context(), note("three"))
	require.ErrorIs(t, err, bot.ErrUnavailable)
	_, err = reader.Prune(t.Context(), now, time.Hour, 1)
	require.ErrorIs(t, err, bot.ErrUnavailable)
	require.NoError(t, reader.Close())
	require.NoError(t, s.Close())

	reader, err = sqlite.OpenReadOnly(t.Context(), dir)
	require.NoError(t, err)
	require.Equal(t, []string{"one", "two"}, texts(t, closing(t, reader)))
}

func TestWhatWasAnsweredIsOnDisk(t *testing.T) {
	t.Parallel()
	dir, copied := t.TempDir(), t.TempDir()
	s := closing(t, open(t, dir, sqlite.Options{}))
	for range 3 {
		_, err := s.Commit(t.Context(), note("kept"))
		require.NoError(t, err)
	}
	for _, name := range []string{"salve.db", "salve.db-wal"} { // as a killed process leaves them
		b, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(copied, name), b, 0o600))
	}
	again := closing(t, open(t, copied, sqlite.Options{}))
	require.Equal(t, []string{"kept", "kept", "kept"}, texts(t, again))
	require.Equal(t, s.Epoch()+1, again.Epoch())
}

func TestRepeatsWriteNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := closing(t, open(t, dir, sqlite.Options{}))
	change := bot.Change{Observed: benchBatch(1, 64), By: bot.Salve, Delivery: benchDelivery(64)}
	_, err := s.Commit(t.Context(), change)
	require.NoError(t, err)
	before := readFiles(t, dir)
	for range 3 {
		r, err := s.Commit(t.Context(), change)
		require.NoError(t, err)
		require.Equal(t, bot.OutcomeRepeat, r.Observed[63].Outcome)
	}
	require.Equal(t, before, readFiles(t, dir), "not a byte of the database or its log changed")
}

func readFiles(t *testing.T, dir string) [2]string {
	t.Helper()
	var all [2]string
	for i, name := range []string{"salve.db", "salve.db-wal"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		all[i] = string(b)
	}
	return all
}

func TestAFullDiskChangesNothingAndHeals(t *testing.T) {
	t.Parallel()
	s := closing(t, open(t, t.TempDir(), sqlite.Options{}))
	ctx := t.Context()
	var full error
	for n := int64(0); full == nil; n++ {
		if n == 2 {
			require.NoError(t, s.Exec(ctx, "PRAGMA max_page_count = 60"))
		}
		_, full = s.Commit(ctx, bot.Change{Observed: benchBatch(n, 16), By: bot.Salve})
		require.Less(t, n, int64(1000))
	}
	require.ErrorIs(t, full, bot.ErrUnavailable)
	require.ErrorContains(t, full, "the disk is full; free some space")
	before := texts(t, s)
	var running sync.WaitGroup
	for n := range int64(8) {
		running.Go(func() {
			_, err := s.Commit(ctx, bot.Change{Observed: benchBatch(2000+n, 200), By: bot.Salve})
			if err == nil {
				t.Error("there was room after all")
			}
		})
	}
	running.Wait()
	require.Equal(t, before, texts(t, s))
	require.NoError(t, s.Ping(ctx))

	require.NoError(t, s.Exec(ctx, "PRAGMA max_page_count = 100000"))
	r, err := s.Commit(ctx, bot.Change{Observed: benchBatch(2000, 200), By: bot.Salve})
	require.NoError(t, err)
	require.Equal(t, bot.OutcomeNew, r.Observed[0].Outcome)
	require.Greater(t, len(texts(t, s)), len(before))
}

func TestTheLogAndPlansCannotBeChanged(t *testing.T) {
	t.Parallel()
	s := closing(t, open(t, t.TempDir(), sqlite.Options{}))
	ctx := t.Context()
	change := note("kept")
	change.Plans = []bot.Plan{{ID: 1}}
	_, err := s.Commit(ctx, change)
	require.NoError(t, err)
	for _, text := range []string{
		"UPDATE events SET body = '{}'", "DELETE FROM events", "UPDATE plans SET body = '{}'", "DELETE FROM plans",
	} {
		require.Error(t, s.Exec(ctx, text), text)
	}
	require.ErrorContains(t, s.Exec(ctx, "DELETE FROM events"), "append-only")
	require.Equal(t, []string{"kept"}, texts(t, s))
}

func TestAnAlteredRowOfTheLogShows(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"UPDATE events SET incident = 7 WHERE seq = 2",
		"UPDATE events SET run = 7 WHERE seq = 2",
		"UPDATE events SET body = replace(body, 'kept', 'lost') WHERE seq = 2",
	} {
		s := closing(t, open(t, t.TempDir(), sqlite.Options{}))
		_, err := s.Commit(t.Context(), note("kept"))
		require.NoError(t, err)
		require.NoError(t, s.Exec(t.Context(), "DROP TRIGGER events_no_update"))
		require.NoError(t, s.Exec(t.Context(), text))
		events, err := s.Events(t.Context(), bot.EventQuery{After: 1})
		require.NoError(t, err)
		again, err := events[0].Seal(events[0].Chain, events[0].Seq, events[0].Prev)
		require.NoError(t, err)
		require.NotEqual(t, again.Hash, events[0].Hash, text)
	}
}

var touching = bot.Change{Halts: []bot.Halt{{Scope: bot.HaltAll}}}

func TestTheHintNamesWhatChanged(t *testing.T) {
	t.Parallel()
	var hints []bot.Touched
	s := closing(t, open(t, t.TempDir(), sqlite.Options{Committed: func(h bot.Touched) { hints = append(hints, h) }}))
	commit := func(change bot.Change) {
		_, err := s.Commit(t.Context(), change)
		require.NoError(t, err)
	}
	commit(bot.Change{Observed: benchBatch(0, 65)})
	commit(bot.Change{Observed: benchBatch(0, 65)})
	commit(note("nobody waits for this"))
	commit(bot.Change{Plans: []bot.Plan{{ID: 1}}, Approvals: []bot.Approval{{ID: 3, Plan: 1, State: bot.ApprovalPending}}, Runs: []bot.Run{{ID: 4, Plan: 1, State: bot.RunPlanned}}})
	commit(touching)
	require.Equal(t, []bot.Touched{
		{Incidents: []bot.IncidentID{1, 2}}, {Approvals: []bot.ApprovalID{3}, Runs: []bot.RunID{4}}, {Halts: true},
	}, hints)
}

func TestPayloadsAreKeptCompressed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	delivery := benchDelivery(64)
	_, err := s.Commit(t.Context(), bot.Change{Observed: benchBatch(0, 64), Delivery: delivery})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	db, err := sql.Open("sqlite", filepath.Join(dir, "salve.db"))
	require.NoError(t, err)
	defer db.Close()
	var size, stored, alerts int
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT size, length(body), alerts FROM deliveries").Scan(&size, &stored, &alerts))
	require.Equal(t, len(delivery.Body), size)
	require.Equal(t, 64, alerts)
	require.Less(t, stored, size/5)
}

func TestAContextThatEndsStopsAnOpening(t *testing.T) {
	t.Parallel()
	ctx, leave := context.WithCancel(t.Context())
	leave()
	_, err := sqlite.Open(ctx, t.TempDir(), sqlite.Options{})
	require.ErrorIs(t, err, context.Canceled)
}
