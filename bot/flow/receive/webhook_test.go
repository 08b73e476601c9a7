package receive_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/flow/receive"
	"salve/bot/secret"
	"salve/integrations/alertmanager"
)

type reply struct {
	Error      string           `json:"error"`
	Next       string           `json:"next"`
	Quarantine bot.QuarantineID `json:"quarantine"`
	Alerts     []struct {
		Incident bot.IncidentID `json:"incident"`
		Outcome  bot.Outcome    `json:"outcome"`
	} `json:"alerts"`
}

func post(t *testing.T, h http.Handler, body []byte, change func(*http.Request)) (int, reply) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/v1/hooks/am", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer right")
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var got reply
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got), w.Body)
	return w.Code, got
}

func webhook(t *testing.T, store receive.Store) http.Handler {
	t.Helper()
	h, err := alertmanager.New("am", newDoor(t, store, receive.Options{}), alertmanager.Options{
		Credentials: []alertmanager.Credential{{Secret: secret.New("right")}},
	})
	require.NoError(t, err)
	return h
}

func TestBadInputGetsAClearErrorAndNothingIsLost(t *testing.T) {
	t.Parallel()
	now := time.Now()
	good := payload(now, "Down")
	var labels strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&labels, `"l%d":"v",`, i)
	}
	manyLabels := strings.Replace(alertJSON("Wide", now), `"alertname"`, labels.String()+`"alertname"`, 1)
	tests := []struct {
		name   string
		body   []byte
		change func(*http.Request)
		status int
		says   string
		held   bool
		taken  int
	}{
		{"wrong auth", good, func(r *http.Request) { r.Header.Set("Authorization", "Bearer wrong") }, 401, "credential", false, 0},
		{"no auth", good, func(r *http.Request) { r.Header.Del("Authorization") }, 401, "credential", false, 0},
		{"wrong media type", good, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 415, "application/json", false, 0},
		{"compressed", good, func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }, 415, "Content-Encoding", false, 0},
		{"10 MB body", bytes.Repeat([]byte(" "), 10_000_000), nil, 413, "larger than 1048576 bytes", false, 0},
		{"depth bomb", bytes.Repeat([]byte(`{"x":`), 100_000), nil, 422, "nested more than 64", true, 0},
		{"duplicate keys", []byte(`{"version":"4","alerts":[],"alerts":[]}`), nil, 422, "given twice", true, 0},
		{"trailing data", append(bytes.Clone(good), good...), nil, 422, "something follows", true, 0},
		{"invalid UTF-8", bytes.Replace(good, []byte("Down"), []byte("D\xffwn"), 1), nil, 422, "UTF-8", true, 0},
		{"5,000 labels", wrap(manyLabels + "," + alertJSON("Down", now)), nil, 422, "5002 members", true, 1},
		{"clock 10 years behind", wrap(alertJSON("Late", now.AddDate(-10, 0, 0)) + "," + alertJSON("Down", now)), nil, 422, "more than 9 years before", true, 1},
		{"clock 10 years ahead", wrap(alertJSON("Early", now.AddDate(10, 0, 0)) + "," + alertJSON("Down", now)), nil, 422, "more than an hour after", true, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			store := newStore(t)
			h := webhook(t, store)
			for round := range 3 {
				status, got := post(t, h, tt.body, tt.change)
				require.Equal(t, tt.status, status, got)
				require.Contains(t, got.Error, tt.says)
				require.NotEmpty(t, got.Next)
				require.Len(t, got.Alerts, tt.taken)
				list := held(t, store)
				if !tt.held {
					require.Empty(t, list)
					continue
				}
				require.Len(t, list, 1)
				require.Equal(t, list[0].ID, got.Quarantine)
				require.Equal(t, round, list[0].Repeats)
				item, err := store.QuarantineItem(t.Context(), list[0].ID)
				require.NoError(t, err)
				require.True(t, bytes.Equal(tt.body, item.Body), "the payload is kept as it came")
			}
			status, got := post(t, h, payload(now, "Next"), nil)
			require.Equal(t, http.StatusOK, status, "the next delivery is none the worse")
			require.Equal(t, bot.OutcomeNew, got.Alerts[0].Outcome)
		})
	}
}

func TestAFaultOfTheDecoderAndOfTheClockAreHeldAsOne(t *testing.T) {
	t.Parallel()
	now := time.Now()
	store := newStore(t)
	body := wrap(`7,` + alertJSON("Early", now.AddDate(10, 0, 0)) + "," + alertJSON("Down", now))
	status, got := post(t, webhook(t, store), body, nil)
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Contains(t, got.Error, "alerts[0] is not an object")
	require.Contains(t, got.Error, "more than an hour after")
	require.Len(t, got.Alerts, 1)
	require.Len(t, held(t, store), 1)
}

func TestStorageFaultsAre503AndTheRepeatIsTaken(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	h := webhook(t, store)
	for _, fault := range []error{bot.ErrOverloaded, bot.ErrUnavailable} {
		store.Fail(fault)
		for _, body := range [][]byte{payload(time.Now(), "Down"), []byte("nonsense")} {
			status, got := post(t, h, body, nil)
			require.Equal(t, http.StatusServiceUnavailable, status)
			require.NotEmpty(t, got.Next)
		}
	}
	store.Fail(nil)
	status, _ := post(t, h, payload(time.Now(), "Down"), nil)
	require.Equal(t, http.StatusOK, status)
}
