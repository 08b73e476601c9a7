package slacktest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/integrations/slack/slacktest"
)

// call asks the Web API without a library.
func call(t *testing.T, s *slacktest.Slack, method string, args map[string]string) (status int, body map[string]any, header http.Header) {
	t.Helper()
	form := url.Values{"token": {slacktest.BotToken}}
	for name, value := range args {
		form.Set(name, value)
	}
	return send(t, s, method, "application/x-www-form-urlencoded", form.Encode(), "")
}

func send(t *testing.T, s *slacktest.Slack, method, kind, body, bearer string) (int, map[string]any, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.APIURL()+method, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", kind)
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, map[string]any{"cut": err.Error()}, nil
	}
	defer func() { _ = answer.Body.Close() }()
	raw, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	var out map[string]any
	if json.Unmarshal(raw, &out) != nil {
		out = map[string]any{"page": string(raw)}
	}
	return answer.StatusCode, out, answer.Header
}

// town is a workspace with one of everything.
func town(t *testing.T, opts slacktest.Options) *slacktest.Slack {
	t.Helper()
	s := slacktest.New(t, opts)
	for _, c := range []slacktest.Channel{
		{ID: "C0ARCHIVE", Name: "old", Archived: true, Member: true}, {ID: "C0OUTSIDE", Name: "outside"},
		{ID: "G0PRIVATE", Name: "private", Private: true}, {ID: "G0INSIDE", Name: "inside", Private: true, Member: true},
	} {
		s.AddChannel(c)
	}
	for _, u := range []slacktest.User{
		{ID: "U1", Name: "ada", Email: "ada@example.com"}, {ID: "U2", Name: "gone", Deleted: true, Email: "gone@example.com"},
		{ID: "U3", Name: "guest", Guest: true}, {ID: "U4", Name: "solo", OneGuest: true},
		{ID: "U5", Name: "partner", Team: "T0OTHER", Email: "p@other.example"},
	} {
		s.AddUser(u)
	}
	s.AddGroup(slacktest.Group{ID: "S1", Handle: "oncall", Users: []string{"U1"}})
	s.AddGroup(slacktest.Group{ID: "S2", Handle: "off", Disabled: true})
	return s
}

func TestARequestIsRefusedAsSlackWouldRefuseIt(t *testing.T) {
	t.Parallel()
	const at = "1.000000"
	modal := `{"type":"modal","title":{"type":"plain_text","text":"x"},"blocks":[]}`
	tests := []struct {
		name, method string
		args         map[string]string
		want         string
	}{
		{"a method that there is not", "chat.shout", nil, "unknown_method"},
		{"a method that the fake lacks", "pins.add", nil, "unknown_method"},
		{"no token", "auth.test", map[string]string{"token": ""}, "not_authed"},
		{"a wrong token", "auth.test", map[string]string{"token": "xoxb-wrong"}, "invalid_auth"},
		{"an app token for the bot's methods", "auth.test", map[string]string{"token": slacktest.AppToken}, "not_allowed_token_type"},
		{"a bot token for sockets", "apps.connections.open", nil, "not_allowed_token_type"},
		{"an argument that there is not", "chat.postMessage", map[string]string{"channel": "C0GENERAL", "text": "x", "colour": "red"}, "invalid_arguments"},
		{"an argument that is missing", "chat.postMessage", map[string]string{"text": "x"}, "invalid_arguments"},
		{"no text", "chat.postMessage", map[string]string{"channel": "C0GENERAL"}, "no_text"},
		{"blocks that are no JSON", "chat.postMessage", map[string]string{"channel": "C0GENERAL", "text": "x", "blocks": "["}, "invalid_blocks_format"},
		{"blocks that are none", "chat.postMessage", map[string]string{"channel": "C0GENERAL", "text": "x", "blocks": `[{"type":"alert","text":{"type":"plain_text","text":"x"}}]`}, "invalid_blocks"},
		{"metadata that is none", "chat.postMessage", map[string]string{"channel": "C0GENERAL", "text": "x", "metadata": `{"event_type":"","event_payload":null}`}, "invalid_metadata_format"},
		{"a channel that is not", "chat.postMessage", map[string]string{"channel": "C0NONE", "text": "x"}, "channel_not_found"},
		{"a private channel without the bot", "chat.postMessage", map[string]string{"channel": "G0PRIVATE", "text": "x"}, "channel_not_found"},
		{"an archived channel", "chat.postMessage", map[string]string{"channel": "C0ARCHIVE", "text": "x"}, "is_archived"},
		{"an edit of nothing", "chat.update", map[string]string{"channel": "C0GENERAL", "ts": at, "text": "x"}, "message_not_found"},
		{"an edit that is too long", "chat.update", map[string]string{"channel": "C0GENERAL", "ts": "", "text": strings.Repeat("x", 4001)}, "msg_too_long"},
		{"a whisper to somebody who is gone", "chat.postEphemeral", map[string]string{"channel": "C0GENERAL", "user": "U2", "text": "x"}, "user_not_in_channel"},
		{"a whisper where the bot is not", "chat.postEphemeral", map[string]string{"channel": "C0OUTSIDE", "user": "U1", "text": "x"}, "not_in_channel"},
		{"a view without a trigger", "views.open", map[string]string{"view": modal}, "invalid_trigger_id"},
		{"a view that is none", "views.open", map[string]string{"view": `{"type":"modal"}`, "trigger_id": "1.2.a"}, "invalid_arguments"},
		{"an update of no view", "views.update", map[string]string{"view": modal, "view_id": "V0"}, "not_found"},
		{"history where the bot is not", "conversations.history", map[string]string{"channel": "C0OUTSIDE"}, "not_in_channel"},
		{"a thread of nothing", "conversations.replies", map[string]string{"channel": "C0GENERAL", "ts": at}, "thread_not_found"},
		{"joining what is archived", "conversations.join", map[string]string{"channel": "C0ARCHIVE"}, "is_archived"},
		{"a direct message to somebody gone", "conversations.open", map[string]string{"users": "U2"}, "user_disabled"},
		{"a list of several people", "conversations.open", map[string]string{"users": "U1,U3"}, "missing_scope"},
		{"a user that is not", "users.info", map[string]string{"user": "U9"}, "user_not_found"},
		{"an address of somebody gone", "users.lookupByEmail", map[string]string{"email": "gone@example.com"}, "users_not_found"},
		{"an address of another organisation", "users.lookupByEmail", map[string]string{"email": "p@other.example"}, "users_not_found"},
		{"a group that is off", "usergroups.users.list", map[string]string{"usergroup": "S2"}, "no_such_subteam"},
		{"an empty file", "files.getUploadURLExternal", map[string]string{"filename": "x", "length": "0"}, "invalid_arguments"},
		{"a file that was not uploaded", "files.completeUploadExternal", map[string]string{"files": `[{"id":"F9"}]`}, "file_not_found"},
		{"a cursor that is none", "users.list", map[string]string{"cursor": "zzz"}, "invalid_cursor"},
		{"types that are none", "conversations.list", map[string]string{"types": "rooms"}, "invalid_types"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := town(t, slacktest.Options{})
			if tt.want == "msg_too_long" {
				_, posted, _ := call(t, s, "chat.postMessage", map[string]string{"channel": "C0GENERAL", "text": "x"})
				tt.args["ts"] = posted["ts"].(string)
			}
			status, body, _ := call(t, s, tt.method, tt.args)
			require.Equal(t, http.StatusOK, status)
			require.Equal(t, false, body["ok"])
			require.Equal(t, tt.want, body["error"], "%v", body)
			calls := s.Calls(tt.method)
			require.Equal(t, tt.want, calls[len(calls)-1].Error)
		})
	}
}

func TestTheTokenMayComeInTheFormOrInTheHeader(t *testing.T) {
	t.Parallel()
	s := slacktest.New(t, slacktest.Options{})
	_, inForm, header := call(t, s, "auth.test", nil)
	require.Equal(t, true, inForm["ok"])
	require.Contains(t, header.Get("X-OAuth-Scopes"), "chat:write.public")
	_, inHeader, _ := send(t, s, "chat.postMessage", "application/json", `{"channel":"C0GENERAL","text":"x"}`, slacktest.BotToken)
	require.Equal(t, true, inHeader["ok"])
	require.False(t, s.Calls("auth.test")[0].Header)
	require.True(t, s.Calls("chat.postMessage")[0].Header)
	require.NotContains(t, s.Calls("auth.test")[0].Args, "token")
}

func TestAScopeThatTheTokenLacksIsNamed(t *testing.T) {
	t.Parallel()
	s := town(t, slacktest.Options{Scopes: []string{"chat:write", "channels:read"}})
	_, body, _ := call(t, s, "usergroups.list", nil)
	require.Equal(t, "missing_scope", body["error"])
	require.Equal(t, "usergroups:read", body["needed"])
	require.Equal(t, "chat:write,channels:read", body["provided"])
	_, body, _ = call(t, s, "chat.postMessage", map[string]string{"channel": "C0OUTSIDE", "text": "x"})
	require.Equal(t, "not_in_channel", body["error"], "chat:write alone reaches only channels that the bot is in")
	_, body, _ = call(t, s, "conversations.list", map[string]string{"types": "public_channel,private_channel"})
	require.Equal(t, "groups:read", body["needed"])
	_, body, _ = call(t, s, "conversations.history", map[string]string{"channel": "C0GENERAL"})
	require.Equal(t, "missing_scope", body["error"])
}

func TestAFreePlanHasNoUserGroups(t *testing.T) {
	t.Parallel()
	s := town(t, slacktest.Options{})
	_, body, _ := call(t, s, "usergroups.users.list", map[string]string{"usergroup": "S1"})
	require.Equal(t, []any{"U1"}, body["users"])
	s.WithoutGroups(true)
	for method, args := range map[string]map[string]string{"usergroups.list": nil, "usergroups.users.list": {"usergroup": "S1"}} {
		_, body, _ = call(t, s, method, args)
		require.Equal(t, "plan_upgrade_required", body["error"])
	}
}

func TestGuestsAndStrangersAreToldApart(t *testing.T) {
	t.Parallel()
	s := town(t, slacktest.Options{Enterprise: "E1"})
	user := func(id string) map[string]any {
		_, body, _ := call(t, s, "users.info", map[string]string{"user": id})
		return body["user"].(map[string]any)
	}
	require.Equal(t, false, user("U1")["is_restricted"])
	require.Equal(t, "E1", user("U1")["enterprise_user"].(map[string]any)["enterprise_id"])
	require.Equal(t, true, user("U2")["deleted"])
	require.Equal(t, true, user("U3")["is_restricted"])
	require.Equal(t, true, user("U4")["is_ultra_restricted"])
	require.Equal(t, "T0OTHER", user("U5")["team_id"])
	require.Equal(t, true, user("U5")["is_stranger"])
	require.Equal(t, true, user(slacktest.BotUser)["is_bot"])
}

func TestTimestampsAreUniqueAndGrowInAChannel(t *testing.T) {
	t.Parallel()
	still := time.Unix(1_700_000_000, 0)
	s := slacktest.New(t, slacktest.Options{Unlimited: true, Now: func() time.Time { return still }})
	last := ""
	for range 50 {
		_, body, _ := call(t, s, "chat.postMessage", map[string]string{"channel": "C0GENERAL", "text": "x"})
		require.Greater(t, body["ts"], last)
		last = body["ts"].(string)
	}
	require.Equal(t, "1700000000.000049", last)
}

func TestHistoryShowsThreadsMetadataAndBroadcastsAsSlackDoes(t *testing.T) {
	t.Parallel()
	s := slacktest.New(t, slacktest.Options{Unlimited: true})
	post := func(args map[string]string) string {
		args["channel"] = "C0GENERAL"
		_, body, _ := call(t, s, "chat.postMessage", args)
		require.Equal(t, true, body["ok"], "%v", body)
		return body["ts"].(string)
	}
	parent := post(map[string]string{"text": "card", "metadata": `{"event_type":"salve_post","event_payload":{"nonce":"n1"}}`})
	quiet := post(map[string]string{"text": "progress", "thread_ts": parent})
	loud := post(map[string]string{"text": "failed", "thread_ts": parent, "reply_broadcast": "true"})
	nested := post(map[string]string{"text": "to the reply", "thread_ts": quiet})

	_, body, _ := call(t, s, "conversations.history", map[string]string{"channel": "C0GENERAL"})
	require.Equal(t, []string{loud, parent}, stamps(body), "newest first, and only what was broadcast of the thread")
	require.NotContains(t, body["messages"].([]any)[1], "metadata")
	_, body, _ = call(t, s, "conversations.history", map[string]string{"channel": "C0GENERAL", "include_all_metadata": "true", "oldest": parent, "inclusive": "true", "limit": "1"})
	require.Equal(t, []string{loud}, stamps(body))
	require.Equal(t, true, body["has_more"])
	cursor := body["response_metadata"].(map[string]any)["next_cursor"].(string)
	_, body, _ = call(t, s, "conversations.history", map[string]string{"channel": "C0GENERAL", "include_all_metadata": "true", "oldest": parent, "inclusive": "true", "limit": "1", "cursor": cursor})
	require.Equal(t, []string{parent}, stamps(body))
	require.Contains(t, body["messages"].([]any)[0], "metadata")
	_, body, _ = call(t, s, "conversations.replies", map[string]string{"channel": "C0GENERAL", "ts": parent})
	require.Equal(t, []string{parent, quiet, loud, nested}, stamps(body), "a reply to a reply stands in the same thread")
	require.Len(t, s.Thread("C0GENERAL", parent), 4)
}

func stamps(body map[string]any) []string {
	var out []string
	for _, m := range body["messages"].([]any) {
		out = append(out, m.(map[string]any)["ts"].(string))
	}
	return out
}

func TestAFileIsUploadedThenShared(t *testing.T) {
	t.Parallel()
	s := slacktest.New(t, slacktest.Options{})
	_, _, _ = call(t, s, "auth.test", nil)
	_, got, _ := call(t, s, "files.getUploadURLExternal", map[string]string{"filename": "log.txt", "length": "5"})
	upload := func(body string) int {
		answer, err := http.Post(got["upload_url"].(string), "application/octet-stream", strings.NewReader(body))
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		return answer.StatusCode
	}
	require.Equal(t, http.StatusBadRequest, upload("longer"), "as many bytes as were announced")
	require.Equal(t, http.StatusOK, upload("hello"))
	require.Equal(t, http.StatusBadRequest, upload("hello"), "once")
	require.Empty(t, s.Files(), "it is not shared yet")
	files := `[{"id":"` + got["file_id"].(string) + `","title":"the log"}]`
	_, body, _ := call(t, s, "files.completeUploadExternal", map[string]string{"files": files, "channel_id": "C0GENERAL", "initial_comment": "here"})
	require.Equal(t, true, body["ok"])
	require.Equal(t, "hello", string(s.Files()[0].Body))
	require.Equal(t, "here\n[file log.txt: the log, 5 bytes]\n", s.Render(s.Messages("C0GENERAL")[0]))
}
