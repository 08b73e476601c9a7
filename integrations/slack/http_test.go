package slack_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/slack"
	"salve/integrations/slack/slacktest"
)

// overHTTP lets the fake's people be heard at an address of ours.
func overHTTP(t testing.TB, fake *slacktest.Slack, c *slack.Client, heard slack.Ear) {
	t.Helper()
	h, err := slack.NewHandler(c, secret.New(slacktest.SigningSecret), heard)
	require.NoError(t, err)
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	fake.OverHTTP(slacktest.Endpoints{Commands: srv.URL + slack.Path, Interactions: srv.URL + slack.Path, Events: srv.URL + slack.Path})
}

func TestNothingForgedIsHeard(t *testing.T) {
	t.Parallel()
	for _, f := range []slacktest.Forgery{
		slacktest.ForgeOld, slacktest.ForgeEarly, slacktest.ForgeSignature, slacktest.ForgeUnsigned, slacktest.ForgeReencoded, slacktest.ForgeQuery,
	} {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			fake := open(t, slacktest.Options{})
			c := client(t, fake, slack.Options{})
			heard := newEar()
			overHTTP(t, fake, c, heard)
			mark, err := c.Post(t.Context(), bot.Parcel{Place: "C0GENERAL", Message: approval()})
			require.NoError(t, err)
			card, _ := fake.Message("C0GENERAL", mark.Ref)
			for _, do := range []func() slacktest.Heard{
				func() slacktest.Heard { return fake.Slash("U1", "C0GENERAL", "approve I-142") },
				func() slacktest.Heard { return fake.Press("U1", card, "Approve") },
				func() slacktest.Heard { return fake.Mention("U1", "C0GENERAL", "", "list") },
			} {
				fake.Forge(f)
				h := do()
				require.False(t, h.Acked)
				require.Equal(t, 4, h.Status/100, "%d %s", h.Status, h.Body)
				require.Equal(t, 1, h.Attempts, "it is not asked for again")
			}
			require.Empty(t, heard.all())
		})
	}
}

func TestTheSameTwiceHasOneKey(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{})
	c := client(t, fake, slack.Options{})
	heard := newEar()
	overHTTP(t, fake, c, heard)
	mark, err := c.Post(t.Context(), bot.Parcel{Place: "C0GENERAL", Message: approval()})
	require.NoError(t, err)
	card, _ := fake.Message("C0GENERAL", mark.Ref)
	for i, do := range []func() slacktest.Heard{
		func() slacktest.Heard { return fake.Slash("U1", "C0GENERAL", "list") },
		func() slacktest.Heard { return fake.Press("U1", card, "Approve") },
		func() slacktest.Heard { return fake.Mention("U1", "C0GENERAL", mark.Ref, "approve") },
		func() slacktest.Heard { return fake.OpenHome("U1") },
		func() slacktest.Heard { return fake.Shortcut("U1", card, "raise") },
	} {
		h := do()
		require.True(t, h.Acked)
		require.True(t, fake.Again(h).Acked)
		require.Len(t, heard.all(), i+1)
	}
	require.True(t, fake.Press("U1", card, "Approve").Acked)
	require.Len(t, heard.all(), 6, "a second click is another gesture")
	require.Equal(t, 11, heard.times)
}

func TestWhatWasNotRecordedIsSaidAndNotAcknowledged(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{Unlimited: true})
	c := client(t, fake, slack.Options{})
	heard := newEar()
	heard.set(errDisk)
	overHTTP(t, fake, c, heard)
	mark, err := c.Post(t.Context(), bot.Parcel{Place: "C0GENERAL", Message: approval()})
	require.NoError(t, err)
	card, _ := fake.Message("C0GENERAL", mark.Ref)

	h := fake.Slash("U1", "C0GENERAL", "list")
	said, ok := h.Whispered()
	require.True(t, ok)
	require.Contains(t, said.Text, "Not recorded, as far as Salve knows")

	h = fake.Press("U1", card, "Approve")
	require.False(t, h.Acked, "Slack shows its own warning")
	said, ok = h.Whispered()
	require.True(t, ok)
	require.Contains(t, said.Text, "Not recorded, as far as Salve knows")

	h = fake.Mention("U1", "C0GENERAL", "", "list")
	require.False(t, h.Acked)
	require.Equal(t, http.StatusServiceUnavailable, h.Status)
	require.Greater(t, h.Attempts, 1, "Slack tries again")

	heard.set(nil)
	require.True(t, fake.Again(h).Acked)
	require.Len(t, heard.all(), 1)
}

func TestAFormThatWasNotRecordedStaysOpen(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{Unlimited: true})
	c := client(t, fake, slack.Options{})
	heard := newEar()
	overHTTP(t, fake, c, heard)
	fake.Slash("U1", "C0GENERAL", "deny I-142")
	_, err := c.Open(t.Context(), heard.only(t), bot.Form{Title: "Deny", Token: "f", Fields: []bot.Field{{Name: "reason", Label: "Why?", Kind: bot.FieldLong}}})
	require.NoError(t, err)
	heard.set(errDisk)
	h := fake.Submit(fake.Views("U1")[0], map[string]string{"Why?": "no"})
	require.Contains(t, h.Errors["field.reason"], "Not recorded, as far as Salve knows")
}

func TestABlockedDatabaseIsToldWithinSlacksThreeSeconds(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{Unlimited: true, AckWithin: 10 * time.Second})
	c := client(t, fake, slack.Options{})
	heard := newEar()
	heard.block = make(chan struct{})
	overHTTP(t, fake, c, heard)
	h := fake.Slash("U1", "C0GENERAL", "list")
	require.True(t, h.Acked)
	require.Contains(t, string(h.Body), "Not recorded, as far as Salve knows")
	require.Less(t, h.Took, 3*time.Second)
}

func TestTheAddressIsProved(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{})
	overHTTP(t, fake, client(t, fake, slack.Options{}), newEar())
	challenge, h := fake.Challenge()
	require.True(t, h.Acked)
	require.Contains(t, string(h.Body), challenge)
}

func TestWithoutASigningSecretThereIsNoHandler(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{})
	_, err := slack.NewHandler(client(t, fake, slack.Options{}), secret.Secret{}, newEar())
	require.ErrorContains(t, err, "slack.signing_secret")
}

// signed makes a request that Slack could have sent.
func signed(media, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, slack.Path, strings.NewReader(body))
	r.Header.Set("Content-Type", media)
	for name, v := range slacktest.Sign(slacktest.SigningSecret, time.Now(), []byte(body)) {
		r.Header.Set(name, v)
	}
	return r
}

const formMedia, jsonMedia = "application/x-www-form-urlencoded", "application/json"

func TestWhatIsSignedButOddIsRefused(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{})
	heard := newEar()
	h, err := slack.NewHandler(client(t, fake, slack.Options{}), secret.New(slacktest.SigningSecret), heard)
	require.NoError(t, err)
	press := func(team, actions string) *http.Request {
		payload := `{"type":"block_actions","trigger_id":"1.2","team":{"id":"` + team + `"},"user":{"id":"U1","team_id":"` + team + `"},"actions":` + actions + `}`
		return signed(formMedia, url.Values{"payload": {payload}}.Encode())
	}
	one := `{"type":"button","action_id":"b0","value":"tok"}`
	get := signed(formMedia, "a=b")
	get.Method = http.MethodGet
	twice := signed(formMedia, "command=/salve&team_id="+slacktest.TeamID+"&user_id=U1")
	twice.Header.Add("X-Slack-Signature", "v0=00")
	for name, r := range map[string]*http.Request{
		"a GET": get, "two signatures": twice,
		"another workspace":        press("T0OTHER", "["+one+"]"),
		"no team":                  press("", "["+one+"]"),
		"two actions":              press(slacktest.TeamID, "["+one+","+one+"]"),
		"no action":                press(slacktest.TeamID, "[]"),
		"an action of another app": press(slacktest.TeamID, `[{"type":"button","action_id":"approve","value":"tok"}]`),
		"no token":                 press(slacktest.TeamID, `[{"type":"button","action_id":"b0"}]`),
		"a token of 3 kB":          press(slacktest.TeamID, `[{"type":"button","action_id":"b0","value":"`+strings.Repeat("x", 3000)+`"}]`),
		"a value twice":            signed(formMedia, "command=/salve&command=/x&team_id="+slacktest.TeamID),
		"no form":                  signed(formMedia, "payload=%zz"),
		"no JSON":                  signed(jsonMedia, "{"),
		"text":                     signed("text/plain", "payload={}"),
		"too large":                signed(formMedia, strings.Repeat("x", 1<<20+1)),
		"a dialog of old":          signed(formMedia, url.Values{"payload": {`{"type":"dialog_submission"}`}}.Encode()),
		"no user":                  signed(formMedia, "command=/salve&team_id="+slacktest.TeamID),
		"an event without an id":   signed(jsonMedia, `{"type":"event_callback","team_id":"`+slacktest.TeamID+`","event":{"type":"app_mention","user":"U1"}}`),
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		require.Equal(t, 4, w.Code/100, "%s: %d %s", name, w.Code, w.Body)
	}
	require.Empty(t, heard.all())
	w := httptest.NewRecorder()
	h.ServeHTTP(w, signed(formMedia, "command=/salve&team_id=T0OTHER&user_id=U1&text=list"))
	require.Equal(t, http.StatusOK, w.Code)
	require.Contains(t, w.Body.String(), "serves another workspace")
	require.Empty(t, heard.all())
}
