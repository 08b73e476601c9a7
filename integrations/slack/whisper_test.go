package slack_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/slack"
	"salve/integrations/slack/slacktest"
)

// gesture is what a person typed, as Salve heard it over HTTP.
func gesture(t testing.TB, fake *slacktest.Slack, c *slack.Client, do func()) bot.Gesture {
	t.Helper()
	heard := newEar()
	overHTTP(t, fake, c, heard)
	do()
	return heard.only(t)
}

func TestAWhisperUsesTheResponseURLFiveTimesAndThenAnotherWay(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{Unlimited: true})
	c := client(t, fake, slack.Options{})
	g := gesture(t, fake, c, func() { fake.Slash("U1", "C0GENERAL", "list") })
	for range 7 {
		require.NoError(t, c.Whisper(t.Context(), g, hello()))
	}
	require.Len(t, fake.Ephemerals("U1"), 7)
	require.Len(t, fake.Calls("chat.postEphemeral"), 2, "the first five went by the response_url")
	require.Empty(t, fake.Messages("C0GENERAL"), "nobody else saw any")
}

func TestAnOldGestureIsAnsweredWithoutItsResponseURL(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{Unlimited: true})
	c := client(t, fake, slack.Options{})
	g := gesture(t, fake, c, func() { fake.Slash("U1", "C0GENERAL", "list") })
	g.ReceivedAt = time.Now().Add(-31 * time.Minute)
	require.NoError(t, c.Whisper(t.Context(), g, hello()))
	require.Len(t, fake.Calls("chat.postEphemeral"), 1)
}

func TestWhereThereIsNoChannelAWhisperIsADirectMessage(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{Unlimited: true})
	fake.AddChannel(slacktest.Channel{ID: "C0PRIVATE", Name: "private", Private: true})
	c := client(t, fake, slack.Options{})
	for _, place := range []string{"", "C0PRIVATE", "D0ELSE"} {
		g := bot.Gesture{Place: place, User: bot.ChatUser{ID: "T0SALVE01/U1"}, ReceivedAt: time.Now()}
		require.NoError(t, c.Whisper(t.Context(), g, hello()), place)
	}
	require.Len(t, fake.Calls("conversations.open"), 1)
	require.Len(t, fake.Calls("chat.postMessage"), 3)
	for _, call := range fake.Calls("chat.postMessage") {
		require.Equal(t, "D", call.Args["channel"][:1])
	}
}

func TestAResponseURLOfSomebodyElseIsNeverCalled(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{Unlimited: true})
	c := client(t, fake, slack.Options{})
	for _, address := range []string{
		"http://hooks.slack.com/x", "https://hooks.slack.com.evil.example/x", "https://evil.example/hooks.slack.com", "https://a@hooks.slack.com/x",
		"http://169.254.169.254/latest", "file:///etc/passwd", "https://hooks.slack.com:8443/x", "gopher://hooks.slack.com/", "::",
	} {
		g := bot.Gesture{
			Place: "C0GENERAL", User: bot.ChatUser{ID: "T0SALVE01/U1"}, ReceivedAt: time.Now(), Handles: map[string]string{"response_url": address},
		}
		before := len(fake.Ephemerals("U1"))
		require.NoError(t, c.Whisper(t.Context(), g, hello()), address)
		require.Len(t, fake.Ephemerals("U1"), before+1, "%s: it went by the API", address)
	}
	require.Len(t, fake.Calls("chat.postEphemeral"), 9)
}

func TestAFormIsOpenedFilledAndHandedIn(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{Unlimited: true})
	c := client(t, fake, slack.Options{})
	heard := newEar()
	overHTTP(t, fake, c, heard)
	mark, err := c.Post(t.Context(), bot.Parcel{Place: "C0GENERAL", Message: approval()})
	require.NoError(t, err)
	card, _ := fake.Message("C0GENERAL", mark.Ref)
	require.True(t, fake.Press("U1", card, "Deny…").Acked)
	pressed := heard.only(t)

	loading, err := c.Open(t.Context(), pressed, bot.Form{Title: "Deny", Lines: lines("One moment.")})
	require.NoError(t, err)
	_, err = c.Open(t.Context(), pressed, bot.Form{Title: "Deny", Lines: lines("Again?")})
	require.Equal(t, bot.SendGone, fault(t, err).Fault, "a trigger works once")
	opened, err := c.Refill(t.Context(), loading, bot.Form{
		Title: "Deny", Token: "form-1", Submit: "Deny", Fields: []bot.Field{{Name: "reason", Label: "Why?", Kind: bot.FieldLong}, {Name: "to", Label: "Who", Kind: bot.FieldPerson}},
	})
	require.NoError(t, err)
	require.NotEqual(t, loading, opened)
	_, err = c.Refill(t.Context(), loading, bot.Form{Title: "Late", Lines: lines("late")})
	require.Equal(t, bot.SendRefused, fault(t, err).Fault, "an update that was overtaken does not win")

	views := fake.Views("U1")
	require.Len(t, views, 1)
	h := fake.Submit(views[0], map[string]string{"Why?": "disk is <fine> & dandy", "Who": "U1"})
	require.True(t, h.Acked, "%+v", h)
	var filled bot.Gesture
	for _, g := range heard.all() {
		if g.Kind == bot.GestureFilled {
			filled = g
		}
	}
	require.Equal(t, "form-1", filled.Token)
	require.Equal(t, map[string]string{"reason": "disk is <fine> & dandy", "to": "T0SALVE01/U1"}, filled.Fields)
}

func TestAButtonOnTheHomeOpensAForm(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{Unlimited: true})
	c := client(t, fake, slack.Options{})
	require.NoError(t, c.Home(t.Context(), bot.ChatUser{ID: "T0SALVE01/U1"}, messages()["reply"]))
	heard := newEar()
	overHTTP(t, fake, c, heard)
	home, _ := fake.Home("U1")
	require.True(t, fake.PressIn("U1", home, "r0").Acked)
	g := heard.only(t)
	require.NotContains(t, g.Handles, "view", "the home is no modal")
	_, err := c.Open(t.Context(), g, bot.Form{Title: "First", Lines: lines("1")})
	require.NoError(t, err)
	require.Len(t, fake.Calls("views.open"), 1)
}

func TestAButtonInAModalOpensAFormAboveIt(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{Unlimited: true})
	c := client(t, fake, slack.Options{})
	heard := newEar()
	overHTTP(t, fake, c, heard)
	fake.Slash("U1", "C0GENERAL", "deny I-142")
	_, err := c.Open(t.Context(), heard.only(t), bot.Form{Title: "Deny", Token: "f", Fields: []bot.Field{{Name: "reason", Label: "Why?", Kind: bot.FieldLong}}})
	require.NoError(t, err)
	heard.set(errDisk) // so that the modal stays open
	below := fake.Views("U1")[0]
	h := fake.Submit(below, map[string]string{"Why?": "no"})
	pressed := bot.Gesture{Kind: bot.GesturePressed, Handles: map[string]string{"trigger_id": h.Trigger, "view": below.ID + "/" + below.Hash}}
	_, err = c.Open(t.Context(), pressed, bot.Form{Title: "Plan", Lines: lines("step 1")})
	require.NoError(t, err)
	require.Len(t, fake.Calls("views.push"), 1)
}
