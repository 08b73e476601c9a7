package e2e_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheDemoPlaysBothStoriesWithoutAPerson(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	played := run(t, dir, []string{"TMPDIR=" + dir}, "demo", "--unattended")
	require.Zero(t, played.code, played.out+played.err)
	require.Empty(t, played.err)
	for _, part := range []string{"I-1", "R-1 fixed", "demo-restart on demo-shop", "R-2 fixed", "events of the audit log prove"} {
		require.Contains(t, played.out, part)
	}
}

func TestASecondDemoIsRefusedAndTheFirstEndsByCtrlC(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	env := []string{"TMPDIR=" + dir}
	var out bytes.Buffer
	first := exec.Command(binary, "demo")
	first.Dir, first.Env, first.Stdout, first.Stderr = dir, append(os.Environ(), env...), &out, &out
	require.NoError(t, first.Start())
	ended := false
	t.Cleanup(func() {
		if !ended {
			_ = first.Process.Kill()
			_ = first.Wait()
		}
	})
	until(t, "the demo's socket is there", func() bool {
		found, err := filepath.Glob(filepath.Join(dir, "salve-demo-*", "salve.sock"))
		require.NoError(t, err)
		return len(found) == 1 && run(t, dir, env, "status").code == 0
	})
	second := run(t, dir, env, "demo", "--unattended")
	require.Equal(t, 1, second.code)
	require.Contains(t, second.err, "running already")
	require.Contains(t, run(t, dir, env, "whoami").out, "responder", "a second terminal finds the demo")

	require.NoError(t, first.Process.Signal(syscall.SIGINT))
	require.NoError(t, first.Wait(), "Ctrl-C is how the demo ends")
	ended = true
	require.Contains(t, out.String(), "Console (signs you in once)")
}
