package discord_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/discord"
	"salve/integrations/discord/discordtest"
)

const membersRoute = "GET /guilds/{guild}/members/{user}"

func TestRolesComeWithTheGesture(t *testing.T) {
	t.Parallel()
	each(t, discord.Options{}, func(t *testing.T, fake *discordtest.Discord, c *discord.Client, heard *ear) {
		heard.work = done(t, c)
		first := fake.Slash(ada, discordtest.General, "list", nil)
		m, err := c.Member(t.Context(), heard.last(t).User)
		require.NoError(t, err)
		require.Equal(t, []string{"oncall"}, m.Groups)
		require.Equal(t, "Ada", m.User.Name)
		require.Empty(t, m.Why)
		require.WithinDuration(t, time.Now(), m.ReadAt, 10*time.Second)
		require.Zero(t, fake.Count(membersRoute, 0), "nothing is asked")

		fake.AddRole(discordtest.Role{ID: "1300000000000000009", Name: "admin", Permissions: discordtest.PermissionAdministrator})
		fake.AddUser(discordtest.User{ID: ada, Name: "ada", Roles: []string{"1300000000000000009"}})
		time.Sleep(5 * time.Millisecond) // ids have the time in milliseconds
		fake.Slash(ada, discordtest.General, "list", nil)
		m, err = c.Member(t.Context(), heard.last(t).User)
		require.NoError(t, err)
		require.Empty(t, m.Groups)
		fake.Again(first)
		m, err = c.Member(t.Context(), heard.last(t).User)
		require.NoError(t, err)
		require.Empty(t, m.Groups, "one that is sent again gives nobody back what was taken")
	})
}

func TestWithoutAGestureDiscordIsAsked(t *testing.T) {
	t.Parallel()
	fake := open(t, discordtest.Options{})
	c := client(t, fake, discord.Options{})
	for range 3 {
		m, err := c.Member(t.Context(), bot.ChatUser{ID: adaID})
		require.NoError(t, err)
		require.Equal(t, []string{"oncall"}, m.Groups)
		require.Equal(t, adaID, m.User.ID)
	}
	require.Equal(t, 1, fake.Count(membersRoute, 0))
	fake.AddUser(discordtest.User{ID: bob, Name: "bob", Roles: []string{oncall}, Absent: true})
	for id, why := range map[string]string{bob: "gone", "1200000000000000077": "gone", discordtest.BotUser: "bot"} {
		m, err := c.Member(t.Context(), bot.ChatUser{ID: discordtest.GuildID + "/" + id})
		require.NoError(t, err)
		require.Equal(t, why, m.Why)
		require.Empty(t, m.Groups)
	}
	m, err := c.Member(t.Context(), bot.ChatUser{ID: "999/" + ada})
	require.NoError(t, err)
	require.Equal(t, "external", m.Why)
	for _, id := range []string{"", ada, "x/y", "T1/U1"} {
		_, err = c.Member(t.Context(), bot.ChatUser{ID: id})
		require.Equal(t, bot.SendRefused, fault(t, err).Fault)
	}
}

func TestWhereDiscordDoesNotSayNobodyKnows(t *testing.T) {
	t.Parallel()
	fake := open(t, discordtest.Options{})
	fake.Fail(discordtest.Fault{Route: membersRoute, Status: 503, Times: -1})
	_, err := client(t, fake, discord.Options{}).Member(t.Context(), bot.ChatUser{ID: adaID})
	require.Equal(t, bot.SendDown, fault(t, err).Fault)
}

func TestAGestureThatCameLongAgoSaysNothingOfRoles(t *testing.T) {
	t.Parallel()
	fake := open(t, discordtest.Options{Unlimited: true, Now: func() time.Time { return time.Now().Add(-6 * time.Minute) }})
	c := client(t, fake, discord.Options{})
	require.NoError(t, c.Register(t.Context()))
	heard := newEar()
	heard.work = done(t, c)
	t.Cleanup(heard.hands.Wait)
	listen(t, fake, c, heard)
	fake.Slash(ada, discordtest.General, "list", nil)
	_, err := c.Member(t.Context(), heard.last(t).User)
	require.NoError(t, err)
	require.Equal(t, 1, fake.Count(membersRoute, 0))
}
