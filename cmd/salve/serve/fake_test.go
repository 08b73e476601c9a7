package serve_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"salve/bot"
	"salve/bot/secret"
	"salve/cmd/salve/config"
	"salve/cmd/salve/serve"
	"salve/integrations/control"
	"salve/integrations/discord/discordtest"
	"salve/integrations/oidc/oidctest"
	"salve/integrations/slack/slacktest"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.parallel").Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		_ = flag.Set("test.parallel", "12") // stories mostly wait
	}
	goleak.VerifyTestMain(m)
}

const hookToken = "a-token-of-the-sender"

// shop is a service that is ill until somebody heals it.
type shop struct {
	*httptest.Server
	healed atomic.Int32
	slow   atomic.Bool // healing has not helped so far
}

func newShop(t testing.TB) *shop {
	t.Helper()
	s := &shop{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/heal" && r.Method == http.MethodPost {
			s.healed.Add(1)
		}
		if s.healed.Load() == 0 || s.slow.Load() && r.URL.Path == "/" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

const playbook = `name: heal
title: Heal the shop
description: Asks the shop to heal itself.
owner: tests
risk: low
match: alert.labels["alertname"] == "ShopIll"
target: alert.labels["service"]
mode: auto
auto_below: medium
approvers: [oncall]
steps:
  - id: heal
    title: Heal it
    uses: http
    repeat: safe # healing twice heals once
    with: {url: "%[1]s/heal", method: POST}
verify:
  within: 20s
  every: 1s
  checks:
    - id: healthy
      uses: http
      with: {url: "%[1]s/"}
      expect: status == 200
`

// setUp is a small configuration in a directory of its own.
func setUp(t testing.TB, s *shop) config.Config {
	t.Helper()
	dir, err := os.MkdirTemp("", "salve") // short: a socket's path is bounded
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	books := filepath.Join(dir, "playbooks")
	require.NoError(t, os.Mkdir(books, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(books, "heal.yaml"), fmt.Appendf(nil, playbook, s.URL), 0o600))
	u, err := url.Parse(s.URL)
	require.NoError(t, err)
	cfg, err := config.Parse("salve.yaml", fmt.Appendf(nil,
		"data_dir: %s/data\nlisten: 127.0.0.1:0\nsources:\n  - {name: prod, type: alertmanager, bearer: env:HOOK}\nplaybooks: {dirs: [%s], library: false}\negress: {allow: [%q]}\n",
		dir, books, u.Host))
	require.NoError(t, err)
	cfg.Watch.DiskFree = 0 // whatever room this machine has
	return cfg
}

func secrets(t testing.TB) (secret.Resolver, *secret.Redactor) {
	t.Helper()
	redactor := secret.NewRedactor()
	known := map[string]string{"HOOK": hookToken, "LOGIN": oidctest.ClientSecret, "SLACK_BOT": slacktest.BotToken, "SLACK_APP": slacktest.AppToken, "SLACK_SIGNING": slacktest.SigningSecret, "DISCORD_BOT": discordtest.BotToken}
	r, err := secret.NewEnvFile(func(name string) (string, bool) { v, ok := known[name]; return v, ok },
		func(string) ([]byte, error) { return nil, os.ErrNotExist }, redactor)
	require.NoError(t, err)
	return r, redactor
}

// start makes a Salve ready.
func start(t testing.TB, cfg config.Config) (*serve.Salve, error) {
	t.Helper()
	return startWith(t, cfg, nil)
}

func startWith(t testing.TB, cfg config.Config, clocks func() bot.Reading) (*serve.Salve, error) {
	t.Helper()
	resolver, redactor := secrets(t)
	lib, err := serve.Load(cfg, resolver, redactor)
	if err != nil {
		return nil, err
	}
	return serve.Start(t.Context(), cfg, serve.Options{Version: "test", Library: lib, Secrets: resolver, Clocks: clocks})
}

// running is a Salve that runs until it is stopped.
type running struct {
	*serve.Salve
	*control.Client
	stop context.CancelFunc
	once sync.Once
	done chan error
	err  error
}

// end waits for it to be over.
func (r *running) end() error {
	r.stop()
	r.once.Do(func() { r.err = <-r.done })
	return r.err
}

func run(t testing.TB, cfg config.Config) *running {
	t.Helper()
	return runWith(t, cfg, nil)
}

func runWith(t testing.TB, cfg config.Config, clocks func() bot.Reading) *running {
	t.Helper()
	s, err := startWith(t, cfg, clocks)
	require.NoError(t, err)
	return goes(t, s)
}

// goes runs one that was started.
func goes(t testing.TB, s *serve.Salve) *running {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	r := &running{Salve: s, Client: control.NewUnixClient(s.Socket()), stop: stop, done: make(chan error, 1)}
	go func() { r.done <- s.Run(ctx) }()
	t.Cleanup(func() {
		_ = r.end() // who cares has looked before
		http.DefaultClient.CloseIdleConnections()
	})
	return r
}

// alert sends one, as Alertmanager does.
func alert(t testing.TB, base, name, severity string) (int, string) {
	t.Helper()
	body := fmt.Sprintf(`{"version":"4","receiver":"x","status":"firing","truncatedAlerts":0,"groupKey":"{}:{%[1]s}",
"groupLabels":{"alertname":%[1]q},"commonLabels":{},"commonAnnotations":{},"externalURL":"","alerts":[{"status":"firing",
"labels":{"alertname":%[1]q,"severity":%[2]q,"service":"shop"},"annotations":{},"startsAt":"2026-01-01T00:00:00Z",
"endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":"00000000000000aa"}]}`, name, severity)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/v1/hooks/prod", bytes.NewReader([]byte(body)))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+hookToken)
	return exchange(t, req)
}

func get(t testing.TB, address string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	return exchange(t, req)
}

func exchange(t testing.TB, req *http.Request) (int, string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(b)
}

// until reads runs after each change until one is in that state.
func (r *running) until(t *testing.T, state bot.RunState) bot.Run {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		var runs []bot.Run
		require.NoError(t, r.Get(ctx, "/v1/runs", nil, &runs))
		if len(runs) > 0 && runs[0].State == state {
			return runs[0]
		}
		require.NoError(t, r.WaitForChange(ctx), "%v", runs)
	}
}

// untilHalted waits for a halt from outside of the store, of which no change tells.
func (r *running) untilHalted(t *testing.T) []bot.Halt {
	t.Helper()
	var halts []bot.Halt
	require.Eventually(t, func() bool {
		var err error
		halts, err = r.Brake().Halts(t.Context())
		return err == nil && len(halts) > 0
	}, 10*time.Second, time.Millisecond)
	return halts
}

var errRows = errors.New("the rows cannot be read")
