package serve_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot/secret"
	"salve/cmd/salve/config"
	"salve/cmd/salve/serve"
	"salve/integrations/otlp/otlptest"
)

// BenchmarkIngestWithTraces is what a delivery of one new alert costs whoever sends it,
// with traces off, on, and with a collector that does not answer.
func BenchmarkIngestWithTraces(b *testing.B) {
	for _, tt := range []struct {
		name string
		bad  func(http.ResponseWriter, *http.Request) bool
		on   bool
	}{{"off", nil, false}, {"on", drain, true}, {"down", otlptest.Hang, true}} {
		b.Run(tt.name, func(b *testing.B) {
			collector := otlptest.New()
			collector.Misbehave(tt.bad)
			b.Cleanup(collector.Close)
			endpoint := ""
			if tt.on {
				endpoint = collector.URL
			}
			s, stop := bare(b, endpoint)
			defer stop()
			h := s.Handler()
			var n atomic.Int64
			b.SetParallelism(16)
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					w := httptest.NewRecorder()
					h.ServeHTTP(w, post(n.Add(1)))
					if w.Code != http.StatusOK {
						b.Errorf("%d %s", w.Code, w.Body)
					}
				}
			})
			b.StopTimer()
		})
	}
}

// drain takes what comes and reads none of it.
func drain(_ http.ResponseWriter, r *http.Request) bool {
	_, err := io.Copy(io.Discard, r.Body)
	return err == nil
}

// bare is a Salve without playbooks that runs.
func bare(b *testing.B, endpoint string) (*serve.Salve, func()) {
	b.Helper()
	dir, err := os.MkdirTemp("", "salve")
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, os.RemoveAll(dir)) })
	cfg, err := config.Parse("salve.yaml", fmt.Appendf(nil,
		"data_dir: %s\nlisten: 127.0.0.1:0\nsources:\n  - {name: prod, type: alertmanager, anonymous: true}\nplaybooks: {library: false}\n", filepath.Join(dir, "data")))
	require.NoError(b, err)
	cfg.Traces.Endpoint = endpoint
	redactor := secret.NewRedactor()
	secrets, err := secret.NewEnvFile(os.LookupEnv, os.ReadFile, redactor)
	require.NoError(b, err)
	lib, err := serve.Load(cfg, secrets, redactor)
	require.NoError(b, err)
	s, err := serve.Start(b.Context(), cfg, serve.Options{Version: "bench", Library: lib, Secrets: secrets})
	require.NoError(b, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	return s, func() {
		cancel()
		require.NoError(b, <-done)
	}
}

func post(n int64) *http.Request {
	body := fmt.Sprintf(`{"version":"4","receiver":"x","status":"firing","truncatedAlerts":0,"groupKey":"{}:{%[1]d}",
"groupLabels":{},"commonLabels":{},"commonAnnotations":{},"externalURL":"","alerts":[{"status":"firing","labels":{"alertname":"A","severity":"low","service":"s%[1]d"},
"annotations":{},"startsAt":"2026-01-01T00:00:00Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":"%016[1]x"}]}`, n)
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/v1/hooks/prod", strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:99"
	r.Header.Set("Content-Type", "application/json")
	return r
}
