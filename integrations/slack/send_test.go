package slack_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/slack"
	"salve/integrations/slack/slacktest"
)

func TestACardIsPostedEditedAndFoundAgain(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{})
	c := client(t, fake, slack.Options{})
	mark, err := c.Post(t.Context(), bot.Parcel{Place: "C0GENERAL", Nonce: "n-1", Message: hello()})
	require.NoError(t, err)
	require.Equal(t, "C0GENERAL", mark.Place)
	shown, ok := fake.Message("C0GENERAL", mark.Ref)
	require.True(t, ok)
	require.JSONEq(t, `{"event_type":"salve_post","event_payload":{"nonce":"n-1"}}`, string(shown.Metadata), "ids alone: everybody can read them")
	sent := fake.Calls("chat.postMessage")[0].Args
	for _, name := range []string{"unfurl_links", "unfurl_media"} {
		require.Equal(t, "false", sent[name])
	}
	require.Equal(t, "none", sent["parse"])

	require.NoError(t, c.Edit(t.Context(), mark, bot.Parcel{Message: approval()}))
	shown, _ = fake.Message("C0GENERAL", mark.Ref)
	require.Equal(t, approval().Alone, shown.Text)
	require.Contains(t, string(shown.Metadata), "n-1", "an edit keeps what it is found by")

	found, ok, err := c.Find(t.Context(), bot.Parcel{Place: "C0GENERAL", Nonce: "n-1"}, time.Now())
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, mark, found)
	_, ok, err = c.Find(t.Context(), bot.Parcel{Place: "C0GENERAL", Nonce: "n-2"}, time.Now())
	require.NoError(t, err)
	require.False(t, ok)
}

func TestAReplyStandsInItsThreadAndIsFoundThere(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{Unlimited: true})
	c := client(t, fake, slack.Options{})
	parent, err := c.Post(t.Context(), bot.Parcel{Place: "C0GENERAL", Nonce: "card", Message: hello()})
	require.NoError(t, err)
	m := messages()["notice"]
	reply, err := c.Post(t.Context(), bot.Parcel{Place: "C0GENERAL", Thread: parent, Nonce: "reply", Message: m})
	require.NoError(t, err)
	shown, _ := fake.Message("C0GENERAL", reply.Ref)
	require.Equal(t, parent.Ref, shown.Thread)
	require.True(t, shown.Broadcast)
	m.Broadcast = false
	quiet, err := c.Post(t.Context(), bot.Parcel{Place: "C0GENERAL", Thread: parent, Nonce: "quiet", Message: m})
	require.NoError(t, err)
	for name, who := range map[string]*slack.Client{"the same process": c, "another one": client(t, fake, slack.Options{})} {
		found, ok, err := who.Find(t.Context(), bot.Parcel{Place: "C0GENERAL", Thread: parent, Nonce: "quiet"}, time.Now())
		require.NoError(t, err, name)
		require.True(t, ok, name)
		require.Equal(t, quiet, found, name)
	}
}

func TestALostAnswerIsUnsureAndTheMessageIsFound(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{})
	c := client(t, fake, slack.Options{})
	fake.Fail(slacktest.Fault{Method: "chat.postMessage", CutAfter: true})
	_, err := c.Post(t.Context(), bot.Parcel{Place: "C0GENERAL", Nonce: "n", Message: hello()})
	require.Equal(t, bot.SendUnsure, fault(t, err).Fault)
	mark, ok, err := c.Find(t.Context(), bot.Parcel{Place: "C0GENERAL", Nonce: "n"}, time.Now())
	require.NoError(t, err)
	require.True(t, ok)
	require.Len(t, fake.Messages("C0GENERAL"), 1, "the library sent it once")
	require.Equal(t, fake.Messages("C0GENERAL")[0].TS, mark.Ref)
}

func TestWhatAnotherAppWroteWithOurMetadataIsNotOurs(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{Unlimited: true})
	c := client(t, fake, slack.Options{})
	fake.Fail(slacktest.Fault{Method: "chat.postMessage", CutAfter: true})
	_, err := c.Post(t.Context(), bot.Parcel{Place: "C0GENERAL", Nonce: "n", Message: hello()})
	require.Error(t, err)
	ours := fake.Messages("C0GENERAL")[0]
	fake.Imitate("U1", "C0GENERAL", string(ours.Metadata))
	mark, ok, err := c.Find(t.Context(), bot.Parcel{Place: "C0GENERAL", Nonce: "n"}, time.Now())
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, ours.TS, mark.Ref)
	fake.Imitate("U1", "C0GENERAL", `{"event_type":"salve_post","event_payload":{"nonce":"m"}}`)
	_, ok, err = c.Find(t.Context(), bot.Parcel{Place: "C0GENERAL", Nonce: "m"}, time.Now())
	require.NoError(t, err)
	require.False(t, ok, "what was never posted is not found because somebody says so")
}

func TestEachWayToFailHasItsFault(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		fault slacktest.Fault
		want  bot.SendFault
		after time.Duration
		wide  bool
		says  string
	}{
		{name: "429 with a time", fault: slacktest.Fault{Status: 429, RetryAfter: "7"}, want: bot.SendLater, after: 7 * time.Second},
		{name: "429 without a time", fault: slacktest.Fault{Status: 429}, want: bot.SendLater, after: 10 * time.Second},
		{name: "429 with nonsense for a time", fault: slacktest.Fault{Status: 429, RetryAfter: "soon"}, want: bot.SendLater, after: 10 * time.Second},
		{name: "429 for a year", fault: slacktest.Fault{Status: 429, RetryAfter: "31536000"}, want: bot.SendLater, after: time.Hour},
		{name: "ratelimited", fault: slacktest.Fault{Error: "ratelimited"}, want: bot.SendLater, after: 10 * time.Second},
		{name: "rate_limited", fault: slacktest.Fault{Error: "rate_limited"}, want: bot.SendLater, after: 10 * time.Second},
		{name: "the whole workspace", fault: slacktest.Fault{Error: "message_limit_exceeded"}, want: bot.SendLater, after: 10 * time.Second, wide: true},
		{name: "no such channel", fault: slacktest.Fault{Error: "channel_not_found"}, want: bot.SendNoPlace, says: "/invite"},
		{name: "not invited", fault: slacktest.Fault{Error: "not_in_channel"}, want: bot.SendNoPlace, says: "/invite"},
		{name: "archived", fault: slacktest.Fault{Error: "is_archived"}, want: bot.SendNoPlace, says: "archived"},
		{name: "restricted", fault: slacktest.Fault{Error: "restricted_action"}, want: bot.SendNoPlace},
		{name: "gone", fault: slacktest.Fault{Error: "message_not_found"}, want: bot.SendGone},
		{name: "too old", fault: slacktest.Fault{Error: "edit_window_closed"}, want: bot.SendGone},
		{name: "another's", fault: slacktest.Fault{Error: "cant_update_message"}, want: bot.SendGone},
		{name: "blocks", fault: slacktest.Fault{Error: "invalid_blocks"}, want: bot.SendRefused},
		{name: "long text", fault: slacktest.Fault{Error: "msg_too_long"}, want: bot.SendRefused},
		{name: "long blocks", fault: slacktest.Fault{Error: "msg_blocks_too_long"}, want: bot.SendRefused},
		{name: "unknown token", fault: slacktest.Fault{Error: "invalid_auth"}, want: bot.SendDenied, says: "slack.bot_token"},
		{name: "revoked", fault: slacktest.Fault{Error: "token_revoked"}, want: bot.SendDenied},
		{name: "uninstalled", fault: slacktest.Fault{Error: "account_inactive"}, want: bot.SendDenied},
		{name: "scope", fault: slacktest.Fault{Error: "missing_scope"}, want: bot.SendDenied},
		{name: "another kind of token", fault: slacktest.Fault{Error: "not_allowed_token_type"}, want: bot.SendDenied},
		{name: "half done", fault: slacktest.Fault{Error: "fatal_error"}, want: bot.SendUnsure},
		{name: "an error nobody knows", fault: slacktest.Fault{Error: "service_unavailable"}, want: bot.SendDown},
		{name: "503", fault: slacktest.Fault{Status: 503}, want: bot.SendDown},
		{name: "500 and a page", fault: slacktest.Fault{Status: 500}, want: bot.SendUnsure},
		{name: "502 on the way", fault: slacktest.Fault{Status: 502}, want: bot.SendUnsure},
		{name: "403 of a proxy", fault: slacktest.Fault{Status: 403, Body: "<html>no</html>"}, want: bot.SendDown},
		{name: "cut before", fault: slacktest.Fault{CutBefore: true}, want: bot.SendUnsure},
		{name: "an answer that is none", fault: slacktest.Fault{Status: 200, Body: `{"ok":tr`}, want: bot.SendUnsure},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fake := open(t, slacktest.Options{})
			c := client(t, fake, slack.Options{})
			tt.fault.Times = -1
			fake.Fail(tt.fault)
			_, posted := c.Post(t.Context(), bot.Parcel{Place: "C0GENERAL", Message: hello()})
			edited := c.Edit(t.Context(), bot.Mark{Place: "C0GENERAL", Ref: "1795509000.000100"}, bot.Parcel{Message: hello()})
			for _, err := range []error{posted, edited} {
				f := fault(t, err)
				require.Equal(t, tt.want, f.Fault, "%v", f)
				require.Equal(t, tt.after, f.After)
				require.Equal(t, tt.wide, f.Wide)
				require.Contains(t, f.Error(), tt.says)
				require.NotContains(t, f.Error(), slacktest.BotToken)
				require.NotContains(t, f.Error(), "127.0.0.1")
				require.Less(t, len(f.Error()), 300)
			}
			require.Len(t, fake.Calls("chat.postMessage"), 1, "nothing is tried twice")
		})
	}
}

func TestAPageInsteadOfAnAnswerIsDown(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<html>log in to the network, canary-7f3a</html>"))
	}))
	t.Cleanup(srv.Close)
	c, err := slack.New(secret.New("xoxb-1"), secret.Secret{}, slack.Options{API: srv.URL + "/api/", Allow: loopback})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	_, err = c.Post(t.Context(), bot.Parcel{Place: "C1", Message: hello()})
	f := fault(t, err)
	require.Equal(t, bot.SendDown, f.Fault)
	require.NotContains(t, f.Error(), "canary")
}

func TestWhereNobodyListensNothingWasSent(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	for name, allow := range map[string][]string{"refused": loopback, "not allowed": nil} {
		c, err := slack.New(secret.New("xoxb-canary"), secret.Secret{}, slack.Options{API: "http://" + address + "/api", Allow: allow})
		require.NoError(t, err)
		_, err = c.Post(t.Context(), bot.Parcel{Place: "C1", Message: hello()})
		require.Equal(t, bot.SendDown, fault(t, err).Fault, name)
		require.NotContains(t, err.Error(), "canary")
	}
}

func TestACallThatTakesTooLongIsUnsure(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{})
	fake.Fail(slacktest.Fault{Method: "chat.postMessage", Delay: time.Minute})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := client(t, fake, slack.Options{}).Post(ctx, bot.Parcel{Place: "C0GENERAL", Message: hello()})
	require.Equal(t, bot.SendUnsure, fault(t, err).Fault)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestFilesGoIntoTheThreadAndAFileThatCannotDoesNotLoseTheMessage(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{Unlimited: true})
	c := client(t, fake, slack.Options{})
	m := hello()
	m.Files = []bot.File{{Name: "plot.png", Media: "image/png", Alt: "disk of db-3 rises to 97 %", Body: []byte("\x89PNG")}, {Name: "empty.txt"}}
	mark, err := c.Post(t.Context(), bot.Parcel{Place: "C0GENERAL", Message: m})
	require.NoError(t, err)
	files := fake.Files()
	require.Len(t, files, 1)
	require.Equal(t, "disk of db-3 rises to 97 %", files[0].Alt)
	require.Equal(t, mark.Ref, files[0].Thread)
	require.Equal(t, []byte("\x89PNG"), files[0].Body)
	var said []string
	for _, reply := range fake.Thread("C0GENERAL", mark.Ref) {
		said = append(said, reply.Text)
	}
	require.Contains(t, strings.Join(said, "\n"), "empty.txt could not be attached")
}

func TestAPersonIsWrittenToDirectly(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{})
	c := client(t, fake, slack.Options{})
	for range 2 {
		mark, err := c.Post(t.Context(), bot.Parcel{Place: "T0SALVE01/U1", Message: hello()})
		require.NoError(t, err)
		require.Equal(t, "D", mark.Place[:1])
	}
	require.Len(t, fake.Calls("conversations.open"), 1, "it is remembered")
}

func TestCallsArePacedByTheirTier(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{Unlimited: true})
	c := client(t, fake, slack.Options{})
	mark, err := c.Post(t.Context(), bot.Parcel{Place: "C0GENERAL", Message: hello()})
	require.NoError(t, err)
	done, later := 0, 0
	for range 40 {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		switch err := c.Edit(ctx, mark, bot.Parcel{Message: hello()}); {
		case err == nil:
			done++
		case fault(t, err).Fault == bot.SendLater:
			later++
			require.Positive(t, fault(t, err).After)
		}
		cancel()
	}
	require.GreaterOrEqual(t, done, 20, "half of a minute's calls go at once")
	require.LessOrEqual(t, len(fake.Calls("chat.update")), 27)
	require.Positive(t, later, "the rest is told to come later, without asking Slack")
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	_, err := slack.New(secret.Secret{}, secret.Secret{}, slack.Options{})
	require.ErrorContains(t, err, "slack.bot_token")
	for _, api := range []string{"ftp://slack.com/", "slack.com", "https://a:b@slack.com/", "https://slack.com/?x=1"} {
		_, err := slack.New(secret.New("xoxb-1"), secret.Secret{}, slack.Options{API: api})
		require.ErrorContains(t, err, "api_url")
	}
}
