package discordtest_test

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/integrations/discord/discordtest"
)

// still is a clock that only Advance moves.
func still() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }

func TestABucketIsToldInHeadersAndRefusesWhatIsAboveIt(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{Now: still})
	for i := range 5 {
		got := call(t, d, http.MethodPost, messages(discordtest.General), message(fmt.Sprint(i), ""))
		require.Equal(t, http.StatusOK, got.status)
		require.Equal(t, strconv.Itoa(4-i), got.header.Get("X-RateLimit-Remaining"))
		require.Equal(t, "5", got.header.Get("X-RateLimit-Limit"))
		require.Equal(t, "5.000", got.header.Get("X-RateLimit-Reset-After"))
		require.NotEmpty(t, got.header.Get("X-RateLimit-Bucket"))
	}
	d.Advance(3500 * time.Millisecond)
	got := call(t, d, http.MethodPost, messages(discordtest.General), message("x", ""))
	require.Equal(t, http.StatusTooManyRequests, got.status)
	require.Equal(t, "2", got.header.Get("Retry-After"), "whole seconds, rounded up")
	require.Equal(t, "user", got.header.Get("X-RateLimit-Scope"))
	require.InDelta(t, 1.5, got.field(t, "retry_after"), 0.01)
	require.Equal(t, false, got.field(t, "global"))
	require.Equal(t, http.StatusOK, call(t, d, http.MethodPost, messages("13"), message("x", "")).status, "another channel has its own bucket")
	d.Advance(1500 * time.Millisecond)
	require.Equal(t, http.StatusOK, call(t, d, http.MethodPost, messages(discordtest.General), message("x", "")).status)
	require.Equal(t, 1, d.Invalid())
	require.Equal(t, 1, d.Count(posts, http.StatusTooManyRequests))
	require.Equal(t, 8, d.Count(posts, 0))
}

func TestAllChannelsTogetherHaveARateToo(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{Now: still})
	var global answer
	for i := range 51 {
		channel := strconv.Itoa(1000 + i)
		d.AddChannel(discordtest.Channel{ID: channel, Name: "x"})
		global = call(t, d, http.MethodPost, messages(channel), message("n", ""))
	}
	require.Equal(t, http.StatusTooManyRequests, global.status)
	require.Equal(t, "global", global.header.Get("X-RateLimit-Scope"))
	require.Equal(t, "true", global.header.Get("X-RateLimit-Global"))
	require.Equal(t, true, global.field(t, "global"))
	require.Equal(t, 404, call(t, d, http.MethodPost, "/interactions/1/t/callback", `{"type":6}`).status, "interactions are exempt")
	d.Advance(time.Second)
	require.Equal(t, http.StatusOK, call(t, d, http.MethodGet, "/users/@me", "").status)
}

func TestTooMuchThatIsInvalidEndsInABan(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{Now: still, InvalidLimit: 3, Unlimited: true})
	bad := func() answer { return call(t, d, http.MethodPost, messages("11"), message("n", "")) }
	d.Fail(discordtest.Fault{Status: 429, Scope: "shared", RetryAfter: "1", Times: 5})
	for range 5 {
		bad()
	}
	require.Zero(t, d.Invalid(), "a limit that others share does not count")
	bad()
	bad()
	d.Advance(11 * time.Minute)
	require.Zero(t, d.Invalid())
	for range 3 {
		require.Equal(t, http.StatusForbidden, bad().status)
	}
	require.True(t, d.Banned())
	got := call(t, d, http.MethodGet, "/users/@me", "")
	require.Equal(t, http.StatusTooManyRequests, got.status)
	require.Contains(t, got.body, "<html>")
	require.Equal(t, "3600", got.header.Get("Retry-After"))
	require.Empty(t, got.header.Get("X-RateLimit-Scope"))
	d.Advance(time.Hour)
	require.Equal(t, http.StatusOK, call(t, d, http.MethodGet, "/users/@me", "").status)
}

func TestRequestsFailAsTheyAreTold(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		fault  discordtest.Fault
		status int // 0: cut
		done   bool
		check  func(*testing.T, answer)
	}{
		{"a page of HTML", discordtest.Fault{Status: 502}, 502, false, func(t *testing.T, a answer) { require.Contains(t, a.body, "<html>") }},
		{"an error of Discord's", discordtest.Fault{Status: 500, Code: 130000, Message: "API resource is currently overloaded"}, 500, false,
			func(t *testing.T, a answer) { require.Equal(t, 130000, a.code(t)) }},
		{"Cloudflare's 429", discordtest.Fault{Status: 429, RetryAfter: "7"}, 429, false, func(t *testing.T, a answer) {
			require.Equal(t, "7", a.header.Get("Retry-After"))
			require.Empty(t, a.header.Get("X-RateLimit-Scope"))
			require.Contains(t, a.body, "<html>")
		}},
		{"a shared 429", discordtest.Fault{Status: 429, Scope: "shared", RetryAfter: "7"}, 429, false, func(t *testing.T, a answer) {
			require.Equal(t, "shared", a.header.Get("X-RateLimit-Scope"))
			require.InDelta(t, 7, a.field(t, "retry_after"), 0)
		}},
		{"cut before", discordtest.Fault{CutBefore: true}, 0, false, nil},
		{"cut after", discordtest.Fault{CutAfter: true}, 0, true, nil},
		{"slow", discordtest.Fault{Delay: 20 * time.Millisecond}, 200, true, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := town(t, discordtest.Options{})
			tt.fault.Route, tt.fault.Channel = posts, discordtest.General
			d.Fail(tt.fault)
			post(t, d, "13", message("n", "")) // about another channel
			got := call(t, d, http.MethodPost, messages(discordtest.General), message("n", ""))
			require.Equal(t, tt.status, got.status)
			require.Equal(t, tt.status == 0, got.cut)
			if tt.check != nil {
				tt.check(t, got)
			}
			calls := d.Calls(posts)
			require.Equal(t, tt.done, calls[1].Done)
			require.Equal(t, tt.done, len(d.Messages(discordtest.General)) == 1)
			again := call(t, d, http.MethodPost, messages(discordtest.General), message("n", ""))
			require.Equal(t, http.StatusOK, again.status)
			require.Len(t, d.Messages(discordtest.General), 1, "the nonce makes it one message in any case")
		})
	}
}

func TestFaultsLastUntilTheyAreMended(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	d.Fail(discordtest.Fault{Status: 503, Times: -1})
	for range 3 {
		require.Equal(t, 503, call(t, d, http.MethodGet, "/users/@me", "").status)
	}
	d.Mend()
	require.Equal(t, 200, call(t, d, http.MethodGet, "/users/@me", "").status)
}

func TestManyAtOnceAreOneAtATime(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{Unlimited: true})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			r, _ := http.NewRequest(http.MethodPost, "https://discord.com/api/v10"+messages(discordtest.General), nil)
			r.Header.Set("User-Agent", "DiscordBot (x, 1)")
			got, err := (&http.Client{Transport: d.Transport()}).Do(r)
			if err == nil {
				_ = got.Body.Close()
			}
			d.Say("1", discordtest.General, "x")
			_ = d.Messages(discordtest.General)
			_ = d.Calls("")
		})
	}
	all.Wait()
	require.Len(t, d.Messages(discordtest.General), 20)
	require.Equal(t, 20, d.Count(posts, http.StatusUnauthorized))
}

func TestAwaitSeesWhatHappens(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	var said sync.WaitGroup
	said.Go(func() { d.Say("1", discordtest.General, "x") })
	require.True(t, d.Await(5*time.Second, func() bool { return len(d.Messages(discordtest.General)) == 1 }))
	said.Wait()
	require.False(t, d.Await(10*time.Millisecond, func() bool { return false }))
	d.Delete(d.Messages(discordtest.General)[0])
	require.Empty(t, d.Messages(discordtest.General))
}
