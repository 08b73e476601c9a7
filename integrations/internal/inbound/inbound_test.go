package inbound_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/internal/inbound"
	"salve/integrations/internal/inbound/inboundtest"
)

// lines is the smallest source there is: each line is an alert that starts at
// its own number of seconds; "bad" is one that cannot be read, and "?" spoils
// the whole.
func lines(source string, body []byte, receivedAt time.Time) ([]bot.Alert, error) {
	if len(body) == 0 || bytes.ContainsRune(body, '?') {
		return nil, errors.New("the body is spoilt")
	}
	var alerts []bot.Alert
	var fault error
	for i, line := range strings.Split(string(body), "\n") {
		if line == "bad" {
			fault = errors.New("a line is bad")
			continue
		}
		key := bot.AlertKey{Source: source, Fingerprint: line, StartsAt: time.Unix(int64(i), 0).UTC()}
		alerts = append(alerts, bot.Alert{AlertKey: key, ReceivedAt: receivedAt})
	}
	return alerts, fault
}

func TestTheGatePassesItsOwnSuite(t *testing.T) {
	t.Parallel()
	inboundtest.Run(t, inboundtest.Adapter{
		New: func(door inbound.Door, opts inbound.Options) (http.Handler, error) {
			opts.MediaType = "text/x-lines"
			return inbound.New("lines", door, lines, opts)
		},
		MediaType: "text/x-lines",
		Good:      []byte("a\nb"),
		Garbage:   map[string][]byte{"nothing": {}, "spoilt": []byte("canary-7f3a?"), "only bad": []byte("bad")},
	})
}

// kinded is lines after a line that says what they are.
func kinded(source string, body []byte, receivedAt time.Time) ([]bot.Alert, error) {
	rest, ok := bytes.CutPrefix(body, []byte("X-Event: some lines\n"))
	if !ok {
		return nil, errors.New("it is of another kind")
	}
	return lines(source, rest, receivedAt)
}

func TestTheGateOfASenderThatSignsPassesTheSuite(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]inbound.Signature{
		"one": {Header: "X-Sign", Prefix: "sha256="}, "several": {Header: "X-Sign", Prefix: "v1=", Many: true}, "bare": {Header: "X-Sign"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inboundtest.Run(t, inboundtest.Adapter{
				New: func(door inbound.Door, opts inbound.Options) (http.Handler, error) {
					opts.MediaType, opts.Kind, opts.Proof = "text/x-lines", "X-Event", s.Proof(opts.Secrets)
					return inbound.New("lines", door, kinded, opts)
				},
				MediaType: "text/x-lines",
				Good:      []byte("a\nb"),
				Garbage:   map[string][]byte{"nothing": {}, "spoilt": []byte("canary-7f3a?"), "only bad": []byte("bad")},
				Kind:      "X-Event: some lines",
				Sign: func(h http.Header, body []byte, key string) {
					h.Set("X-Sign", s.Prefix+sign(body, key))
				},
			})
		})
	}
}

func sign(body []byte, key string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

func TestOneOfSeveralSignaturesIsEnoughButNotOneOfMany(t *testing.T) {
	t.Parallel()
	body, right := []byte("a"), "v1="+sign([]byte("a"), "key")
	wrong := "v1=" + sign(body, "other")
	tests := []struct {
		value string
		many  bool
		admit bool
	}{
		{right, true, true},
		{wrong + "," + right, true, true},
		{right + ", " + wrong, true, true},
		{"v0=" + right[3:] + "," + right, true, true},
		{strings.Repeat(wrong+",", 7) + right, true, true},
		{strings.Repeat(wrong+",", 8) + right, true, false},
		{strings.Repeat(wrong+",", 100_000), true, false},
		{wrong + "," + wrong, true, false},
		{"v0=" + right[3:], true, false},
		{right[3:], true, false},
		{",", true, false},
		{"v1=", true, false},
		{strings.ToUpper(right[3:]), false, false},
		{right, false, true},
		{wrong + "," + right, false, false},
		{right + " ", false, false},
	}
	for _, tt := range tests {
		proof := inbound.Signature{Header: "X-Sign", Prefix: "v1=", Many: tt.many}.Proof([]secret.Secret{secret.New("key")})
		err := proof(http.Header{"X-Sign": {tt.value}}, body, time.Now())
		require.Equal(t, tt.admit, err == nil, tt.value[:min(len(tt.value), 100)])
	}
	require.Nil(t, inbound.Signature{Header: "X-Sign"}.Proof(nil))
}

func TestWhatProvesNothingIsRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	key := []secret.Secret{secret.New("x")}
	_, err := inbound.New("lines", inboundtest.NewDoor(), lines, inbound.Options{Secrets: key})
	require.ErrorContains(t, err, "does not sign")
	_, err = inbound.New("lines", inboundtest.NewDoor(), lines, inbound.Options{AllowAnonymous: true, Kind: "X-Event: "})
	require.ErrorContains(t, err, "not the name of a header")
}

func gate(t *testing.T, door inbound.Door, log *slog.Logger) http.Handler {
	t.Helper()
	g, err := inbound.New("lines", door, lines, inbound.Options{Credentials: []inbound.Credential{{Secret: secret.New("x")}}, Log: log})
	require.NoError(t, err)
	return g
}

func post(h http.Handler, body, token string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestTheGoodPartOfAFaultyDeliveryIsTaken(t *testing.T) {
	t.Parallel()
	door := inboundtest.NewDoor()
	w := post(gate(t, door, nil), "a\nbad\nb", "x")
	require.Equal(t, http.StatusUnprocessableEntity, w.Code)
	reply := inboundtest.Answer(t, w)
	require.Equal(t, "a line is bad", reply.Error)
	require.Equal(t, bot.QuarantineID(1), reply.Quarantine)
	require.Len(t, reply.Alerts, 2)
	require.Len(t, door.Held(), 1)
	require.Len(t, door.Received()[0].Alerts, 2)
	require.Equal(t, 2, door.Received()[0].Delivery.Alerts)
}

func TestStrangersCannotFillTheLog(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	h := gate(t, inboundtest.NewDoor(), slog.New(slog.NewTextHandler(&logged, nil)))
	began := time.Now()
	for range 100 {
		require.Equal(t, http.StatusUnauthorized, post(h, "a", "canary").Code)
	}
	most := int(time.Since(began)/time.Second) + 2 // one a second, and the seconds it began and ended in
	require.LessOrEqual(t, strings.Count(logged.String(), "delivery was refused"), most)
	require.Contains(t, logged.String(), "delivery was refused")
	require.NotContains(t, logged.String(), "canary")
}
