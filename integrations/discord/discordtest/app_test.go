package discordtest_test

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/integrations/discord/discordtest"
)

// app is one that hears over HTTP and answers what it is told to.
type app struct {
	d *discordtest.Discord

	mu     sync.Mutex
	heard  []map[string]any
	answer func(payload map[string]any) (status int, body string)
}

// listening starts an app; it verifies as it should.
func listening(t *testing.T, d *discordtest.Discord, answer func(map[string]any) (int, string)) *app {
	t.Helper()
	a := &app{d: d, answer: answer}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	d.OverHTTP(server.URL)
	return a
}

// always answers everything alike.
func always(body string) func(map[string]any) (int, string) {
	return func(map[string]any) (int, string) { return http.StatusOK, body }
}

func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	key, _ := hex.DecodeString(discordtest.PublicKey())
	signature, err := hex.DecodeString(r.Header.Get("X-Signature-Ed25519"))
	stamp := r.Header.Get("X-Signature-Timestamp")
	at, _ := strconv.ParseInt(stamp, 10, 64)
	age := a.d.Now().Sub(time.Unix(at, 0)).Abs()
	if err != nil || age > 5*time.Minute || !ed25519.Verify(key, append([]byte(stamp), body...), signature) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var payload map[string]any
	_ = json.Unmarshal(body, &payload)
	status, answer := http.StatusOK, `{"type":1}`
	if payload["type"] != 1. {
		a.mu.Lock()
		a.heard = append(a.heard, payload)
		a.mu.Unlock()
		status, answer = a.answer(payload)
	}
	if answer != "" {
		w.Header().Set("Content-Type", "application/json")
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, answer)
}

func (a *app) last() map[string]any {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.heard[len(a.heard)-1]
}

const (
	ephemeralReply = `{"type":4,"data":{"content":"no","flags":64,` + mentions + `}}`
	deferred       = `{"type":5,"data":{"flags":64}}`
	buttons        = `,"components":[{"type":1,"components":[{"type":2,"style":3,"label":"Approve","custom_id":"ap|t"},{"type":2,"style":2,"label":"Off","custom_id":"off","disabled":true},{"type":2,"style":5,"label":"Console","url":"https://x.example"}]},
		{"type":1,"components":[{"type":3,"custom_id":"more","placeholder":"More","options":[{"label":"Why","value":"why"},{"label":"Who","value":"who"}]}]}]`
	modal = `{"type":9,"data":{"custom_id":"dn|t","title":"Deny","components":[
		{"type":1,"components":[{"type":4,"custom_id":"why","label":"Reason","style":2,"min_length":3,"max_length":10}]},
		{"type":18,"label":"To","component":{"type":3,"custom_id":"to","required":false,"options":[{"label":"Ada","value":"a"},{"label":"Root","value":"r","default":true}]}}]}}`
)

func TestAForgedRequestLooksForged(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	a := listening(t, d, always(ephemeralReply))
	for _, f := range discordtest.Forgeries {
		d.Forge(f)
		h := d.Slash("1", discordtest.General, "list", nil)
		require.Equal(t, http.StatusUnauthorized, h.Status, f)
		require.Equal(t, discordtest.AnswerNone, h.Answer, f)
	}
	require.Empty(t, a.heard)
	h := d.Slash("1", discordtest.General, "list", nil)
	require.Equal(t, discordtest.AnswerReply, h.Answer, "only the next request is forged")
	require.Empty(t, d.Probe())
}

func TestAForgedRequestChangesNothingEvenWhenItIsBelieved(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	believing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, ephemeralReply)
	}))
	t.Cleanup(believing.Close)
	d.OverHTTP(believing.URL)
	d.Forge(discordtest.ForgeKey)
	h := d.Slash("1", discordtest.General, "list", nil)
	require.Equal(t, http.StatusOK, h.Status)
	require.Empty(t, d.Ephemerals("1"))
	require.Contains(t, d.Probe(), "a ping was answered with 200")
}

func TestTheSameRequestAgainIsTheSameBytes(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	a := listening(t, d, always(ephemeralReply))
	h := d.Slash("1", discordtest.General, "list", nil)
	require.Equal(t, discordtest.AnswerReply, h.Answer)
	again := d.Again(h)
	require.Equal(t, h.ID, again.ID)
	require.Contains(t, again.Refused, "40060", "the second answer to one interaction is refused")
	require.Len(t, a.heard, 2)
	require.Equal(t, a.heard[0], a.heard[1])
	require.Len(t, d.Ephemerals("1"), 1)
	d.Advance(6 * time.Minute)
	require.Equal(t, http.StatusUnauthorized, d.Again(h).Status, "its signature grew old")
}

func TestWhatIsIllegalIsNotShown(t *testing.T) {
	t.Parallel()
	for body, why := range map[string]string{
		`{"type":4,"data":{"content":"x"}}`:          "50035",
		`{"type":4,"data":{` + mentions + `}}`:       "50035",
		`{"type":7,"data":{` + mentions + `}}`:       "50035", // a command has no message to update
		`{"type":6}`:                                 "50035",
		`{"type":8,"data":{"choices":[]}}`:           "50035",
		`{"type":5,"data":{"flags":68}}`:             "50035",
		`{"type":1}`:                                 "50035",
		`{"type":4,"data":`:                          "50109",
		`{"type":9,"data":{"custom_id":"a","title"`:  "50109",
		`{"type":9,"data":{"custom_id":"a","t":[]}}`: "50035",
	} {
		d := town(t, discordtest.Options{})
		listening(t, d, always(body))
		h := d.Slash("1", discordtest.General, "list", nil)
		require.Contains(t, h.Refused, why, body)
		require.Equal(t, discordtest.AnswerNone, h.Answer)
		require.Empty(t, d.Messages(discordtest.General))
	}
}

func TestAnAnswerMustComeInTime(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	listening(t, d, func(map[string]any) (int, string) {
		d.Advance(3001 * time.Millisecond)
		return http.StatusOK, ephemeralReply
	})
	h := d.Slash("1", discordtest.General, "list", nil)
	require.Contains(t, h.Refused, "10062")
	require.Equal(t, discordtest.AnswerNone, h.Answer)

	d = town(t, discordtest.Options{AckWithin: 20 * time.Millisecond})
	listening(t, d, func(map[string]any) (int, string) { return http.StatusAccepted, "" })
	h = d.Slash("1", discordtest.General, "list", nil)
	require.Equal(t, discordtest.AnswerNone, h.Answer, "nobody answered after all")
}

func TestAnAnswerMayComeOverRESTAndOnlyOnce(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	var first, second answer
	listening(t, d, func(payload map[string]any) (int, string) {
		path := "/interactions/" + payload["id"].(string) + "/" + payload["token"].(string) + "/callback"
		first = call(t, d, http.MethodPost, path+"?with_response=true", deferred)
		second = call(t, d, http.MethodPost, path, ephemeralReply)
		return http.StatusAccepted, ""
	})
	h := d.Slash("1", discordtest.General, "list", nil)
	require.Equal(t, discordtest.AnswerDefer, h.Answer)
	require.True(t, h.Ephemeral)
	require.Equal(t, http.StatusOK, first.status)
	require.EqualValues(t, 5, first.field(t, "resource").(map[string]any)["type"])
	require.Equal(t, 40060, second.code(t))
	_, said := h.Original()
	require.False(t, said, "it is thinking")
}

func TestADeferredReplyIsSaidByTheFirstFollowUpOrAnEdit(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{Unlimited: true})
	listening(t, d, always(deferred))
	for _, how := range []struct{ method, path string }{{http.MethodPost, ""}, {http.MethodPatch, "/messages/@original"}} {
		h := d.Slash("1", discordtest.General, "list", nil)
		hook := "/webhooks/" + discordtest.AppID + "/" + h.Token
		got := call(t, d, how.method, hook+how.path, `{"content":"done",`+mentions+`}`)
		require.Equal(t, http.StatusOK, got.status, "%v", got.body)
		m, ok := h.Replied()
		require.True(t, ok)
		require.True(t, m.Ephemeral(), "what was deferred as private is said in private")
		require.Equal(t, "done\n(only you can see this)\n", d.Render(m))
		require.Empty(t, h.FollowUps())
		require.Equal(t, 200, call(t, d, http.MethodPost, hook, `{"content":"to all",`+mentions+`}`).status)
		require.Equal(t, "to all", h.FollowUps()[0].Content)
		require.False(t, h.FollowUps()[0].Ephemeral())
		follow := hook + "/messages/" + h.FollowUps()[0].ID
		require.Equal(t, "to all", call(t, d, http.MethodGet, follow, "").field(t, "content"))
		require.Equal(t, 200, call(t, d, http.MethodPatch, follow, `{"content":"for all",`+mentions+`}`).status)
		require.Equal(t, 204, call(t, d, http.MethodDelete, follow, "").status)
		require.Equal(t, 10008, call(t, d, http.MethodGet, follow, "").code(t))
		require.Equal(t, 10008, call(t, d, http.MethodPatch, messages(m.Channel)+"/"+m.ID, `{"content":"x",`+mentions+`}`).code(t),
			"the bot's token does not reach what one person sees")
		whispered, ok := h.Whispered()
		require.True(t, ok)
		require.Equal(t, m, whispered)
		d.Advance(15*time.Minute + time.Second)
		require.Equal(t, 50027, call(t, d, http.MethodPost, hook, `{"content":"late",`+mentions+`}`).code(t))
		require.Equal(t, 50027, call(t, d, http.MethodPatch, hook+"/messages/@original", `{"content":"late",`+mentions+`}`).code(t))
	}
}

func TestNothingFollowsWhatWasNotAnswered(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{AckWithin: 20 * time.Millisecond})
	listening(t, d, func(map[string]any) (int, string) { return http.StatusInternalServerError, "" })
	h := d.Slash("1", discordtest.General, "list", nil)
	require.Equal(t, discordtest.AnswerNone, h.Answer)
	require.Equal(t, 10015, call(t, d, http.MethodPost, "/webhooks/"+discordtest.AppID+"/"+h.Token, `{"content":"x",`+mentions+`}`).code(t))
}

func TestAModalCannotFollowADefer(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	var got answer
	listening(t, d, func(payload map[string]any) (int, string) {
		path := "/interactions/" + payload["id"].(string) + "/" + payload["token"].(string) + "/callback"
		require.Equal(t, 204, call(t, d, http.MethodPost, path, `{"type":5}`).status)
		got = call(t, d, http.MethodPost, path, modal)
		return http.StatusAccepted, ""
	})
	h := d.Slash("1", discordtest.General, "list", nil)
	require.Equal(t, 40060, got.code(t))
	require.Nil(t, h.Modal)
}
