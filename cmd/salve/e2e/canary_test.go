package e2e_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/cmd/internal/trial"
	"salve/integrations/control"
)

// canary is a secret that looks different in every spelling.
const canary = `kE7/q+Zt&9w"Xv=3m'Lp<Rb>2c%Jn#5hVd8~Tg`

// parrot tells what it was told in every way that it can think of.
type parrot struct {
	url, raw string
	heard    atomic.Int64 // requests that brought the canary
}

func (p *parrot) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	told := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if told == canary {
		p.heard.Add(1)
	}
	w.Header().Set("X-Echo", told)
	w.Header().Set("Set-Cookie", "t="+base64.StdEncoding.EncodeToString([]byte(told)))
	switch r.URL.Path {
	case "/away":
		http.Redirect(w, r, p.url+"/landed?token="+url.QueryEscape(told), http.StatusTemporaryRedirect)
		return
	case "/json":
		w.Header().Set("Content-Type", "application/json")
		fields := map[string]any{"plain": told, "query": url.QueryEscape(told), "path": url.PathEscape(told), told: "a key"}
		fields["nested"] = map[string]any{"hex": hex.EncodeToString([]byte(told))}
		_ = json.NewEncoder(w).Encode(fields)
		return
	case "/fail":
		w.WriteHeader(http.StatusInternalServerError)
	}
	_, _ = io.WriteString(w, strings.Join(spellings(told), "\n"))
}

// spellings are the ways in which the parrot says a text.
func spellings(s string) []string {
	quoted, _ := json.Marshal(s)
	again, _ := json.Marshal(string(quoted))
	basic := base64.StdEncoding.EncodeToString([]byte("user:" + s + "!"))
	return []string{
		s, string(quoted), string(again), html.EscapeString(s), url.QueryEscape(s), url.PathEscape(s), url.QueryEscape(url.QueryEscape(s)),
		hex.EncodeToString([]byte(s)), strings.ToUpper(hex.EncodeToString([]byte(s))), basic, url.QueryEscape(basic),
		base64.RawURLEncoding.EncodeToString([]byte(s)), base64.StdEncoding.EncodeToString([]byte("u" + s)),
		strings.ReplaceAll(fmt.Sprintf(" % x", s), " ", "%"), strings.ReplaceAll(fmt.Sprintf(" % x", s), " ", `\x`),
	}
}

// listens starts the parrot, and a second one that does not speak HTTP.
func listens(t *testing.T) *parrot {
	t.Helper()
	p := &parrot{}
	srv := httptest.NewServer(p)
	t.Cleanup(srv.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	t.Cleanup(func() { _ = l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			buf := make([]byte, 4096)
			n, _ := conn.Read(buf)
			_, _ = conn.Write(append([]byte(canary+" "), buf[:n]...))
			_ = conn.Close()
		}
	}()
	p.url, p.raw = srv.URL, "http://"+l.Addr().String()
	return p
}

// prattler is a program that prints the canary bit by bit.
func prattler(t *testing.T, dir, name string, status int) string {
	t.Helper()
	var script strings.Builder
	script.WriteString("#!/bin/sh\n")
	for i, s := range spellings(canary) {
		for half := range 2 {
			cut := (i*5 + 7) % len(s)
			piece := []string{s[:cut], s[cut:] + "\n"}[half]
			fmt.Fprintf(&script, "printf '%%s' '%s'\nsleep 0.01\n", strings.ReplaceAll(piece, "'", `'\''`))
			fmt.Fprintf(&script, "printf '%%s' '%s' >&2\n", strings.ReplaceAll(piece, "'", `'\''`))
		}
	}
	fmt.Fprintf(&script, "exit %d\n", status)
	file := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(file, []byte(script.String()), 0o700))
	return file
}

const canaryBook = `name: %[1]s
owner: team-test
risk: low
match: alert.title == "%[2]s"
target: "'%[2]s'"
mode: auto
auto_below: high
approvers: [oncall]
steps:
  - id: one
    uses: %[3]s
    with: %[4]s
verify:
  within: 1s
  every: 1s
  checks:
    - {id: echo, uses: http, with: {url: %[5]s/json, bearer: env:SALVE_E2E_CANARY}, expect: json.plain == "no"}
`

// TestASecretIsInNoSink runs playbooks whose far ends and programs give the
// secret away in every way, and looks for it in all that Salve keeps and says.
func TestASecretIsInNoSink(t *testing.T) {
	t.Parallel()
	p, dir := listens(t), shortDir(t)
	books := filepath.Join(dir, "playbooks")
	require.NoError(t, os.Mkdir(books, 0o700))
	fine, bad := prattler(t, dir, "prattle", 0), prattler(t, dir, "prattle-and-fail", 3)
	const bearer = ", bearer: env:SALVE_E2E_CANARY}"
	steps := []struct{ name, uses, with string }{ // programs first: nothing has used the secret by then
		{"PrintsAndFails", "command", "{argv: [" + bad + "]}"},
		{"Prints", "command", "{argv: [" + fine + "]}"},
		{"Says", "http", "{url: " + p.url + "/say" + bearer},
		{"SaysJSON", "http", "{url: " + p.url + "/json" + bearer},
		{"Fails", "http", "{url: " + p.url + "/fail" + bearer},
		{"SendsAway", "http", "{url: " + p.url + "/away" + bearer},
		{"SpeaksNoHTTP", "http", "{url: " + p.raw + bearer},
	}
	for _, s := range steps {
		name := strings.ToLower(s.name)
		write(t, filepath.Join(books, name+".yaml"), fmt.Sprintf(canaryBook, name, s.name, s.uses, s.with, p.url))
	}
	proc, err := trial.Start(t.Context(), trial.Setting{
		Binary: binary, Dir: dir, Env: []string{"SALVE_E2E_CANARY=" + canary},
		Config: fmt.Sprintf("sources:\n  - {name: prod, type: alertmanager, anonymous: true}\nplaybooks: {dirs: [%s]}\negress: {allow: [127.0.0.1]}\ncommands: {allow: [%s, %s]}\nlog: {level: debug}\n", books, fine, bad),
	})
	require.NoError(t, err)
	h := &house{Process: proc, Dir: dir, Door: control.NewUnixClient(filepath.Join(proc.Dir, "salve.sock"))}
	t.Cleanup(func() {
		proc.Kill() // no matter if the test has stopped it
		if t.Failed() {
			t.Log(proc.Logs())
		}
	})
	h.knows(t)
	live := h.hears(t)
	var runs []bot.Run
	for _, s := range steps {
		h.does(t, "alert", "send", "--severity", "low", s.name)
		card := h.sees(t, s.name, "has ended its run, or waits for a person", func(c bot.Card) bool {
			return len(c.Runs) > 0 && (!c.Runs[0].Run.Active() || c.Runs[0].Run.State == bot.RunWaiting)
		})
		runs = append(runs, card.Runs[0].Run)
	}
	require.GreaterOrEqual(t, p.heard.Load(), int64(4), "the secret was really sent")
	said, err := json.Marshal(runs)
	require.NoError(t, err)
	require.GreaterOrEqual(t, bytes.Count(said, []byte("[secret]")), 40, "and really came back: %s", said)

	sinks := h.sinks(t, runs)
	sinks["live updates"] = live()
	require.NoError(t, h.Stop())
	sinks["logs"] = h.Logs()
	require.NoError(t, filepath.WalkDir(proc.Dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			b, readErr := os.ReadFile(path)
			sinks["file "+d.Name()], err = string(b), readErr
		}
		return err
	}))
	require.Contains(t, sinks, "file salve.db")
	for name, text := range sinks {
		for _, form := range spellings(canary) {
			for i := 6; i+10 <= len(form)-6; i += 3 {
				require.NotContains(t, text, form[i:i+10], "%s gives the secret away", name)
			}
		}
	}
}

// hears collects what the live streams say until the result is called.
func (h *house) hears(t *testing.T) func() string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	heard := make(chan string, 2)
	for _, path := range []string{"/events", "/v1/live"} {
		go func() {
			var out strings.Builder
			defer func() { heard <- out.String() }()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.URL+path, nil)
			if err != nil {
				return
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				return
			}
			defer resp.Body.Close()
			_, _ = io.Copy(&out, resp.Body) // ends when the context does
		}()
	}
	return func() string { stop(); return <-heard + <-heard }
}

// sinks is everything that Salve says to whoever may ask.
func (h *house) sinks(t *testing.T, runs []bot.Run) map[string]string {
	t.Helper()
	paths := []string{
		"/v1/incidents", "/v1/runs", "/v1/approvals", "/v1/events", "/v1/audit/verify", "/v1/quarantine", "/v1/playbooks", "/v1/halts", "/v1/status",
		"/", "/runs", "/approvals", "/playbooks", "/quarantine", "/audit", "/halt", "/metrics", "/readyz", "/livez", "/debug/pprof/", "/debug/vars",
	}
	for _, r := range runs {
		i, id := r.Incident.String(), r.ID.String()
		paths = append(paths, "/v1/incidents/"+i, "/v1/incidents/"+i+"/timeline", "/v1/incidents/"+i+"/why", "/v1/incidents/"+i+"/events", "/v1/runs/"+id,
			"/incidents/"+i, "/incidents/"+i+"/run", "/incidents/"+i+"/timeline.md", "/runs/"+id)
	}
	out := map[string]string{}
	for _, path := range paths {
		resp, err := http.Get(h.URL + path)
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.NotEqual(t, http.StatusInternalServerError, resp.StatusCode, path)
		out["GET "+path] = fmt.Sprint(resp.Header) + string(body)
	}
	for _, r := range runs {
		require.Contains(t, out["GET /runs/"+r.ID.String()], r.Playbook)
	}
	for _, args := range [][]string{{"audit", "show"}, {"--json", "audit", "show"}, {"incidents"}, {"runs"}, {"status"}} {
		out["salve "+strings.Join(args, " ")] = h.does(t, args...)
	}
	return out
}
