package console_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/integrations/console"
)

func TestARequestThatAnotherSiteCausedIsRefused(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		headers map[string]string
		want    int
	}{
		{"cross-site by fetch metadata", map[string]string{"Sec-Fetch-Site": "cross-site"}, http.StatusForbidden},
		{"same-site is another host", map[string]string{"Sec-Fetch-Site": "same-site"}, http.StatusForbidden},
		{"another origin in an old browser", map[string]string{"Origin": "https://evil.example"}, http.StatusForbidden},
		{"no origin at all", map[string]string{"Origin": "null"}, http.StatusForbidden},
		{"the same origin", map[string]string{"Sec-Fetch-Site": "same-origin"}, http.StatusSeeOther},
		{"public_url behind a proxy", map[string]string{"Origin": "https://salve.example.org"}, http.StatusSeeOther},
	} {
		for _, path := range []string{"/do/halt", "/login", "/logout"} {
			w := story()
			c := open(t, w, console.Options{AnonymousRead: true, PublicURL: "https://salve.example.org"})
			r := httptest.NewRequest("POST", "http://localhost"+path, strings.NewReader("token=l-alice&scope=all"))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			for k, v := range tc.headers {
				r.Header.Set(k, v)
			}
			rec := httptest.NewRecorder()
			c.ServeHTTP(rec, r)
			require.Equal(t, tc.want, rec.Code, "%s to %s", tc.name, path)
			if tc.want == http.StatusForbidden {
				require.Empty(t, w.commands())
				require.Contains(t, w.links, "l-alice", "the link must not be used up")
			}
		}
	}
}

func TestAnotherHostNameIsNotServed(t *testing.T) {
	t.Parallel()
	c := open(t, story(), console.Options{AnonymousRead: true, PublicURL: "https://salve.example.org:8443"})
	for host, want := range map[string]int{
		"localhost:7070": 200, "127.0.0.1:7070": 200, "[::1]:7070": 200, "salve.example.org:8443": 200, "salve.example.org": 200, "SALVE.example.org:8443": 200,
		"evil.example": 421, "evil.example:7070": 421, "127.0.0.1.evil.example": 421, "10.0.0.8:7070": 421, "": 421,
	} {
		r := httptest.NewRequest("GET", "http://localhost/", nil)
		r.Host = host
		rec := httptest.NewRecorder()
		c.ServeHTTP(rec, r)
		require.Equal(t, want, rec.Code, host)
		require.Equal(t, want == 200, strings.Contains(rec.Body.String(), "shop-1"), host)
	}
}

func TestALoginLinkIsUsedByAPressAndOnlyOnce(t *testing.T) {
	t.Parallel()
	w := story()
	c := open(t, w, console.Options{PublicURL: "https://salve.example.org"})
	for range 3 { // previews of the link do not use it up
		rec := ask(c, "GET", "/login?token=l-alice", "", nil)
		require.Equal(t, http.StatusOK, rec.Code)
		require.Contains(t, rec.Body.String(), "Sign in as Alice")
		require.Empty(t, rec.Result().Cookies())
	}
	rec := ask(c, "POST", "/login", "", url.Values{"token": {"l-alice"}})
	require.Equal(t, http.StatusSeeOther, rec.Code)
	var session *http.Cookie
	for _, k := range rec.Result().Cookies() {
		if k.Name == "__Host-salve" {
			session = k
		}
	}
	require.NotNil(t, session)
	require.Equal(t, "fresh-session", session.Value)
	require.True(t, session.HttpOnly)
	require.True(t, session.Secure)
	require.Equal(t, http.SameSiteStrictMode, session.SameSite)
	require.Equal(t, "/", session.Path)

	again := ask(c, "POST", "/login", "", url.Values{"token": {"l-alice"}})
	require.Equal(t, http.StatusForbidden, again.Code)
	require.Contains(t, again.Body.String(), "used up")
	require.Equal(t, http.StatusForbidden, ask(c, "GET", "/login?token=l-alice", "", nil).Code)
}

func TestSigningOutEndsTheSession(t *testing.T) {
	t.Parallel()
	w := story()
	c := open(t, w, console.Options{})
	require.Equal(t, http.StatusOK, ask(c, "GET", "/", "s-rob", nil).Code)
	require.Equal(t, http.StatusSeeOther, ask(c, "POST", "/logout", "s-rob", url.Values{}).Code)
	require.Equal(t, http.StatusSeeOther, ask(c, "GET", "/", "s-rob", nil).Code)
}

func TestAMessageIsShownOnceAndCannotBeForged(t *testing.T) {
	t.Parallel()
	c := open(t, story(), console.Options{})
	rec := ask(c, "POST", "/do/take", "s-rob", url.Values{"incident": {"I-142"}, "back": {"/incidents/I-142"}})
	require.Equal(t, "/incidents/I-142", rec.Header().Get("Location"))
	message := rec.Result().Cookies()[0]
	show := func(value string) string {
		r := httptest.NewRequest("GET", "http://localhost/", nil)
		r.AddCookie(&http.Cookie{Name: "salve_session", Value: "s-rob"})
		r.AddCookie(&http.Cookie{Name: message.Name, Value: value})
		out := httptest.NewRecorder()
		c.ServeHTTP(out, r)
		return out.Body.String()
	}
	require.Contains(t, show(message.Value), "Done: take.")
	forged := []byte(message.Value)
	forged[len(forged)-1] ^= 2
	require.NotContains(t, show(string(forged)), `class="flash"`)
	require.NotContains(t, show("short"), `class="flash"`)
}

func TestAFormComesBackOnlyToThisConsole(t *testing.T) {
	t.Parallel()
	c := open(t, story(), console.Options{})
	for to, want := range map[string]string{
		"/runs/R-88": "/runs/R-88", "": "/", "https://evil.example/": "/", "//evil.example": "/", `/\evil.example`: "/", "javascript:hit=1": "/", "/a?b=c": "/a?b=c", "%zz": "/",
	} {
		rec := ask(c, "POST", "/do/take", "s-rob", url.Values{"back": {to}})
		require.Equal(t, want, rec.Header().Get("Location"), to)
	}
}

func TestALinkFromAnotherSiteIsLoadedOnceMore(t *testing.T) {
	t.Parallel()
	c := open(t, story(), console.Options{})
	r := httptest.NewRequest("GET", "http://localhost/incidents/I-142?x=%22%3E", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	rec := httptest.NewRecorder()
	c.ServeHTTP(rec, r)
	require.Equal(t, http.StatusOK, rec.Code)
	require.Contains(t, rec.Body.String(), `http-equiv="refresh"`)
	require.NotContains(t, rec.Body.String(), "shop-1")
}
