package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/cmd/salve/backup"
)

// migration is one that a later Salve might bring.
const migration = `-- +goose Up
ALTER TABLE runs ADD COLUMN note TEXT NOT NULL DEFAULT '';
UPDATE runs SET note = 'carried over';
`

// nextSalve builds the salve of a later version: this one and one more migration.
// It gives the version of its schema.
func nextSalve(t *testing.T) (path string, version int) {
	t.Helper()
	dir := t.TempDir()
	root, err := filepath.Abs("../../..")
	require.NoError(t, err)
	folder := filepath.Join(root, "storage", "sqlite", "migrations")
	have, err := filepath.Glob(filepath.Join(folder, "*.sql"))
	require.NoError(t, err)
	version = len(have) + 1
	file, path := filepath.Join(dir, "next.sql"), filepath.Join(dir, "salve")
	write(t, file, migration)
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(folder, fmt.Sprintf("%05d_next.sql", version)): file}})
	require.NoError(t, err)
	write(t, filepath.Join(dir, "overlay.json"), string(overlay))
	cmd := exec.CommandContext(t.Context(), "go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", path, "salve/cmd/salve")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return path, version
}

// with runs the command line of another build.
func (h *house) with(t *testing.T, binary string, args ...string) said {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Dir = h.Dir
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // the code tells
	return said{code: cmd.ProcessState.ExitCode(), out: out.String(), err: errs.String()}
}

func TestAnUpgradeAndTheWayBack(t *testing.T) {
	t.Parallel()
	next, version := nextSalve(t)
	f := newFar(t)
	set := slowSetting(t, f)
	h := startWith(t, set)
	h.knows(t)
	h.does(t, "alert", "send", "--severity", "low", "-l", "service=one", "Slow")
	h.does(t, "alert", "send", "--severity", "high", "-l", "service=two", "Slow")
	until(t, "one is in flight and one waits", func() bool { return f.calls.Load() == 1 && len(h.card(t, 2).Proposals) == 1 })

	// While it runs one may look, and no more.
	look := h.with(t, next, "migrate", "--check")
	require.Equal(t, 3, look.code, look.err)
	require.Contains(t, look.out, fmt.Sprintf("version %d; this build needs %d", version-1, version))
	running := h.with(t, next, "migrate")
	require.Equal(t, 1, running.code)
	require.Contains(t, running.err, "in use by process")
	require.Zero(t, h.salve(t, "migrate", "--check").code, "its own build has nothing to do")
	h.Kill()

	done := h.with(t, next, "migrate", "--json", "--to", "before")
	require.Zero(t, done.code, done.err)
	var m backup.Migrated
	require.NoError(t, json.Unmarshal([]byte(done.out), &m))
	require.True(t, m.Done)
	require.EqualValues(t, version-1, m.Backup.Schema, "the backup is of before")
	require.Zero(t, h.with(t, next, "migrate", "--check").code)

	// The older build keeps away from it.
	for _, args := range [][]string{{"serve"}, {"migrate"}, {"migrate", "--check"}, {"audit", "verify", "--data-dir", h.Process.Dir}} {
		old := h.salve(t, args...)
		require.Contains(t, []int{1, 3}, old.code, args) // refused, or nothing could be checked
		require.Contains(t, old.err, "newer Salve", args)
	}

	// What waited waits, what was in flight is unknown.
	set.Binary = next
	h = startWith(t, set)
	carried := func() bool {
		one, two := h.card(t, 1), h.card(t, 2)
		return len(one.Runs) == 1 && one.Runs[0].Run.Steps[0].State == bot.StepUnknown &&
			len(two.Proposals) == 1 && two.Proposals[0].Approval.State == bot.ApprovalPending
	}
	until(t, "both are carried over", carried)
	newer := h.with(t, next, "backup", "--to", "newer.db")
	require.Zero(t, newer.code, newer.err)
	require.NoError(t, h.Stop())

	// The way back: the older build with the backup of before, not with a newer one.
	refused := h.salve(t, "restore", "newer.db")
	require.Equal(t, 1, refused.code)
	require.Contains(t, refused.err, "written by a newer Salve")
	h.does(t, "restore", m.Backup.Path)
	set.Binary = binary
	h = startWith(t, set)
	until(t, "both are there again", carried)
	require.NoError(t, h.Stop())

	// And forth: the newer build brings an older backup up to date.
	forth := h.with(t, next, "restore", m.Backup.Path)
	require.Zero(t, forth.code, forth.err)
	require.Zero(t, h.with(t, next, "migrate", "--check").code)
	require.EqualValues(t, 1, f.calls.Load(), "nothing was done twice")
}
