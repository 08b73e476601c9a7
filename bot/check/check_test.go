package check_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/check"
)

var now = time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC)

type prober func(context.Context) (bot.Probe, error)

func (p prober) Probe(ctx context.Context, _ bot.PlanCheck, _ bot.Run) (bot.Probe, error) {
	return p(ctx)
}

func sees(p bot.Probe) prober {
	return func(context.Context) (bot.Probe, error) { return p, nil }
}

func fails(text string) prober {
	return func(context.Context) (bot.Probe, error) { return bot.Probe{}, errors.New(text) }
}

func TestCheck(t *testing.T) {
	t.Parallel()
	ok := sees(bot.Probe{Status: 200, Body: `{"free": 7}`, Fields: map[string]string{"holds": "true"}, Took: bot.Duration(12 * time.Millisecond)})
	down := sees(bot.Probe{Status: 503, Body: "secret stuff", Fields: map[string]string{"holds": "false"}})
	tests := []struct {
		name   string
		probe  check.Prober
		check  bot.PlanCheck
		want   bot.Fix
		reason string
	}{
		{"an expectation that holds", ok, bot.PlanCheck{Expect: "status == 200"}, bot.FixYes, "holds: status == 200"},
		{"one over JSON", ok, bot.PlanCheck{Expect: "json.free > 5"}, bot.FixYes, "holds"},
		{"one that does not hold", down, bot.PlanCheck{Expect: "status == 200"}, bot.FixNo, "status 503 after 0s; expected status == 200"},
		{"one with a comment", down, bot.PlanCheck{Expect: "status == 200 // up"}, bot.FixNo, "status 503"},
		{"one over JSON where there is none", down, bot.PlanCheck{Expect: "json.free > 5"}, bot.FixUnknown, "could not be judged (status 503)"},
		{"one that cannot be judged", ok, bot.PlanCheck{Expect: "json.missing > 5"}, bot.FixUnknown, "could not be judged (status 200)"},
		{"one that cannot be understood", ok, bot.PlanCheck{Expect: "status =="}, bot.FixUnknown, "cannot be understood"},
		{"one that is no bool", ok, bot.PlanCheck{Expect: "status"}, bot.FixUnknown, "cannot be understood"},
		{"a probe that fails", fails("connection refused"), bot.PlanCheck{Expect: "status == 200"}, bot.FixUnknown, "could not be asked: connection refused"},
		{"a probe that breaks down", prober(func(context.Context) (bot.Probe, error) { panic("x") }), bot.PlanCheck{}, bot.FixUnknown, "broke down"},
		{"a probe that judges: yes", ok, bot.PlanCheck{}, bot.FixYes, "it holds"},
		{"a probe that judges: no", down, bot.PlanCheck{}, bot.FixNo, "status 503"},
		{"a probe that does not judge", sees(bot.Probe{}), bot.PlanCheck{}, bot.FixUnknown, "does not judge"},
		{"a long reason is cut", fails(strings.Repeat("x\n", 5000)), bot.PlanCheck{}, bot.FixUnknown, "..."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := check.New(map[string]check.Prober{"p": tt.probe})
			require.NoError(t, err)
			tt.check.ID, tt.check.Probe = "health", "p"
			for range 2 { // the second goes by the compiled expectation
				got := c.Check(t.Context(), tt.check, bot.Run{}, now)
				require.Equal(t, "health", got.ID)
				require.Equal(t, now, got.At)
				require.Equal(t, tt.want, got.Fix, got.Reason)
				require.Contains(t, got.Reason, tt.reason)
				require.Less(t, len(got.Reason), 400)
				require.NotContains(t, got.Reason, "secret stuff")
			}
		})
	}
}

func TestAProbeThatIsNotThereIsUnknown(t *testing.T) {
	t.Parallel()
	c, err := check.New(nil)
	require.NoError(t, err)
	got := c.Check(t.Context(), bot.PlanCheck{ID: "x", Probe: "gone"}, bot.Run{}, now)
	require.Equal(t, bot.FixUnknown, got.Fix)
	require.Contains(t, got.Reason, `"gone"`)
	_, err = check.New(map[string]check.Prober{"x": nil})
	require.Error(t, err)
}

func TestAProbeThatHangsIsUnknownWhenItsTimeIsUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, err := check.New(map[string]check.Prober{"p": prober(func(ctx context.Context) (bot.Probe, error) {
			<-ctx.Done()
			return bot.Probe{}, ctx.Err()
		})})
		require.NoError(t, err)
		began := time.Now()
		got := c.Check(t.Context(), bot.PlanCheck{Probe: "p", Expect: "status == 200"}, bot.Run{}, now)
		require.Equal(t, bot.FixUnknown, got.Fix)
		require.Contains(t, got.Reason, "no answer within 10s")
		require.Equal(t, check.Timeout, time.Since(began))
	})
}
