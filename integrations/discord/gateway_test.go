package discord_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot/secret"
	"salve/integrations/discord"
	"salve/integrations/discord/discordtest"
)

func TestTheGatewayNeedsNoIntent(t *testing.T) {
	t.Parallel()
	fake := open(t, discordtest.Options{})
	c := client(t, fake, discord.Options{})
	stop := listen(t, fake, c, newEar())
	intents, ok := fake.Intents()
	require.True(t, ok)
	require.Zero(t, intents)
	require.ErrorContains(t, c.Run(t.Context(), newEar()), "in use")
	require.Equal(t, 1, fake.Sessions())
	stop()
	require.False(t, c.Gateway().Connected)
	require.Eventually(t, func() bool { return fake.Sessions() == 0 }, 5*time.Second, 5*time.Millisecond)
}

func TestALostConnectionIsTakenUpAgain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		lose  func(*discordtest.Discord)
		anew  bool
		opts  discordtest.Options
		after func(*discordtest.Discord)
	}{
		"dropped":             {lose: (*discordtest.Discord).DropLinks},
		"asked to reconnect":  {lose: (*discordtest.Discord).Reconnect},
		"closed":              {lose: func(d *discordtest.Discord) { d.CloseLinks(4000) }},
		"no answer to a beat": {lose: func(d *discordtest.Discord) { d.Zombie(true) }, after: func(d *discordtest.Discord) { d.Zombie(false) }, opts: discordtest.Options{Heartbeat: 200 * time.Millisecond}},
		"forgotten":           {lose: (*discordtest.Discord).Invalidate, anew: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := open(t, tt.opts)
			c := client(t, fake, discord.Options{})
			require.NoError(t, c.Register(t.Context()))
			heard := newEar()
			heard.work = done(t, c)
			t.Cleanup(heard.hands.Wait)
			listen(t, fake, c, heard)
			tt.lose(fake)
			if tt.after != nil {
				require.Eventually(t, func() bool { return c.Gateway().LastError != "" }, 10*time.Second, 5*time.Millisecond)
				tt.after(fake)
			}
			require.Eventually(t, func() bool {
				now := c.Gateway()
				return fake.Sessions() == 1 && now.Connected && now.Resumed+now.Sessions == 2
			}, 15*time.Second, 10*time.Millisecond)
			require.Equal(t, tt.anew, c.Gateway().Sessions == 2)
			require.Equal(t, discordtest.AnswerReply, fake.Slash(ada, discordtest.General, "list", nil).Answer)
			require.Len(t, heard.all(), 1)
		})
	}
}

func TestWhatCameWhileTheConnectionWasLostIsHeardOnce(t *testing.T) {
	t.Parallel()
	fake := open(t, discordtest.Options{AckWithin: 6 * time.Second})
	c := client(t, fake, discord.Options{})
	require.NoError(t, c.Register(t.Context()))
	heard := newEar()
	heard.work = done(t, c)
	t.Cleanup(heard.hands.Wait)
	listen(t, fake, c, heard)
	fake.DropLinks()
	require.NotEqual(t, discordtest.AnswerNone, fake.Slash(ada, discordtest.General, "list", nil).Answer)
	require.Len(t, heard.all(), 1)
	require.Equal(t, 1, fake.Identified())
}

func TestASessionThatCannotBeTakenUpIsBegunAnew(t *testing.T) {
	t.Parallel()
	fake := open(t, discordtest.Options{})
	c := client(t, fake, discord.Options{})
	listen(t, fake, c, newEar())
	fake.CloseLinks(4009)
	fake.Invalidate()
	require.Eventually(t, func() bool { return fake.Sessions() == 1 && c.Gateway().Connected && c.Gateway().Sessions == 2 }, 15*time.Second, 10*time.Millisecond)
}

func TestAReconnectStormIsMetWithPauses(t *testing.T) {
	t.Parallel()
	fake := open(t, discordtest.Options{Unlimited: true})
	c := client(t, fake, discord.Options{})
	listen(t, fake, c, newEar())
	end := time.Now().Add(6 * time.Second)
	for time.Now().Before(end) {
		fake.DropLinks()
		time.Sleep(20 * time.Millisecond)
	}
	require.LessOrEqual(t, fake.Identified(), 6, "each that does not last makes the pause longer")
}

func TestAWrongTokenIsNamedAndNotTriedForever(t *testing.T) {
	t.Parallel()
	fake := open(t, discordtest.Options{})
	for name, lose := range map[string]func(){"the API": func() {}, "the gateway": func() { fake.Fail(discordtest.Fault{Route: "GET /gateway", Status: 401, Times: -1}) }} {
		c, err := discord.New(secret.New("canary-token"), discordtest.AppID, discordtest.GuildID, discord.Options{API: fake.URL() + "/api/v10", Allow: loopback})
		require.NoError(t, err)
		t.Cleanup(c.Close)
		lose()
		run(t, c)
		require.Eventually(t, func() bool { return c.Gateway().LastError != "" }, 10*time.Second, 5*time.Millisecond, name)
		require.Contains(t, c.Gateway().LastError, "discord.bot_token", name)
		require.NotContains(t, c.Gateway().LastError, "canary")
		require.Zero(t, fake.Sessions())
	}
}

func TestTheGatewaysPauseIsKept(t *testing.T) {
	t.Parallel()
	fake := open(t, discordtest.Options{})
	fake.Fail(discordtest.Fault{Route: "GET /gateway", Status: 429, RetryAfter: "120", Times: -1})
	c := client(t, fake, discord.Options{})
	run(t, c)
	require.Eventually(t, func() bool { return c.Gateway().LastError != "" }, 10*time.Second, 5*time.Millisecond)
	time.Sleep(1500 * time.Millisecond)
	require.Len(t, fake.Calls("GET /gateway"), 1)
}

// run is listen where no connection comes about.
func run(t testing.TB, c *discord.Client) {
	t.Helper()
	ctx, cancel := contextOf()
	var running sync.WaitGroup
	running.Go(func() { _ = c.Run(ctx, newEar()) }) // it ends with ctx, and with nothing else
	t.Cleanup(func() { cancel(); running.Wait() })
}
