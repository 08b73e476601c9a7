package slacktest_test

import (
	"testing"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"salve/integrations/slack/slacktest"
)

func client(s *slacktest.Slack) *slack.Client {
	return slack.New(slacktest.BotToken, slack.OptionAPIURL(s.APIURL()), slack.OptionAppLevelToken(slacktest.AppToken))
}

func section(text string) slack.Block {
	return slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, text, false, false), nil, nil)
}

func TestSlackGoPostsEditsAndWhispers(t *testing.T) {
	t.Parallel()
	s := slacktest.New(t, slacktest.Options{})
	s.AddUser(slacktest.User{ID: "U1", Name: "ada"})
	api := client(s)

	channel, ts, err := api.PostMessageContext(t.Context(), "C0GENERAL", slack.MsgOptionText("disk full", false), slack.MsgOptionBlocks(section("*disk*")),
		slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "salve_post", EventPayload: map[string]any{"nonce": "n1"}}))
	require.NoError(t, err)
	_, _, _, err = api.UpdateMessageContext(t.Context(), channel, ts, slack.MsgOptionText("disk fine", false))
	require.NoError(t, err)
	_, err = api.PostEphemeralContext(t.Context(), channel, "U1", slack.MsgOptionText("only you", false))
	require.NoError(t, err)

	messages := s.Messages(channel)
	require.Len(t, messages, 1)
	require.Equal(t, "disk fine", messages[0].Text)
	require.Contains(t, string(messages[0].Blocks), "*disk*", "an edit keeps the blocks that it leaves out")
	require.JSONEq(t, `{"event_type":"salve_post","event_payload":{"nonce":"n1"}}`, string(messages[0].Metadata))
	require.Equal(t, "only you", s.Ephemerals("U1")[0].Text)
}

func TestSlackGoIsToldWhereABlockIsWrong(t *testing.T) {
	t.Parallel()
	s := slacktest.New(t, slacktest.Options{})
	_, _, err := client(s).PostMessageContext(t.Context(), "C0GENERAL", slack.MsgOptionText("x", false), slack.MsgOptionBlocks(section("")))
	refused, ok := err.(slack.SlackErrorResponse)
	require.True(t, ok, "%T: %v", err, err)
	require.Equal(t, "invalid_blocks", refused.Err)
	require.Contains(t, refused.ResponseMetadata.Messages[0], "[json-pointer:/blocks/0/text/text]")
}
