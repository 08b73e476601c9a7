package backup_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver, to do to a database what Salve would not

	"salve/bot"
	"salve/bot/audit"
	"salve/cmd/salve/backup"
	"salve/storage/sqlite"
)

// alter does to a closed database what Salve would not.
func alter(t *testing.T, dir, text string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "salve.db"))
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), text)
	require.NoError(t, err)
	require.NoError(t, db.Close())
}

func restore(t *testing.T, file, dir string) (backup.Restored, error) {
	t.Helper()
	return backup.Restore(t.Context(), backup.Restoring{File: file, DataDir: dir, Now: now.Add(time.Hour)})
}

// backedUp makes a backup of a directory.
func backedUp(t *testing.T, dir string) backup.Made {
	t.Helper()
	made, err := backup.Make(t.Context(), backup.Options{DataDir: dir, To: t.TempDir(), Now: now})
	require.NoError(t, err)
	return made
}

func TestARestoreKeepsWhatItReplacesAndIsOnRecord(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, 2)
	made := backedUp(t, dir)
	add(t, s, 7)
	add(t, s, 8)
	require.NoError(t, s.Close())
	left := filepath.Join(dir, ".salve-restore-killed")
	require.NoError(t, os.Mkdir(left, 0o700))
	require.NoError(t, os.Chtimes(left, now, now))

	out, err := restore(t, made.Path, dir)
	require.NoError(t, err)
	require.True(t, out.Proved)
	require.True(t, out.Halted)
	require.Equal(t, made.Manifest, out.Manifest)
	require.EqualValues(t, 2, out.Lost)
	require.True(t, now.Equal(out.LostUntil))
	require.Equal(t, filepath.Join(dir, "salve.db.replaced-20260504T040201.000Z"), out.Kept)
	require.ElementsMatch(t, []string{"salve.db", "salve.db.replaced-20260504T040201.000Z", "salve.lock"}, names(t, dir))
	info, err := os.Stat(filepath.Join(dir, "salve.db"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	again := open(t, dir, 0)
	found, err := again.Incidents(t.Context(), bot.IncidentQuery{})
	require.NoError(t, err)
	require.Len(t, found, 2)
	halts, err := again.Halts(t.Context())
	require.NoError(t, err)
	require.Len(t, halts, 1)
	require.Contains(t, halts[0].Reason, "after 2026-05-04T03:02:01Z is not known")
	report, err := audit.Verify(audit.From(func(f func(bot.Event) error) error { return again.EachEvent(t.Context(), f) }), made.Audit, out.Head)
	require.NoError(t, err)
	require.True(t, report.OK(), report.Faults)
	last, err := again.Events(t.Context(), bot.EventQuery{After: made.Audit.Seq})
	require.NoError(t, err)
	require.Equal(t, bot.EventRestored, last[0].Kind)
	require.Equal(t, made.SHA256, last[0].Data["sha256"])

	_, err = restore(t, made.Path, dir)
	require.ErrorContains(t, err, "in use by process", "not under a Salve that runs")
}

func TestARestoreWithoutAHalt(t *testing.T) {
	t.Parallel()
	dir, to := t.TempDir(), filepath.Join(t.TempDir(), "new")
	s := open(t, dir, 2)
	made := backedUp(t, dir)
	require.NoError(t, os.Remove(filepath.Join(filepath.Dir(made.Path), "salve-backup-20260504T030201Z.json")))
	out, err := backup.Restore(t.Context(), backup.Restoring{File: made.Path, DataDir: to, NoHalt: true, Now: now})
	require.NoError(t, err)
	require.False(t, out.Proved)
	require.Equal(t, made.SHA256, out.Manifest.SHA256)
	require.Equal(t, made.Audit, out.Manifest.Audit)
	require.Empty(t, out.Kept)
	there := open(t, to, 0)
	halts, err := there.Halts(t.Context())
	require.NoError(t, err)
	require.Empty(t, halts)
	require.Greater(t, there.Epoch(), s.Epoch(), "what was in flight belongs to nobody")
}

func TestWhatCannotBeRestoredChangesNothing(t *testing.T) {
	t.Parallel()
	src, dir := t.TempDir(), t.TempDir()
	s := open(t, src, 3)
	made := backedUp(t, src)
	manifest := filepath.Join(filepath.Dir(made.Path), "salve-backup-20260504T030201Z.json")
	whole, err := os.ReadFile(made.Path)
	require.NoError(t, err)
	told, err := os.ReadFile(manifest)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	open(t, dir, 1).Close()
	before, err := os.ReadFile(filepath.Join(dir, "salve.db"))
	require.NoError(t, err)

	newer := t.TempDir()
	open(t, newer, 1).Close()
	alter(t, newer, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)`)
	cut := t.TempDir()
	open(t, cut, 3).Close()
	alter(t, cut, `DROP TRIGGER events_no_delete; DELETE FROM events WHERE seq = 4`)
	read := func(dir string) []byte {
		b, err := os.ReadFile(filepath.Join(dir, "salve.db"))
		require.NoError(t, err)
		return b
	}
	flipped := append([]byte(nil), whole...)
	flipped[len(flipped)/2] ^= 1
	for name, tt := range map[string]struct {
		file, manifest []byte
		says           string
	}{
		"a flipped bit":             {flipped, told, "it is damaged, or another file"},
		"a cut file":                {whole[:len(whole)-4096], nil, "damaged"},
		"an empty file":             {nil, nil, "it is no database of Salve"},
		"something else":            {[]byte("PK\x03\x04 this is an archive of something, surely long enough"), nil, "not a database"},
		"a manifest of another":     {read(cut), told, "it is damaged, or another file"},
		"a newer schema":            {read(newer), nil, "written by a newer Salve (schema version 999"},
		"a manifest that is no one": {whole, []byte(`{}`), "is no manifest of a backup"},
	} {
		path := filepath.Join(t.TempDir(), "b.db")
		require.NoError(t, os.WriteFile(path, tt.file, 0o600))
		if tt.manifest != nil {
			require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(path), "b.json"), tt.manifest, 0o600))
		}
		_, err := restore(t, path, dir)
		require.ErrorContains(t, err, tt.says, name)
		require.ErrorContains(t, err, "nothing was changed", name)
		require.Equal(t, []string{"salve.db", "salve.lock"}, names(t, dir), name)
		require.Equal(t, before, read(dir), name)
	}
	_, err = restore(t, dir, dir)
	require.ErrorContains(t, err, "it is not a file")

	living := t.TempDir()
	add(t, open(t, living, 0), 1)
	_, err = restore(t, filepath.Join(living, "salve.db"), dir)
	require.ErrorContains(t, err, "salve backup --data-dir DIR", "a copy of files in use is no backup")
}

func TestADamagedDatabaseIsReplaced(t *testing.T) {
	t.Parallel()
	src, dir := t.TempDir(), t.TempDir()
	open(t, src, 1)
	made := backedUp(t, src)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "salve.db"), []byte("dirt, and enough of it to be looked at closely"), 0o600))
	out, err := restore(t, made.Path, dir)
	require.NoError(t, err)
	require.EqualValues(t, -1, out.Lost)
	b, err := os.ReadFile(out.Kept)
	require.NoError(t, err)
	require.Equal(t, "dirt, and enough of it to be looked at closely", string(b))

	other := t.TempDir()
	open(t, other, 4).Close()
	out, err = restore(t, made.Path, other)
	require.NoError(t, err)
	require.EqualValues(t, -1, out.Lost, "another log cannot be compared")
}

func TestAMigrationIsLookedAtAndDone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := backup.Look(t.Context(), dir)
	require.ErrorContains(t, err, "salve serve makes one")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "salve.db"), nil, 0o600))
	m, err := backup.Look(t.Context(), dir)
	require.NoError(t, err)
	require.True(t, m.Pending())
	need, err := sqlite.NeedsSchema()
	require.NoError(t, err)
	m, err = backup.Migrate(t.Context(), backup.Options{DataDir: dir, Now: now}, true)
	require.NoError(t, err)
	require.Equal(t, backup.Migrated{From: 0, To: need, Done: true}, m, "of nothing there is no backup")

	s := open(t, dir, 1)
	m, err = backup.Migrate(t.Context(), backup.Options{DataDir: dir, Now: now}, true)
	require.NoError(t, err, "there is nothing to do, so a Salve that runs is not in the way")
	require.Equal(t, backup.Migrated{From: need, To: need}, m)
	require.False(t, m.Pending())
	require.NoError(t, s.Close())
	alter(t, dir, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)`)
	_, err = backup.Look(t.Context(), dir)
	require.ErrorContains(t, err, "written by a newer Salve")
}

func TestWhatChatHadInHandIsNotDoneTwice(t *testing.T) {
	t.Parallel()
	src, to := t.TempDir(), t.TempDir()
	s := open(t, src, 1)
	post := func(key string) bot.Post {
		return bot.Post{Key: key, State: bot.PostDue, Surface: "slack", Place: "C1", Incident: 1, DueAt: now, OpenedAt: now, Nonce: key}
	}
	fresh, edited, shown := post("fresh"), post("edited"), post("shown")
	fresh.Nonce, edited.Mark, shown.State = "", bot.Mark{Place: "C1", Ref: "1.2"}, bot.PostShown
	var pressed []bot.Gesture
	for n := range 501 {
		pressed = append(pressed, bot.Gesture{Key: strconv.Itoa(n), DueAt: now.AddDate(0, 0, n), ReceivedAt: now, Handles: map[string]string{"response_url": "x"}})
	}
	_, err := s.Commit(t.Context(), bot.Change{
		Posts: []bot.Post{post("tried"), fresh, edited, shown}, Gestures: pressed, Cursors: []bot.Cursor{{Name: "post", Seq: 2}},
		Offers: []bot.Offer{{Token: "t", Surface: "slack", ExpiresAt: now}},
	})
	require.NoError(t, err)
	out, err := restore(t, backedUp(t, src).Path, to)
	require.NoError(t, err)
	require.Equal(t, 501, out.Aside)

	again := open(t, to, 0)
	due, err := again.DueGestures(t.Context(), now.AddDate(9, 0, 0), 9)
	require.NoError(t, err)
	require.Empty(t, due)
	g, err := again.Gesture(t.Context(), "500")
	require.NoError(t, err)
	require.True(t, g.Done)
	require.Empty(t, g.Handles)
	require.Contains(t, g.Result, "was not carried out")
	for key, want := range map[string]time.Time{"tried": now, "fresh": {}, "edited": {}, "shown": {}} {
		p, err := again.Post(t.Context(), key)
		require.NoError(t, err)
		require.True(t, want.Equal(p.Unsure), key)
	}
	offer, err := again.Offer(t.Context(), "t")
	require.NoError(t, err)
	require.Equal(t, "slack", offer.Surface)
	cursor, err := again.Cursor(t.Context(), "post")
	require.NoError(t, err)
	require.EqualValues(t, 2, cursor.Seq)
	last, err := again.Events(t.Context(), bot.EventQuery{Last: true, Limit: 2})
	require.NoError(t, err)
	require.Equal(t, "501", last[0].Data["put_aside"])
}
