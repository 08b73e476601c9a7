package e2e_test

import (
	"bufio"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/cmd/internal/trial"
	"salve/integrations/control"
)

// npm gives the directory in which npm packages are, or skips the test.
func npm(t *testing.T, name string) string {
	t.Helper()
	dir := os.Getenv("SALVE_NPM")
	if dir != "" {
		if _, err := os.Stat(filepath.Join(dir, "node_modules", name, "package.json")); err == nil {
			return dir
		}
	}
	const why = "%s of npm is not there; `SALVE_NPM=DIR .ci/install` puts it into DIR"
	if os.Getenv("SALVE_REQUIRE_TOOLS") != "" {
		t.Fatalf(why, name)
	}
	t.Skipf(why, name)
	return ""
}

const loginSecret = "client-secret-of-this-test"

// provider starts an OpenID provider that sends people back to a Salve, and
// gives its issuer. It is on another site than Salve: localhost, not 127.0.0.1.
func provider(t *testing.T, salve string) string {
	t.Helper()
	node, packages := tool(t, "node"), npm(t, "oidc-provider")
	cmd := exec.CommandContext(t.Context(), node, "testdata/provider.mjs", "salve", loginSecret, salve+"/login/sso/return")
	cmd.Env = append(os.Environ(), "SALVE_NPM="+packages)
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	var says strings.Builder
	cmd.Stderr = &says
	require.NoError(t, cmd.Start())
	issuer, err := bufio.NewReader(out).ReadString('\n')
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait() // it ends with its input, or was killed with the test
		if t.Failed() {
			t.Log(says.String())
		}
	})
	require.NoError(t, err, "%s", &says)
	return strings.TrimSpace(issuer)
}

// signOn starts a Salve in which people sign in with a provider.
func signOn(t *testing.T, more string) (h *house, issuer string) {
	t.Helper()
	listen, err := trial.FreeAddress()
	require.NoError(t, err)
	issuer = provider(t, "http://"+listen)
	dir := shortDir(t)
	p, err := trial.Start(t.Context(), trial.Setting{
		Binary: binary, Dir: dir, Listen: listen, Env: []string{"LOGIN_SECRET=" + loginSecret},
		Config: fmt.Sprintf("public_url: http://%s\nlogin: {oidc: {issuer: %q, client_id: salve, client_secret: env:LOGIN_SECRET%s}}\n", listen, issuer, more),
	})
	require.NoError(t, err)
	h = &house{Process: p, Dir: dir, Door: control.NewUnixClient(filepath.Join(p.Dir, "salve.sock"))}
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Log(p.Logs())
		}
	})
	return h, issuer
}

// goesToTheProvider presses the button on the sign-in page.
func (w window) goesToTheProvider(t *testing.T, h *house) {
	t.Helper()
	w.does(t, chromedp.Navigate(h.URL+"/"), chromedp.WaitVisible(`a[href="/login/sso"]`), chromedp.Click(`a[href="/login/sso"]`))
}

// saysWho fills the provider's two pages.
func (w window) saysWho(t *testing.T, login string) {
	t.Helper()
	w.does(t, chromedp.WaitVisible(`input[name=login]`), chromedp.SendKeys(`input[name=login]`, login), chromedp.SendKeys(`input[name=password]`, "any"),
		chromedp.Click(`button[type=submit]`), chromedp.WaitVisible(`input[value=consent] ~ button`), chromedp.Click(`button[type=submit]`))
}

func TestWhoSignsInWithTheProviderIsThePersonThatTheyAreLinkedTo(t *testing.T) {
	t.Parallel()
	w := browser(t)
	h, issuer := signOn(t, "")
	h.does(t, "user", "add", "alice", "--name", "Alice", "--role", "responder", "--slack", "T0123/U0456", "--uid", strconv.Itoa(os.Getuid()))
	require.Contains(t, h.salveWith(t, []string{"LOGIN_SECRET=" + loginSecret}, "doctor").out, "login.oidc: answers; the address to return to, as it must be registered there, is "+h.URL+"/login/sso/return")
	w.does(t, chromedp.Navigate(h.URL+"/login"), chromedp.WaitVisible(`a[href="/login/sso"]`))
	w.pictures(t, "login")

	// Who gives up at the provider reads so, and may begin again.
	w.goesToTheProvider(t, h)
	w.does(t, chromedp.WaitVisible(`input[name=login]`), chromedp.Click(`a[href$="/abort"]`), chromedp.WaitVisible(`[role=alert]`))
	require.Contains(t, w.reads(t, "main"), "The identity provider refused: End-User aborted interaction.")
	w.does(t, chromedp.Click(`a[href="/login"].more`), chromedp.WaitVisible(`a[href="/login/sso"]`))

	// Whom nobody has linked reads the line that links them, and nothing else.
	subject := "known 'alice'; exit 7"
	w.goesToTheProvider(t, h)
	w.saysWho(t, subject)
	w.does(t, chromedp.WaitVisible(`[role=alert]`))
	text := w.reads(t, "main")
	require.Contains(t, text, "The identity provider knows you as "+subject+" by name, but no person of Salve is linked to that.")
	w.pictures(t, "unlinked")
	require.Contains(t, w.reads(t, "header"), "not signed in")

	// The line does what it says in a shell.
	line := regexp.MustCompile(`salve (user edit NAME --oidc .*?exit 7')`).FindStringSubmatch(text)
	require.Len(t, line, 2, text)
	shell := exec.CommandContext(t.Context(), "sh", "-c", binary+" "+strings.Replace(line[1], "NAME", "alice", 1))
	shell.Dir = h.Dir
	said, err := shell.CombinedOutput()
	require.NoError(t, err, "%s: %s", line[1], said)
	require.Contains(t, h.does(t, "user", "show", "alice"), "oidc:"+issuer+"#"+subject+",slack:T0123/U0456")

	// Now they are that person. The provider remembers them and asks nothing.
	w.does(t, chromedp.Click(`a[href="/login"].more`), chromedp.WaitVisible(`a[href="/login/sso"]`), chromedp.Click(`a[href="/login/sso"]`),
		chromedp.WaitVisible(`//header//span[text()="Alice"]`), chromedp.WaitVisible(".flash"))
	require.Equal(t, "Signed in as Alice.", w.reads(t, ".flash"))
	w.pictures(t, "signed-in")
	var last []bot.Event
	require.NoError(t, h.Door.Get(t.Context(), "/v1/events", url.Values{"last": {"true"}}, &last))
	require.True(t, slices.ContainsFunc(last, func(e bot.Event) bool {
		return e.Kind == bot.EventLogin && e.Actor.Person == "alice" && e.Data["identity"] == "oidc="+issuer+"#"+subject
	}), "%v", last)

	// Until somebody says that they are not.
	h.does(t, "user", "disable", "alice")
	w.goesToTheProvider(t, h)
	w.does(t, chromedp.WaitVisible(`[role=alert]`))
	require.Contains(t, w.reads(t, "main"), "Alice is disabled.")
}

func TestAnAddressThatTheProviderHasVerifiedCountsWhereItIsTrusted(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, login, header string
	}{
		{"verified", "known-alice", "Alice"},
		{"not verified", "alice", "not signed in"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := browser(t)
			h, _ := signOn(t, ", trust_email: true")
			h.does(t, "user", "add", "alice", "--name", "Alice", "--role", "responder", "--email", tt.login+"@example.com")
			w.goesToTheProvider(t, h)
			w.saysWho(t, tt.login)
			w.does(t, chromedp.WaitVisible(`//header//span[text()="`+tt.header+`"]`))
		})
	}
}
