package hook_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/internal/inbound"
	"salve/integrations/internal/inbound/inboundtest"
	"salve/integrations/pagerduty/hook"
)

func payload(t testing.TB, name string) []byte {
	body, err := os.ReadFile("testdata/" + name + ".json")
	require.NoError(t, err)
	return bytes.TrimSpace(body)
}

func decode(t *testing.T, body string) []bot.Alert {
	t.Helper()
	got, err := inboundtest.Holds(t, hook.Decode, []byte(body))
	require.NoError(t, err)
	return got
}

func TestItBehavesAsEveryWebhookSource(t *testing.T) {
	t.Parallel()
	good := payload(t, "triggered")
	inboundtest.Run(t, inboundtest.Adapter{
		New: func(door inbound.Door, opts inbound.Options) (http.Handler, error) {
			return hook.New("pd", door, opts)
		},
		MediaType: "application/json",
		Good:      good,
		Sign: func(h http.Header, body []byte, key string) {
			mac := hmac.New(sha256.New, []byte(key))
			mac.Write(body)
			h.Set("X-PagerDuty-Signature", "v1="+hex.EncodeToString(mac.Sum(nil)))
		},
		Garbage: map[string][]byte{
			"nothing":         {},
			"not JSON":        []byte("canary-7f3a"),
			"a V2 webhook":    []byte(`{"messages":[{"event":"incident.trigger","incident":{"id":"canary-7f3a"}}]}`),
			"a depth bomb":    []byte(strings.Repeat("[", 500_000)),
			"a member twice":  []byte(`{"event":{"event_type":"a","canary-7f3a":1,"canary-7f3a":2}}`),
			"trailing data":   append(bytes.Clone(good), "canary-7f3a"...),
			"no UTF-8":        []byte("{\"event\":{\"event_type\":\"canary-7f3a\xff\"}}"),
			"another status":  bytes.Replace(good, []byte(`"status":"triggered"`), []byte(`"status":"canary-7f3a"`), 1),
			"no start":        payload(t, "priority_updated"),
			"event is a list": []byte(`{"event":["canary-7f3a"]}`),
		},
	})
	_, err := hook.New("pd", inboundtest.NewDoor(), hook.Options{Credentials: []hook.Credential{{Secret: secret.New("x")}}})
	require.ErrorContains(t, err, "PagerDuty signs")
}

// Secret, body and digest are those of PagerDuty's own tests.
func TestTheirOwnSignatureIsKnown(t *testing.T) {
	t.Parallel()
	const key = "lDQHScfUeXUKaQRNF+8XIiDKZ7XX3itBAYzwU0TARw8lJqRnkKl2iB1anSb0Z+IK"
	const right = "v1=0c0b9495b893a39e70d1fea2fe11fbe0a825f88b9f67846f6cc07dd2bc5476cd"
	h, err := hook.New("pd", inboundtest.NewDoor(), hook.Options{Secrets: []secret.Secret{secret.New(key)}})
	require.NoError(t, err)
	post := func(value string) int {
		return inboundtest.Post(h, payload(t, "priority_updated"), http.Header{http.CanonicalHeaderKey("X-PagerDuty-Signature"): {value}})
	}
	require.Equal(t, http.StatusUnprocessableEntity, post(right), "it is known, and has no start")
	require.Equal(t, http.StatusUnprocessableEntity, post("v1="+strings.Repeat("0", 64)+","+right))
	require.Equal(t, http.StatusUnauthorized, post("v1="+strings.Repeat("0", 64)))
}

func TestEventsDecodeToWhatAPersonWouldSay(t *testing.T) {
	t.Parallel()
	inboundtest.Golden(t, hook.Decode)
}

func TestWhatIsHostileIsDataOrRefused(t *testing.T) {
	t.Parallel()
	inboundtest.Hostile(t, hook.Decode, payload(t, "acknowledged"))
}

func TestAllEventsOfAnIncidentAreOneAlertUntilItIsReopened(t *testing.T) {
	t.Parallel()
	first := decode(t, string(payload(t, "triggered")))[0]
	for _, name := range []string{"acknowledged", "resolved"} {
		require.Equal(t, first.AlertKey, decode(t, string(payload(t, name)))[0].AlertKey)
	}
	again := decode(t, string(payload(t, "reopened")))[0]
	require.Equal(t, first.Fingerprint, again.Fingerprint)
	require.True(t, again.StartsAt.After(first.StartsAt))
}

func TestAPageOfSalveDoesNotComeBack(t *testing.T) {
	t.Parallel()
	with := func(key string) []bot.Alert {
		return decode(t, strings.Replace(string(payload(t, "triggered")), "d3640fbd41094207a1c11e58e46b1662", key, 1))
	}
	require.Empty(t, with("page/night/I-142"))
	require.Len(t, with("page/night"), 1)
	require.Len(t, with("I-142"), 1)
}

func TestSeverityIsThePriorityElseTheUrgencyElseUnknown(t *testing.T) {
	t.Parallel()
	body := string(payload(t, "triggered"))
	for written, want := range map[string]bot.Severity{
		`{"summary":"P1"}`: bot.SeverityCritical, `{"summary":"p3"}`: bot.SeverityMedium, `{"summary":"P4"}`: bot.SeverityLow,
		`{"summary":"SEV-2"}`: bot.SeverityHigh, `{"summary":"P5"}`: bot.SeverityInfo, `{"summary":"P6"}`: bot.SeverityUnknown, `null`: bot.SeverityHigh,
	} {
		got := decode(t, strings.Replace(body, `"priority":null`, `"priority":`+written, 1))
		require.Equal(t, want, got[0].Severity, written)
	}
	got := decode(t, strings.Replace(body, `"urgency":"high"`, `"urgency":"dire"`, 1))
	require.Equal(t, bot.SeverityUnknown, got[0].Severity)
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(f, err)
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) { inboundtest.Holds(t, hook.Decode, body) })
}

func BenchmarkDecode(b *testing.B) {
	body := payload(b, "acknowledged")
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		_, err := hook.Decode("pd", body, inboundtest.At)
		require.NoError(b, err)
	}
}
