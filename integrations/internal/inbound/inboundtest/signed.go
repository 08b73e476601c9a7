package inboundtest

import (
	"bytes"
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

// signed is what Sign adds for the good body.
func (a Adapter) signed(key string) http.Header {
	h := http.Header{}
	a.Sign(h, a.Good, key)
	return h
}

// forged are headers beside the good body that prove nothing.
func (a Adapter) forged() map[string]http.Header {
	right := a.signed(Token)
	out := map[string]http.Header{
		"no signature":                {},
		"the token as a credential":   {"Authorization": {"Bearer " + Token}},
		"a signature of another key":  a.signed(canary),
		"a signature of an empty key": a.signed(""),
		"a signature of a part of it": a.signed(Token[:8]),
	}
	other := http.Header{}
	a.Sign(other, append(bytes.Clone(a.Good), ' '), Token)
	out["a signature of another body"] = other
	for name, values := range right {
		value := values[0]
		for what, changed := range map[string][]string{
			"missing": nil, "empty": {""}, "twice": {value, value}, "cut": {value[:len(value)-1]}, "cut by a byte": {value[:len(value)-2]},
			"longer": {value + "00"}, "the bare canary": {canary},
		} {
			h := right.Clone()
			h[name] = changed
			out[name+" "+what] = h
		}
	}
	return out
}

func (a Adapter) signatures(t *testing.T) {
	t.Parallel()
	for name, header := range a.forged() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a.requireStranger(t, a.Good, header)
		})
	}
	t.Run("every bit counts", func(t *testing.T) {
		t.Parallel()
		right := a.signed(Token)
		for i := range len(a.Good) {
			body := bytes.Clone(a.Good)
			body[i] ^= 1 << (i % 8)
			a.requireStranger(t, body, right)
		}
		for _, name := range slices.Sorted(maps.Keys(right)) {
			for i := range len(right.Get(name)) {
				value := []byte(right.Get(name))
				value[i] ^= 1
				h := right.Clone()
				h.Set(name, string(value))
				a.requireStranger(t, a.Good, h)
			}
		}
	})
	t.Run("either of two secrets is right", func(t *testing.T) {
		t.Parallel()
		for _, key := range []string{Token, "the-next-one"} {
			door := NewDoor()
			h := a.handler(t, door, inbound.Options{Secrets: []secret.Secret{secret.New(Token), secret.New("the-next-one")}})
			require.Equal(t, http.StatusOK, do(h, a.bare(a.Good, a.signed(key))).Code)
			require.Len(t, door.Received(), 1)
		}
	})
}

// bare is a request that proves what the header does.
func (a Adapter) bare(body []byte, header http.Header) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/v1/hooks/x", bytes.NewReader(body))
	maps.Copy(r.Header, header)
	r.Header.Set("Content-Type", a.MediaType)
	a.setKind(r.Header)
	return r
}

func (a Adapter) requireStranger(t *testing.T, body []byte, header http.Header) {
	t.Helper()
	var logged bytes.Buffer
	door := NewDoor()
	h := a.handler(t, door, inbound.Options{Secrets: []secret.Secret{secret.New(Token)}, Log: slog.New(slog.NewTextHandler(&logged, nil))})
	w := do(h, a.bare(body, header))
	requireRefusal(t, w, http.StatusUnauthorized)
	require.Equal(t, []string{`Signature realm="salve"`}, w.Header().Values("WWW-Authenticate"))
	require.Zero(t, door.Calls())
	require.NotContains(t, logged.String(), canary)
	require.NotContains(t, logged.String(), Token)
}

func (a Adapter) signedConstruction(t *testing.T) {
	t.Parallel()
	refused := map[string]inbound.Options{
		"no secret":                   {},
		"an empty secret":             {Secrets: []secret.Secret{{}}},
		"a blank secret":              {Secrets: []secret.Secret{secret.New(" \n")}},
		"a secret with a line feed":   {Secrets: []secret.Secret{secret.New(canary + "\n")}},
		"a good and an empty one":     {Secrets: []secret.Secret{secret.New(Token), {}}},
		"an empty one, anyone":        {Secrets: []secret.Secret{{}}, AllowAnonymous: true},
		"a secret and a credential":   {Secrets: []secret.Secret{secret.New(Token)}, Credentials: []inbound.Credential{{Secret: secret.New(Token)}}},
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
		require.Equal(t, http.StatusOK, do(a.handler(t, door, inbound.Options{AllowAnonymous: true}), a.bare(a.Good, nil)).Code)
		require.Len(t, door.Received(), 1)
	})
	t.Run("a signature is asked for even where anyone might post", func(t *testing.T) {
		t.Parallel()
		opts := inbound.Options{AllowAnonymous: true, Secrets: []secret.Secret{secret.New(Token)}}
		requireRefusal(t, do(a.handler(t, NewDoor(), opts), a.bare(a.Good, nil)), http.StatusUnauthorized)
	})
}

// kind holds the header that says what the body is to one short word.
func (a Adapter) kind(t *testing.T) {
	t.Parallel()
	if a.Kind == "" {
		return
	}
	name, _, _ := strings.Cut(a.Kind, ": ")
	for what, values := range map[string][]string{
		"none": nil, "empty": {""}, "two": {"a", "a"}, "long": {strings.Repeat("a", 101)}, "a line feed": {canary + "\nx"}, "not ASCII": {canary + "\u202e"},
	} {
		door := NewDoor()
		r := a.good()
		r.Header[http.CanonicalHeaderKey(name)] = values
		reply := requireRefusal(t, do(a.handler(t, door, inbound.Options{}), r), http.StatusBadRequest)
		require.Contains(t, reply.Error, name, what)
		require.Zero(t, door.Calls(), what)
	}
}
