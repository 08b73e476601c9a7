package slacktest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/integrations/slack/slacktest"
)

var hello = map[string]string{"channel": "C0GENERAL", "text": "x"}

func TestAChannelTakesOneMessageASecondAfterASmallBurst(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	s := slacktest.New(t, slacktest.Options{Now: func() time.Time { return now }})
	s.AddChannel(slacktest.Channel{ID: "C2", Name: "two", Member: true})
	for range 3 {
		status, _, _ := call(t, s, "chat.postMessage", hello)
		require.Equal(t, http.StatusOK, status)
	}
	status, body, header := call(t, s, "chat.postMessage", hello)
	require.Equal(t, http.StatusTooManyRequests, status)
	require.Equal(t, "ratelimited", body["error"])
	require.Equal(t, "1", header.Get("Retry-After"))
	status, _, _ = call(t, s, "chat.postMessage", map[string]string{"channel": "C2", "text": "x"})
	require.Equal(t, http.StatusOK, status, "another channel is another limit")
	s.Advance(time.Second)
	status, _, _ = call(t, s, "chat.postMessage", hello)
	require.Equal(t, http.StatusOK, status)
	require.Len(t, s.Messages("C0GENERAL"), 4)
}

func TestAMethodIsLimitedByItsTier(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_700_000_000, 0)
	s := slacktest.New(t, slacktest.Options{Now: func() time.Time { return now }})
	for method, perMinute := range map[string]int{"usergroups.list": 20, "team.info": 50} {
		for range perMinute {
			status, _, _ := call(t, s, method, nil)
			require.Equal(t, http.StatusOK, status)
		}
		status, _, header := call(t, s, method, nil)
		require.Equal(t, http.StatusTooManyRequests, status)
		require.NotEmpty(t, header.Get("Retry-After"))
	}
	for range 200 {
		status, _, _ := call(t, s, "auth.test", nil)
		require.Equal(t, http.StatusOK, status, "auth.test has no tier")
	}
	require.Equal(t, 1, s.Count("team.info", "ratelimited"))
	require.Equal(t, 50, s.Count("team.info", ""))
}

func TestFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		fault  slacktest.Fault
		status int
		body   string // a key of the answer
		value  any    // nil: whatever it is
		retry  string
		posted int
	}{
		{"too many, with a time", slacktest.Fault{Status: 429, RetryAfter: "7"}, 429, "error", "ratelimited", "7", 0},
		{"too many, without one", slacktest.Fault{Status: 429}, 429, "error", "ratelimited", "", 0},
		{"too many, said as an error", slacktest.Fault{Error: "rate_limited"}, 200, "error", "rate_limited", "", 0},
		{"a page of HTML", slacktest.Fault{Status: 503}, 503, "page", slacktest.HTMLPage, "", 0},
		{"a page of HTML that says it is fine", slacktest.Fault{Status: 200, Body: "<html>"}, 200, "page", "<html>", "", 0},
		{"an error of the method", slacktest.Fault{Error: "internal_error"}, 200, "error", "internal_error", "", 0},
		{"a token that was taken back", slacktest.Fault{Error: "invalid_auth"}, 200, "error", "invalid_auth", "", 0},
		{"a connection cut before", slacktest.Fault{CutBefore: true}, 0, "cut", nil, "", 0},
		{"a connection cut after", slacktest.Fault{CutAfter: true}, 0, "cut", nil, "", 1},
		{"a slow answer", slacktest.Fault{Delay: time.Millisecond}, 200, "ok", true, "", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := slacktest.New(t, slacktest.Options{})
			tt.fault.Method = "chat.postMessage"
			s.Fail(tt.fault)
			_, other, _ := call(t, s, "auth.test", nil)
			require.Equal(t, true, other["ok"], "another method does not fail")
			status, body, header := call(t, s, "chat.postMessage", hello)
			require.Equal(t, tt.status, status)
			require.Contains(t, body, tt.body)
			if tt.value != nil {
				require.Equal(t, tt.value, body[tt.body])
			}
			require.Equal(t, tt.retry, header.Get("Retry-After"))
			require.Len(t, s.Messages("C0GENERAL"), tt.posted)
			logged := s.Calls("chat.postMessage")[0]
			require.Equal(t, tt.posted == 1, logged.Done)
			require.Equal(t, tt.status, logged.Status)
			_, body, _ = call(t, s, "chat.postMessage", hello)
			require.Equal(t, true, body["ok"], "a fault is used up")
		})
	}
}

func TestAFaultLastsUntilItIsMended(t *testing.T) {
	t.Parallel()
	s := slacktest.New(t, slacktest.Options{Unlimited: true})
	s.AddChannel(slacktest.Channel{ID: "C2", Member: true})
	s.Fail(slacktest.Fault{Status: 500, Channel: "C0GENERAL", Times: -1})
	for range 5 {
		status, _, _ := call(t, s, "chat.postMessage", hello)
		require.Equal(t, http.StatusInternalServerError, status)
	}
	status, _, _ := call(t, s, "chat.postMessage", map[string]string{"channel": "C2", "text": "x"})
	require.Equal(t, http.StatusOK, status)
	s.Mend()
	status, _, _ = call(t, s, "chat.postMessage", hello)
	require.Equal(t, http.StatusOK, status)
}
