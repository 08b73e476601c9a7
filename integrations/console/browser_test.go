package console_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/console"
)

// browser starts a headless Chromium, or skips where there is none.
func browser(t *testing.T) context.Context {
	t.Helper()
	var exe string
	for _, name := range []string{"/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"} {
		if _, err := os.Stat(name); err == nil {
			exe = name
			break
		}
	}
	if exe == "" {
		if os.Getenv("SALVE_REQUIRE_TOOLS") == "1" {
			t.Fatal("chromium is required here and not installed")
		}
		t.Skip("chromium is not installed")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(exe), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true), chromedp.WindowSize(1280, 1000))
	alloc, stop := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(stop)
	ctx, stopTab := chromedp.NewContext(alloc)
	t.Cleanup(stopTab)
	ctx, stopTime := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(stopTime)
	return ctx
}

// complaints collects what the browser holds against a page: exceptions,
// policy violations, dialogs.
type complaints struct {
	mu   sync.Mutex
	list []string
}

func (c *complaints) add(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, text)
}

func (c *complaints) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := c.list
	c.list = nil
	return out
}

func watch(t *testing.T, ctx context.Context) *complaints {
	t.Helper()
	c := &complaints{}
	require.NoError(t, chromedp.Listen(ctx, func(ev any) {
		switch ev := ev.(type) {
		case *runtime.EventExceptionThrown:
			c.add("exception: " + ev.ExceptionDetails.Text)
		case *cdplog.EventEntryAdded:
			c.add(ev.Entry.Text)
		case *page.EventJavascriptDialogOpening:
			c.add("dialog: " + ev.Message)
		}
	}))
	return c
}

func serve(t *testing.T, w *world, opts console.Options) *httptest.Server {
	t.Helper()
	c := open(t, w, opts)
	s := httptest.NewUnstartedServer(c)
	s.Config.RegisterOnShutdown(c.Drain)
	s.Config.WriteTimeout = 2 * time.Second
	s.Start()
	t.Cleanup(func() { c.Drain(); s.CloseClientConnections(); s.Close() })
	return s
}

func signIn(base, session string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, network.SetCookie, network.SetCookieParams{
			Name: "salve_session", Value: session, URL: base, HTTPOnly: new(true), SameSite: network.CookieSameSiteStrict,
		})
		return err
	})
}

// read runs one action and gives its value.
func read[T any](t *testing.T, ctx context.Context, a chromedp.Action[T]) T {
	t.Helper()
	v, err := chromedp.Run(ctx, a)
	require.NoError(t, err)
	return v
}

var lookedAt = []struct{ name, path string }{
	{"incidents", "/"}, {"waiting", "/incidents/I-142"}, {"running", "/incidents/I-141"}, {"fixed", "/incidents/I-140"},
	{"unfitting", "/incidents/I-139"}, {"unknown-step", "/incidents/I-138"}, {"run-form", "/incidents/I-139/run?playbook=service-restart"},
	{"runs", "/runs"}, {"run", "/runs/R-88"}, {"approvals", "/approvals"}, {"playbooks", "/playbooks"}, {"quarantine", "/quarantine"},
	{"quarantined", "/quarantine/Q-3"}, {"audit", "/audit?verify=now"}, {"halt", "/halt"}, {"login", "/login"}, {"login-link", "/login?token=l-alice"},
}

// Every page draws in a browser that has nothing to complain of. With
// SALVE_SCREENSHOTS set to a folder, pictures of all are put there.
func TestABrowserHasNothingToComplainOf(t *testing.T) {
	t.Parallel()
	ctx := browser(t)
	said := watch(t, ctx)
	w := story()
	w.halts = []bot.Halt{{Scope: bot.HaltPlaybook, Name: "disk-cleanup", By: bot.Actor{Name: "Rob"}, Reason: "it removed too much", At: time.Now().Add(-time.Hour)}}
	s := serve(t, w, console.Options{})
	require.NoError(t, chromedp.Do(ctx, signIn(s.URL, "s-alice")))
	for _, p := range lookedAt {
		require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(360, 740), chromedp.Navigate(s.URL+p.path), chromedp.WaitReady("#main")), p.name)
		require.Falsef(t, read(t, ctx, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > innerWidth`)), "%s needs scrolling sideways at 360 px", p.name)
		require.Empty(t, said.take(), p.name)
		if dir := os.Getenv("SALVE_SCREENSHOTS"); dir != "" {
			picture(t, ctx, filepath.Join(dir, p.name+"-360.png"), 360, "light")
			picture(t, ctx, filepath.Join(dir, p.name+"-light.png"), 1280, "light")
			picture(t, ctx, filepath.Join(dir, p.name+"-dark.png"), 1280, "dark")
		}
	}
}

func picture(t *testing.T, ctx context.Context, file string, width int64, scheme string) {
	t.Helper()
	require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(width, 900), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	})))
	require.NoError(t, os.WriteFile(file, read(t, ctx, chromedp.FullScreenshot(100)), 0o644))
}

// Text from outside stays text in a real browser too.
func TestNoAlertTextBecomesScript(t *testing.T) {
	t.Parallel()
	ctx := browser(t)
	said := watch(t, ctx)
	w := story()
	poison(w)
	s := serve(t, w, console.Options{})
	require.NoError(t, chromedp.Do(ctx, signIn(s.URL, "s-alice")))
	for _, path := range []string{"/", "/incidents/I-142", "/runs", "/runs/R-88", "/approvals", "/audit", "/quarantine", "/quarantine/Q-3", "/halt"} {
		require.NoError(t, chromedp.Do(ctx, chromedp.Navigate(s.URL+path), chromedp.WaitReady("#main")), path)
		require.Zero(t, read(t, ctx, chromedp.Evaluate[int](`document.querySelectorAll("script:not([src^='/static/'])").length`)), path)
		require.Zero(t, read(t, ctx, chromedp.Evaluate[int](`document.querySelectorAll("main img, main iframe, main svg, main style, [onerror], [onload]").length`)), path)
		require.False(t, read(t, ctx, chromedp.Evaluate[bool](`"hit" in window`)), path)
		require.Empty(t, said.take(), path)
	}
}

// What is open, typed and focused survives when the page renews itself.
func TestAPageRenewsItselfAndKeepsWhatThePersonIsDoing(t *testing.T) {
	t.Parallel()
	ctx := browser(t)
	w := story()
	s := serve(t, w, console.Options{})
	require.NoError(t, chromedp.Do(ctx, signIn(s.URL, "s-alice"), chromedp.Navigate(s.URL+"/incidents/I-142"),
		chromedp.Click(`//summary[contains(., "Deny")]`),
		chromedp.SendKeys(`details[open] textarea[name=reason]`, "not now"),
	))
	w.mu.Lock()
	st := w.incidents[142]
	st.Incident.Notes = append(st.Incident.Notes, bot.Note{At: time.Now(), By: bot.Actor{Name: "Rob"}, Text: "a fresh note"})
	st.Events = append(st.Events, event(99, 142, time.Now(), bot.EventNoted, "Rob", "noted: a fresh note"))
	w.incidents[142] = st
	w.mu.Unlock()
	w.publish(bot.Touched{Incidents: []bot.IncidentID{142}})
	require.NoError(t, chromedp.Do(ctx, chromedp.WaitVisible(`//blockquote[contains(., "a fresh note")]`)))
	require.Equal(t, "not now", read(t, ctx, chromedp.Value(`details[open] textarea[name=reason]`)))
	require.Equal(t, "reason", read(t, ctx, chromedp.Evaluate[string](`document.activeElement.name`)))
}

// A person approves with the keyboard alone, and the command that arrives is
// bound to the digest that was shown.
func TestAPersonApprovesInABrowser(t *testing.T) {
	t.Parallel()
	ctx := browser(t)
	w := story()
	s := serve(t, w, console.Options{})
	button := `//button[contains(., "Approve 3fa9c1d2")]`
	require.NoError(t, chromedp.Do(ctx, signIn(s.URL, "s-alice"), chromedp.Navigate(s.URL+"/incidents/I-142"),
		chromedp.Focus(`//summary[contains(., "Approve")]`), chromedp.KeyEvent("\r"), chromedp.WaitVisible(button)))
	text := read(t, ctx, chromedp.Text(`details[open] .confirm`))
	require.Contains(t, text, "3fa9c1d2")
	require.Contains(t, text, "shop-1.example.org")
	require.NoError(t, chromedp.Do(ctx, chromedp.Focus(button), chromedp.KeyEvent("\r"), chromedp.WaitVisible(`.flash`)))
	did := w.commands()
	require.Len(t, did, 1)
	require.Equal(t, bot.VerbApprove, did[0].Verb)
	require.Equal(t, string(digest), did[0].Digest)
	require.Equal(t, bot.PersonID("alice"), did[0].By.ID)
}

// A link in chat comes from another site, where the strict cookie stays home.
func TestALinkFromAnotherSiteShowsThePage(t *testing.T) {
	t.Parallel()
	ctx := browser(t)
	s := serve(t, story(), console.Options{})
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<a id="go" href="%s/incidents/I-142">go</a>`, s.URL)
	}))
	t.Cleanup(other.Close)
	require.NoError(t, chromedp.Do(ctx, signIn(s.URL, "s-alice"),
		chromedp.Navigate(strings.Replace(other.URL, "127.0.0.1", "localhost", 1)),
		chromedp.Click("#go"), chromedp.WaitVisible(".headline")))
	require.Contains(t, read(t, ctx, chromedp.Title()), "I-142")
}
