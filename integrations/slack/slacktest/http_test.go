package slacktest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/require"

	"salve/integrations/slack/slacktest"
)

// door is an app over HTTP that verifies with slack-go and keeps what it heard.
type door struct {
	mu     sync.Mutex
	bodies []string
	heads  []http.Header
	status int
	reply  string
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	verifier, err := slack.NewSecretsVerifier(r.Header, slacktest.SigningSecret)
	if err == nil {
		_, _ = verifier.Write(raw)
		err = verifier.Ensure()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.bodies, d.heads = append(d.bodies, string(raw)), append(d.heads, r.Header)
	switch {
	case err != nil:
		w.WriteHeader(http.StatusUnauthorized)
	case d.status != 0:
		w.WriteHeader(d.status)
	case bytes.Contains(raw, []byte("url_verification")):
		var event struct{ Challenge string }
		_ = json.Unmarshal(raw, &event)
		_, _ = w.Write([]byte(event.Challenge))
	default:
		r.Body = io.NopCloser(bytes.NewReader(raw))
		if payload, err := slack.InteractionCallbackParse(r); err == nil && payload.User.ID == "U0FORGED" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		_, _ = w.Write([]byte(d.reply))
	}
}

func overHTTP(t *testing.T, opts slacktest.Options) (*slacktest.Slack, *door) {
	t.Helper()
	s := town(t, opts)
	d := &door{}
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	s.OverHTTP(slacktest.Endpoints{Commands: server.URL + "/commands", Interactions: server.URL + "/actions", Events: server.URL + "/events"})
	return s, d
}

func TestSignedRequestsPassSlackGosVerifier(t *testing.T) {
	t.Parallel()
	s, d := overHTTP(t, slacktest.Options{})
	d.reply = "on it"
	h := s.Slash("U1", "C0GENERAL", "help & more")
	require.True(t, h.Acked)
	require.Equal(t, http.StatusOK, h.Status)
	e, ok := h.Whispered()
	require.True(t, ok)
	require.Equal(t, "on it", e.Text)
	require.Contains(t, d.bodies[0], "text=help+%26+more")
	require.True(t, s.OpenHome("U1").Acked)
	require.True(t, s.Shortcut("U1", s.Say("U3", "C0GENERAL", "it is slow"), "make_incident").Acked)
	require.Contains(t, d.bodies[2], "payload=")
	challenge, h := s.Challenge()
	require.Equal(t, challenge, string(h.Body))
}

func TestForgeriesAreCaughtByWhoeverVerifies(t *testing.T) {
	t.Parallel()
	for _, forgery := range []slacktest.Forgery{slacktest.ForgeOld, slacktest.ForgeEarly, slacktest.ForgeSignature, slacktest.ForgeUnsigned, slacktest.ForgeReencoded} {
		t.Run(string(forgery), func(t *testing.T) {
			t.Parallel()
			s, _ := overHTTP(t, slacktest.Options{})
			s.Forge(forgery)
			require.Equal(t, http.StatusUnauthorized, s.Slash("U1", "C0GENERAL", "help").Status)
			require.Equal(t, http.StatusOK, s.Slash("U1", "C0GENERAL", "help").Status, "only the next one is wrong")
		})
	}
}

func TestAPayloadInTheQueryStandsBesideASignedBody(t *testing.T) {
	t.Parallel()
	s, d := overHTTP(t, slacktest.Options{})
	s.Forge(slacktest.ForgeQuery)
	h := s.Shortcut("U1", s.Say("U3", "C0GENERAL", "x"), "make_incident")
	require.Equal(t, http.StatusOK, h.Status, "slack-go reads the body alone")
	require.NotContains(t, d.bodies[0], "U0FORGED")
}

func TestAReplayIsTheSameByteForByte(t *testing.T) {
	t.Parallel()
	s, d := overHTTP(t, slacktest.Options{})
	h := s.Slash("U1", "C0GENERAL", "approve")
	s.Advance(6 * time.Minute)
	again := s.Again(h)
	require.True(t, again.Acked, "the signature is as old as the request, by the clock of who verifies")
	require.Equal(t, d.bodies[0], d.bodies[1])
	require.Equal(t, d.heads[0].Get("X-Slack-Signature"), d.heads[1].Get("X-Slack-Signature"))
}

func TestAnEventIsRetriedUnlessTheAppSaysNot(t *testing.T) {
	t.Parallel()
	s, d := overHTTP(t, slacktest.Options{})
	d.status = http.StatusInternalServerError
	h := s.OpenHome("U1")
	require.False(t, h.Acked)
	require.Equal(t, 4, h.Attempts)
	require.Equal(t, "3", d.heads[3].Get("X-Slack-Retry-Num"))
	require.Equal(t, 1, s.Slash("U1", "C0GENERAL", "x").Attempts, "commands are not")
}
