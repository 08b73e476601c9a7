package decide_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/flow/decide"
	"salve/storage/sqlite"
)

// eager tells of each commit, so that no test has to sleep.
type eager struct {
	*sqlite.Store
	committed chan bot.Change
}

func (e eager) Commit(ctx context.Context, c bot.Change) (bot.Receipt, error) {
	r, err := e.Store.Commit(ctx, c)
	if err == nil {
		e.committed <- c
	}
	return r, err
}

func TestRunDecidesWhatIsDueAndEndsWithItsContext(t *testing.T) {
	t.Parallel()
	store, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{})
	require.NoError(t, err)
	defer store.Close()
	const n = 600
	var alerts []bot.Alert
	for i := range n {
		alerts = append(alerts, bot.Alert{
			AlertKey: bot.AlertKey{Source: "prom", Fingerprint: fmt.Sprint(i), StartsAt: t0}, GroupKey: fmt.Sprint(i),
			State: bot.AlertFiring, Severity: bot.SeverityLow, Title: "Slow", ReceivedAt: time.Now(),
			Labels: map[string]string{"service": "shop", "instance": fmt.Sprintf("web-%d", i), "release": "r1"},
		})
	}
	_, err = store.Commit(t.Context(), bot.Change{Observed: alerts})
	require.NoError(t, err)
	e := eager{store, make(chan bot.Change, 4*n)}
	leg, err := decide.New(e, &brake{}, library(t), decide.Options{Workers: 8, Scan: time.Hour})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- leg.Run(ctx) }()
	seen := map[bot.IncidentID]bool{}
	for len(seen) < n {
		c := <-e.committed
		require.Len(t, c.Runs, 1)
		require.False(t, seen[c.Incidents[0].ID], "one decision each")
		seen[c.Incidents[0].ID] = true
	}
	_, err = store.Commit(t.Context(), bot.Change{Observed: []bot.Alert{{
		AlertKey: bot.AlertKey{Source: "prom", Fingerprint: "new", StartsAt: t0}, GroupKey: "new", State: bot.AlertFiring, ReceivedAt: time.Now(), Labels: map[string]string{},
	}}})
	require.NoError(t, err)
	leg.Wake()
	<-e.committed
	cancel()
	require.NoError(t, <-done)
}

func TestAStoreThatFailsIsNotTriedWithoutEnd(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		most int64
	}{
		"unavailable": {bot.ErrUnavailable, 300},
		"overloaded":  {bot.ErrOverloaded, 300},
		"conflict":    {bot.ErrConflict, 10 * 300},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.store.fail = tt.err
			var alerts []bot.Alert
			for i := range 300 {
				alerts = append(alerts, h.alert(alertOf{group: fmt.Sprint(i), instance: fmt.Sprintf("web-%d", i)}))
			}
			h.commit(bot.Change{Observed: alerts})
			h.settle()
			require.LessOrEqual(t, h.store.tries.Load(), tt.most)
			h.store.fail = nil
			h.after(time.Second)
			for id := range bot.IncidentID(300) {
				require.NotEmpty(t, h.incident(id+1).Decision.Headline, "what was held up is decided")
			}
		})
	}
}
