package serve_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"testing/slogtest"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/cmd/salve/serve"
)

func TestALineAboutAnIncidentHasTheIdsOfItsTrace(t *testing.T) {
	t.Parallel()
	trace := bot.TraceOf("abc", 142)
	other := bot.TraceOf("abc", 7)
	for _, tt := range []struct {
		name  string
		about [2]int64 // of the context: incident, run
		write func(context.Context, *slog.Logger)
		trace string
		span  bot.SpanID
	}{
		{"nothing", [2]int64{}, func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "x", "a", 1) }, "", bot.SpanID{}},
		{"an incident", [2]int64{}, func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "x", "incident", bot.IncidentID(142)) }, trace.String(), trace.Root()},
		{"its run", [2]int64{}, func(ctx context.Context, l *slog.Logger) {
			l.InfoContext(ctx, "x", "run", bot.RunID(8), "incident", bot.IncidentID(142))
		}, trace.String(), trace.Run(8)},
		{"a run of which the incident is not said", [2]int64{}, func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "x", "run", bot.RunID(8)) }, "", bot.SpanID{}},
		{"the context", [2]int64{142, 8}, func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "x") }, trace.String(), trace.Run(8)},
		{"the context with a run", [2]int64{142, 0}, func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "x", "run", bot.RunID(9)) }, trace.String(), trace.Run(9)},
		{"another incident than the context", [2]int64{142, 8}, func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "x", "incident", bot.IncidentID(7)) }, other.String(), other.Root()},
		{"a logger", [2]int64{}, func(ctx context.Context, l *slog.Logger) {
			l.With("incident", bot.IncidentID(142)).With("run", bot.RunID(8)).InfoContext(ctx, "x", "a", 1)
		}, trace.String(), trace.Run(8)},
		{"a text that only looks like one", [2]int64{}, func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "x", "incident", "I-142", "run", 8) }, "", bot.SpanID{}},
		{"a group", [2]int64{142, 0}, func(ctx context.Context, l *slog.Logger) { l.WithGroup("g").InfoContext(ctx, "x", "a", 1) }, "", bot.SpanID{}},
		{"none", [2]int64{}, func(ctx context.Context, l *slog.Logger) { l.InfoContext(ctx, "x", "incident", bot.IncidentID(0)) }, "", bot.SpanID{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			ctx := t.Context()
			if tt.about != [2]int64{} {
				ctx = bot.About(ctx, bot.IncidentID(tt.about[0]), bot.RunID(tt.about[1]))
			}
			tt.write(ctx, slog.New(serve.Joined(slog.NewJSONHandler(&out, nil), "abc")))
			var line map[string]any
			require.NoError(t, json.Unmarshal(out.Bytes(), &line))
			if tt.trace == "" {
				require.NotContains(t, out.String(), "trace_id")
				return
			}
			require.Equal(t, []any{tt.trace, tt.span.String()}, []any{line["trace_id"], line["span_id"]})
		})
	}
}

func TestBeforeTheStoreIsOpenThereAreNoIds(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	slog.New(serve.Joined(slog.NewJSONHandler(&out, nil), "")).Info("x", "incident", bot.IncidentID(142))
	require.NotContains(t, out.String(), "trace_id")
}

func TestTheHandlerOfTheLogKeepsToTheRulesOfSlog(t *testing.T) {
	t.Parallel()
	for _, hash := range []string{"", "abc"} {
		var out bytes.Buffer
		err := slogtest.TestHandler(serve.Joined(slog.NewJSONHandler(&out, nil), hash), func() []map[string]any {
			var all []map[string]any
			for line := range bytes.Lines(out.Bytes()) {
				var m map[string]any
				require.NoError(t, json.Unmarshal(line, &m))
				all = append(all, m)
			}
			return all
		})
		require.NoError(t, err)
	}
}
