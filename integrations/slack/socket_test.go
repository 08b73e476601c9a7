package slack_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/slack"
	"salve/integrations/slack/slacktest"
)

// listen runs the socket until the test ends.
func listen(t *testing.T, fake *slacktest.Slack, c *slack.Client, heard slack.Ear) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = c.Run(ctx, heard) }) // it ends with ctx, and with nothing else
	stop = func() { cancel(); running.Wait() }
	t.Cleanup(stop)
	require.True(t, fake.Await(10*time.Second, func() bool { return fake.Sockets() == 1 }))
	return stop
}

func TestOverASocketEverythingIsHeardAsOverHTTP(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{Unlimited: true})
	c := client(t, fake, slack.Options{})
	heard := newEar()
	stop := listen(t, fake, c, heard)
	mark, err := c.Post(t.Context(), bot.Parcel{Place: "C0GENERAL", Message: approval()})
	require.NoError(t, err)
	card, _ := fake.Message("C0GENERAL", mark.Ref)
	kinds := map[bot.GestureKind]int{}
	for _, do := range []func() slacktest.Heard{
		func() slacktest.Heard { return fake.Slash("U1", "C0GENERAL", "list") },
		func() slacktest.Heard { return fake.Press("U1", card, "Approve") },
		func() slacktest.Heard { return fake.Mention("U1", "C0GENERAL", mark.Ref, "approve") },
		func() slacktest.Heard { return fake.OpenHome("U1") },
		func() slacktest.Heard { return fake.Shortcut("U1", card, "raise") },
	} {
		h := do()
		require.True(t, h.Acked)
		require.True(t, fake.Again(h).Acked, "the same again is acknowledged")
	}
	for _, g := range heard.all() {
		require.Equal(t, "socket", g.Transport)
		kinds[g.Kind]++
	}
	require.Equal(t, map[bot.GestureKind]int{bot.GestureSaid: 2, bot.GesturePressed: 1, bot.GestureOpened: 1, bot.GestureChose: 1}, kinds)
	require.True(t, c.Socket().Connected)
	stop()
	require.False(t, c.Socket().Connected)
}

func TestWhatWasNotRecordedIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{AckWithin: 300 * time.Millisecond})
	c := client(t, fake, slack.Options{})
	heard := newEar()
	heard.set(errDisk)
	listen(t, fake, c, heard)
	h := fake.Slash("U1", "C0GENERAL", "list")
	require.False(t, h.Acked)
	require.Empty(t, heard.all())
	heard.set(nil)
	require.True(t, fake.Again(h).Acked)
	require.Len(t, heard.all(), 1)
}

func TestALostSocketIsReplacedAndThereIsNeverASecond(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*slacktest.Slack){
		"dropped":           func(f *slacktest.Slack) { f.DropSockets() },
		"asked to refresh":  func(f *slacktest.Slack) { f.Disconnect("refresh_requested") },
		"warned":            func(f *slacktest.Slack) { f.Disconnect("warning") },
		"too many":          func(f *slacktest.Slack) { f.Disconnect("too_many_websockets") },
		"switched off once": func(f *slacktest.Slack) { f.Disconnect("link_disabled") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := open(t, slacktest.Options{})
			c := client(t, fake, slack.Options{})
			heard := newEar()
			listen(t, fake, c, heard)
			require.ErrorContains(t, c.Run(t.Context(), heard), "in use")
			require.Equal(t, 1, fake.Sockets())
			lose(fake)
			require.True(t, fake.Await(10*time.Second, func() bool { return len(fake.Calls("apps.connections.open")) == 2 && fake.Sockets() == 1 }))
			require.True(t, fake.Slash("U1", "C0GENERAL", "list").Acked)
			require.Equal(t, 2, c.Socket().Sockets)
			require.NotEmpty(t, c.Socket().LastError)
			require.NotContains(t, c.Socket().LastError, "ticket")
		})
	}
}

func TestAReconnectStormIsMetWithPauses(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{Unlimited: true})
	c := client(t, fake, slack.Options{})
	listen(t, fake, c, newEar())
	end := time.Now().Add(4 * time.Second)
	for time.Now().Before(end) {
		fake.DropSockets()
		time.Sleep(20 * time.Millisecond)
	}
	require.LessOrEqual(t, len(fake.Calls("apps.connections.open")), 6, "each that does not last makes the pause longer")
}

func TestAWrongAppTokenIsNamed(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{})
	c, err := slack.New(secret.New(slacktest.BotToken), secret.New("xapp-wrong"), slack.Options{API: fake.APIURL(), Allow: loopback})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	require.NoError(t, c.Run(ctx, newEar()))
	require.Contains(t, c.Socket().LastError, "slack.app_token")
	require.Len(t, fake.Calls("apps.connections.open"), 1)
	require.False(t, c.Socket().Connected)

	none, err := slack.New(secret.New(slacktest.BotToken), secret.Secret{}, slack.Options{API: fake.APIURL(), Allow: loopback})
	require.NoError(t, err)
	t.Cleanup(none.Close)
	require.ErrorContains(t, none.Run(t.Context(), newEar()), "slack.app_token")
}

func TestManyAtOnceAreHeardEachOnce(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{Unlimited: true})
	c := client(t, fake, slack.Options{})
	heard := newEar()
	listen(t, fake, c, heard)
	mark, err := c.Post(t.Context(), bot.Parcel{Place: "C0GENERAL", Message: approval()})
	require.NoError(t, err)
	card, _ := fake.Message("C0GENERAL", mark.Ref)
	var people sync.WaitGroup
	for range 50 {
		people.Go(func() { fake.Press("U1", card, "Approve") })
	}
	people.Wait()
	require.Len(t, heard.all(), 50)
}

// broken panics.
type broken struct{}

func (broken) Hear(context.Context, bot.Gesture) error { panic("canary-7f3a") }

func TestAPanicIsKeptToItsOwnGesture(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{AckWithin: 300 * time.Millisecond})
	c := client(t, fake, slack.Options{})
	listen(t, fake, c, broken{})
	require.False(t, fake.Slash("U1", "C0GENERAL", "list").Acked)
	require.False(t, fake.Slash("U1", "C0GENERAL", "list").Acked)
	require.Equal(t, 1, fake.Sockets())
}
