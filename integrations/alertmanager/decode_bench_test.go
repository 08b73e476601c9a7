package alertmanager_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/alertmanager"
	"salve/integrations/internal/inbound"
)

// notification builds a payload of n alerts of the size that real ones have.
func notification(n int) []byte {
	alerts := make([]string, n)
	for i := range alerts {
		alerts[i] = fmt.Sprintf(`{"status":"firing","labels":{"alertname":"ApcUpsHighLoad","instance":"node-%d.eu1.example.net:9100","job":"apc-ups","service":"auth","severity":"warning"},"annotations":{"description":"UPS load is \u003e 80%%\n  VALUE = %d\n  LABELS =","summary":"APC UPS high load (instance node-%d.eu1.example.net:9100)"},"startsAt":"2026-11-23T07:02:38.472071Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://prometheus.example.net:9090/graph?g0.expr=apcupsd_ups_load_percent%%20%%3E%%2080\u0026g0.tab=1","fingerprint":"%016x"}`, i, i, i, i)
	}
	return []byte(`{"receiver":"ops","status":"firing","alerts":[` + strings.Join(alerts, ",") +
		`],"groupLabels":{"alertname":"ApcUpsHighLoad"},"commonLabels":{"alertname":"ApcUpsHighLoad","severity":"warning"},"commonAnnotations":{},"externalURL":"http://am.example.net:9093","version":"4","groupKey":"{}:{alertname=\"ApcUpsHighLoad\"}","truncatedAlerts":0}`)
}

func BenchmarkDecode(b *testing.B) {
	for _, n := range []int{1, 64} {
		body := notification(n)
		b.Run(fmt.Sprintf("%d alerts", n), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			now := time.Now()
			for b.Loop() {
				alerts, err := alertmanager.Decode("am", body, now)
				require.NoError(b, err)
				require.Len(b, alerts, n)
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "alerts/s")
		})
	}
}

// nowhere is a door that keeps nothing: what is left is the handler's own work.
type nowhere struct{ inbound.Door }

func (nowhere) Receive(_ context.Context, _ bot.Delivery, alerts []bot.Alert) (bot.Receipt, error) {
	r := bot.Receipt{Observed: make([]bot.Observation, len(alerts))}
	for i, a := range alerts {
		r.Observed[i] = bot.Observation{Key: a.AlertKey, Incident: 7, Outcome: bot.OutcomeRepeat, Because: "the same alert is on disk already"}
	}
	return r, nil
}

func BenchmarkHandler(b *testing.B) {
	h, err := alertmanager.New("am", nowhere{}, alertmanager.Options{Credentials: []alertmanager.Credential{{Secret: secret.New("x")}}})
	require.NoError(b, err)
	for _, n := range []int{1, 64} {
		body := notification(n)
		b.Run(fmt.Sprintf("%d alerts", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Authorization", "Bearer x")
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				require.Equal(b, http.StatusOK, w.Code)
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "alerts/s")
		})
	}
}
