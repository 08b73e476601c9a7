package oidc_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/oidc"
	"salve/integrations/oidc/oidctest"
)

func provider(t *testing.T, issuer string) *oidc.Provider {
	t.Helper()
	p, err := oidc.New(oidc.Settings{
		Issuer: issuer, ClientID: oidctest.ClientID, Secret: secret.New(oidctest.ClientSecret), Return: "https://salve.example.com/login/sso/return",
	}, oidc.Options{Allow: []string{"127.0.0.0/8"}})
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p
}

// visit is the browser at the provider: it gives what it is sent back with.
func visit(t *testing.T, address string) url.Values {
	t.Helper()
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.Get(address)
	require.NoError(t, err)
	defer resp.Body.Close()
	back, err := resp.Location()
	require.NoError(t, err)
	require.Equal(t, "salve.example.com", back.Host)
	return back.Query()
}

func TestWhoeverTheProviderVouchesForIsNamedByIssuerAndSubject(t *testing.T) {
	t.Parallel()
	idp := oidctest.New(t, "u-17")
	idp.Say(map[string]any{"name": "Alice\x07", "email": "Alice@Example.com", "email_verified": true})
	p := provider(t, idp.URL)
	address, kept, err := p.Begin(t.Context(), time.Now())
	require.NoError(t, err)
	require.NotContains(t, address, "client-secret")
	back := visit(t, address)
	got, err := p.Finish(t.Context(), kept, back, time.Now())
	require.NoError(t, err)
	require.Equal(t, bot.Identity{Surface: "oidc", ID: idp.URL + "#u-17"}, got.Identity)
	require.Equal(t, "Alice", got.Name)
	require.Equal(t, "alice@example.com", got.Email)

	_, err = p.Finish(t.Context(), kept, back, time.Now())
	refused(t, err, "did not begin here", "not one that this browser began")
}

// refused wants a Refusal that says one of these.
func refused(t *testing.T, err error, says ...string) {
	t.Helper()
	r, ok := errors.AsType[*bot.Refusal](err)
	require.True(t, ok, "%v", err)
	for _, s := range says {
		if strings.Contains(r.Error(), s) {
			return
		}
	}
	require.Fail(t, "another refusal", r.Error())
}

func TestAnAddressThatNobodyHasVerifiedIsNotTold(t *testing.T) {
	t.Parallel()
	for _, verified := range []any{false, "false", nil, 1, "yes"} {
		idp := oidctest.New(t, "u-17")
		idp.Say(map[string]any{"email": "boss@example.com", "email_verified": verified})
		p := provider(t, idp.URL)
		address, kept, err := p.Begin(t.Context(), time.Now())
		require.NoError(t, err)
		got, err := p.Finish(t.Context(), kept, visit(t, address), time.Now())
		require.NoError(t, err)
		require.Empty(t, got.Email, "%v", verified)
	}
}

func TestLettersBeyondASCIIDoNotBecomeSomebodyElses(t *testing.T) {
	t.Parallel()
	idp := oidctest.New(t, "u-17")
	idp.Say(map[string]any{"email": "\u212aEVIN@example.com", "email_verified": true})
	require.Equal(t, "\u212aevin@example.com", signedIn(t, idp).Email)
}

// signedIn goes the whole way.
func signedIn(t *testing.T, idp *oidctest.Provider) oidc.Login {
	t.Helper()
	p := provider(t, idp.URL)
	address, kept, err := p.Begin(t.Context(), time.Now())
	require.NoError(t, err)
	got, err := p.Finish(t.Context(), kept, visit(t, address), time.Now())
	require.NoError(t, err)
	return got
}

func TestWhatTheTokenLacksIsAskedFor(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		token, apart map[string]any
		called, mail string
	}{
		{"all of it", nil, map[string]any{"sub": "u-17", "name": "Alice", "email": "alice@example.com", "email_verified": true}, "Alice", "alice@example.com"},
		{"the address", map[string]any{"name": "Al"}, map[string]any{"sub": "u-17", "name": "Alice", "email": "alice@example.com", "email_verified": "true"}, "Al", "alice@example.com"},
		{"an address that nobody has verified", nil, map[string]any{"sub": "u-17", "email": "boss@example.com", "email_verified": false}, "boss@example.com", ""},
		{"two addresses are not mixed", map[string]any{"email": "boss@example.com"}, map[string]any{"sub": "u-17", "name": "Alice", "email": "alice@example.com", "email_verified": true}, "Alice", ""},
		{"about somebody else", nil, map[string]any{"sub": "u-18", "name": "Bob", "email": "bob@example.com", "email_verified": true}, "u-17", ""},
		{"about nobody", nil, map[string]any{"name": "Bob", "email": "bob@example.com", "email_verified": true}, "u-17", ""},
		{"no answer", nil, nil, "u-17", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			idp := oidctest.New(t, "u-17")
			idp.Say(tt.token)
			idp.SayApart(tt.apart)
			got := signedIn(t, idp)
			require.Equal(t, idp.URL+"#u-17", got.Identity.ID)
			require.Equal(t, tt.called, got.Name)
			require.Equal(t, tt.mail, got.Email)
		})
	}
}

func TestSignInsWaitForEachOtherWithinReason(t *testing.T) {
	t.Parallel()
	idp := oidctest.New(t, "u-17")
	entered, leave := make(chan struct{}, 100), make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		entered <- struct{}{}
		<-leave
		w.WriteHeader(http.StatusBadRequest)
	}))
	t.Cleanup(slow.Close)
	idp.TokensAt(slow.URL)
	p := provider(t, idp.URL)
	address, kept, err := p.Begin(t.Context(), time.Now())
	require.NoError(t, err)
	back := visit(t, address)
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() { _, _ = p.Finish(t.Context(), kept, back, time.Now()) })
	}
	for range 32 {
		<-entered
	}
	_, err = p.Finish(t.Context(), kept, back, time.Now())
	refused(t, err, "Many are signing in at this moment.")
	close(leave)
	all.Wait()
}

func TestASignInThatIsNotThisBrowsersIsRefused(t *testing.T) {
	t.Parallel()
	idp := oidctest.New(t, "u-17")
	p := provider(t, idp.URL)
	now := time.Now()
	address, kept, err := p.Begin(t.Context(), now)
	require.NoError(t, err)
	back := visit(t, address)
	_, others, err := p.Begin(t.Context(), now)
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		kept string
		back url.Values
		at   time.Time
	}{
		"another browser's":      {others, back, now},
		"no browser's":           {"", back, now},
		"garbage":                {"e30", back, now},
		"long garbage":           {strings.Repeat("A", 5000), back, now},
		"no state":               {kept, url.Values{"code": back["code"]}, now},
		"too late":               {kept, back, now.Add(11 * time.Minute)},
		"a code that is made up": {kept, url.Values{"code": {"x"}, "state": back["state"]}, now},
		"refused over there":     {kept, url.Values{"error": {"access_denied"}, "state": back["state"]}, now},
	} {
		_, err := p.Finish(t.Context(), tt.kept, tt.back, tt.at)
		r, ok := errors.AsType[*bot.Refusal](err)
		require.True(t, ok, "%s: %v", name, err)
		require.Equal(t, bot.RefusedIdentity, r.Code)
	}
}

func TestATokenThatDoesNotCountOpensNothing(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(map[string]any){
		"for another client":  func(c map[string]any) { c["aud"] = "other" },
		"of another issuer":   func(c map[string]any) { c["iss"] = "https://evil.example" },
		"too old":             func(c map[string]any) { c["exp"] = time.Now().Add(-time.Hour).Unix() },
		"of another attempt":  func(c map[string]any) { c["nonce"] = "other" },
		"without a nonce":     func(c map[string]any) { delete(c, "nonce") },
		"of nobody":           func(c map[string]any) { c["sub"] = "" },
		"of a very long name": func(c map[string]any) { c["sub"] = strings.Repeat("x", 300) },
	} {
		idp := oidctest.New(t, "u-17")
		idp.Spoil(spoil)
		p := provider(t, idp.URL)
		address, kept, err := p.Begin(t.Context(), time.Now())
		require.NoError(t, err)
		_, err = p.Finish(t.Context(), kept, visit(t, address), time.Now())
		require.Error(t, err, name)
	}
	idp := oidctest.New(t, "u-17")
	idp.Forge(t)
	p := provider(t, idp.URL)
	address, kept, err := p.Begin(t.Context(), time.Now())
	require.NoError(t, err)
	_, err = p.Finish(t.Context(), kept, visit(t, address), time.Now())
	require.ErrorContains(t, err, "does not count")
}

func TestErrorsHoldNoSecret(t *testing.T) {
	t.Parallel()
	idp := oidctest.New(t, "u-17")
	p, err := oidc.New(oidc.Settings{Issuer: idp.URL, ClientID: oidctest.ClientID, Secret: secret.New("wrong-secret"), Return: "https://salve.example.com/x"},
		oidc.Options{Allow: []string{"127.0.0.0/8"}})
	require.NoError(t, err)
	t.Cleanup(p.Close)
	address, kept, err := p.Begin(t.Context(), time.Now())
	require.NoError(t, err)
	back := visit(t, address)
	_, err = p.Finish(t.Context(), kept, back, time.Now())
	require.ErrorContains(t, err, "401")
	require.NotContains(t, err.Error(), "wrong-secret")
	require.NotContains(t, err.Error(), back.Get("code"))
}

func TestAProviderThatIsDownIsAskedAgainLater(t *testing.T) {
	t.Parallel()
	dead := httptest.NewServer(http.NotFoundHandler())
	p := provider(t, dead.URL)
	_, _, err := p.Begin(t.Context(), time.Now())
	require.Error(t, err)
	dead.Close()
	_, _, again := p.Begin(t.Context(), time.Now())
	require.Equal(t, err, again, "it is left alone for some seconds")

	_, err = oidc.New(oidc.Settings{Issuer: "https://a"}, oidc.Options{})
	require.Error(t, err)
}
