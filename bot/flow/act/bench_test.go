package act_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/flow/act"
	"salve/bot/runner"
	"salve/storage/sqlite"
)

// quick is an action that does nothing and counts.
type quick struct{ done chan struct{} }

func (quick) Info() bot.ActionInfo { return bot.ActionInfo{Name: "do"} }

func (q quick) Do(context.Context, bot.StepOrder) (bot.StepOutcome, error) {
	q.done <- struct{}{}
	return bot.StepOutcome{}, nil
}

func bench(b *testing.B, store *sqlite.Store) {
	b.Helper()
	now := time.Now().UTC().Truncate(time.Millisecond)
	for at := 0; at < b.N; at += 500 {
		var c bot.Change
		for i := at; i < min(at+500, b.N); i++ {
			target := fmt.Sprintf("web-%d", i)
			receipt, err := store.Commit(b.Context(), bot.Change{By: bot.Salve, Observed: []bot.Alert{{
				AlertKey: bot.AlertKey{Source: "test", Fingerprint: target, StartsAt: now}, GroupKey: target,
				State: bot.AlertFiring, Severity: bot.SeverityLow, Title: target, ReceivedAt: now,
			}}})
			require.NoError(b, err)
			p := bot.Plan{
				ID: bot.PlanID(store.NextID(bot.KindPlan)), Incident: receipt.Observed[0].Incident, Kind: bot.PlanRespond,
				Playbook: fmt.Sprintf("restart-%d", i%40), Target: target, Steps: []bot.PlanStep{step("a", bot.RepeatNever, false)},
				Mode: bot.ModeAuto, AutoBelow: bot.SeverityHigh, CreatedAt: now,
			}
			p.Digest, err = p.ComputeDigest()
			require.NoError(b, err)
			c.Plans = append(c.Plans, p)
			c.Runs = append(c.Runs, runner.New(bot.RunID(store.NextID(bot.KindRun)), p, bot.Salve, 0, now))
		}
		_, err := store.Commit(b.Context(), c)
		require.NoError(b, err)
	}
	q := quick{done: make(chan struct{}, b.N)}
	leg, err := act.New(store, &brake{}, map[string]runner.Action{"do": q}, &checker{}, act.Options{})
	require.NoError(b, err)
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	b.ResetTimer()
	go func() { ended <- leg.Run(ctx) }()
	for range b.N {
		<-q.done
	}
	cancel()
	require.NoError(b, <-ended)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "runs/s")
}

// BenchmarkRuns measures runs of one step that does nothing, from due to ended.
func BenchmarkRuns(b *testing.B) {
	store, err := sqlite.Open(b.Context(), b.TempDir(), sqlite.Options{})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, store.Close()) })
	bench(b, store)
}
