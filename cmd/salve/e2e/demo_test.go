package e2e_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
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

// attended starts the demo as a person does, and gives where its output goes.
func attended(t *testing.T, dir string, env []string) (*exec.Cmd, string) {
	t.Helper()
	file := filepath.Join(dir, "screen")
	screen, err := os.Create(file)
	require.NoError(t, err)
	cmd := exec.Command(binary, "demo")
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, append(os.Environ(), env...), screen, screen
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended as it should
		_ = cmd.Wait()
		_ = screen.Close()
	})
	return cmd, file
}

func TestAPersonPlaysTheDemoFromASecondTerminal(t *testing.T) {
	t.Parallel()
	dir := shortDir(t)
	env := []string{"TMPDIR=" + dir}
	first, file := attended(t, dir, env)
	shows := func(part string) bool {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		return strings.Contains(string(b), part)
	}
	until(t, "the demo greets", func() bool { return shows("Console (signs you in once)") })

	// A second one at the same time would take its place.
	second := run(t, dir, env, "demo", "--unattended")
	require.Equal(t, 1, second.code)
	require.Contains(t, second.err, "running already")

	// The second terminal finds the demo by itself.
	require.Contains(t, run(t, dir, env, "whoami").out, "responder")
	until(t, "the second story waits for a person", func() bool { return shows("salve approve I-2 ") })
	var waiting []bot.Approval
	require.NoError(t, json.Unmarshal([]byte(run(t, dir, env, "approvals", "--json").out), &waiting))
	require.Len(t, waiting, 1)
	approved := run(t, dir, env, "approve", waiting[0].Incident.String(), waiting[0].Digest.Short())
	require.Zero(t, approved.code, approved.err)
	until(t, "both are fixed", func() bool { return shows("Both are fixed") })

	require.NoError(t, first.Process.Signal(syscall.SIGINT))
	require.NoError(t, first.Wait(), "Ctrl-C is how the demo ends")
}
