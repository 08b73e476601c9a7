package serve_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/otlp/otlptest"
)

func TestReplicasTellOneTraceTogether(t *testing.T) {
	t.Parallel()
	url, err := server(t).Create(t.Context(), "traces")
	require.NoError(t, err)

	cfg, _, collector := traced(t)
	cfg.Storage, cfg.Replica = url, "one"
	one := run(t, cfg)
	cfg.DataDir, cfg.Replica = cfg.DataDir+"2", "two"
	two := run(t, cfg)
	one.me(t)
	alertFrom(t, one.URL(), "critical")
	alertFrom(t, two.URL(), "critical") // a repeat, elsewhere
	card := two.card(t, func(c bot.Card) bool { return len(c.Proposals) == 1 })
	_, err = two.Do(t.Context(), bot.Command{Verb: bot.VerbApprove, Incident: 1, Digest: string(card.Proposals[0].Plan.Digest)})
	require.NoError(t, err)
	one.until(t, bot.RunFixed)
	same := one.card(t, func(bot.Card) bool { return true })
	require.NoError(t, one.end())
	require.NoError(t, two.end())

	spans := collector.Spans()
	require.NoError(t, otlptest.Check(spans))
	require.Equal(t, []string{spans[0].Trace, spans[0].Trace}, []string{card.TraceID, same.TraceID})
	times := map[string]int{}
	for _, s := range spans {
		times[s.Name]++
	}
	for _, name := range []string{"receive", "approval", "run", "step http", "verify"} {
		require.Equal(t, 1, times[name], name)
	}
	require.LessOrEqual(t, times["incident"], 2, "each process tells the root once, and says the same")
}
