package serve_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/cmd/salve/config"
	"salve/cmd/salve/serve"
	"salve/integrations/oidc/oidctest"
)

func withProvider(cfg config.Config, issuer string) config.Config {
	cfg.Login.OIDC = &config.OIDC{Issuer: issuer, ClientID: oidctest.ClientID, Secret: "env:LOGIN"}
	return cfg
}

// visit opens an address in a browser of its own, and gives what it got at the
// end and what the console then says at its front page.
func visit(t *testing.T, base string) (status int, page, front string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	c := &http.Client{Jar: jar}
	get := func(path string) (int, string) {
		resp, err := c.Get(base + path)
		require.NoError(t, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(body)
	}
	status, page = get("/login/sso")
	_, front = get("/")
	return status, page, front
}

func TestThePersonOfASubjectIsThePersonInTheConsole(t *testing.T) {
	t.Parallel()
	idp := oidctest.New(t, "u-17")
	idp.Say(map[string]any{"name": "Alice L.", "email": "alice@example.com", "email_verified": true})
	r := run(t, withProvider(setUp(t, newShop(t)), idp.URL))
	alice := bot.Person{ID: "alice", Name: "Alice", Roles: []bot.Role{bot.RoleResponder}, Identities: []bot.Identity{{Surface: "email", ID: "alice@example.com"}}}
	require.NoError(t, r.People().Add(t.Context(), bot.Salve, alice))

	status, page, front := visit(t, r.URL())
	require.Equal(t, http.StatusUnauthorized, status, "an address stands for nobody unless the operator says so")
	require.Contains(t, page, "knows you as Alice L.")
	require.Contains(t, page, "salve user edit NAME --oidc &#39;"+idp.URL+"#u-17&#39;")
	require.Contains(t, front, "not signed in")

	alice.Identities = []bot.Identity{{Surface: "slack", ID: "T0123/U0456"}, {Surface: "oidc", ID: idp.URL + "#u-17"}}
	require.NoError(t, r.People().Update(t.Context(), bot.Salve, alice))
	status, _, front = visit(t, r.URL())
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, front, "<span>Alice</span>")
	inChat, known, err := r.People().ByIdentity(t.Context(), bot.Identity{Surface: "slack", ID: "T0123/U0456"})
	require.NoError(t, err)
	require.True(t, known)
	require.Equal(t, bot.PersonID("alice"), inChat.ID)

	var log []bot.Event
	require.NoError(t, r.Get(t.Context(), "/v1/events", map[string][]string{"last": {"true"}}, &log))
	i := slices.IndexFunc(log, func(e bot.Event) bool { return e.Kind == bot.EventLogin })
	require.GreaterOrEqual(t, i, 0)
	require.Equal(t, "oidc="+idp.URL+"#u-17", log[i].Data["identity"])
	require.NoError(t, r.end())
}

func TestAVerifiedAddressCountsWhereTheOperatorSaysSo(t *testing.T) {
	t.Parallel()
	idp := oidctest.New(t, "u-17")
	cfg := withProvider(setUp(t, newShop(t)), idp.URL)
	cfg.Login.OIDC.TrustEmail = true
	r := run(t, cfg)
	require.NoError(t, r.People().Add(t.Context(), bot.Salve, bot.Person{
		ID: "alice", Name: "Alice", Roles: []bot.Role{bot.RoleResponder}, Identities: []bot.Identity{{Surface: "email", ID: "alice@example.com"}},
	}))
	for _, verified := range []bool{false, true} {
		idp.Say(map[string]any{"email": "Alice@example.com", "email_verified": verified})
		_, _, front := visit(t, r.URL())
		require.Equal(t, verified, strings.Contains(front, "<span>Alice</span>"))
	}
	require.NoError(t, r.end())
}

func TestSalveStartsWithoutItsProvider(t *testing.T) {
	t.Parallel()
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	cfg := withProvider(setUp(t, newShop(t)), dead.URL)
	r := run(t, cfg)
	status, page, _ := visit(t, r.URL())
	require.Equal(t, http.StatusBadGateway, status)
	require.Contains(t, page, "does not answer")
	require.NoError(t, r.end())
}

func TestASecretOfTheLoginThatCannotBeReadIsSaidAtStart(t *testing.T) {
	t.Parallel()
	cfg := withProvider(setUp(t, newShop(t)), "https://login.example.com")
	cfg.Login.OIDC.Secret = "env:NOWHERE"
	_, err := start(t, cfg)
	require.ErrorContains(t, err, "login.oidc.client_secret: ")
	require.ErrorContains(t, err, "NOWHERE")
}

func TestTheDoctorAsksTheProvider(t *testing.T) {
	t.Parallel()
	idp := oidctest.New(t, "u-17")
	resolver, _ := secrets(t)
	look := func(cfg config.Config) (found serve.Finding) {
		serve.Examine(t.Context(), cfg, resolver, serve.Examination{Found: func(f serve.Finding) {
			if f.What == "login.oidc" {
				found = f
			}
		}})
		return found
	}
	cfg := withProvider(setUp(t, newShop(t)), idp.URL)
	cfg.PublicURL = "https://salve.example.com/"
	require.Equal(t, serve.Finding{What: "login.oidc", OK: true, Says: "answers; the address to return to, as it must be registered there, is https://salve.example.com/login/sso/return"}, look(cfg))
	other := look(withProvider(cfg, idp.URL+"/"))
	require.False(t, other.OK)
	require.Contains(t, other.Says, "did not match")
	require.Contains(t, other.Mend, "curl "+idp.URL+"/.well-known/openid-configuration")
	none := setUp(t, newShop(t))
	require.Zero(t, look(none))
}

// The log says who tried, so that an admin can link them, and no secret.
func TestTheLogSaysWhoWasNotSignedIn(t *testing.T) {
	t.Parallel()
	idp := oidctest.New(t, "u-18")
	cfg := withProvider(setUp(t, newShop(t)), idp.URL)
	resolver, redactor := secrets(t)
	lib, err := serve.Load(cfg, resolver, redactor)
	require.NoError(t, err)
	var out lines
	s, err := serve.Start(t.Context(), cfg, serve.Options{Version: "test", Library: lib, Secrets: resolver, Log: slog.New(slog.NewJSONHandler(&out, nil))})
	require.NoError(t, err)
	r := goes(t, s)
	visit(t, r.URL())
	require.NoError(t, r.end())
	said := map[any]map[string]any{}
	for _, line := range out.all(t) {
		said[line["msg"]] = line
	}
	require.Equal(t, r.URL()+"/login/sso/return", said["people sign in with an identity provider"]["registered_there"])
	require.Equal(t, idp.URL+"#u-18", said["somebody whom the identity provider knows was not signed in"]["identity"])
	require.NotContains(t, out.buf.String(), oidctest.ClientSecret)
}
