package e2e_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/cmd/salve/demo"
)

// window is a browser that one person sits in front of.
type window struct {
	ctx   context.Context
	loads *atomic.Int64 // pages loaded so far
}

// browser opens a window.
func browser(t *testing.T) window {
	t.Helper()
	exe := tool(t, "chromium", "chromium-browser", "google-chrome")
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(exe), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.NoFirstRun, chromedp.WindowSize(1280, 1100))
	alloc, stop := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(stop)
	ctx, stopTab := chromedp.NewContext(alloc)
	t.Cleanup(stopTab)
	ctx, stopTime := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(stopTime)
	w := window{ctx: ctx, loads: &atomic.Int64{}}
	require.NoError(t, chromedp.Listen(ctx, func(ev any) {
		if _, ok := ev.(*page.EventLoadEventFired); ok {
			w.loads.Add(1)
		}
	}))
	return w
}

func (w window) does(t *testing.T, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	require.NoError(t, chromedp.Do(w.ctx, actions...))
}

// reads gives what a person sees in an element.
func (w window) reads(t *testing.T, selector string) string {
	t.Helper()
	text, err := chromedp.Run(w.ctx, chromedp.Text(selector))
	require.NoError(t, err)
	return strings.Join(strings.Fields(text), " ")
}

// signsIn opens a login link and presses the button on its page.
func (w window) signsIn(t *testing.T, link string) {
	t.Helper()
	w.does(t, chromedp.Navigate(link), chromedp.WaitVisible("button.primary"))
	require.Contains(t, w.reads(t, "main"), "Sign in as Alice")
	w.does(t, chromedp.Click("button.primary"), chromedp.WaitNotPresent(`form[action="/login"]`), chromedp.WaitVisible(`//header//span[text()="Alice"]`))
}

func (w window) looks(t *testing.T, width int64, scheme string) {
	t.Helper()
	w.does(t, chromedp.EmulateViewport(width, 1100), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	}))
}

// pictures takes the page as it is: on a desk by day and by night, on a phone.
func (w window) pictures(t *testing.T, name string) {
	t.Helper()
	dir := os.Getenv("SALVE_SCREENSHOTS")
	if dir == "" {
		dir = t.TempDir()
	}
	for _, look := range []struct {
		suffix, scheme string
		width          int64
	}{{"dark", "dark", 1280}, {"phone", "light", 360}, {"phone-dark", "dark", 360}, {"light", "light", 1280}} {
		w.looks(t, look.width, look.scheme)
		overflows, err := chromedp.Run(w.ctx, chromedp.Evaluate[bool](`document.documentElement.scrollWidth > innerWidth`))
		require.NoError(t, err)
		require.Falsef(t, overflows, "%s %s needs scrolling sideways", name, look.suffix)
		png, err := chromedp.Run(w.ctx, chromedp.FullScreenshot(100))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name+"-"+look.suffix+".png"), png, 0o600))
	}
	png, err := chromedp.Run(w.ctx, chromedp.CaptureScreenshot())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, name+"-screen.png"), png, 0o600))
}

// link makes a login link for alice.
func (h *house) link(t *testing.T) string {
	t.Helper()
	var got struct{ URL string }
	require.NoError(t, json.Unmarshal([]byte(h.does(t, "--json", "user", "login-link", "alice")), &got))
	return got.URL
}

// holdUp stands before the supervisor and lets a restart through once go is closed.
func holdUp(t *testing.T, supervisor string) (front string, release func()) {
	t.Helper()
	u, err := url.Parse(supervisor)
	require.NoError(t, err)
	open := make(chan struct{})
	proxy := httputil.NewSingleHostReverseProxy(u)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-open:
			proxy.ServeHTTP(w, r)
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, func() { close(open) }
}

func TestAPersonReadsTheCardApprovesAndWatchesItBeingFixed(t *testing.T) {
	t.Parallel()
	w, shop := browser(t), shop(t)
	front, release := holdUp(t, shop.URL)
	h := start(t, shop.ShopURL, front)
	monitor(t, h, shop.ShopURL)
	h.knows(t)
	w.signsIn(t, h.link(t))

	// The shop hangs. The list, which is open all the while, shows it by itself.
	require.NoError(t, shop.Break(t.Context(), "hang"))
	w.does(t, chromedp.WaitVisible(`//a[contains(@class, "title")][contains(., "DemoServiceHangs")]`),
		chromedp.WaitVisible(`//li//*[contains(@class, "pill")][text()="waiting for approval"]`))
	w.pictures(t, "list")
	w.does(t, chromedp.Click("a.title"), chromedp.WaitVisible(".card.ask"))

	// The card says what broke, since when, why, and what would be done to what at which risk.
	card := h.waits(t, demo.AlertHang)
	plan := card.Proposals[0].Plan
	text := w.reads(t, "main")
	for _, part := range []string{
		"DemoServiceHangs", "high", "waiting for approval", "since ", "demo-shop does not answer", "Customers see nothing",
		"Restart the shop", "Let the supervisor restart demo-shop", front + "/restart?service=demo-shop",
		"Target demo-shop", "Risk medium", "Digest " + plan.Digest.Short(), "1 of group oncall", "expects status == 200",
	} {
		require.Contains(t, text, part)
	}
	require.Zero(t, answers(t, shop.ShopURL+"/healthz"), "nothing was done without leave")
	w.pictures(t, "waiting")

	// Approve, and confirm.
	button := `//button[contains(., "Approve ` + plan.Digest.Short() + `")]`
	w.does(t, chromedp.Click(`//summary[normalize-space()="Approve"]`), chromedp.WaitVisible(button))
	require.Contains(t, w.reads(t, `details[open] .confirm`), "demo-restart on demo-shop")
	w.pictures(t, "confirm")
	w.does(t, chromedp.Click(button), chromedp.WaitVisible(".flash"))

	// The page follows: a step that is on its way, then the verification, then the end.
	w.does(t, chromedp.WaitVisible(`//li[contains(@class, "step")]//*[contains(@class, "pill")][text()="started"]`))
	w.pictures(t, "running")
	loads := w.loads.Load()
	release()
	w.does(t, chromedp.WaitVisible(`//li[contains(@class, "step")]//*[contains(@class, "pill")][text()="succeeded"]`),
		chromedp.WaitVisible(`//*[contains(@class, "meta")]//*[contains(@class, "pill")][text()="fixed"]`))
	require.Equal(t, loads, w.loads.Load(), "nobody had to load the page again")
	require.Equal(t, http.StatusOK, answers(t, shop.ShopURL+"/healthz"))

	// What watches the shop sees it too, and the card says who did what.
	w.does(t, chromedp.WaitVisible(`//*[contains(@class, "meta")]/span[text()="resolved"]`))
	text = w.reads(t, "main")
	for _, part := range []string{"Alice", "approved", "demo-restart"} {
		require.Contains(t, text, part)
	}
	w.pictures(t, "fixed")
}

func TestAPersonDeniesWithAReasonAndNothingIsDone(t *testing.T) {
	t.Parallel()
	w, shop := browser(t), shop(t)
	h := start(t, shop.ShopURL, shop.URL)
	h.knows(t)
	h.does(t, "alert", "send", "--severity", "high", "-l", "service=demo-shop", "--summary", "demo-shop does not answer", demo.AlertHang)
	card := h.waits(t, demo.AlertHang)
	w.signsIn(t, h.link(t))
	w.does(t, chromedp.Navigate(h.URL+"/incidents/"+card.Incident.String()), chromedp.WaitVisible(".card.ask"))

	// Without a reason the browser keeps the form.
	deny := `//details[@open]//button[normalize-space()="Deny"]`
	w.does(t, chromedp.Click(`//summary[normalize-space()="Deny"]`), chromedp.WaitVisible(deny), chromedp.Click(deny))
	require.Equal(t, bot.ApprovalPending, h.card(t, card.Incident).Proposals[0].Approval.State)

	// With one it is denied, and the card says by whom, why, and what is next.
	w.does(t, chromedp.SendKeys(`details[open] textarea[name=reason]`, "the deploy is being rolled back"), chromedp.Click(deny),
		chromedp.WaitVisible(`//section//*[contains(@class, "pill")][text()="denied"]`))
	text := w.reads(t, "main")
	require.Contains(t, text, "the deploy is being rolled back")
	require.Contains(t, text, "Alice")
	w.pictures(t, "denied")
	card = h.card(t, card.Incident)
	require.Equal(t, bot.ApprovalDenied, card.Proposals[0].Approval.State)
	require.Equal(t, bot.IncidentOpen, card.State, "to deny a plan is not to close the incident")
	require.Empty(t, card.Runs)

	// The link is used up.
	other := h.link(t)
	w.signsIn(t, other)
	w.does(t, chromedp.Navigate(other), chromedp.WaitVisible(`[role=alert]`))
	require.Contains(t, w.reads(t, "main"), "used up")
}
