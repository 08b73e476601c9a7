package serve_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/cmd/salve/config"
	"salve/integrations/discord/discordtest"
)

const (
	discordOlga     = "1200000000000000001"
	discordStranger = "1200000000000000002"
	discordOnCall   = "1300000000000000001"
	discordStaff    = "1300000000000000002" // may use the commands of apps
)

// newDiscord is a server with an on-call role.
func newDiscord(t *testing.T, opts discordtest.Options) *discordtest.Discord {
	t.Helper()
	fake := discordtest.New(t, opts)
	fake.AddRole(discordtest.Role{ID: discordOnCall, Name: "oncall"})
	fake.AddRole(discordtest.Role{ID: discordStaff, Name: "staff", Permissions: discordtest.PermissionAdministrator})
	fake.AddUser(discordtest.User{ID: discordOlga, Name: "olga", Roles: []string{discordOnCall, discordStaff}})
	fake.AddUser(discordtest.User{ID: discordStranger, Name: "stan", Roles: []string{discordStaff}})
	return fake
}

// withDiscord connects a configuration to it.
func withDiscord(cfg config.Config, fake *discordtest.Discord) config.Config {
	cfg.Discord = &config.Discord{
		BotToken: "env:DISCORD_BOT", Application: discordtest.AppID, Guild: discordtest.GuildID, DefaultChannel: discordtest.General,
		API: fake.URL() + "/api/v10", Groups: map[string]config.DiscordGroup{"oncall": {Role: discordOnCall, Admit: true}},
	}
	return cfg
}

// discordCard waits for the card that reads so.
func discordCard(t *testing.T, fake *discordtest.Discord, reads string) discordtest.Message {
	t.Helper()
	var m discordtest.Message
	require.True(t, fake.Await(20*time.Second, func() bool {
		for _, one := range fake.Messages(discordtest.General) {
			if strings.Contains(fake.Render(one), reads) {
				m = one
				return true
			}
		}
		return false
	}), "no card reads %q: %s", reads, discordSeen(fake))
	return m
}

func discordSeen(fake *discordtest.Discord) string {
	var b strings.Builder
	for _, m := range fake.Messages(discordtest.General) {
		b.WriteString("\n--- " + fake.Render(m))
	}
	return b.String()
}

func TestAnIncidentIsHandledInDiscordFromTheAlertToTheEnd(t *testing.T) {
	t.Parallel()
	shop := newShop(t)
	fake := newDiscord(t, discordtest.Options{})
	salve := run(t, withDiscord(setUp(t, shop), fake))
	code, body := alert(t, salve.URL(), "ShopIll", "high")
	require.Equal(t, 200, code, body)
	asked := discordCard(t, fake, "Needs approval")

	approve := func(user string) discordtest.Message {
		sure, ok := fake.Press(user, asked, "Approve").Whispered()
		require.True(t, ok, "it is asked whether they are sure")
		require.Contains(t, fake.Render(sure), "Approve plan")
		said, ok := fake.Press(user, sure, "Yes, do it").Replied()
		require.True(t, ok)
		return said
	}
	require.Contains(t, fake.Render(approve(discordStranger)), "salve user add NAME --role responder --discord "+discordtest.GuildID+"/"+discordStranger)
	require.Zero(t, shop.healed.Load())
	require.Contains(t, fake.Render(approve(discordOlga)), "Approved")
	salve.until(t, bot.RunFixed)
	require.Equal(t, int32(1), shop.healed.Load())
	fixed := discordCard(t, fake, "Fixed by heal on shop")
	require.Equal(t, asked.ID, fixed.ID, "one card, edited in place: %s", discordSeen(fake))
	require.NotContains(t, fake.Render(fixed), "Approve")
	require.NoError(t, salve.end())
}
