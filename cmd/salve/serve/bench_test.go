package serve_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot/flow/receive"
	"salve/bot/secret"
	"salve/cmd/salve/serve"
	"salve/integrations/alertmanager"
	"salve/integrations/prometheus"
	"salve/storage/sqlite"
)

const benchBody = `{"version":"4","receiver":"salve","status":"firing","truncatedAlerts":0,"groupKey":"{}:{alertname=\"HighErrorRate%[1]d\"}",
"groupLabels":{"alertname":"HighErrorRate"},"commonLabels":{},"commonAnnotations":{},"externalURL":"http://alertmanager.example.com",
"alerts":[{"status":"firing","labels":{"alertname":"HighErrorRate","cluster":"prod-eu-1","namespace":"shop","service":"svc00042",
"severity":"critical","team":"payments","job":"kubernetes-pods","instance":"10.42.17.31:%[1]d"},"annotations":{"summary":"Error rate is above 5%%"},
"startsAt":"2026-01-01T00:00:00Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://prometheus.example.com/graph","fingerprint":"%016[1]x"}]}`

// BenchmarkIngest posts new alerts, 32 at once, with metrics and without. What
// they cost shows in the processor time; the disk decides about the rest.
func BenchmarkIngest(b *testing.B) {
	for _, with := range []bool{false, true} {
		b.Run(fmt.Sprintf("metrics=%t", with), func(b *testing.B) {
			h := ingest(b, with)
			var next atomic.Int64
			var running sync.WaitGroup
			before := processorTime(b)
			b.ResetTimer()
			for range 32 {
				running.Go(func() {
					for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
						r := httptest.NewRequest(http.MethodPost, "/v1/hooks/prod", bytes.NewReader(fmt.Appendf(nil, benchBody, n)))
						r.Header.Set("Content-Type", "application/json")
						r.Header.Set("Authorization", "Bearer "+hookToken)
						w := httptest.NewRecorder()
						if h.ServeHTTP(w, r); w.Code != http.StatusOK {
							b.Errorf("%d: %s", w.Code, w.Body)
						}
					}
				})
			}
			running.Wait()
			b.StopTimer()
			b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// ingest is the door of a source over a store; with metrics they follow the log
// and are scraped all the while.
func ingest(b *testing.B, with bool) http.Handler {
	store, err := sqlite.Open(b.Context(), b.TempDir(), sqlite.Options{})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, store.Close()) })
	var metrics *prometheus.Metrics
	rows := receive.Store(store)
	if with {
		metrics, err = prometheus.New(b.Context(), prometheus.Ports{Rows: store, Record: store, Brake: store}, prometheus.Options{Sources: []string{"prod"}})
		require.NoError(b, err)
		rows = serve.Metered(store, metrics)
		watched(b, metrics)
	}
	door, err := receive.New(rows, receive.Options{Sources: map[string]receive.Source{"prod": {Decode: alertmanager.Decode}}})
	require.NoError(b, err)
	h, err := alertmanager.New("prod", door, alertmanager.Options{
		Credentials: []alertmanager.Credential{{Secret: secret.New(hookToken)}}, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(b, err)
	if with {
		return metrics.Source("prod", h)
	}
	return h
}

// watched lets the metrics run and scrapes them every five seconds.
func watched(b *testing.B, m *prometheus.Metrics) {
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = m.Run(ctx) })
	running.Go(func() {
		tick := time.NewTicker(5 * time.Second)
		defer tick.Stop()
		for ctx.Err() == nil {
			code, body := ask(m.Handler(prometheus.Access{Local: true}), "/metrics", "")
			if code != http.StatusOK {
				b.Error(body)
			}
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
		}
	})
	b.Cleanup(func() { stop(); running.Wait() })
}

func processorTime(b *testing.B) time.Duration {
	var use syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &use))
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
