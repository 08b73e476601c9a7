package inbound_test

import (
	"bytes"
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
