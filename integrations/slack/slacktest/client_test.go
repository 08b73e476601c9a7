package slacktest_test

import (
	"strings"
	"testing"
	"time"

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

func TestSlackGoReadsPeopleGroupsChannelsAndHistory(t *testing.T) {
	t.Parallel()
	s := town(t, slacktest.Options{})
	api := client(s)
	user, err := api.GetUserInfoContext(t.Context(), "U3")
	require.NoError(t, err)
	require.True(t, user.IsRestricted)
	members, err := api.GetUserGroupMembersContext(t.Context(), "S1")
	require.NoError(t, err)
	require.Equal(t, []string{"U1"}, members)
	groups, err := api.GetUserGroupsContext(t.Context(), slack.GetUserGroupsOptionIncludeUsers(true))
	require.NoError(t, err)
	require.Equal(t, "oncall", groups[0].Handle)
	channels, _, err := api.GetConversationsContext(t.Context(), &slack.GetConversationsParameters{ExcludeArchived: true, Types: []string{"public_channel", "private_channel"}})
	require.NoError(t, err)
	require.Len(t, channels, 3, "not what is archived, nor private ones without the bot")
	direct, _, _, err := api.OpenConversationContext(t.Context(), &slack.OpenConversationParameters{Users: []string{"U1"}})
	require.NoError(t, err)
	_, ts, err := api.PostMessageContext(t.Context(), direct.ID, slack.MsgOptionText("hello", false),
		slack.MsgOptionMetadata(slack.SlackMetadata{EventType: "salve_post", EventPayload: map[string]any{"nonce": "n1"}}))
	require.NoError(t, err)
	history, err := api.GetConversationHistoryContext(t.Context(), &slack.GetConversationHistoryParameters{ChannelID: direct.ID, IncludeAllMetadata: true, Oldest: ts, Inclusive: true, Limit: 20})
	require.NoError(t, err)
	require.Equal(t, "n1", history.Messages[0].Metadata.EventPayload["nonce"])
	found, err := api.GetUserByEmailContext(t.Context(), "ADA@example.com")
	require.NoError(t, err)
	require.Equal(t, "U1", found.ID)
	require.NoError(t, api.AddReactionContext(t.Context(), "eyes", slack.NewRefToMessage(direct.ID, ts)))
	link, err := api.GetPermalinkContext(t.Context(), &slack.PermalinkParameters{Channel: direct.ID, Ts: ts})
	require.NoError(t, err)
	require.Contains(t, link, "/archives/"+direct.ID+"/p1")
	_, _, err = api.DeleteMessageContext(t.Context(), direct.ID, ts)
	require.NoError(t, err)
	require.Empty(t, s.Messages(direct.ID))
}

func TestSlackGoOpensUpdatesAndPublishesViews(t *testing.T) {
	t.Parallel()
	s := town(t, slacktest.Options{})
	listener(t, s, nil)
	api := client(s)
	modal := slack.ModalViewRequest{Type: slack.VTModal, Title: slack.NewTextBlockObject(slack.PlainTextType, "Loading", false, false),
		Blocks: slack.Blocks{BlockSet: []slack.Block{section("one moment")}}}
	h := s.Slash("U1", "C0GENERAL", "plan")
	opened, err := api.OpenViewContext(t.Context(), h.Trigger, modal)
	require.NoError(t, err)
	modal.Blocks.BlockSet = []slack.Block{section("the plan")}
	updated, err := api.UpdateViewContext(t.Context(), slack.ModalViewRequest(modal), "", opened.Hash, opened.ID)
	require.NoError(t, err)
	require.NotEqual(t, opened.Hash, updated.Hash)
	_, err = api.UpdateViewContext(t.Context(), modal, "", opened.Hash, opened.ID)
	require.ErrorContains(t, err, "hash_conflict")
	v, _ := s.View(opened.ID)
	require.Equal(t, "== Loading ==\nthe plan\n", s.RenderView(v))
	_, err = api.PublishViewContext(t.Context(), slack.PublishViewContextRequest{UserID: "U1", View: slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: modal.Blocks}})
	require.NoError(t, err)
}

func TestSlackGoUploadsAFile(t *testing.T) {
	t.Parallel()
	s := town(t, slacktest.Options{})
	_, err := client(s).UploadFileContext(t.Context(), slack.UploadFileParameters{Reader: strings.NewReader("output"), FileSize: 6, Filename: "run.txt", Title: "the output", Channel: "C0GENERAL"})
	require.NoError(t, err)
	require.Equal(t, "output", string(s.Files()[0].Body))
}

func TestSlackGoIsToldHowLongToWait(t *testing.T) {
	t.Parallel()
	s := town(t, slacktest.Options{})
	s.Fail(slacktest.Fault{Status: 429, RetryAfter: "3"})
	_, err := client(s).AuthTestContext(t.Context())
	var limited *slack.RateLimitedError
	require.ErrorAs(t, err, &limited)
	require.Equal(t, 3*time.Second, limited.RetryAfter)
	s.Fail(slacktest.Fault{Status: 429})
	_, err = client(s).AuthTestContext(t.Context())
	var status slack.StatusCodeError
	require.ErrorAs(t, err, &status, "without Retry-After it is another error")
}
