package slack_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/slack"
	"salve/integrations/slack/slacktest"
)

func TestWhatPeopleDoBecomesGestures(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{Unlimited: true})
	c := client(t, fake, slack.Options{})
	mark, err := c.Post(t.Context(), bot.Parcel{Place: "C0GENERAL", Message: approval()})
	require.NoError(t, err)
	card, _ := fake.Message("C0GENERAL", mark.Ref)
	said := fake.Say("U1", "C0GENERAL", "the shop is &lt;slow&gt; since <!date^1^x|noon>, see <https://x.example/|here>")
	user := bot.ChatUser{ID: "T0SALVE01/U1", Name: "ada"}
	for name, tt := range map[string]struct {
		do   func()
		want bot.Gesture
	}{
		"a command": {
			func() {
				fake.Slash("U1", "C0GENERAL", "note I-142 &lt;b&gt; <@U2|bob> <#C1|ops> <https://a.example/?x=1&amp;y|a> <!subteam^S1|@db>")
			},
			bot.Gesture{Kind: bot.GestureSaid, User: user, Place: "C0GENERAL", Text: "note I-142 <b> @U2 #ops https://a.example/?x=1&y @db"},
		},
		"a click":        {func() { fake.Press("U1", card, "Approve") }, bot.Gesture{Kind: bot.GesturePressed, User: user, Place: "C0GENERAL", Message: mark.Ref, Token: "tok-approve"}},
		"a choice":       {func() { fake.Press("U1", card, "Show plan") }, bot.Gesture{Kind: bot.GesturePressed, User: user, Place: "C0GENERAL", Message: mark.Ref, Token: "tok-plan"}},
		"the shortcut":   {func() { fake.Shortcut("U1", said, "raise") }, bot.Gesture{Kind: bot.GestureChose, User: user, Place: "C0GENERAL", Message: said.TS, Text: "the shop is <slow> since noon, see https://x.example/"}},
		"the home":       {func() { fake.OpenHome("U1") }, bot.Gesture{Kind: bot.GestureOpened, User: bot.ChatUser{ID: user.ID}}},
		"a mention":      {func() { fake.Mention("U1", "C0GENERAL", mark.Ref, "approve") }, bot.Gesture{Kind: bot.GestureSaid, User: bot.ChatUser{ID: user.ID}, Place: "C0GENERAL", Thread: mark.Ref, Text: "approve"}},
		"another's form": {func() { fake.Shortcut("U1", said, "other-app") }, bot.Gesture{}},
		"what bots say":  {func() { fake.Event("U1", "app_mention", map[string]any{"user": "U1", "bot_id": "B1", "text": "hi"}) }, bot.Gesture{}},
		"ourselves": {func() {
			fake.Event(slacktest.BotUser, "app_mention", map[string]any{"user": slacktest.BotUser, "text": "hi"})
		}, bot.Gesture{}},
		"other tabs":   {func() { fake.Event("U1", "app_home_opened", map[string]any{"user": "U1", "tab": "messages"}) }, bot.Gesture{}},
		"other events": {func() { fake.Event("U1", "team_join", map[string]any{"user": map[string]any{"id": "U1"}}) }, bot.Gesture{}},
	} {
		heard := newEar()
		overHTTP(t, fake, c, heard)
		tt.do()
		if tt.want.Kind == "" {
			require.Empty(t, heard.all(), name)
			continue
		}
		g := heard.only(t)
		require.Regexp(t, `^slack/[0-9a-f]{32}$`, g.Key)
		require.Equal(t, "http", g.Transport)
		require.False(t, g.ReceivedAt.IsZero())
		if tt.want.Kind != bot.GestureSaid || tt.want.Message == "" {
			tt.want.Message = g.Message
		}
		g.Key, g.Surface, g.Transport, g.ReceivedAt, g.Handles = "", "", "", tt.want.ReceivedAt, nil
		require.Equal(t, tt.want, g, name)
	}
}

func TestSomebodyOfAnotherOrganisationIsMarked(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{Unlimited: true})
	fake.AddUser(slacktest.User{ID: "U9", Name: "eve", Team: "T0OTHER"})
	c := client(t, fake, slack.Options{})
	mark, err := c.Post(t.Context(), bot.Parcel{Place: "C0GENERAL", Message: approval()})
	require.NoError(t, err)
	card, _ := fake.Message("C0GENERAL", mark.Ref)
	for name, do := range map[string]func(){
		"a click":   func() { fake.Press("U9", card, "Approve") },
		"a mention": func() { fake.Mention("U9", "C0GENERAL", "", "approve") },
	} {
		g := gesture(t, fake, c, do)
		require.Equal(t, "T0OTHER/U9", g.User.ID, name)
		require.Equal(t, slacktest.TeamID, g.User.Tenant, name)
		m, err := c.Member(t.Context(), g.User)
		require.NoError(t, err)
		require.Equal(t, "external", m.Why)
	}
}

func TestInAnOrganisationPeopleAreKnownByIt(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{Unlimited: true, Enterprise: "E0CORP"})
	c := client(t, fake, slack.Options{})
	g := gesture(t, fake, c, func() { fake.Slash("U1", "C0GENERAL", "list") })
	require.Equal(t, "E0CORP/U1", g.User.ID)
	require.Empty(t, g.User.Tenant)
}

// samples are payloads that Slack has sent, with their values emptied; the rest
// of the collection is read where SALVE_SHARED points to it.
func samples(t testing.TB) map[string][]byte {
	t.Helper()
	roots := []string{filepath.Join("testdata", "samples")}
	if shared := os.Getenv("SALVE_SHARED"); shared != "" {
		roots = append(roots, filepath.Join(shared, "slack-json"))
	}
	out := map[string][]byte{}
	for _, root := range roots {
		require.NoError(t, filepath.Walk(root, func(file string, info os.FileInfo, err error) error {
			if err != nil || info.IsDir() || filepath.Ext(file) != ".json" {
				return err
			}
			out[file], err = os.ReadFile(file)
			return err
		}))
	}
	require.GreaterOrEqual(t, len(out), 5)
	return out
}

// TestRealPayloadsNeverConfuseTheDecoder sends each as an event, an interaction
// and a command, as it is and with ids of ours in it: nothing breaks, and
// nothing is heard that Salve does not listen to.
func TestRealPayloadsNeverConfuseTheDecoder(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{})
	heard := newEar()
	h, err := slack.NewHandler(client(t, fake, slack.Options{}), secret.New(slacktest.SigningSecret), heard)
	require.NoError(t, err)
	for file, body := range samples(t) {
		var tree map[string]any
		if json.Unmarshal(body, &tree) != nil {
			continue
		}
		ours(tree)
		filled, err := json.Marshal(tree)
		require.NoError(t, err)
		for _, raw := range []string{string(body), string(filled)} {
			for _, r := range []*http.Request{
				signed(jsonMedia, raw), signed(formMedia, url.Values{"payload": {raw}}.Encode()), signed(formMedia, url.Values{"command": {"/salve"}, "text": {raw}}.Encode()),
			} {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				require.Contains(t, []int{200, 400}, w.Code, "%s: %s", file, w.Body)
			}
		}
	}
	for _, g := range heard.all() {
		require.Contains(t, []bot.GestureKind{bot.GestureChose, bot.GestureOpened, bot.GestureSaid}, g.Kind)
		require.Equal(t, "T0SALVE01/U1", g.User.ID)
	}
	require.GreaterOrEqual(t, len(heard.all()), 2, "the shortcut and the home are among them")
}

// ours puts ids of the test's workspace where the samples are empty.
func ours(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			ours(e)
		}
	case map[string]any:
		for name, e := range v {
			switch {
			case name == "team_id" || name == "user_team" || name == "team" && e == "":
				v[name] = slacktest.TeamID
			case name == "user" && e == "":
				v[name] = "U1"
			case name == "user" || name == "team":
				if m, ok := e.(map[string]any); ok {
					m["id"] = map[string]string{"user": "U1", "team": slacktest.TeamID}[name]
				}
				ours(e)
			case name == "bot_id" || name == "subtype":
				v[name] = ""
			case name == "event_id" || name == "trigger_id":
				v[name] = fmt.Sprintf("%p", &e)
			case name == "tab":
				v[name] = "home"
			case name == "callback_id" && v["type"] == "message_action":
				v[name] = "raise"
			case name == "event":
				v["type"] = "event_callback"
				ours(e)
			default:
				ours(e)
			}
		}
	}
}

func FuzzInteraction(f *testing.F) {
	for _, body := range samples(f) {
		f.Add(string(body))
	}
	f.Add(`{"type":"view_submission","team":{"id":"T0SALVE01"},"user":{"id":"U1"},"view":{"callback_id":"form","private_metadata":"t","state":{"values":{"field.reason":{"value":{"type":"plain_text_input","value":"x"}}}}}}`)
	fake := open(f, slacktest.Options{})
	h, err := slack.NewHandler(client(f, fake, slack.Options{}), secret.New(slacktest.SigningSecret), newEar())
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, raw string) {
		for _, r := range []*http.Request{signed(jsonMedia, raw), signed(formMedia, url.Values{"payload": {raw}}.Encode()), signed(formMedia, raw)} {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			require.NotEqual(t, 5, w.Code/100)
		}
	})
}
