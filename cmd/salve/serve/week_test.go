package serve_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/cmd/salve/config"
)

func TestAWeekIsCountedFromTheLogAndTheRows(t *testing.T) {
	t.Parallel()
	shop := newShop(t)
	cfg := setUp(t, shop)
	cfg.Slack = &config.Slack{DefaultChannel: opsChannel} // one that cannot be reached holds nothing up
	cfg.Slack.BotToken, cfg.Slack.AppToken, cfg.Slack.API = "env:SLACK_BOT", "env:SLACK_APP", "http://127.0.0.1:1/api/"
	salve := run(t, cfg)
	began := time.Now().Add(-time.Minute)
	code, body := alert(t, salve.URL(), "ShopIll", "low")
	require.Equal(t, 200, code, body)
	salve.until(t, bot.RunFixed)

	events, err := salve.EventsOf(t.Context(), began, time.Now().Add(time.Minute))
	require.NoError(t, err)
	all, err := salve.EventsOf(t.Context(), time.Time{}, time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.Equal(t, int64(1), all[0].Seq, "from the first one on")
	require.LessOrEqual(t, len(events), len(all))
	none, err := salve.EventsOf(t.Context(), time.Now().Add(time.Hour), time.Now().Add(2*time.Hour))
	require.NoError(t, err)
	require.Empty(t, none)
	past, err := salve.EventsOf(t.Context(), began.Add(-2*time.Hour), began)
	require.NoError(t, err)
	require.Empty(t, past)

	m, err := salve.Week(t.Context(), began, time.Now().Add(time.Minute))
	require.NoError(t, err)
	require.Equal(t, bot.MessageWeekly, m.Kind)
	require.Contains(t, m.Alone, "1 fixed by itself", "the alert began long ago; its run did not")
	require.NoError(t, salve.end())
}
