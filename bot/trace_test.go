package bot_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

func TestATraceIsNamedByTheDatabaseAndTheIncidentAlone(t *testing.T) {
	t.Parallel()
	// Kept for ever: an incident that is open over an upgrade stays one trace.
	require.Equal(t, "29bc7cc2cf9c81b7a38230cdfd32598f", bot.TraceOf("abc", 142).String())
	require.Equal(t, bot.TraceOf("abc", 142), bot.TraceOf("abc", 142))
	seen := map[bot.TraceID]bool{}
	for _, origin := range []string{"abc", "abd", "abc 1"} {
		for id := bot.IncidentID(1); id < 50; id++ {
			seen[bot.TraceOf(origin, id)] = true
		}
	}
	require.Len(t, seen, 3*49)
	require.True(t, bot.TraceOf("", 142).IsZero())
	require.True(t, bot.TraceOf("abc", 0).IsZero())
	require.Empty(t, bot.TraceID{}.String())
}

func TestASpanIsNamedByItsKeyWithinItsTrace(t *testing.T) {
	t.Parallel()
	a, b := bot.TraceOf("abc", 1), bot.TraceOf("abc", 2)
	require.Equal(t, a.Run(3), a.Run(3))
	require.NotEqual(t, a.Run(3), a.Run(4))
	require.NotEqual(t, a.Run(3), b.Run(3))
	require.NotEqual(t, a.Root(), a.Run(3))
	require.Len(t, a.Root().String(), 16)
}

func TestTheShareThatIsSampledIsTheSameForEverybody(t *testing.T) {
	t.Parallel()
	kept := 0
	for id := bot.IncidentID(1); id <= 4000; id++ {
		trace := bot.TraceOf("abc", id)
		require.True(t, trace.Sampled(1))
		require.False(t, trace.Sampled(0))
		if trace.Sampled(0.25) {
			kept++
			require.True(t, trace.Sampled(0.5), "who keeps more keeps these too")
		}
	}
	require.InDelta(t, 1000, kept, 150)
	require.False(t, bot.TraceID{}.Sampled(1), "there is no trace")
}

func TestAContextTellsWhatItIsAbout(t *testing.T) {
	t.Parallel()
	inc, run := bot.Subject(t.Context())
	require.Zero(t, inc)
	require.Zero(t, run)
	inc, run = bot.Subject(bot.About(t.Context(), 142, 88))
	require.Equal(t, bot.IncidentID(142), inc)
	require.Equal(t, bot.RunID(88), run)
}
