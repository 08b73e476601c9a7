package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// some sends until a few are acknowledged, and stops.
func (h *house) some(t *testing.T, send *sender) {
	t.Helper()
	stop, before := send.pour(h.URL, 100), send.told(200)
	until(t, "some alerts are in", func() bool { return send.told(200) > before+20 })
	stop()
}

func TestADatabaseThatIsMovedAwayIsMissedAndTakenUpAgain(t *testing.T) {
	t.Parallel()
	h, send := startWith(t, slowSetting(t, newFar(t))), newSender()
	h.some(t, send)
	path := filepath.Join(h.Process.Dir, "salve.db")
	require.NoError(t, os.Rename(path, path+".moved"))
	require.Equal(t, http.StatusServiceUnavailable, send.send(h.URL, 100))
	require.Equal(t, http.StatusServiceUnavailable, answers(t, h.URL+"/readyz"))
	require.Equal(t, 1, h.salve(t, "status").code)
	require.Contains(t, h.Logs(), path+" was removed or replaced under this process: if it was moved, move it back")
	require.NoFileExists(t, path, "nothing is made in its place")
	require.NoError(t, os.Rename(path+".moved", path))
	until(t, "it is ready again", func() bool { return answers(t, h.URL+"/readyz") == http.StatusOK })
	h.some(t, send)
	require.NoError(t, h.Stop())
	requireKept(t, h.Process.Dir, send.acknowledged())
}

// What docs/operations.md says about a deleted database saves all of it.
func TestADeletedDatabaseIsSavedFromTheProcess(t *testing.T) {
	t.Parallel()
	set, send := slowSetting(t, newFar(t)), newSender()
	h := startWith(t, set)
	h.some(t, send)
	data, rescued := h.Process.Dir, t.TempDir()
	for _, name := range []string{"salve.db", "salve.db-wal"} {
		require.NoError(t, os.Remove(filepath.Join(data, name)))
	}
	require.Equal(t, http.StatusServiceUnavailable, send.send(h.URL, 100))
	fds := filepath.Join("/proc", pid(t, data), "fd")
	entries, err := os.ReadDir(fds)
	require.NoError(t, err)
	for _, e := range entries {
		to, err := os.Readlink(filepath.Join(fds, e.Name()))
		if name, deleted := strings.CutSuffix(filepath.Base(to), " (deleted)"); err == nil && deleted && !strings.HasSuffix(name, "-shm") {
			copyTo(t, filepath.Join(fds, e.Name()), filepath.Join(rescued, name))
		}
	}
	h.Kill()
	for _, name := range []string{"salve.db", "salve.db-wal"} {
		copyTo(t, filepath.Join(rescued, name), filepath.Join(data, name))
	}
	h = startWith(t, set)
	require.Contains(t, h.does(t, "audit", "verify"), "the audit log proves")
	require.NoError(t, h.Stop())
	requireKept(t, data, send.acknowledged())
}

func copyTo(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	require.NoError(t, err)
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	_, err = io.Copy(out, in)
	require.NoError(t, err)
	require.NoError(t, out.Close())
}

const nobody = 65534

// Who starts Salve on files that it may not write is told which, and what to do.
func TestADatabaseThatMayNotBeWrittenNamesTheCure(t *testing.T) {
	t.Parallel()
	set := slowSetting(t, newFar(t))
	h := startWith(t, set)
	require.NoError(t, h.Stop())
	db := filepath.Join(h.Process.Dir, "salve.db")

	exe := filepath.Join(set.Dir, "salve")
	copyTo(t, binary, exe)
	require.NoError(t, os.Chmod(exe, 0o755))
	require.NoError(t, filepath.Walk(set.Dir, func(path string, _ os.FileInfo, err error) error {
		if err != nil || os.Getuid() != 0 {
			return err
		}
		return os.Lchown(path, nobody, nobody)
	}))
	serve := func() (int, string) {
		cmd := exec.CommandContext(t.Context(), exe, "serve", "--config", filepath.Join(set.Dir, "salve.yaml"))
		if os.Getuid() == 0 { // root may write anything
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		}
		out, err := cmd.CombinedOutput()
		require.Error(t, err)
		return cmd.ProcessState.ExitCode(), string(out)
	}
	for _, tt := range []struct {
		path string
		mode os.FileMode
		says string
	}{
		{db, 0o400, "cannot be written; check its owner and mode"},
		{db, 0o644, "run: chmod 600 " + db},
		{h.Process.Dir, 0o500, "cannot be"},
		{h.Process.Dir, 0o777, "run: chmod 700 " + h.Process.Dir},
	} {
		was, err := os.Stat(tt.path)
		require.NoError(t, err)
		require.NoError(t, os.Chmod(tt.path, tt.mode))
		code, out := serve()
		require.NoError(t, os.Chmod(tt.path, was.Mode().Perm()))
		require.Equal(t, 1, code, out)
		require.Contains(t, out, tt.says, fmt.Sprint(tt.path, tt.mode))
	}
}
