package discordtest_test

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/stretchr/testify/require"

	"salve/integrations/discord/discordtest"
)

// What follows are traps of discordgo v0.29.0: the day that one of these fails,
// what the adapter does about it can go.

func TestDiscordgoCannotNameANonce(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	_, err := library(t, d).ChannelMessageSendComplex(discordtest.General, &discordgo.MessageSend{Content: "x",
		AllowedMentions: &discordgo.MessageAllowedMentions{Parse: []discordgo.AllowedMentionType{}}})
	var refused *discordgo.RESTError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, 50035, refused.Message.Code)
	require.Contains(t, string(refused.ResponseBody), "OUR-NONCE")
	_, err = library(t, town(t, discordtest.Options{Lenient: true})).ChannelMessageSend(discordtest.General, "x")
	require.NoError(t, err)
}

func TestDiscordgoWritesNullForNoMentions(t *testing.T) {
	t.Parallel()
	raw, err := json.Marshal(discordgo.MessageAllowedMentions{})
	require.NoError(t, err)
	require.Contains(t, string(raw), `"parse":null`)
}

func TestDiscordgoTellsHowLongToWaitOnlyInJSON(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	s := library(t, d)
	d.Fail(discordtest.Fault{Status: 429, Scope: "shared", RetryAfter: "7"})
	_, err := s.Channel(discordtest.General)
	var limited *discordgo.RateLimitError
	require.ErrorAs(t, err, &limited)
	require.Equal(t, 7*time.Second, limited.RetryAfter)
	d.Fail(discordtest.Fault{Status: 429, RetryAfter: "7"})
	_, err = s.Channel(discordtest.General)
	require.Error(t, err)
	require.NotErrorAs(t, err, &limited, "a page of HTML becomes a syntax error, and Retry-After is lost")
	require.Contains(t, err.Error(), "invalid character")
}

func TestDiscordgoDoesNotMoveWithItsAddress(t *testing.T) {
	t.Parallel()
	require.True(t, strings.HasPrefix(discordgo.EndpointChannels, "https://discord.com/"), "made when the package was loaded")
}

func TestDiscordgoCannotReadAModalOfLabels(t *testing.T) {
	t.Parallel()
	var i discordgo.Interaction
	labelled := `{"id":"1","type":5,"token":"t","data":{"custom_id":"m","components":[{"type":18,"component":{"type":4,"custom_id":"a","value":"x"}}]}}`
	require.Error(t, json.Unmarshal([]byte(labelled), &i))
	plain := `{"id":"1","type":5,"token":"t","data":{"custom_id":"m","components":[{"type":1,"components":[{"type":4,"custom_id":"a","value":"x"}]}]}}`
	require.NoError(t, json.Unmarshal([]byte(plain), &i))
}

func TestDiscordgoReadsEverythingThatItAsksFor(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{Unlimited: true})
	s := library(t, d)
	me, err := s.User("@me")
	require.NoError(t, err)
	require.Equal(t, discordtest.BotUser, me.ID)
	app, err := s.Application("@me")
	require.NoError(t, err)
	require.Equal(t, discordtest.AppID, app.ID)
	guild, err := s.Guild(discordtest.GuildID)
	require.NoError(t, err)
	require.Len(t, guild.Roles, 4)
	member, err := s.GuildMember(discordtest.GuildID, "1")
	require.NoError(t, err)
	require.Equal(t, []string{"20"}, member.Roles)
	channel, err := s.Channel("11")
	require.NoError(t, err)
	require.Equal(t, discordtest.PermissionSend, channel.PermissionOverwrites[0].Deny)
	may, err := s.UserChannelPermissions(discordtest.BotUser, "11")
	require.NoError(t, err)
	require.Zero(t, may&discordgo.PermissionSendMessages)
	require.NotZero(t, may&discordgo.PermissionEmbedLinks)
	_, err = s.Channel("99")
	var refused *discordgo.RESTError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, discordgo.ErrCodeUnknownChannel, refused.Message.Code)
	m := post(t, d, discordtest.General, message("n", buttons))
	found, err := s.ChannelMessages(discordtest.General, 10, "", "", "")
	require.NoError(t, err)
	require.Equal(t, m.ID, found[0].ID)
	require.Len(t, found[0].Components, 2)
	thread, err := s.MessageThreadStart(discordtest.General, m.ID, "I-142", 1440)
	require.NoError(t, err)
	require.Equal(t, m.ID, thread.ID)
	zero := int64(0)
	made, err := s.ApplicationCommandBulkOverwrite(discordtest.AppID, discordtest.GuildID, []*discordgo.ApplicationCommand{{
		Name: "salve", Description: "x", DefaultMemberPermissions: &zero,
		Options: []*discordgo.ApplicationCommandOption{{Type: discordgo.ApplicationCommandOptionSubCommand, Name: "list", Description: "x"}}}})
	require.NoError(t, err)
	require.Equal(t, "salve", made[0].Name)
	require.Zero(t, *made[0].DefaultMemberPermissions)
	gateway, err := s.GatewayBot()
	require.NoError(t, err)
	require.Equal(t, 1, gateway.Shards)
}

func TestDiscordgoSpeaksEveryWayOfAnswering(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{Unlimited: true})
	s := library(t, d)
	none := &discordgo.MessageAllowedMentions{Parse: []discordgo.AllowedMentionType{}}
	problems := make(chan error, 20)
	s.AddHandler(func(s *discordgo.Session, i *discordgo.InteractionCreate) {
		answer := &discordgo.InteractionResponse{Type: discordgo.InteractionResponseDeferredChannelMessageWithSource,
			Data: &discordgo.InteractionResponseData{Flags: discordgo.MessageFlagsEphemeral}}
		if i.Type == discordgo.InteractionMessageComponent {
			answer = &discordgo.InteractionResponse{Type: discordgo.InteractionResponseModal, Data: &discordgo.InteractionResponseData{
				CustomID: "m", Title: "Deny", Components: []discordgo.MessageComponent{discordgo.ActionsRow{
					Components: []discordgo.MessageComponent{discordgo.TextInput{CustomID: "why", Label: "Reason", Style: discordgo.TextInputShort, Required: true}}}}}}
		}
		if i.Type == discordgo.InteractionApplicationCommandAutocomplete {
			answer = &discordgo.InteractionResponse{Type: discordgo.InteractionApplicationCommandAutocompleteResult,
				Data: &discordgo.InteractionResponseData{Choices: []*discordgo.ApplicationCommandOptionChoice{{Name: "a", Value: "b"}}}}
		}
		problems <- s.InteractionRespond(i.Interaction, answer)
		if answer.Type != discordgo.InteractionResponseDeferredChannelMessageWithSource {
			return
		}
		text := "done"
		_, err := s.InteractionResponseEdit(i.Interaction, &discordgo.WebhookEdit{Content: &text, AllowedMentions: none})
		problems <- err
		_, err = s.FollowupMessageCreate(i.Interaction, true, &discordgo.WebhookParams{Content: "more", Flags: discordgo.MessageFlagsEphemeral, AllowedMentions: none})
		problems <- err
	})
	open(t, d, s)
	h := d.Slash("1", discordtest.General, "list", nil)
	require.Equal(t, discordtest.AnswerDefer, h.Answer)
	for range 3 {
		require.NoError(t, <-problems)
	}
	said := h.Ephemerals()
	require.Len(t, said, 2)
	require.Equal(t, []string{"done", "more"}, []string{said[0].Content, said[1].Content})
	require.Equal(t, []discordtest.Choice{{Name: "a", Value: "b"}}, d.Autocomplete("1", discordtest.General, "show", "incident", map[string]string{"incident": ""}).Choices)
	require.NoError(t, <-problems)
	m := post(t, d, discordtest.General, message("n", buttons))
	opened := d.Press("1", m, "Approve")
	require.NoError(t, <-problems)
	require.NotNil(t, opened.Modal)
	sent := d.Submit(opened.Modal, map[string]string{"Reason": "risky"})
	require.Equal(t, discordtest.AnswerDefer, sent.Answer)
	for range 3 {
		require.NoError(t, <-problems)
	}
}

func TestDiscordgoResumesAfterItsLinkWasCut(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	s := library(t, d)
	s.AddHandler(func(s *discordgo.Session, i *discordgo.InteractionCreate) {
		_ = s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{Type: discordgo.InteractionResponseDeferredChannelMessageWithSource})
	})
	open(t, d, s)
	d.DropLinks()
	h := d.Slash("1", discordtest.General, "list", nil)
	require.Equal(t, discordtest.AnswerDefer, h.Answer, "it came again after the resume")
	require.Equal(t, 1, d.Identified())
	beaten(t, d, 2)
	d.Reconnect()
	require.Equal(t, discordtest.AnswerDefer, d.Slash("1", discordtest.General, "list", nil).Answer)
	require.Equal(t, 1, d.Identified())
	beaten(t, d, 3)
}

func TestDiscordgoBelievesWhatWasSignedLongAgo(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	key, err := hex.DecodeString(discordtest.PublicKey())
	require.NoError(t, err)
	believed := make(chan bool, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		believed <- discordgo.VerifyInteraction(r, key)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(server.Close)
	d.OverHTTP(server.URL)
	for forgery, want := range map[discordtest.Forgery]bool{discordtest.ForgeAncient: true, discordtest.ForgeOld: true, discordtest.ForgeEarly: true,
		discordtest.ForgeKey: false, discordtest.ForgeBody: false, discordtest.ForgeUnsigned: false, discordtest.ForgeShort: false, discordtest.ForgeHex: false} {
		d.Forge(forgery)
		d.Ping()
		require.Equal(t, want, <-believed, forgery)
	}
	require.Panics(t, func() {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("{}"))
		r.Header.Set("X-Signature-Timestamp", "1")
		r.Header.Set("X-Signature-Ed25519", strings.Repeat("00", 64))
		discordgo.VerifyInteraction(r, key[:31])
	}, "of a key that is too short")
}

func TestARequestElsewhereFailsTheTest(t *testing.T) {
	t.Parallel()
	watched := &complaints{TB: t}
	d := discordtest.New(watched, discordtest.Options{})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://elsewhere.example/", nil)
	require.NoError(t, err)
	got, err := d.Transport().RoundTrip(r)
	if got != nil {
		require.NoError(t, got.Body.Close())
	}
	require.Error(t, err)
	require.Equal(t, 1, watched.errors)
}

// complaints counts what would fail a test.
type complaints struct {
	testing.TB
	errors int
}

func (c *complaints) Errorf(string, ...any) { c.errors++ }
