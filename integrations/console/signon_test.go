package console_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/console"
)

// provider is an identity provider and who is linked, made of fields.
type provider struct {
	address string // where it is; "": it does not answer
	kept    string // what the browser keeps
	world   *world
	answer  error // what Finish gives instead of a session

	came []string // kept and state of each Finish
}

func (p *provider) Begin(context.Context) (string, string, error) {
	if p.address == "" {
		return "", "", errors.New("oidc: ask login.example.com who it is: connection refused")
	}
	return p.address, p.kept, nil
}

func (p *provider) Finish(_ context.Context, kept string, back url.Values) (string, bot.Person, error) {
	p.came = append(p.came, kept+" "+back.Get("state"))
	if p.answer != nil {
		return "", bot.Person{}, p.answer
	}
	if kept == "" || kept != p.kept {
		return "", bot.Person{}, bot.Refuse(bot.RefusedIdentity, "This sign-in is not one that this browser began here, or it took too long.", "Begin again on the sign-in page.")
	}
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	p.world.people["sso-session"] = approver
	return "sso-session", approver, nil
}

func openWith(t *testing.T, p *provider, opts console.Options) *console.Console {
	t.Helper()
	if p.world == nil {
		p.world = story()
	}
	ports := p.world.ports()
	ports.SignOn = p
	c, err := console.New(ports, opts)
	require.NoError(t, err)
	return c
}

func cookies(rec *httptest.ResponseRecorder) map[string]*http.Cookie {
	out := map[string]*http.Cookie{}
	for _, k := range rec.Result().Cookies() {
		out[k.Name] = k
	}
	return out
}

func TestSigningInWithAProviderKeepsTheFlowInTheBrowser(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, public, flow, session string
		secure                      bool
	}{
		{"over https", "https://salve.example.org", "__Host-salve_flow", "__Host-salve", true},
		{"on loopback", "", "salve_flow", "salve_session", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := openWith(t, &provider{address: "https://login.example.com/auth?state=s", kept: "kept"}, console.Options{PublicURL: tt.public})
			rec := ask(c, "GET", "/login/sso", "", nil)
			require.Equal(t, http.StatusSeeOther, rec.Code)
			require.Equal(t, "https://login.example.com/auth?state=s", rec.Header().Get("Location"))
			require.Equal(t, "no-store", rec.Header().Get("Cache-Control"))
			k := cookies(rec)[tt.flow]
			require.NotNil(t, k)
			require.Equal(t, "kept", k.Value)
			require.Equal(t, "/", k.Path)
			require.Empty(t, k.Domain)
			require.Equal(t, 600, k.MaxAge)
			require.True(t, k.HttpOnly)
			require.Equal(t, tt.secure, k.Secure)
			require.Equal(t, http.SameSiteLaxMode, k.SameSite, "a strict one would not come back from another site")

			r := httptest.NewRequest("GET", "http://localhost"+console.ReturnPath+"?code=c&state=s", nil)
			r.AddCookie(&http.Cookie{Name: tt.flow, Value: "kept"})
			rec = httptest.NewRecorder()
			c.ServeHTTP(rec, r)
			require.Equal(t, http.StatusOK, rec.Code)
			require.Contains(t, rec.Body.String(), `<meta http-equiv="refresh" content="0; url=/">`, "the strict cookie comes along when the page goes on by itself")
			back := cookies(rec)
			require.Negative(t, back[tt.flow].MaxAge, "the flow is for one attempt")
			require.Equal(t, tt.secure, back[tt.flow].Secure)
			require.Equal(t, "sso-session", back[tt.session].Value)
			require.Equal(t, http.SameSiteStrictMode, back[tt.session].SameSite)
			require.True(t, back[tt.session].HttpOnly)
			require.Equal(t, tt.secure, back[tt.session].Secure)
			require.NotContains(t, rec.Body.String(), "sso-session")
		})
	}
}

func TestWhoComesBackWithoutAFlowIsNotSignedIn(t *testing.T) {
	t.Parallel()
	p := &provider{address: "https://login.example.com", kept: "kept"}
	c := openWith(t, p, console.Options{})
	for _, kept := range []string{"", "another browser's"} {
		r := httptest.NewRequest("GET", "http://localhost"+console.ReturnPath+"?code=attackers&state=s", nil)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		if kept != "" {
			r.AddCookie(&http.Cookie{Name: "salve_flow", Value: kept})
		}
		rec := httptest.NewRecorder()
		c.ServeHTTP(rec, r)
		require.Equal(t, http.StatusUnauthorized, rec.Code)
		require.NotContains(t, cookies(rec), "salve_session")
		require.Contains(t, rec.Body.String(), "not one that this browser began")
		require.Contains(t, rec.Body.String(), `href="/login">Go to the sign-in page`)
	}
	require.Equal(t, []string{" s", "another browser's s"}, p.came)
}

func TestARefusedSignInSaysWhyAndWhatIsNext(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		answer error
		status int
		says   []string
	}{
		{"nobody is linked", bot.Refuse(bot.RefusedIdentity, "The identity provider knows you as Eve <b>\u202e, but no person of Salve is linked to that.", "An admin links you: salve user edit NAME --oidc 'https://a.example#7'"),
			http.StatusUnauthorized, []string{"<h1>Not signed in</h1>", "Eve &lt;b&gt;[U+202E]", "salve user edit NAME --oidc &#39;https://a.example#7&#39;"}},
		{"somebody disabled", bot.Refuse(bot.RefusedForbidden, "Alice is disabled.", "An admin can change that."), http.StatusForbidden, []string{"Alice is disabled."}},
		{"many at once", bot.Refuse(bot.RefusedLater, "Many are signing in at this moment.", ""), http.StatusServiceUnavailable, []string{"Many are signing in"}},
		{"a token that does not count", errors.New("oidc: the ID token does not count: secret-detail"), http.StatusBadGateway, []string{"did not work", "the log of Salve has the cause"}},
		{"a store that is down", bot.ErrUnavailable, http.StatusServiceUnavailable, []string{"Storage does not answer"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := openWith(t, &provider{address: "https://login.example.com", kept: "kept", answer: tt.answer}, console.Options{})
			rec := ask(c, "GET", console.ReturnPath+"?code=c&state=s", "", nil)
			require.Equal(t, tt.status, rec.Code)
			for _, s := range tt.says {
				require.Contains(t, rec.Body.String(), s)
			}
			require.NotContains(t, rec.Body.String(), "secret-detail")
			require.NotContains(t, cookies(rec), "salve_session")
			require.Negative(t, cookies(rec)["salve_flow"].MaxAge)
		})
	}
}

func TestAProviderThatIsDownIsSaidAndALinkStillWorks(t *testing.T) {
	t.Parallel()
	c := openWith(t, &provider{}, console.Options{})
	rec := ask(c, "GET", "/login/sso", "", nil)
	require.Equal(t, http.StatusBadGateway, rec.Code)
	require.Contains(t, rec.Body.String(), "The identity provider does not answer.")
	require.Contains(t, rec.Body.String(), "salve user login-link NAME")
	require.NotContains(t, rec.Body.String(), "connection refused")
	require.NotContains(t, cookies(rec), "salve_flow")
	require.Equal(t, http.StatusSeeOther, ask(c, "POST", "/login", "", url.Values{"token": {"l-alice"}}).Code)
}

func TestTheWayInIsThereOnlyWithAProvider(t *testing.T) {
	t.Parallel()
	with, without := openWith(t, &provider{address: "https://login.example.com"}, console.Options{}), open(t, story(), console.Options{})
	for _, path := range []string{"/login/sso", console.ReturnPath} {
		require.Equal(t, http.StatusNotFound, ask(without, "GET", path, "", nil).Code)
		require.Equal(t, http.StatusNotFound, ask(with, "POST", path, "", url.Values{"code": {"c"}}).Code, "a form cannot do it")
	}
	require.NotContains(t, ask(without, "GET", "/login", "", nil).Body.String(), "/login/sso")
	// form-action 'self' in the policy would stop a form whose answer leads away.
	body := ask(with, "GET", "/login", "", nil).Body.String()
	require.Contains(t, body, `<a class="button primary" href="/login/sso">Sign in with your organisation</a>`)
	require.NotContains(t, ask(with, "GET", "/login", "s-alice", nil).Body.String(), "/login/sso", "who is signed in needs no way in")
}

// A browser comes from one site (localhost) to another (127.0.0.1), where the
// strict cookie of the session is not sent along with a redirect.
func TestABrowserThatComesBackFromAnotherSiteIsSignedIn(t *testing.T) {
	t.Parallel()
	ctx := browser(t)
	said := watch(t, ctx)
	p := &provider{kept: "kept", world: story()}
	ports := p.world.ports()
	ports.SignOn = p
	var s *httptest.Server
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			http.Redirect(w, r, s.URL+console.ReturnPath+"?code=c&state=s", http.StatusSeeOther)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<!doctype html><title>login</title><form method="post"><button id="yes">Yes, it is me</button></form>`))
	}))
	t.Cleanup(elsewhere.Close)
	p.address = strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1) + "/auth"
	c, err := console.New(ports, console.Options{AnonymousRead: true})
	require.NoError(t, err)
	s = httptest.NewServer(c)
	t.Cleanup(func() { c.Drain(); s.CloseClientConnections(); s.Close() })
	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(s.URL+"/login"), chromedp.Click(`a[href="/login/sso"]`),
		chromedp.WaitVisible("#yes"), chromedp.Click("#yes"), chromedp.WaitVisible(`//header//span[text()="Alice"]`), chromedp.WaitVisible(".flash")))
	require.Equal(t, "Signed in as Alice.", read(t, ctx, chromedp.Text(".flash")))
	require.Equal(t, s.URL+"/", read(t, ctx, chromedp.Evaluate[string](`location.href`)))
	require.Empty(t, said.take())
}
