package wait_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/wait"
)

func order(v any) bot.StepOrder { return bot.StepOrder{Args: map[string]any{"for": v}} }

func TestWaitsAsLongAsItIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		out, err := wait.New().Do(t.Context(), order("90s"))
		require.NoError(t, err)
		require.Equal(t, 90*time.Second, time.Since(began))
		require.Equal(t, "1m30s", out.Fields["waited"])
	})
}

func TestEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errors.New("salve is stopping")) })
		began := time.Now()
		_, err := wait.New().Do(ctx, order("1h"))
		require.ErrorContains(t, err, "salve is stopping")
		require.ErrorIs(t, err, bot.ErrUntouched)
		require.Equal(t, time.Second, time.Since(began))
	})
}

func TestRefusesWhatItCannotDo(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for name, args := range map[string]map[string]any{
		"no length":             {},
		"a number":              {"for": 3.0},
		"a word":                {"for": "long"},
		"a negative length":     {"for": "-3s"},
		"an unknown argument":   {"for": "3s", "until": "x"},
		"more than its timeout": {"for": "2m"},
	} {
		t.Run(name+" is refused", func(t *testing.T) {
			t.Parallel()
			_, err := wait.New().Do(ctx, bot.StepOrder{Args: args})
			require.ErrorIs(t, err, bot.ErrUntouched)
		})
	}
}

func TestDescribesItself(t *testing.T) {
	t.Parallel()
	info := wait.New().Info()
	require.Equal(t, "wait", info.Name)
	require.Equal(t, bot.EffectReads, info.Effect)
	require.NotEmpty(t, info.Rights)
	for _, arg := range info.Args {
		require.NotEmpty(t, arg.Docs)
	}
}
