package discordtest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"salve/integrations/discord/discordtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// library is a session of discordgo that reaches the fake.
func library(t *testing.T, d *discordtest.Discord) *discordgo.Session {
	t.Helper()
	s, err := discordgo.New("Bot " + discordtest.BotToken)
	require.NoError(t, err)
	s.Client = &http.Client{Transport: d.Transport()}
	s.ShouldRetryOnRateLimit = false
	s.Identify.Intents = discordgo.IntentsGuilds
	return s
}

// open connects it, and closes it when the test ends. It waits for the first
// heartbeat: one that finds its link closed reconnects for ever.
func open(t *testing.T, d *discordtest.Discord, s *discordgo.Session) {
	t.Helper()
	require.NoError(t, s.Open())
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	beaten(t, d, 1)
}

func beaten(t *testing.T, d *discordtest.Discord, times int) {
	t.Helper()
	require.True(t, d.Await(20*time.Second, func() bool { return d.Beats() >= times }))
}

func TestDiscordgoHearsAPressAnswersItAndEditsTheMessage(t *testing.T) {
	t.Parallel()
	d := discordtest.New(t, discordtest.Options{})
	d.AddUser(discordtest.User{ID: "1", Name: "ada"})
	s := library(t, d)
	heard := make(chan *discordgo.InteractionCreate, 1)
	s.AddHandler(func(s *discordgo.Session, i *discordgo.InteractionCreate) {
		_ = s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{Type: discordgo.InteractionResponseDeferredMessageUpdate})
		heard <- i
	})
	open(t, d, s)
	body := map[string]any{"content": "approve?", "allowed_mentions": map[string]any{"parse": []string{}}, "nonce": "n1", "enforce_nonce": true,
		"components": []discordgo.MessageComponent{discordgo.ActionsRow{Components: []discordgo.MessageComponent{
			discordgo.Button{Label: "Approve", Style: discordgo.SuccessButton, CustomID: "ap|token"}}}}}
	_, err := s.RequestWithBucketID("POST", discordgo.EndpointChannelMessages(discordtest.General), body, discordgo.EndpointChannelMessages(""))
	require.NoError(t, err)
	m := d.Messages(discordtest.General)[0]
	h := d.Press("1", m, "Approve")
	require.Equal(t, discordtest.AnswerDeferUpdate, h.Answer)
	i := <-heard
	require.Equal(t, "ap|token", i.MessageComponentData().CustomID)
	require.Equal(t, "ada", i.Member.User.Username)
	text := "approved"
	_, err = s.ChannelMessageEditComplex(&discordgo.MessageEdit{ID: m.ID, Channel: m.Channel, Content: &text,
		Components: &[]discordgo.MessageComponent{}, AllowedMentions: &discordgo.MessageAllowedMentions{Parse: []discordgo.AllowedMentionType{}}})
	require.NoError(t, err)
	require.Equal(t, "approved\n", d.Render(d.Messages(discordtest.General)[0]))
}
