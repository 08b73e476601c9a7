package serve_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/secret"
	"salve/cmd/salve/config"
	"salve/cmd/salve/serve"
	"salve/integrations/control"
	"salve/integrations/otlp/otlptest"
)

// traced is the configuration of a Salve that tells a collector.
func traced(t *testing.T) (config.Config, *shop, *otlptest.Collector) {
	t.Helper()
	s, c := newShop(t), otlptest.New()
	t.Cleanup(c.Close)
	cfg := setUp(t, s)
	cfg.Traces.Endpoint, cfg.Traces.View = c.URL, "https://jaeger.example.com/trace/{trace_id}"
	return cfg, s, c
}

// me makes whoever runs the test an approver.
func (r *running) me(t *testing.T) {
	t.Helper()
	p := bot.Person{
		ID: "me", Name: "Grace Hopper", Roles: []bot.Role{bot.RoleResponder}, Groups: []string{"oncall", "resumers"},
		Identities: []bot.Identity{{Surface: "unix", ID: strconv.Itoa(os.Getuid())}},
	}
	require.NoError(t, r.People().Add(t.Context(), bot.Salve, p))
}

// card reads the incident after each change until ok holds.
func (r *running) card(t *testing.T, ok func(bot.Card) bool) bot.Card {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		var c bot.Card
		if err := r.Get(ctx, "/v1/incidents/I-1", nil, &c); err == nil && ok(c) {
			return c
		}
		require.NoError(t, r.WaitForChange(ctx))
	}
}

// told waits until a span of that name has come.
func told(t *testing.T, c *otlptest.Collector, name string) []otlptest.Span {
	t.Helper()
	require.Eventually(t, func() bool {
		return slices.ContainsFunc(c.Spans(), func(s otlptest.Span) bool { return s.Name == name })
	}, 20*time.Second, 10*time.Millisecond, "no span %s", name)
	return c.Spans()
}

const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// alertFrom sends one that says what made it be sent.
func alertFrom(t *testing.T, base, severity string) {
	t.Helper()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	body := fmt.Sprintf(`{"version":"4","receiver":"x","status":"firing","truncatedAlerts":0,"groupKey":"{}:{a}",
"groupLabels":{},"commonLabels":{},"commonAnnotations":{},"externalURL":"","alerts":[{"status":"firing",
"labels":{"alertname":"ShopIll","severity":%q,"service":"shop"},"annotations":{"summary":"the token is %s"},"startsAt":"2026-01-01T00:00:00Z",
"endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":"00000000000000aa"}]}`, severity, hookToken)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/v1/hooks/prod", strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+hookToken)
	req.Header.Set("Traceparent", traceparent)
	code, answer := exchange(t, req)
	require.Equal(t, 200, code, answer)
}

// approve says yes in a process whose legs do not run: what is approved is on
// disk, and nothing has begun.
func approve(t *testing.T, cfg config.Config, digest bot.Digest) {
	t.Helper()
	s, err := start(t, cfg)
	require.NoError(t, err)
	token, _, err := s.People().Issue(t.Context(), bot.Salve, bot.Token{Kind: bot.TokenAPI, Person: "me"}, time.Hour)
	require.NoError(t, err)
	door := httptest.NewServer(s.Handler())
	client, err := control.NewHTTPClient(door.URL, secret.New(token))
	require.NoError(t, err)
	_, err = client.Do(t.Context(), bot.Command{Verb: bot.VerbApprove, Incident: 1, Digest: string(digest)})
	require.NoError(t, err)
	door.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.NoError(t, s.Run(ctx))
}

func TestOneTraceFromTheWebhookToTheVerificationOverFourProcesses(t *testing.T) {
	t.Parallel()
	cfg, shop, collector := traced(t)
	shop.slow.Store(true)
	first := run(t, cfg)
	first.me(t)
	alertFrom(t, first.URL(), "critical")
	alertFrom(t, first.URL(), "critical") // a repeat
	card := first.card(t, func(c bot.Card) bool { return len(c.Proposals) == 1 })
	require.NoError(t, first.end())

	approve(t, cfg, card.Proposals[0].Plan.Digest)

	third := run(t, cfg)
	third.until(t, bot.RunVerifying)
	require.NoError(t, third.end())

	shop.slow.Store(false)
	fourth := run(t, cfg)
	fourth.until(t, bot.RunFixed)
	card = fourth.card(t, func(bot.Card) bool { return true })
	require.NoError(t, fourth.end(), "what waits is sent at the end")

	spans := collector.Spans()
	require.NoError(t, otlptest.Check(spans))
	tree := otlptest.Tree(spans, "salve.approval.state", "salve.approval.decided_by", "salve.run.state", "salve.step.state")
	for strings.HasSuffix(tree, "\n  decide\n") {
		tree = strings.TrimSuffix(tree, "  decide\n") // looks that found the run as it went on
	}
	require.Equal(t, `incident
  receive
  decide
    approval approved approver
      run fixed
        step http succeeded
        verify
`, tree)
	require.Equal(t, spans[0].Trace, card.TraceID)
	require.Equal(t, "https://jaeger.example.com/trace/"+card.TraceID, card.TraceURL)

	by := map[string]otlptest.Span{}
	for _, s := range slices.Backward(spans) { // the first of a name
		by[s.Name] = s
	}
	require.Equal(t, strings.TrimSuffix(strings.TrimPrefix(traceparent, "00-"), "-01"), by["receive"].Link)
	require.NotEqual(t, by["receive"].Trace, traceparent[3:35], "a sender does not choose the trace")
	require.Equal(t, "server", by["receive"].Kind)
	require.Equal(t, []string{"verdict salve.playbook=heal salve.target=shop salve.verdict.rules=severity=ask salve.verdict.ruling=ask"}, by["decide"].Events)
	step := by["step http"]
	require.Equal(t, []string{"client", "ok", "127.0.0.1", "POST", "200"}, []string{step.Kind, step.Status,
		step.Attrs["server.address"], step.Attrs["http.request.method"], step.Attrs["http.response.status_code"]})
	require.Equal(t, []string{"check salve.check.id=healthy salve.check.result=fixed"}, by["verify"].Events)
	all := fmt.Sprint(spans)
	for _, never := range []string{"Grace", hookToken, "/heal"} {
		require.NotContains(t, all, never)
	}
	require.Equal(t, "ShopIll: the token is [secret]", by["decide"].Attrs["salve.incident.title"])
}

func TestARunByItselfHangsFromItsDecision(t *testing.T) {
	t.Parallel()
	cfg, _, collector := traced(t)
	r := run(t, cfg)
	code, body := alert(t, r.URL(), "ShopIll", "low")
	require.Equal(t, 200, code, body)
	r.until(t, bot.RunFixed)
	spans := told(t, collector, "run")
	require.NoError(t, otlptest.Check(spans))
	require.True(t, strings.HasPrefix(otlptest.Tree(spans), "incident\n  receive\n  decide\n    run\n      step http\n      verify\n"), otlptest.Tree(spans))
	var status struct{ Traces struct{ Sent, Dropped int64 } }
	require.Eventually(t, func() bool {
		require.NoError(t, r.Get(t.Context(), "/v1/status", nil, &status))
		return status.Traces.Sent >= 6
	}, 10*time.Second, 10*time.Millisecond)
	require.Zero(t, status.Traces.Dropped)
	require.NoError(t, r.end())
}

func TestWhateverTheCollectorDoesIncidentsAreHandled(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"it refuses": func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusForbidden); return true },
		"it is ill": func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		},
		"it hangs":    otlptest.Hang,
		"it hangs up": func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, shop, collector := traced(t)
			collector.Misbehave(bad)
			r := run(t, cfg)
			code, body := alert(t, r.URL(), "ShopIll", "low")
			require.Equal(t, 200, code, body)
			r.until(t, bot.RunFixed)
			require.Equal(t, int32(1), shop.healed.Load())
			asked := time.Now()
			require.NoError(t, r.end())
			require.Less(t, time.Since(asked), 9*time.Second, "the end waits five seconds at most")
		})
	}
}

func TestWithoutAnEndpointTheStoreIsUsedAsItIs(t *testing.T) {
	t.Parallel()
	s, err := start(t, setUp(t, newShop(t)))
	require.NoError(t, err)
	require.False(t, s.Telling())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.NoError(t, s.Run(ctx))
}

func TestWhatIsWrongWithTheCollectorsHeaderIsSaidAtTheStart(t *testing.T) {
	t.Parallel()
	cfg, _, _ := traced(t)
	cfg.Traces.Headers = map[string]string{"Authorization": "env:NONE"}
	_, err := start(t, cfg)
	require.ErrorContains(t, err, "traces.headers: resolve env:NONE")
}

// lines is a log that is read while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) all(t *testing.T) []map[string]any {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []map[string]any
	for line := range strings.Lines(l.buf.String()) {
		var m map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &m))
		out = append(out, m)
	}
	return out
}

func TestTheLogHasTheIdsOfTheTrace(t *testing.T) {
	t.Parallel()
	cfg, _, collector := traced(t)
	log := &lines{}
	resolver, redactor := secrets(t)
	lib, err := serve.Load(cfg, resolver, redactor)
	require.NoError(t, err)
	s, err := serve.Start(t.Context(), cfg, serve.Options{Version: "test", Library: lib, Secrets: resolver, Log: slog.New(slog.NewJSONHandler(log, nil))})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	r := &running{Salve: s, Client: control.NewUnixClient(s.Socket()), stop: stop, done: make(chan error, 1)}
	go func() { r.done <- s.Run(ctx) }()
	code, body := alert(t, r.URL(), "ShopIll", "low")
	require.Equal(t, 200, code, body)
	r.until(t, bot.RunFixed)
	require.NoError(t, r.end())
	http.DefaultClient.CloseIdleConnections()

	var span otlptest.Span
	for _, sp := range collector.Spans() {
		if sp.Name == "run" {
			span = sp
		}
	}
	var ended map[string]any
	for _, line := range log.all(t) {
		if line["msg"] == "run ended" {
			ended = line
		}
		if line["msg"] == "ready" {
			require.NotContains(t, line, "trace_id", "it is about no incident")
		}
	}
	require.Equal(t, []any{span.Trace, span.ID}, []any{ended["trace_id"], ended["span_id"]})
}
