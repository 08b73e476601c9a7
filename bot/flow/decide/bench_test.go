package decide_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/flow/decide"
	"salve/storage/sqlite"
)

// BenchmarkDecide is one Incident from its alerts to a planned Run on disk.
func BenchmarkDecide(b *testing.B) {
	for name, service := range map[string]string{"run": "shop", "no-fit": "bank"} {
		b.Run(name, func(b *testing.B) {
			store, err := sqlite.Open(b.Context(), b.TempDir(), sqlite.Options{})
			require.NoError(b, err)
			defer store.Close()
			lib, err := decide.NewLibrary([]bot.Playbook{playbook()}, actions)
			require.NoError(b, err)
			leg, err := decide.New(store, &brake{}, lib, decide.Options{})
			require.NoError(b, err)
			for i := 0; i < b.N; i += 500 {
				var alerts []bot.Alert
				for j := i; j < min(i+500, b.N); j++ {
					alerts = append(alerts, bot.Alert{
						AlertKey: bot.AlertKey{Source: "prom", Fingerprint: fmt.Sprint(j), StartsAt: t0}, GroupKey: fmt.Sprint(j),
						State: bot.AlertFiring, Severity: bot.SeverityLow, Title: "Slow", ReceivedAt: time.Now(),
						Labels: map[string]string{"service": service, "instance": fmt.Sprintf("web-%d", j), "release": "r1", "namespace": "prod"},
					})
				}
				_, err = store.Commit(b.Context(), bot.Change{Observed: alerts})
				require.NoError(b, err)
			}
			b.ResetTimer()
			leg.Settle(b.Context())
		})
	}
}
