package discord_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/discord"
	"salve/integrations/discord/discordtest"
)

func TestNothingForgedIsHeard(t *testing.T) {
	t.Parallel()
	for _, f := range discordtest.Forgeries {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			fake := open(t, discordtest.Options{Unlimited: true})
			c := client(t, fake, discord.Options{})
			require.NoError(t, c.Register(t.Context()))
			heard := newEar()
			overHTTP(t, fake, c, heard)
			mark := general(t, c, approval())
			card, _ := fake.Message(mark.Place, mark.Ref)
			for _, do := range []func() discordtest.Heard{
				func() discordtest.Heard { return fake.Slash(ada, discordtest.General, "list", nil) },
				func() discordtest.Heard { return fake.Press(ada, card, "I take it") },
				fake.Ping,
			} {
				fake.Forge(f)
				h := do()
				require.Equal(t, discordtest.AnswerNone, h.Answer)
				require.Equal(t, http.StatusUnauthorized, h.Status, "%s", h.Body)
			}
			require.Empty(t, heard.all())
		})
	}
}

func TestDiscordTakesTheAddress(t *testing.T) {
	t.Parallel()
	fake := open(t, discordtest.Options{})
	overHTTP(t, fake, client(t, fake, discord.Options{}), newEar())
	require.Empty(t, fake.Probe())
}

func TestTheSameTwiceHasOneKey(t *testing.T) {
	t.Parallel()
	fake := open(t, discordtest.Options{Unlimited: true})
	c := client(t, fake, discord.Options{})
	require.NoError(t, c.Register(t.Context()))
	heard := newEar()
	heard.work = done(t, c)
	t.Cleanup(heard.hands.Wait)
	overHTTP(t, fake, c, heard)
	mark := general(t, c, approval())
	card, _ := fake.Message(mark.Place, mark.Ref)
	for i, do := range []func() discordtest.Heard{
		func() discordtest.Heard { return fake.Slash(ada, discordtest.General, "list", nil) },
		func() discordtest.Heard { return fake.Press(ada, card, "I take it") },
		func() discordtest.Heard { return fake.Context(ada, card, "Make this an incident") },
	} {
		h := do()
		require.Equal(t, discordtest.AnswerReply, h.Answer)
		again := fake.Again(h)
		require.Equal(t, http.StatusOK, again.Status)
		require.Contains(t, string(again.Body), `{"type":5`, "to a repeat nothing is shown")
		require.Len(t, heard.all(), i+1)
	}
	require.Equal(t, discordtest.AnswerReply, fake.Press(ada, card, "I take it").Answer)
	require.Len(t, heard.all(), 4, "a second click is another gesture")
}

func TestWithoutAKeyThereIsNoHandler(t *testing.T) {
	t.Parallel()
	fake := open(t, discordtest.Options{})
	c := client(t, fake, discord.Options{})
	for _, key := range []string{"", "00", strings.Repeat("zz", 32), strings.Repeat("00", 31), strings.Repeat("00", 33)} {
		_, err := discord.NewHandler(c, key, newEar())
		require.ErrorContains(t, err, "discord.public_key")
	}
}

// signer signs as the app at Discord whose key it is.
type signer struct{ private ed25519.PrivateKey }

func (s signer) request(t testing.TB, body []byte) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, discord.Path, bytes.NewReader(body))
	for name, value := range discordtest.Sign(s.private, time.Now(), body) {
		r.Header.Set(name, value)
	}
	return r
}

func TestWhatIsSignedAndWrongIsRefusedWithoutHarm(t *testing.T) {
	t.Parallel()
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	s := signer{private}
	fake := open(t, discordtest.Options{})
	heard := newEar()
	h, err := discord.NewHandler(client(t, fake, discord.Options{}), hex.EncodeToString(public), heard)
	require.NoError(t, err)
	serve := func(r *http.Request) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	require.Equal(t, http.StatusMethodNotAllowed, serve(httptest.NewRequestWithContext(t.Context(), http.MethodGet, discord.Path, nil)).Code)
	query := s.request(t, []byte(`{"type":1}`))
	query.URL.RawQuery = "type=2"
	require.Equal(t, http.StatusBadRequest, serve(query).Code)
	encoded := s.request(t, []byte(`{"type":1}`))
	encoded.Header.Set("Content-Encoding", "gzip")
	require.Equal(t, http.StatusUnsupportedMediaType, serve(encoded).Code)
	require.Equal(t, http.StatusRequestEntityTooLarge, serve(s.request(t, bytes.Repeat([]byte("x"), 1<<20+1))).Code)
	twice := s.request(t, []byte(`{"type":1}`))
	twice.Header.Add("X-Signature-Timestamp", "1")
	require.Equal(t, http.StatusUnauthorized, serve(twice).Code)
	require.Equal(t, http.StatusBadRequest, serve(s.request(t, []byte(`[]`))).Code)
	require.Equal(t, http.StatusOK, serve(s.request(t, []byte(`{"type":1}`))).Code)

	for name, change := range map[string]func(map[string]any){
		"another app":    func(in map[string]any) { in["application_id"] = "1" },
		"no token":       func(in map[string]any) { in["token"] = "" },
		"a path":         func(in map[string]any) { in["token"] = "../../guilds" },
		"no id":          func(in map[string]any) { in["id"] = "" },
		"no such type":   func(in map[string]any) { in["type"] = 77 },
		"foreign button": func(in map[string]any) { in["data"] = map[string]any{"custom_id": "someone:else"} },
		"form as button": func(in map[string]any) { in["data"] = map[string]any{"custom_id": "f0:token"} },
		"no button":      func(in map[string]any) { in["data"] = map[string]any{} },
		"no message":     func(in map[string]any) { delete(in, "message") },
		"two chosen": func(in map[string]any) {
			in["data"] = map[string]any{"custom_id": "m0:", "values": []string{"p0:a", "p0:b"}}
		},
		"sure by choice": func(in map[string]any) { in["data"] = map[string]any{"custom_id": "m0:", "values": []string{"y1:a"}} },
		"button as form": func(in map[string]any) { in["type"], in["data"] = 5, map[string]any{"custom_id": "p0:token"} },
		"foreign field": func(in map[string]any) {
			in["type"], in["data"] = 5, map[string]any{"custom_id": "f0:token", "components": []any{map[string]any{"type": 1, "components": []any{map[string]any{"type": 4, "custom_id": "x", "value": "y"}}}}}
		},
		"unknown command": func(in map[string]any) { in["type"], in["data"] = 2, map[string]any{"name": "salve", "type": 1} },
		"other command":   func(in map[string]any) { in["type"], in["data"] = 2, map[string]any{"name": "other", "type": 1} },
	} {
		in := press()
		change(in)
		raw, err := json.Marshal(in)
		require.NoError(t, err)
		w := serve(s.request(t, raw))
		require.Equal(t, http.StatusOK, w.Code, name)
		require.Contains(t, w.Body.String(), `"flags":64`, "%s: it is said to the person alone", name)
		require.Empty(t, heard.all(), name)
	}
}

// press is a click as it comes.
func press() map[string]any {
	return map[string]any{
		"id": "1400000000000000001", "application_id": discordtest.AppID, "type": 3, "token": "tok", "guild_id": discordtest.GuildID, "channel_id": discordtest.General,
		"member":  map[string]any{"user": map[string]any{"id": ada, "username": "ada"}, "roles": []string{oncall}},
		"message": map[string]any{"id": "1400000000000000002"}, "data": map[string]any{"custom_id": "p0:token"},
	}
}

func FuzzInteraction(f *testing.F) {
	raw, err := json.Marshal(press())
	require.NoError(f, err)
	f.Add(raw)
	f.Add([]byte(`{"type":2,"data":{"options":[{"type":1,"options":[{"value":1}]}]}}`))
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(f, err)
	s := signer{private}
	fake := open(f, discordtest.Options{Unlimited: true})
	heard := newEar()
	c := client(f, fake, discord.Options{})
	ctx, cancel := contextOf()
	f.Cleanup(func() { cancel(); heard.hands.Wait() })
	heard.work = func(g bot.Gesture) { _ = c.Whisper(ctx, g, hello()) } // whoever asked is not there
	h, err := discord.NewHandler(c, hex.EncodeToString(public), heard)
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, body []byte) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, s.request(t, body))
		require.Contains(t, []int{200, 400, 413}, w.Code)
		for _, g := range heard.all() {
			require.LessOrEqual(t, len(g.Text), 4*4000)
			require.LessOrEqual(t, len(g.Token), 64)
		}
	})
}
