package backup_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/cmd/salve/backup"
	"salve/storage/sqlite"
)

var now = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)

// alert is one firing alert with an incident of its own.
func alert(n int) bot.Alert {
	key := strconv.Itoa(n)
	return bot.Alert{
		AlertKey: bot.AlertKey{Source: "prod", Fingerprint: key, StartsAt: now}, GroupKey: key, State: bot.AlertFiring,
		Severity: bot.SeverityHigh, Title: "Down", Labels: map[string]string{"alertname": "Down", "n": key}, ReceivedAt: now,
	}
}

// open opens a database with some incidents in it.
func open(t *testing.T, dir string, incidents int) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	for n := range incidents {
		add(t, s, n)
	}
	return s
}

func add(t *testing.T, s *sqlite.Store, n int) {
	t.Helper()
	_, err := s.Commit(t.Context(), bot.Change{Observed: []bot.Alert{alert(n)}, By: bot.Salve})
	require.NoError(t, err)
}

func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestABackupIsProvedAndToldOfBesideIt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, 3)
	made, err := backup.Make(t.Context(), backup.Options{DataDir: dir, Version: "v1", Now: now})
	require.NoError(t, err)
	to := filepath.Join(dir, "backups")
	require.Equal(t, filepath.Join(to, "salve-backup-20260504T030201Z.db"), made.Path)
	require.Equal(t, []string{"salve-backup-20260504T030201Z.db", "salve-backup-20260504T030201Z.json"}, names(t, to), "nothing else is left")
	for path, mode := range map[string]os.FileMode{to: 0o700, made.Path: 0o600, filepath.Join(to, names(t, to)[1]): 0o600} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode().Perm(), path)
	}

	b, err := os.ReadFile(filepath.Join(to, "salve-backup-20260504T030201Z.json"))
	require.NoError(t, err)
	var m backup.Manifest
	require.NoError(t, json.Unmarshal(b, &m))
	require.Equal(t, made.Manifest, m)
	file, err := os.ReadFile(made.Path)
	require.NoError(t, err)
	sum := sha256.Sum256(file)
	require.Equal(t, hex.EncodeToString(sum[:]), m.SHA256)
	require.EqualValues(t, len(file), m.Bytes)
	last, err := s.Events(t.Context(), bot.EventQuery{Last: true, Limit: 1})
	require.NoError(t, err)
	require.Equal(t, last[0].Seq, m.Audit.Seq)
	require.Equal(t, last[0].Hash, m.Audit.Hash)
	require.Equal(t, []int64{3, 3, 0, 4}, []int64{m.Incidents, m.Alerts, m.Runs, m.Events})
	need, err := sqlite.NeedsSchema()
	require.NoError(t, err)
	require.Equal(t, []any{"v1", need, now}, []any{m.Salve, m.Schema, m.MadeAt})
	require.True(t, now.Equal(m.LastEvent))
}

func TestAFileThatIsThereIsReplacedOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	dir, path := t.TempDir(), filepath.Join(t.TempDir(), "mine.db")
	s := open(t, dir, 1)
	require.NoError(t, os.WriteFile(path, []byte("mine"), 0o644))
	_, err := backup.Make(t.Context(), backup.Options{DataDir: dir, To: path, Now: now})
	require.ErrorContains(t, err, "--force")
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "mine", string(b))
	require.Equal(t, []string{"mine.db"}, names(t, filepath.Dir(path)))
	_, err = backup.Make(t.Context(), backup.Options{DataDir: dir, To: path, Force: true, Now: now})
	require.NoError(t, err)
	add(t, s, 2)
	made, err := backup.Make(t.Context(), backup.Options{DataDir: dir, To: path, Force: true, Now: now})
	require.NoError(t, err)
	require.EqualValues(t, 2, made.Incidents)
	require.Equal(t, []string{"mine.db", "mine.json"}, names(t, filepath.Dir(path)))
	_, err = restore(t, path, t.TempDir())
	require.NoError(t, err, "the manifest is that of the last one")

	odd := filepath.Join(t.TempDir(), "odd.db")
	require.NoError(t, os.Symlink(path, odd))
	_, err = backup.Make(t.Context(), backup.Options{DataDir: dir, To: odd, Force: true, Now: now})
	require.ErrorContains(t, err, "is not a file")
}

func TestOlderBackupsGoOnceTheNewOneIsProved(t *testing.T) {
	t.Parallel()
	dir, to := t.TempDir(), t.TempDir()
	open(t, dir, 1)
	require.NoError(t, os.WriteFile(filepath.Join(to, "notes.db"), nil, 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(to, "salve-backup-20200101T000000Z.db"), 0o700))
	left, fresh := filepath.Join(to, ".salve-backup-killed"), filepath.Join(to, ".salve-backup-at-work")
	require.NoError(t, os.Mkdir(left, 0o700))
	require.NoError(t, os.Mkdir(fresh, 0o700))
	require.NoError(t, os.Chtimes(left, now, now.AddDate(0, 0, -2)))
	require.NoError(t, os.Chtimes(fresh, now, now))
	var last backup.Made
	for n := range 4 {
		var err error
		last, err = backup.Make(t.Context(), backup.Options{DataDir: dir, To: to, Keep: 2, Now: now.Add(time.Duration(n) * time.Second)})
		require.NoError(t, err)
	}
	require.Equal(t, []string{filepath.Join(to, "salve-backup-20260504T030202Z.db")}, last.Removed)
	want := []string{
		".salve-backup-at-work", "notes.db", "salve-backup-20200101T000000Z.db",
		"salve-backup-20260504T030203Z.db", "salve-backup-20260504T030203Z.json", "salve-backup-20260504T030204Z.db", "salve-backup-20260504T030204Z.json",
	}
	require.Equal(t, want, names(t, to))

	// A clock that went back does not remove what was just made.
	made, err := backup.Make(t.Context(), backup.Options{DataDir: dir, To: to, Keep: 1, Now: now.AddDate(-1, 0, 0)})
	require.NoError(t, err)
	require.Len(t, made.Removed, 2)
	require.FileExists(t, made.Path)

	// One that fails removes nothing.
	require.NoError(t, os.Chmod(filepath.Join(dir, "salve.db"), 0o644))
	_, err = backup.Make(t.Context(), backup.Options{DataDir: dir, To: to, Keep: 1, Now: now})
	require.ErrorContains(t, err, "chmod 600")
	require.FileExists(t, made.Path)
	require.NoError(t, os.Chmod(filepath.Join(dir, "salve.db"), 0o600))
	_, err = backup.Make(t.Context(), backup.Options{DataDir: dir, To: filepath.Join(to, "x.db"), Keep: 1, Now: now})
	require.ErrorContains(t, err, "give --to a directory")
}

func TestWhatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	dir, to := t.TempDir(), t.TempDir()
	_, err := backup.Make(t.Context(), backup.Options{DataDir: dir, Now: now})
	require.ErrorContains(t, err, "there is no database")
	require.Empty(t, names(t, dir))

	s := open(t, dir, 5)
	ctx, leave := context.WithCancel(t.Context())
	_, err = backup.Make(ctx, backup.Options{DataDir: dir, To: to, Now: now, Tell: func(string) { leave() }})
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, names(t, to))
	require.NoError(t, s.Close())

	// A log that was altered is not kept as if it were good.
	alter(t, dir, `DROP TRIGGER events_no_update; UPDATE events SET body = replace(body, 'alert', 'alarm') WHERE seq = 3`)
	_, err = backup.Make(t.Context(), backup.Options{DataDir: dir, To: to, Now: now})
	require.ErrorContains(t, err, "main 3: altered")
	require.Empty(t, names(t, to))
}
