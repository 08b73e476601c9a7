package serve_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/cmd/salve/config"
	"salve/integrations/slack/slacktest"
)

func TestWhoeverIsOnCallGetsItAsADirectMessageToo(t *testing.T) {
	t.Parallel()
	shop := newShop(t)
	fake := newSlack(t, slacktest.Options{})
	cfg := withSlack(setUp(t, shop), fake)
	high := bot.SeverityHigh
	cfg.Slack.Direct = &high
	cfg.OnCall = config.OnCall{Sources: []config.OnCallSource{{Type: config.TypeSlack, UserGroup: oncallIDs}}}
	salve := run(t, cfg)
	code, body := alert(t, salve.URL(), "ShopIll", "high")
	require.Equal(t, 200, code, body)
	inChannel := card(t, fake, "Needs approval")

	var direct slacktest.Message
	require.True(t, fake.Await(20*time.Second, func() bool {
		for _, m := range fake.Direct(olga) {
			if strings.Contains(fake.Render(m), "Needs approval") {
				direct = m
				return true
			}
		}
		return false
	}), seen(fake))
	require.NotEqual(t, inChannel.Channel, direct.Channel)

	require.True(t, fake.Press(olga, direct, "Approve").Acked, "the button works there as well")
	salve.until(t, bot.RunFixed)
	require.Equal(t, int32(1), shop.healed.Load())
	card(t, fake, "Fixed by heal on shop")
	require.True(t, fake.Await(20*time.Second, func() bool {
		now, ok := fake.Message(direct.Channel, direct.TS)
		return ok && strings.Contains(fake.Render(now), "Fixed by heal on shop")
	}), "both cards live")
	require.NoError(t, salve.end())
}
