package e2e_test

import (
	"database/sql"
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/cmd/salve/backup"
)

// backsUp makes a backup by the command line.
func (h *house) backsUp(t *testing.T, args ...string) backup.Made {
	t.Helper()
	var made backup.Made
	require.NoError(t, json.Unmarshal([]byte(h.does(t, append([]string{"backup", "--json"}, args...)...)), &made))
	return made
}

// requireKept holds that everything acknowledged is in the database.
func requireKept(t *testing.T, dataDir string, acked []string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dataDir, "salve.db")+"?_pragma=query_only(1)")
	require.NoError(t, err)
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), "SELECT fingerprint FROM alerts")
	require.NoError(t, err)
	defer rows.Close()
	have := map[string]int{}
	for rows.Next() {
		var f string
		require.NoError(t, rows.Scan(&f))
		have[f]++
	}
	require.NoError(t, rows.Err())
	for _, uid := range acked {
		require.Equal(t, 1, have[uid], "%s was acknowledged", uid)
	}
}

func TestBackupsThatAreMadeWhileAlertsPourInAreWhole(t *testing.T) {
	t.Parallel()
	h := startWith(t, slowSetting(t, newFar(t)))
	send, to := newSender(), filepath.Join(h.Dir, "kept")
	stop := send.pour(h.URL, 200)
	defer stop()
	for n := range 3 {
		until(t, "some more are in", func() bool { return len(send.acknowledged()) > 150*(n+1) })
		before := send.acknowledged()
		made := h.backsUp(t, "--config", "salve.yaml", "--to", to, "--keep", "2")
		new := filepath.Join(shortDir(t), "data")
		require.Contains(t, h.does(t, "restore", made.Path, "--data-dir", new), "everything is halted")
		requireKept(t, new, before)
		require.Contains(t, h.does(t, "audit", "verify", "--data-dir", new), "the audit log proves")
		time.Sleep(time.Second) // the next one has another name
	}
	stop()
	require.Equal(t, len(send.acknowledged()), send.told(200), "a backup refuses nobody")
	names, err := filepath.Glob(filepath.Join(to, "*"))
	require.NoError(t, err)
	require.Len(t, names, 4, "two backups, each with its manifest")
	said := h.does(t, "backup")
	require.Contains(t, said, filepath.Join(h.Process.Dir, "backups", "salve-backup-"))
	require.Contains(t, said, "audit head: chain main")
	require.Contains(t, said, "proved")
}

// What was going on when the backup was made, and what was done after it, is not
// done again by itself.
func TestAfterARestoreNothingIsDoneTwice(t *testing.T) {
	t.Parallel()
	f := newFar(t)
	set := slowSetting(t, f)
	h := startWith(t, set)
	h.knows(t)
	h.does(t, "alert", "send", "--severity", "low", "-l", "service=one", "Slow")
	until(t, "the step is in flight", func() bool { return f.calls.Load() == 1 })
	h.does(t, "alert", "send", "--severity", "high", "-l", "service=two", "Slow")
	var digest string
	until(t, "the second waits for an approval", func() bool {
		c := h.card(t, 2)
		if len(c.Proposals) == 0 {
			return false
		}
		digest = c.Proposals[0].Plan.Digest.Short()
		return true
	})
	file := h.backsUp(t, "--to", "mid.db").Path

	// Life goes on: both are done.
	f.letGo()
	h.does(t, "approve", "I-2", digest)
	over := func(id bot.IncidentID) func() bool {
		return func() bool { c := h.card(t, id); return len(c.Runs) == 1 && c.Runs[0].Run.State == bot.RunUnverified }
	}
	until(t, "the first is done", over(1))
	until(t, "the second is done", over(2))
	require.EqualValues(t, 2, f.calls.Load())

	running := h.salve(t, "restore", file)
	require.Equal(t, 1, running.code, "not under a Salve that runs")
	require.Contains(t, running.err, "in use by process")
	require.NoError(t, h.Stop())
	said := h.does(t, "restore", file, "--config", "salve.yaml")
	require.Contains(t, said, "everything is halted")
	require.Contains(t, said, "beyond the backup, until")

	h = startWith(t, set)
	until(t, "the step in flight is unknown", func() bool {
		c := h.card(t, 1)
		return len(c.Runs) == 1 && c.Runs[0].Run.State == bot.RunWaiting && c.Runs[0].Run.Steps[0].State == bot.StepUnknown
	})
	require.Contains(t, h.does(t, "halts"), "restored from a backup")
	refused := h.salve(t, "approve", "I-2", digest)
	time.Sleep(2500 * time.Millisecond) // two scans
	require.EqualValues(t, 2, f.calls.Load(), "%s%s", refused.out, refused.err)

	// A person says what became of it, and lifts the halt.
	h.does(t, "settle", "R-1", "done")
	h.does(t, "resume")
	until(t, "the first is over", over(1))
	time.Sleep(2500 * time.Millisecond)
	require.EqualValues(t, 2, f.calls.Load())
	require.Contains(t, h.does(t, "audit", "verify"), "the audit log proves")
	require.Contains(t, h.does(t, "audit", "show"), "restored from a backup")
}
