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

const (
	opsChannel = "C0OPS00001"
	oncallIDs  = "S0ONCALL01"
	olga       = "U0OLGA0001"
	guest      = "U0GUEST001"
	stranger   = "U0STRANGE1"
)

// newSlack is a workspace with an on-call group.
func newSlack(t testing.TB, opts slacktest.Options) *slacktest.Slack {
	t.Helper()
	fake := slacktest.New(t, opts)
	fake.AddChannel(slacktest.Channel{ID: opsChannel, Name: "ops", Member: true})
	fake.AddUser(slacktest.User{ID: olga, Name: "olga", RealName: "Olga"})
	fake.AddUser(slacktest.User{ID: guest, Name: "gus", Guest: true})
	fake.AddUser(slacktest.User{ID: stranger, Name: "stan"})
	fake.AddGroup(slacktest.Group{ID: oncallIDs, Handle: "oncall", Users: []string{olga}})
	return fake
}

// withSlack connects a configuration to it.
func withSlack(cfg config.Config, fake *slacktest.Slack) config.Config {
	cfg.Slack = &config.Slack{
		BotToken: "env:SLACK_BOT", AppToken: "env:SLACK_APP", DefaultChannel: opsChannel, API: fake.APIURL(),
		Groups: map[string]config.SlackGroup{"oncall": {UserGroup: oncallIDs, Admit: true}},
	}
	return cfg
}

// card waits for the card of the first incident that reads so.
func card(t *testing.T, fake *slacktest.Slack, reads string) slacktest.Message {
	t.Helper()
	var m slacktest.Message
	require.True(t, fake.Await(20*time.Second, func() bool {
		for _, one := range fake.Messages(opsChannel) {
			if strings.Contains(fake.Render(one), reads) {
				m = one
				return true
			}
		}
		return false
	}), "no card reads %q: %s", reads, seen(fake))
	return m
}

func seen(fake *slacktest.Slack) string {
	var b strings.Builder
	for _, m := range fake.Messages(opsChannel) {
		b.WriteString("\n--- " + fake.Render(m))
	}
	return b.String()
}

func TestAnIncidentIsHandledInSlackFromTheAlertToTheEnd(t *testing.T) {
	t.Parallel()
	shop := newShop(t)
	fake := newSlack(t, slacktest.Options{})
	salve := run(t, withSlack(setUp(t, shop), fake))
	code, body := alert(t, salve.URL(), "ShopIll", "high")
	require.Equal(t, 200, code, body)
	asked := card(t, fake, "Needs approval")
	require.Zero(t, shop.healed.Load(), "nothing runs before somebody says yes")

	said := fake.Press(stranger, asked, "Approve")
	require.True(t, said.Acked)
	whisper, ok := said.Whispered()
	require.True(t, ok)
	require.Contains(t, fake.Render(whisper.Message), "salve user add NAME --role responder --slack "+slacktest.TeamID+"/"+stranger)
	require.Zero(t, shop.healed.Load())

	said = fake.Press(olga, asked, "Approve")
	require.True(t, said.Acked)
	salve.until(t, bot.RunFixed)
	require.Equal(t, int32(1), shop.healed.Load())
	fixed := card(t, fake, "Fixed by heal on shop")
	require.Equal(t, asked.TS, fixed.TS, "one card, edited in place: %s", seen(fake))
	require.NotContains(t, fake.Render(fixed), "Approve", "what is decided asks nobody")
	require.True(t, fake.Await(10*time.Second, func() bool {
		return strings.Contains(seen(fake), "Run R-1 · heal · shop · fixed it") && !strings.Contains(seen(fake), "Approve") // nor does the notice, if it was posted
	}), seen(fake))
	for _, m := range fake.Messages(opsChannel) {
		require.True(t, m.TS == asked.TS || m.Thread == asked.TS, "the history stands in the card's thread: %s", seen(fake))
	}
	require.NoError(t, salve.end())
}
