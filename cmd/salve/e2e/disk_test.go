package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/cmd/internal/trial"
	"salve/integrations/control"
)

// crowded is a Salve whose disk can be filled up and emptied again.
type crowded struct {
	*house
	data       string // the data directory as this test sees it
	fill, free func(t *testing.T)
	enter      []string // a command line in front of others that makes them see what Salve sees
}

// pid is the process that holds a data directory.
func pid(t *testing.T, data string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(data, "salve.lock"))
	require.NoError(t, err)
	id, _, _ := strings.Cut(string(b), " ")
	return id
}

// limited is a Salve whose files may not grow, as any user can make it.
func limited(t *testing.T, set trial.Setting) crowded {
	t.Helper()
	prlimit := tool(t, "prlimit")
	h := startWith(t, set)
	limit := func(soft string) func(*testing.T) {
		return func(t *testing.T) {
			out, err := exec.CommandContext(t.Context(), prlimit, "--pid", pid(t, h.Process.Dir), "--fsize="+soft+":unlimited").CombinedOutput()
			require.NoError(t, err, string(out))
		}
	}
	return crowded{house: h, data: h.Process.Dir, fill: limit("4096"), free: limit("unlimited")}
}

// small is a Salve whose data directory is a file system of a few MB, mounted
// where only it can see it.
func small(t *testing.T, set trial.Setting) crowded {
	t.Helper()
	unshare := tool(t, "unshare")
	data := filepath.Join(set.Dir, "data")
	require.NoError(t, os.Mkdir(data, 0o700))
	const mount = `mount -t tmpfs -o size=64m,mode=0700 none "$0"`
	if out, err := exec.CommandContext(t.Context(), unshare, "-rm", "sh", "-c", mount, data).CombinedOutput(); err != nil {
		if os.Getenv("SALVE_REQUIRE_TOOLS") != "" {
			require.NoError(t, err, string(out))
		}
		t.Skipf("no file system can be mounted here: %s", out)
	}
	script, id := filepath.Join(set.Dir, "salve.sh"), filepath.Join(set.Dir, "pid")
	text := fmt.Sprintf("#!/bin/sh\necho $$ > %s\nexec %s -rm sh -c '%s && exec \"$@\"' %s %s \"$@\"\n", id, unshare, mount, data, set.Binary)
	require.NoError(t, os.WriteFile(script, []byte(text), 0o700))
	set.Binary = script
	h := startWith(t, set)
	b, err := os.ReadFile(id)
	require.NoError(t, err)
	process := strings.TrimSpace(string(b))
	inside := filepath.Join("/proc", process, "root", data)
	h.Door = control.NewUnixClient(filepath.Join(inside, "salve.sock"))
	ballast := filepath.Join(inside, "ballast")
	return crowded{
		house: h, data: inside, enter: []string{tool(t, "nsenter"), "-t", process, "-U", "-m", "--preserve-credentials"},
		fill: func(t *testing.T) {
			f, err := os.OpenFile(ballast, os.O_CREATE|os.O_WRONLY, 0o600)
			require.NoError(t, err)
			_, err = io.CopyN(f, zeros{}, 128<<20)
			require.ErrorContains(t, err, "no space left")
			require.NoError(t, f.Close())
		},
		free: func(t *testing.T) { require.NoError(t, os.Remove(ballast)) },
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestAFullDiskRefusesAndHealsWithoutARestart(t *testing.T) {
	t.Parallel()
	for name, on := range map[string]func(*testing.T, trial.Setting) crowded{"files may not grow": limited, "the file system is full": small} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFar(t)
			f.letGo()
			c := on(t, slowSetting(t, f))
			c.fullDisk(t, f)
		})
	}
}

// reads gives the status and the text of a page.
func reads(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(b)
}

func (c crowded) fullDisk(t *testing.T, f *far) {
	t.Helper()
	h := c.house
	socket := []string{"--socket", filepath.Join(c.data, "salve.sock")}
	says := func(args ...string) said { return h.salve(t, append(socket, args...)...) }
	require.Zero(t, says("user", "add", "alice", "--role", "responder", "--group", "oncall", "--uid", strconv.Itoa(os.Getuid())).code)
	require.Zero(t, says("alert", "send", "--severity", "high", "-l", "service=one", "Slow").code)
	var digest string
	until(t, "one waits for an approval", func() bool {
		card := h.card(t, 1)
		if len(card.Proposals) == 1 {
			digest = card.Proposals[0].Plan.Digest.Short()
		}
		return digest != ""
	})
	send := newSender()
	stop := send.pour(h.URL, 2000)
	defer stop()
	until(t, "some alerts are in", func() bool { return send.told(200) > 50 })

	// No room: senders are told to come again, nothing runs, people can look.
	c.fill(t)
	until(t, "senders are refused", func() bool { return send.told(503) > 20 })
	until(t, "it says that it is not ready", func() bool { return answers(t, h.URL+"/readyz") == http.StatusServiceUnavailable })
	require.NotEmpty(t, send.patience(), "with Retry-After")
	_, text := reads(t, h.URL+"/readyz")
	require.Contains(t, text, "the database cannot be written")
	require.Equal(t, http.StatusOK, answers(t, h.URL+"/livez"))
	status, text := reads(t, h.URL+"/")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, text, "Slow")
	shown := says("show", "I-1")
	require.Zero(t, shown.code, shown.err)
	asked := says("status")
	require.Equal(t, 1, asked.code)
	require.Contains(t, asked.out, "NOT READY")
	approved := says("approve", "I-1", digest)
	require.Equal(t, 1, approved.code, approved.out)
	require.Zero(t, f.calls.Load(), "nothing runs")
	require.Contains(t, h.Logs(), "free", "the log says what to do")

	// Room again.
	before := send.told(200)
	c.free(t)
	freed := time.Now()
	until(t, "alerts come in again", func() bool { return send.told(200) > before })
	stop()
	until(t, "it is ready again", func() bool { return answers(t, h.URL+"/readyz") == http.StatusOK })
	require.Less(t, time.Since(freed), 10*time.Second)
	if card := h.card(t, 1); card.Proposals[0].Approval.State == bot.ApprovalPending {
		again := says("approve", "I-1", digest)
		require.Zero(t, again.code, again.err)
	}
	until(t, "what was approved runs", func() bool { return f.calls.Load() == 1 })
	require.Zero(t, send.told(0), "no connection broke")
	to := t.TempDir()
	line := append(c.enter, binary, "backup", "--data-dir", h.Process.Dir, "--to", filepath.Join(to, "salve.db"))
	out, err := exec.CommandContext(t.Context(), line[0], line[1:]...).CombinedOutput()
	require.NoError(t, err, string(out))
	requireKept(t, to, send.acknowledged())
	require.Contains(t, says("audit", "verify").out, "the audit log proves")
}
