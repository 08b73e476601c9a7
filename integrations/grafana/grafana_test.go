package grafana_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot/secret"
	"salve/integrations/grafana"
	"salve/integrations/internal/inbound"
	"salve/integrations/internal/inbound/inboundtest"
)

func payload(t testing.TB) []byte {
	body, err := os.ReadFile("testdata/group.json")
	require.NoError(t, err)
	return body
}

func adapter(t *testing.T) inboundtest.Adapter {
	good := payload(t)
	return inboundtest.Adapter{
		New: func(door inbound.Door, opts inbound.Options) (http.Handler, error) {
			return grafana.New("grafana", door, opts)
		},
		MediaType: "application/json",
		Good:      good,
		Garbage: map[string][]byte{
			"nothing":          {},
			"not JSON":         []byte("canary-7f3a"),
			"a depth bomb":     []byte(strings.Repeat("[", 500_000)),
			"a member twice":   []byte(`{"version":"1","canary-7f3a":1,"canary-7f3a":2,"alerts":[]}`),
			"trailing data":    append(bytes.Clone(good), "canary-7f3a"...),
			"no UTF-8":         []byte("{\"version\":\"1\",\"groupKey\":\"canary-7f3a\xff\",\"alerts\":[]}"),
			"another version":  []byte(`{"version":"4","alerts":[]}`),
			"a template's own": []byte(`{"text":"canary-7f3a"}`),
			"cut in the midst": good[:500],
		},
	}
}

func TestItBehavesAsEveryWebhookSource(t *testing.T) {
	t.Parallel()
	t.Run("with a credential", func(t *testing.T) {
		t.Parallel()
		inboundtest.Run(t, adapter(t))
	})
	t.Run("with a signature", func(t *testing.T) {
		t.Parallel()
		a := adapter(t)
		a.Sign = sign
		inboundtest.Run(t, a)
	})
}

func sign(h http.Header, body []byte, key string) {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	h.Set("X-Grafana-Alerting-Signature", hex.EncodeToString(mac.Sum(nil)))
}

// The digest was made with: openssl dgst -sha256 -hmac 'a secret' testdata/group.json
func TestTheSignatureIsOverTheRawBody(t *testing.T) {
	t.Parallel()
	const digest = "cd71fb2c28dbc87e0c7879ec505f5dbfd6c9e557f767576110bb1693712b854f"
	h, err := grafana.New("g", inboundtest.NewDoor(), grafana.Options{Secrets: []secret.Secret{secret.New("a secret")}})
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, inboundtest.Post(h, payload(t), http.Header{"X-Grafana-Alerting-Signature": {digest}}))
	require.Equal(t, http.StatusUnauthorized, inboundtest.Post(h, append(payload(t), '\n'), http.Header{"X-Grafana-Alerting-Signature": {digest}}))
}

func TestPayloadsDecodeToWhatAPersonWouldSay(t *testing.T) {
	t.Parallel()
	inboundtest.Golden(t, grafana.Decode)
}

func TestWhatIsHostileIsDataOrRefused(t *testing.T) {
	t.Parallel()
	inboundtest.Hostile(t, grafana.Decode, bytes.TrimSpace(payload(t)))
}

func TestAnAlertOfAlertmanagerIsRefusedWithAReason(t *testing.T) {
	t.Parallel()
	_, err := grafana.Decode("g", []byte(`{"version":"4","alerts":[]}`), inboundtest.At)
	require.ErrorContains(t, err, `"version" is not "1"`)
	_, err = grafana.Decode("g", []byte(`{"alerts":[]}`), inboundtest.At)
	require.ErrorContains(t, err, "no Grafana webhook")
}

func FuzzDecode(f *testing.F) {
	f.Add(payload(f))
	f.Add([]byte(`{"version":"1","alerts":[{"status":"firing","startsAt":"2026-11-24T08:00:00Z","panelURL":"http://x","panelURL":7}]}`))
	f.Fuzz(func(t *testing.T, body []byte) { inboundtest.Holds(t, grafana.Decode, body) })
}

func BenchmarkDecode(b *testing.B) {
	body := payload(b)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		_, err := grafana.Decode("g", body, inboundtest.At)
		require.NoError(b, err)
	}
}
