// Package e2e_test plays whole days with the real binary: real Prometheus and
// Alertmanager in front of it, a real shop that breaks behind it, a person at
// the command line and in a browser.
//
// The tests read as timelines. Each has its own directory and free ports, so
// that all run at once. A tool that is missing skips its test, unless
// SALVE_REQUIRE_TOOLS is set: then it fails.
package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
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
	"salve/cmd/salve/demo"
	"salve/integrations/control"
	"salve/playbooks"
)

// binary is the program under test.
var binary string

func TestMain(m *testing.M) { os.Exit(build(m)) }

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "salve-e2e-bin")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }() // a left folder in /tmp harms nobody
		binary, err = trial.Build(context.Background(), dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// patience is how long anything may take before the test gives up on it.
const patience = 45 * time.Second

// until polls until ok holds.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		if ok() {
			return
		}
		if time.Now().After(deadline) {
			require.FailNowf(t, "it did not happen", "%s within %s", what, patience)
		}
	}
}

// tool finds a program, or skips the test.
func tool(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("SALVE_REQUIRE_TOOLS") != "" {
		t.Fatalf("%s is required here and not installed", names[0])
	}
	t.Skipf("%s is not installed", names[0])
	return ""
}

// shortDir is a directory whose path leaves room for a unix socket's name.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "salve-e2e")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

// hookToken is the secret of the source prod.
const hookToken = "prod-hook-token-of-this-test"

// shop starts the shop that breaks, with its supervisor.
func shop(t *testing.T) *demo.Supervisor {
	t.Helper()
	sup, stop, err := demo.StartSupervisor(t.Context(), []string{binary, "demo-service"}, io.Discard)
	require.NoError(t, err)
	t.Cleanup(stop)
	return sup
}

// house is a running Salve with the directory that its operator works in.
type house struct {
	*trial.Process
	Dir  string
	Door *control.Client
}

// config of a Salve that heals the shop; %s: token file, playbooks, shop, supervisor.
const config = `sources:
  - {name: prod, type: alertmanager, bearer: "file:%s"}
playbooks: {dirs: [%s]}
egress: {allow: [%q, %q]}
`

// start starts Salve with the shop's playbooks.
func start(t *testing.T, shopURL, supervisorURL string) *house {
	t.Helper()
	dir := shortDir(t)
	token, books := filepath.Join(dir, "token"), filepath.Join(dir, "playbooks")
	require.NoError(t, os.WriteFile(token, []byte(hookToken), 0o600))
	demo, err := playbooks.Demo(shopURL, supervisorURL)
	require.NoError(t, err)
	require.NoError(t, os.CopyFS(books, demo))
	p, err := trial.Start(t.Context(), trial.Setting{
		Binary: binary, Dir: dir, Config: fmt.Sprintf(config, token, books, host(t, shopURL), host(t, supervisorURL)),
	})
	require.NoError(t, err)
	h := &house{Process: p, Dir: dir, Door: control.NewUnixClient(filepath.Join(p.Dir, "salve.sock"))}
	t.Cleanup(func() {
		p.Kill() // no matter if the test has stopped it
		if t.Failed() {
			t.Log(p.Logs())
		}
	})
	return h
}

func host(t *testing.T, raw string) string {
	t.Helper()
	u, err := url.Parse(raw)
	require.NoError(t, err)
	return u.Host
}

// said is what a command left behind.
type said struct {
	code     int
	out, err string
}

// salve runs the command line in the operator's directory, with more environment.
func (h *house) salve(t *testing.T, args ...string) said { return h.salveWith(t, nil, args...) }

func (h *house) salveWith(t *testing.T, env []string, args ...string) said {
	t.Helper()
	return run(t, h.Dir, env, args...)
}

func run(t *testing.T, dir string, env []string, args ...string) said {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); !exited {
		require.NoError(t, err)
	}
	s := said{code: cmd.ProcessState.ExitCode(), out: out.String(), err: errs.String()}
	if os.Getenv("SALVE_E2E_ALOUD") != "" {
		t.Logf("$ salve %s   (exit %d)\n%s%s", strings.Join(args, " "), s.code, s.out, s.err)
	}
	return s
}

// does runs the command line, wants success, and gives what it printed.
func (h *house) does(t *testing.T, args ...string) string {
	t.Helper()
	s := h.salve(t, args...)
	require.Zerof(t, s.code, "salve %s: %s%s", strings.Join(args, " "), s.out, s.err)
	return s.out
}

// knows makes Salve know the user of this test as alice, who may decide.
func (h *house) knows(t *testing.T) {
	t.Helper()
	h.does(t, "user", "add", "alice", "--name", "Alice", "--role", "responder", "--group", "oncall", "--group", "resumers", "--uid", strconv.Itoa(os.Getuid()))
}

// incident gives the card of the newest incident of an alert, if there is one.
func (h *house) incident(t *testing.T, alert string) (bot.Card, bool) {
	t.Helper()
	var list []bot.Incident
	require.NoError(t, h.Door.Get(t.Context(), "/v1/incidents", url.Values{"text": {alert}}, &list))
	if len(list) == 0 {
		return bot.Card{}, false
	}
	return h.card(t, list[0].ID), true
}

func (h *house) card(t *testing.T, id bot.IncidentID) bot.Card {
	t.Helper()
	var card bot.Card
	require.NoError(t, h.Door.Get(t.Context(), "/v1/incidents/"+id.String(), nil, &card))
	return card
}

// waits polls until an alert's incident waits for an approval.
func (h *house) waits(t *testing.T, alert string) bot.Card {
	t.Helper()
	return h.sees(t, alert, "waits for an approval", func(c bot.Card) bool {
		return len(c.Proposals) > 0 && c.Proposals[0].Approval.State == bot.ApprovalPending
	})
}

// sees polls the incident of an alert until it is as wanted.
func (h *house) sees(t *testing.T, alert, what string, ok func(bot.Card) bool) bot.Card {
	t.Helper()
	var card bot.Card
	until(t, alert+" "+what, func() bool {
		var found bool
		card, found = h.incident(t, alert)
		return found && ok(card)
	})
	return card
}

func fixed(c bot.Card) bool { return len(c.Runs) > 0 && c.Runs[0].Run.State == bot.RunFixed }

// answers gives the status of a page, 0 if nobody answers within a second.
func answers(t *testing.T, url string) int {
	t.Helper()
	client := http.Client{Timeout: time.Second}
	resp, err := client.Get(url)
	if err != nil {
		return 0
	}
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode
}
