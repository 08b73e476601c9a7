package discord_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/discord"
	"salve/integrations/discord/discordtest"
)

func general(t testing.TB, c *discord.Client, m bot.Message) bot.Mark {
	t.Helper()
	mark, err := c.Post(t.Context(), bot.Parcel{Place: discordtest.General, Nonce: "n-" + m.Alone[:min(len(m.Alone), 8)], Message: m})
	require.NoError(t, err)
	return mark
}

func TestACardIsPostedEditedAndFoundAgain(t *testing.T) {
	t.Parallel()
	fake := open(t, discordtest.Options{})
	c := client(t, fake, discord.Options{})
	mark, err := c.Post(t.Context(), bot.Parcel{Place: discordtest.General, Nonce: "n-1", Message: hello()})
	require.NoError(t, err)
	require.Equal(t, discordtest.General, mark.Place)
	require.NoError(t, c.Edit(t.Context(), mark, bot.Parcel{Nonce: "n-1", Message: approval()}))
	shown, ok := fake.Message(mark.Place, mark.Ref)
	require.True(t, ok)
	require.Contains(t, shown.Content, "approve grow-disk?")
	require.Equal(t, 1, shown.Edits)

	found, ok, err := c.Find(t.Context(), bot.Parcel{Place: discordtest.General, Nonce: "n-1"}, time.Now())
	require.NoError(t, err)
	require.True(t, ok, "an edit keeps what it is found by")
	require.Equal(t, mark, found)
	_, ok, err = c.Find(t.Context(), bot.Parcel{Place: discordtest.General, Nonce: "n-2"}, time.Now())
	require.NoError(t, err)
	require.False(t, ok)
}

func TestTheSamePostTwiceIsOneMessage(t *testing.T) {
	t.Parallel()
	fake := open(t, discordtest.Options{})
	c := client(t, fake, discord.Options{})
	fake.Fail(discordtest.Fault{Route: createRoute, CutAfter: true})
	p := bot.Parcel{Place: discordtest.General, Nonce: strings.Repeat("long", 20), Message: hello()}
	_, err := c.Post(t.Context(), p)
	require.Equal(t, bot.SendUnsure, fault(t, err).Fault)
	require.Len(t, fake.Calls(createRoute), 1, "it is sent once")
	mark, err := c.Post(t.Context(), p)
	require.NoError(t, err)
	require.Len(t, fake.Messages(discordtest.General), 1)
	found, ok, err := c.Find(t.Context(), bot.Parcel{Place: discordtest.General, Nonce: p.Nonce}, time.Now())
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, mark, found)
}

func TestAThreadIsBegunOnceAndKnownByEverybody(t *testing.T) {
	t.Parallel()
	fake := open(t, discordtest.Options{Unlimited: true})
	c := client(t, fake, discord.Options{})
	over := general(t, c, hello())
	for i, who := range []*discord.Client{c, c, client(t, fake, discord.Options{})} {
		mark, err := who.Post(t.Context(), bot.Parcel{Place: discordtest.General, Thread: over, Nonce: "r" + string(rune('0'+i)), Message: messages()["progress"]})
		require.NoError(t, err)
		require.Equal(t, over.Ref, mark.Place, "a thread has the id of its message")
		require.NoError(t, who.Edit(t.Context(), mark, bot.Parcel{Message: messages()["progress"]}))
	}
	card, _ := fake.Message(over.Place, over.Ref)
	thread, inside, ok := fake.Thread(card)
	require.True(t, ok)
	require.Len(t, inside, 3)
	require.Equal(t, "I-142 disk full on db-3", thread.Name)
	require.Equal(t, 1, fake.Count("POST /channels/{channel}/messages/{message}/threads", 0))
	for name, who := range map[string]*discord.Client{"the same process": c, "another one": client(t, fake, discord.Options{})} {
		found, ok, err := who.Find(t.Context(), bot.Parcel{Place: discordtest.General, Thread: over, Nonce: "r1"}, time.Now())
		require.NoError(t, err, name)
		require.True(t, ok, name)
		require.Equal(t, bot.Mark{Place: over.Ref, Ref: inside[1].ID}, found, name)
	}
	loud := messages()["notice"]
	loud.Broadcast = true
	mark, err := c.Post(t.Context(), bot.Parcel{Place: discordtest.General, Thread: over, Nonce: "loud", Message: loud})
	require.NoError(t, err)
	found, ok, err := c.Find(t.Context(), bot.Parcel{Place: discordtest.General, Thread: over, Nonce: "loud"}, time.Now())
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, mark, found, "what all are to see stands in the channel")
}

func TestAThreadThatManyBeginAtOnceIsOne(t *testing.T) {
	t.Parallel()
	fake := open(t, discordtest.Options{Unlimited: true})
	c := client(t, fake, discord.Options{})
	over := general(t, c, hello())
	var crew sync.WaitGroup
	for i := range 8 {
		crew.Go(func() {
			_, err := c.Post(t.Context(), bot.Parcel{Place: discordtest.General, Thread: over, Nonce: "r" + string(rune('a'+i)), Message: messages()["progress"]})
			require.NoError(t, err)
		})
	}
	crew.Wait()
	require.Len(t, fake.Messages(over.Ref), 8)
	require.Len(t, fake.Messages(discordtest.General), 1)
}

func TestWhereNoThreadCanBeBegunItIsAnAnswerInTheChannel(t *testing.T) {
	t.Parallel()
	fake := open(t, discordtest.Options{Unlimited: true})
	c := client(t, fake, discord.Options{})
	over := general(t, c, hello())
	fake.AddChannel(discordtest.Channel{ID: discordtest.General, Name: "general", Denied: discordtest.PermissionCreateThreads})
	mark, err := c.Post(t.Context(), bot.Parcel{Place: discordtest.General, Thread: over, Nonce: "r", Message: messages()["progress"]})
	require.NoError(t, err)
	require.Equal(t, discordtest.General, mark.Place)
	last := fake.Calls(createRoute)
	require.Contains(t, string(last[len(last)-1].Body), `"message_reference":{"message_id":"`+over.Ref+`"`)

	fake.Delete(fake.Messages(discordtest.General)[0])
	_, err = c.Post(t.Context(), bot.Parcel{Place: discordtest.General, Thread: bot.Mark{Place: discordtest.General, Ref: over.Ref}, Nonce: "s", Message: messages()["progress"]})
	require.NoError(t, err)
}

func TestABroadcastIsSeenInTheChannel(t *testing.T) {
	t.Parallel()
	fake := open(t, discordtest.Options{Unlimited: true})
	c := client(t, fake, discord.Options{})
	over := general(t, c, hello())
	mark, err := c.Post(t.Context(), bot.Parcel{Place: discordtest.General, Thread: over, Nonce: "b", Message: messages()["notice"]})
	require.NoError(t, err)
	require.Equal(t, discordtest.General, mark.Place)
	shown, ok := fake.Message(mark.Place, mark.Ref)
	require.True(t, ok)
	require.ElementsMatch(t, []string{ada, oncall}, shown.Pinged)
}

func TestEachWayToFailHasItsFault(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		fault discordtest.Fault
		want  bot.SendFault
		after time.Duration
		wide  bool
		says  string
	}{
		{name: "429 of a bucket", fault: discordtest.Fault{Status: 429, RetryAfter: "7", Scope: "user"}, want: bot.SendLater, after: 7 * time.Second},
		{name: "429 of all", fault: discordtest.Fault{Status: 429, RetryAfter: "7", Scope: "global"}, want: bot.SendLater, after: 7 * time.Second, wide: true},
		{name: "429 shared", fault: discordtest.Fault{Status: 429, RetryAfter: "7", Scope: "shared"}, want: bot.SendLater, after: 7 * time.Second},
		{name: "429 of Discord's front", fault: discordtest.Fault{Status: 429, RetryAfter: "900"}, want: bot.SendLater, after: 900 * time.Second, wide: true, says: "bars this address"},
		{name: "429 without a time", fault: discordtest.Fault{Status: 429}, want: bot.SendLater, after: 10 * time.Second, wide: true},
		{name: "429 for a year", fault: discordtest.Fault{Status: 429, RetryAfter: "31536000"}, want: bot.SendLater, after: time.Hour, wide: true},
		{name: "slow mode", fault: discordtest.Fault{Status: 400, Code: 20016}, want: bot.SendLater, after: 10 * time.Second},
		{name: "too many edits of what is old", fault: discordtest.Fault{Status: 400, Code: 30046}, want: bot.SendLater, after: 10 * time.Second},
		{name: "no such channel", fault: discordtest.Fault{Status: 404, Code: 10003}, want: bot.SendNoPlace, says: "not there"},
		{name: "no access", fault: discordtest.Fault{Status: 403, Code: 50001}, want: bot.SendNoPlace, says: "View Channel"},
		{name: "no permission", fault: discordtest.Fault{Status: 403, Code: 50013}, want: bot.SendNoPlace, says: "salve doctor"},
		{name: "locked", fault: discordtest.Fault{Status: 403, Code: 160005}, want: bot.SendNoPlace},
		{name: "no direct messages", fault: discordtest.Fault{Status: 403, Code: 50007}, want: bot.SendNoPlace},
		{name: "gone", fault: discordtest.Fault{Status: 404, Code: 10008}, want: bot.SendGone},
		{name: "another's", fault: discordtest.Fault{Status: 403, Code: 50005}, want: bot.SendGone},
		{name: "the form", fault: discordtest.Fault{Status: 400, Code: 50035}, want: bot.SendRefused},
		{name: "too large", fault: discordtest.Fault{Status: 413, Code: 40005}, want: bot.SendRefused},
		{name: "AutoMod", fault: discordtest.Fault{Status: 400, Code: 200000}, want: bot.SendRefused, says: "AutoMod"},
		{name: "unknown token", fault: discordtest.Fault{Status: 401, Code: 0, Message: "401: Unauthorized"}, want: bot.SendDenied, says: "discord.bot_token"},
		{name: "no such server", fault: discordtest.Fault{Status: 404, Code: 10004}, want: bot.SendDenied},
		{name: "an error nobody knows", fault: discordtest.Fault{Status: 400, Code: 99999}, want: bot.SendDown},
		{name: "503", fault: discordtest.Fault{Status: 503}, want: bot.SendDown},
		{name: "500 and a page", fault: discordtest.Fault{Status: 500}, want: bot.SendUnsure},
		{name: "502 on the way", fault: discordtest.Fault{Status: 502}, want: bot.SendUnsure},
		{name: "403 of a proxy", fault: discordtest.Fault{Status: 403, Body: "<html>no</html>"}, want: bot.SendDown},
		{name: "cut before", fault: discordtest.Fault{CutBefore: true}, want: bot.SendUnsure},
		{name: "an answer that is none", fault: discordtest.Fault{Status: 200, Body: `{"id":tr`}, want: bot.SendUnsure},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for name, call := range map[string]func(*discord.Client) error{
				"post": func(c *discord.Client) error {
					_, err := c.Post(t.Context(), bot.Parcel{Place: discordtest.General, Message: hello()})
					return err
				},
				"edit": func(c *discord.Client) error {
					return c.Edit(t.Context(), bot.Mark{Place: discordtest.General, Ref: "1100000000000000099"}, bot.Parcel{Message: hello()})
				},
			} {
				fake := open(t, discordtest.Options{})
				tt.fault.Times = -1
				fake.Fail(tt.fault)
				err := call(client(t, fake, discord.Options{}))
				if name == "edit" && tt.fault.Body == `{"id":tr` {
					continue // what it says is not read
				}
				f := fault(t, err)
				require.Equal(t, tt.want, f.Fault, "%s: %v", name, f)
				require.Equal(t, tt.after, f.After)
				require.Equal(t, tt.wide, f.Wide)
				require.Contains(t, err.Error(), tt.says)
				require.NotContains(t, err.Error(), discordtest.BotToken)
				require.NotContains(t, err.Error(), "127.0.0.1")
				require.Less(t, len(err.Error()), 300)
				require.Len(t, fake.Calls(""), 1, "nothing is tried twice")
			}
		})
	}
}

func TestWhereNobodyListensNothingWasSent(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	for name, allow := range map[string][]string{"refused": loopback, "not allowed": nil} {
		c, err := discord.New(secret.New("canary"), discordtest.AppID, discordtest.GuildID, discord.Options{API: "http://" + address + "/api", Allow: allow})
		require.NoError(t, err)
		_, err = c.Post(t.Context(), bot.Parcel{Place: discordtest.General, Message: hello()})
		require.Equal(t, bot.SendDown, fault(t, err).Fault, name)
		require.NotContains(t, err.Error(), "canary")
	}
}

func TestACallThatTakesTooLongIsUnsure(t *testing.T) {
	t.Parallel()
	fake := open(t, discordtest.Options{})
	fake.Fail(discordtest.Fault{Route: createRoute, Delay: time.Minute})
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second) // until then it is sent, however busy the machine is
	defer cancel()
	_, err := client(t, fake, discord.Options{}).Post(ctx, bot.Parcel{Place: discordtest.General, Message: hello()})
	require.Equal(t, bot.SendUnsure, fault(t, err).Fault)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestFilesGoWithTheMessageAndAFileThatCannotDoesNotLoseIt(t *testing.T) {
	t.Parallel()
	fake := open(t, discordtest.Options{Unlimited: true})
	m := hello()
	m.Files = []bot.File{
		{Name: "plot.png", Media: "image/png", Alt: "disk of db-3 rises to 97 %", Body: []byte("\x89PNG")},
		{Name: "../week 47.csv", Media: "text/csv", Body: []byte("a,b\n")}, {Name: "empty.txt"},
	}
	mark := general(t, client(t, fake, discord.Options{}), m)
	shown, _ := fake.Message(mark.Place, mark.Ref)
	require.Len(t, shown.Attachments, 2)
	require.Equal(t, "disk of db-3 rises to 97 %", shown.Attachments[0].Description)
	require.Equal(t, "_week_47.csv", shown.Attachments[1].Name)
	require.Equal(t, []byte("\x89PNG"), shown.Attachments[0].Body)
	require.Contains(t, string(shown.Embeds), "empty.txt could not be attached")
}

func TestAPersonIsWrittenToDirectly(t *testing.T) {
	t.Parallel()
	fake := open(t, discordtest.Options{})
	c := client(t, fake, discord.Options{})
	for range 2 {
		mark, err := c.Post(t.Context(), bot.Parcel{Place: adaID, Message: hello()})
		require.NoError(t, err)
		require.NotEqual(t, discordtest.General, mark.Place)
		for _, m := range []bot.Message{approval(), messages()["reply"]} {
			require.NoError(t, c.Edit(t.Context(), mark, bot.Parcel{Place: adaID, Message: m}))
			shown, _ := fake.Message(mark.Place, mark.Ref)
			require.JSONEq(t, "[]", string(shown.Components), "nothing can be pressed where no roles come with it")
			require.Contains(t, string(shown.Embeds), "in the server")
		}
	}
	require.Len(t, fake.Calls("POST /users/@me/channels"), 1, "it is remembered")
}

func TestCallsKeepBelowWhatDiscordTakes(t *testing.T) {
	t.Parallel()
	fake := open(t, discordtest.Options{})
	c := client(t, fake, discord.Options{})
	done, later := 0, 0
	for range 40 {
		switch _, err := c.Post(t.Context(), bot.Parcel{Place: discordtest.General, Message: hello()}); {
		case err == nil:
			done++
		case fault(t, err).Fault == bot.SendLater:
			later++
			require.Positive(t, fault(t, err).After)
		}
	}
	require.GreaterOrEqual(t, done, 5)
	require.Positive(t, later, "the rest is told to come later, without asking Discord")
	require.Zero(t, fake.Count("", http.StatusTooManyRequests), "a limit that Discord told is never run into")
	require.Zero(t, fake.Invalid())
}

func TestManyAtOnceKeepTheLimitOfTheApp(t *testing.T) {
	t.Parallel()
	fake := open(t, discordtest.Options{})
	c := client(t, fake, discord.Options{})
	var crew sync.WaitGroup
	for i := range 120 {
		place := "11000000000000010" + string(rune('0'+i/100)) + string(rune('0'+i/10%10)) + string(rune('0'+i%10))
		fake.AddChannel(discordtest.Channel{ID: place, Name: "c"})
		crew.Go(func() {
			_, _ = c.Post(t.Context(), bot.Parcel{Place: place, Message: hello()}) // some are told to come later
		})
	}
	crew.Wait()
	require.Zero(t, fake.Count("", http.StatusTooManyRequests))
}

func TestASecretOnTheWayIsInNoError(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<html>log in to the network, canary-7f3a</html>"))
	}))
	t.Cleanup(srv.Close)
	c, err := discord.New(secret.New("t"), discordtest.AppID, discordtest.GuildID, discord.Options{API: srv.URL + "/api/", Allow: loopback})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	_, err = c.Post(t.Context(), bot.Parcel{Place: discordtest.General, Message: hello()})
	f := fault(t, err)
	require.Equal(t, bot.SendDown, f.Fault)
	require.NotContains(t, f.Error(), "canary")
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	_, err := discord.New(secret.Secret{}, "1", "2", discord.Options{})
	require.ErrorContains(t, err, "discord.bot_token")
	_, err = discord.New(secret.New("t"), "app", "2", discord.Options{})
	require.ErrorContains(t, err, "discord.application_id")
	_, err = discord.New(secret.New("t"), "1", "2", discord.Options{Groups: map[string]string{"oncall": "@oncall"}})
	require.ErrorContains(t, err, "discord.groups")
	_, err = discord.New(secret.New("t"), "1", "", discord.Options{})
	require.ErrorContains(t, err, "discord.guild")
	for _, api := range []string{"ftp://discord.com/", "discord.com", "https://a:b@discord.com/", "https://discord.com/?x=1"} {
		_, err := discord.New(secret.New("t"), "1", "2", discord.Options{API: api})
		require.ErrorContains(t, err, "api_url")
	}
}
