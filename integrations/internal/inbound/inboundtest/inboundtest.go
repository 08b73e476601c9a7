// Package inboundtest is the suite that every webhook source must pass: who is
// let in, what is refused and how, what is kept, and what is never said.
//
// It promises to need nothing but memory and loopback. It assumes an adapter
// that is built on inbound.Gate or behaves as if it were. What an adapter does
// wrong fails the test of the caller.
package inboundtest

import (
	"bytes"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot/secret"
	"salve/integrations/internal/inbound"
)

// Adapter is what the suite is run on.
type Adapter struct {
	New       func(door inbound.Door, opts inbound.Options) (http.Handler, error)
	MediaType string
	Good      []byte            // a payload with at least one alert
	Garbage   map[string][]byte // payloads that cannot be understood, by what is wrong with them
	// Sign adds to a header what proves the body for a sender that has the
	// secret; nil: the sender proves itself by a credential.
	Sign func(header http.Header, body []byte, key string)
	// Kind is the header that says what the body is, as "Name: value"; "": none does.
	Kind string
}

// Token is the bearer token that the suite's handlers want, or the secret that
// the sender signs with.
const Token = "correct-horse-battery"

// canary stands in places from which nothing may come back.
const canary = "canary-7f3a"

// Run runs the whole suite.
func Run(t *testing.T, a Adapter) {
	t.Helper()
	if a.Sign == nil {
		t.Run("credentials", a.credentials)
		t.Run("construction", a.construction)
	} else {
		t.Run("signatures", a.signatures)
		t.Run("construction", a.signedConstruction)
	}
	t.Run("headers", a.headers)
	t.Run("kind", a.kind)
	t.Run("size", a.size)
	t.Run("garbage", a.garbage)
	t.Run("duplicates", a.duplicates)
	t.Run("faults", a.faults)
	t.Run("capacity", a.capacity)
}

func (a Adapter) handler(t *testing.T, door inbound.Door, opts inbound.Options) http.Handler {
	t.Helper()
	switch {
	case opts.Credentials != nil || opts.Secrets != nil || opts.AllowAnonymous:
	case a.Sign != nil:
		opts.Secrets = []secret.Secret{secret.New(Token)}
	default:
		opts.Credentials = []inbound.Credential{{Secret: secret.New(Token)}}
	}
	h, err := a.New(door, opts)
	require.NoError(t, err)
	return h
}

// post is a request with the right credential and media type. Where the sender
// signs, it is signed if the body can be read again.
func (a Adapter) post(body io.Reader) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/v1/hooks/x", body)
	r.Header.Set("Content-Type", a.MediaType)
	a.setKind(r.Header)
	if a.Sign == nil {
		r.Header.Set("Authorization", "Bearer "+Token)
		return r
	}
	if whole, ok := body.(*bytes.Reader); ok {
		b, _ := io.ReadAll(whole) // memory
		_, _ = whole.Seek(0, io.SeekStart)
		a.Sign(r.Header, b, Token)
	}
	return r
}

func (a Adapter) setKind(h http.Header) {
	if name, value, ok := strings.Cut(a.Kind, ": "); ok {
		h.Set(name, value)
	}
}

// kept is what is stored of a body.
func (a Adapter) kept(body []byte) []byte {
	if a.Kind == "" {
		return body
	}
	return append([]byte(a.Kind+"\n"), body...)
}

func (a Adapter) good() *http.Request { return a.post(bytes.NewReader(a.Good)) }

func do(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// requireRefusal holds an answer to the form that every refusal has.
func requireRefusal(t *testing.T, w *httptest.ResponseRecorder, status int) inbound.Reply {
	t.Helper()
	require.Equal(t, status, w.Code, w.Body)
	reply := Answer(t, w)
	require.NotEmpty(t, reply.Error)
	require.NotEmpty(t, reply.Next)
	require.NotContains(t, w.Body.String(), canary)
	require.NotContains(t, w.Body.String(), Token)
	if status == http.StatusServiceUnavailable {
		require.NotEmpty(t, w.Header().Get("Retry-After"))
	}
	return reply
}

func (a Adapter) credentials(t *testing.T) {
	t.Parallel()
	accepted := []inbound.Credential{{Secret: secret.New(Token)}, {Secret: secret.New("the-next-one")}, {User: "am", Secret: secret.New("pass word:1")}}
	tests := []struct {
		name   string
		header []string
		admit  bool
	}{
		{"no credential", nil, false},
		{"an empty header", []string{""}, false},
		{"an empty token", []string{"Bearer "}, false},
		{"a wrong token", []string{"Bearer " + canary}, false},
		{"a prefix of the token", []string{"Bearer " + Token[:8]}, false},
		{"the token and more", []string{"Bearer " + Token + "x"}, false},
		{"the token with another scheme", []string{"Token " + Token}, false},
		{"the token without a scheme", []string{Token}, false},
		{"two headers, one right", []string{"Bearer " + Token, "Bearer x"}, false},
		{"a wrong password", []string{basic("am", canary)}, false},
		{"an empty password", []string{basic("am", "")}, false},
		{"no user", []string{basic("", "pass word:1")}, false},
		{"another user", []string{basic("other", "pass word:1")}, false},
		{"the token as a password", []string{basic("am", Token)}, false},
		{"the password as a token", []string{"Bearer pass word:1"}, false},
		{"the token", []string{"Bearer " + Token}, true},
		{"the scheme in small letters", []string{"bearer " + Token}, true},
		{"the second token", []string{"Bearer the-next-one"}, true},
		{"user and password", []string{basic("am", "pass word:1")}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var logged bytes.Buffer
			door := NewDoor()
			h := a.handler(t, door, inbound.Options{Credentials: accepted, Log: slog.New(slog.NewTextHandler(&logged, nil))})
			r := a.good()
			r.Header["Authorization"] = tt.header
			w := do(h, r)
			if tt.admit {
				require.Equal(t, http.StatusOK, w.Code, w.Body)
				require.Len(t, door.Received(), 1)
				return
			}
			requireRefusal(t, w, http.StatusUnauthorized)
			require.Len(t, w.Header().Values("WWW-Authenticate"), 2)
			require.Zero(t, door.Calls())
			require.NotContains(t, logged.String(), canary)
		})
	}
}

func basic(user, password string) string {
	r := http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, password)
	return r.Header.Get("Authorization")
}

func (a Adapter) construction(t *testing.T) {
	t.Parallel()
	refused := map[string]inbound.Options{
		"no credential":               {},
		"an empty token":              {Credentials: []inbound.Credential{{}}},
		"a blank token":               {Credentials: []inbound.Credential{{Secret: secret.New(" \n")}}},
		"a token with a line feed":    {Credentials: []inbound.Credential{{Secret: secret.New(canary + "\n")}}},
		"an empty password":           {Credentials: []inbound.Credential{{User: "am"}}},
		"a user with a colon":         {Credentials: []inbound.Credential{{User: "a:m", Secret: secret.New("x")}}},
		"a good and an empty one":     {Credentials: []inbound.Credential{{Secret: secret.New(Token)}, {}}},
		"an empty one, anyone":        {Credentials: []inbound.Credential{{}}, AllowAnonymous: true},
		"a body limit beyond 8 MiB":   {AllowAnonymous: true, MaxBody: inbound.LargestMaxBody + 1},
		"a body limit of less than 0": {AllowAnonymous: true, MaxBody: -1},
	}
	for name, opts := range refused {
		_, err := a.New(NewDoor(), opts)
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), canary)
	}
	t.Run("anyone may post only where that was said", func(t *testing.T) {
		t.Parallel()
		door := NewDoor()
		r := a.good()
		r.Header.Del("Authorization")
		require.Equal(t, http.StatusOK, do(a.handler(t, door, inbound.Options{AllowAnonymous: true}), r).Code)
		require.Len(t, door.Received(), 1)
	})
	t.Run("credentials are asked for even where anyone might post", func(t *testing.T) {
		t.Parallel()
		r := a.good()
		r.Header.Del("Authorization")
		opts := inbound.Options{AllowAnonymous: true, Credentials: []inbound.Credential{{Secret: secret.New(Token)}}}
		requireRefusal(t, do(a.handler(t, NewDoor(), opts), r), http.StatusUnauthorized)
	})
}

func (a Adapter) headers(t *testing.T) {
	t.Parallel()
	with := func(name string, values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header[name] = values }
	}
	tests := []struct {
		name   string
		change func(*http.Request)
		status int
	}{
		{"charset utf-8", with("Content-Type", a.MediaType+"; charset=UTF-8"), http.StatusOK},
		{"another charset", with("Content-Type", a.MediaType+"; charset=utf-16"), http.StatusUnsupportedMediaType},
		{"no media type", with("Content-Type"), http.StatusUnsupportedMediaType},
		{"two media types", with("Content-Type", a.MediaType, a.MediaType), http.StatusUnsupportedMediaType},
		{"a form", with("Content-Type", "application/x-www-form-urlencoded"), http.StatusUnsupportedMediaType},
		{"an upload", with("Content-Type", "multipart/form-data; boundary=x"), http.StatusUnsupportedMediaType},
		{"text", with("Content-Type", "text/plain"), http.StatusUnsupportedMediaType},
		{"a broken media type", with("Content-Type", a.MediaType+"; "+canary), http.StatusUnsupportedMediaType},
		{"gzip", with("Content-Encoding", "gzip"), http.StatusUnsupportedMediaType},
		{"identity", with("Content-Encoding", "identity"), http.StatusUnsupportedMediaType},
		{"a page of another site", with("Origin", "https://"+canary), http.StatusForbidden},
		{"a browser", with("Sec-Fetch-Site", "cross-site"), http.StatusForbidden},
	}
	for _, m := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions, http.MethodTrace} {
		tests = append(tests, struct {
			name   string
			change func(*http.Request)
			status int
		}{"method " + m, func(r *http.Request) { r.Method = m }, http.StatusMethodNotAllowed})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			door := NewDoor()
			r := a.good()
			tt.change(r)
			w := do(a.handler(t, door, inbound.Options{}), r)
			if tt.status == http.StatusOK {
				require.Equal(t, tt.status, w.Code, w.Body)
				return
			}
			requireRefusal(t, w, tt.status)
			require.Zero(t, door.Calls())
			if tt.status == http.StatusMethodNotAllowed {
				require.Equal(t, http.MethodPost, w.Header().Get("Allow"))
			}
		})
	}
}

func (a Adapter) garbage(t *testing.T) {
	t.Parallel()
	for _, name := range slices.Sorted(maps.Keys(a.Garbage)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			door, body := NewDoor(), a.Garbage[name]
			h := a.handler(t, door, inbound.Options{MaxBody: inbound.LargestMaxBody})
			reply := requireRefusal(t, do(h, a.post(bytes.NewReader(body))), http.StatusUnprocessableEntity)
			require.NotZero(t, reply.Quarantine)
			require.Contains(t, reply.Next, reply.Quarantine.String())
			held := door.Held()
			require.Len(t, held, 1)
			require.True(t, bytes.Equal(a.kept(body), held[0].Body), "the body is kept as it came")
			require.Less(t, len(held[0].Reason), 2000)
			require.NotContains(t, held[0].Reason, canary)
			again := requireRefusal(t, do(h, a.post(bytes.NewReader(body))), http.StatusUnprocessableEntity)
			require.Equal(t, reply.Quarantine, again.Quarantine)
		})
	}
}

func (a Adapter) duplicates(t *testing.T) {
	t.Parallel()
	door := NewDoor()
	h := a.handler(t, door, inbound.Options{})
	first, second := Answer(t, do(h, a.good())), Answer(t, do(h, a.good()))
	require.NotEmpty(t, first.Alerts)
	require.Len(t, second.Alerts, len(first.Alerts))
	for i := range first.Alerts {
		require.Equal(t, first.Alerts[i].Fingerprint, second.Alerts[i].Fingerprint)
		require.Equal(t, first.Alerts[i].StartsAt, second.Alerts[i].StartsAt)
	}
	got := door.Received()
	require.Len(t, got, 2)
	require.Equal(t, got[0].Alerts[0].AlertKey, got[1].Alerts[0].AlertKey)
	require.Equal(t, a.kept(a.Good), got[0].Body)
	require.False(t, strings.Contains(first.Error, canary))
}
