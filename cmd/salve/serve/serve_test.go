package serve_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/audit"
	"salve/cmd/salve/serve"
)

func TestAnAlertIsHealedAndEverythingOutlivesARestart(t *testing.T) {
	t.Parallel()
	shop := newShop(t)
	cfg := setUp(t, shop)
	first := run(t, cfg)
	code, body := alert(t, first.URL(), "ShopIll", "low")
	require.Equal(t, 200, code, body)
	done := first.until(t, bot.RunFixed)
	require.Equal(t, int32(1), shop.healed.Load())
	require.NoError(t, first.end())

	second := run(t, cfg)
	var again bot.CardRun
	require.NoError(t, second.Get(t.Context(), "/v1/runs/"+done.ID.String(), nil, &again))
	require.Equal(t, done, again.Run)
	var report audit.Report
	require.NoError(t, second.Get(t.Context(), "/v1/audit/verify", nil, &report))
	require.True(t, report.OK())
	var status struct {
		Epoch     int64
		Ready     bool
		Playbooks int
	}
	require.NoError(t, second.Get(t.Context(), "/v1/status", nil, &status))
	require.Equal(t, int64(2), status.Epoch)
	require.True(t, status.Ready)
	require.Equal(t, 1, status.Playbooks)
	var events []bot.Event
	require.NoError(t, second.Get(t.Context(), "/v1/events", nil, &events))
	kinds := map[bot.EventKind]int{}
	for _, e := range events {
		kinds[e.Kind]++
	}
	require.Equal(t, []int{2, 1}, []int{kinds[bot.EventStarted], kinds[bot.EventStopped]})
	require.NoError(t, second.end())
	require.Equal(t, int32(1), shop.healed.Load(), "what was done is not done again")
}

func TestASecondSalveOnTheSameDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	cfg := setUp(t, newShop(t))
	first := run(t, cfg)
	_, err := start(t, cfg)
	require.ErrorContains(t, err, strconv.Itoa(os.Getpid()), "it names the process that is there")
	require.NoError(t, first.Get(t.Context(), "/v1/whoami", nil, nil), "the first one keeps its socket")
	require.NoError(t, first.end())
	require.NoError(t, run(t, cfg).end())
}

func TestOnlyItsUserCanReachWhatSalveKeeps(t *testing.T) {
	t.Parallel()
	cfg := setUp(t, newShop(t))
	r := run(t, cfg)
	for path, want := range map[string]os.FileMode{
		filepath.Dir(r.Socket()): 0o700, r.Socket(): 0o600, filepath.Join(filepath.Dir(r.Socket()), "salve.db"): 0o600,
	} {
		st, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, want, st.Mode().Perm(), path)
	}
	require.NoError(t, r.end())
	_, err := os.Stat(r.Socket())
	require.ErrorIs(t, err, os.ErrNotExist)

	for mode, says := range map[os.FileMode]string{0o777: "run: chmod 700 ", 0o700: "run: chmod 600 "} {
		require.NoError(t, os.Chmod(filepath.Dir(r.Socket()), mode))
		require.NoError(t, os.Chmod(filepath.Join(filepath.Dir(r.Socket()), "salve.db"), 0o644))
		_, err = start(t, cfg)
		require.ErrorContains(t, err, says)
	}
}

func TestWhatIsWrongIsSaidAtTheStart(t *testing.T) {
	t.Parallel()
	busy := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(busy.Close)
	taken := setUp(t, newShop(t))
	taken.Listen = strings.TrimPrefix(busy.URL, "http://")
	_, err := start(t, taken)
	require.ErrorContains(t, err, "change `listen` in the configuration")

	noCert := setUp(t, newShop(t))
	noCert.TLS.Cert, noCert.TLS.Key = "/none/a", "/none/b"
	_, err = start(t, noCert)
	require.ErrorContains(t, err, "tls.cert and tls.key: open /none/a")

	noSecret := setUp(t, newShop(t))
	noSecret.Sources[0].Bearer = "env:NONE"
	_, err = start(t, noSecret)
	require.ErrorContains(t, err, "source prod")
	require.ErrorContains(t, err, "NONE")

	long := setUp(t, newShop(t))
	long.DataDir = filepath.Join(long.DataDir, strings.Repeat("x", 100))
	_, err = start(t, long)
	require.ErrorContains(t, err, "use a shorter data_dir")

	_, err = serve.Start(t.Context(), long, serve.Options{})
	require.ErrorContains(t, err, "a library and secrets are needed")
	for _, cfg := range []int{0, 1} { // what failed to start holds nothing
		r := run(t, setUp(t, newShop(t)))
		require.NoError(t, r.end(), cfg)
	}
	noSecret.Sources[0].Bearer = "env:HOOK"
	require.NoError(t, run(t, noSecret).end(), "the directory of a failed start is free")
}

func TestAPartThatFailsEndsTheWhole(t *testing.T) {
	t.Parallel()
	r := run(t, setUp(t, newShop(t)))
	require.NoError(t, r.Get(t.Context(), "/v1/whoami", nil, nil))
	require.NoError(t, r.BreakListener())
	r.once.Do(func() { r.err = <-r.done })
	require.ErrorContains(t, r.err, "listener: serve on 127.0.0.1:")
}

func TestAStoreThatIsClosedIsNotReady(t *testing.T) {
	t.Parallel()
	s, err := start(t, setUp(t, newShop(t)))
	require.NoError(t, err)
	ask := func(path string) (int, string) {
		w := httptest.NewRecorder()
		req := httptest.NewRequest(http.MethodGet, "http://127.0.0.1"+path, nil)
		req.RemoteAddr = "127.0.0.1:99"
		s.Handler().ServeHTTP(w, req)
		b, err := io.ReadAll(w.Body)
		require.NoError(t, err)
		return w.Code, string(b)
	}
	code, body := ask("/readyz")
	require.Equal(t, 200, code)
	require.Equal(t, "ready\n", body)
	require.NoError(t, s.Store().Close())
	code, body = ask("/readyz")
	require.Equal(t, 503, code)
	require.NotContains(t, body, "/", "no inner words")
	require.Equal(t, "not ready: the database cannot be read\nnot ready: the database cannot be written\n", body)
	code, _ = ask("/livez")
	require.Equal(t, 200, code)
	code, body = ask("/v1/status")
	require.Equal(t, 200, code, body)
	s.Brake().Forget()
	_, err = s.Brake().Halts(t.Context())
	require.Error(t, err, "what is halted cannot be told")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.Error(t, s.Run(ctx), "the last event could not be written")
}

func TestALoginLinkIsForAKnownUserOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	cfg := setUp(t, newShop(t))
	r := run(t, cfg)
	link, err := r.WelcomeLink(t.Context())
	require.NoError(t, err)
	require.Empty(t, link, "nobody is known")
	me := bot.Person{ID: "me", Name: "Me", Roles: []bot.Role{bot.RoleResponder}, Identities: []bot.Identity{{Surface: "unix", ID: strconv.Itoa(os.Getuid())}}}
	require.NoError(t, r.People().Add(t.Context(), bot.Salve, me))
	link, err = r.WelcomeLink(t.Context())
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(link, r.URL()+"/login?token=salve_login_"), link)
	code, _ := get(t, link)
	require.Equal(t, 200, code)
	var events []bot.Event
	require.NoError(t, r.Get(t.Context(), "/v1/events", nil, &events))
	for _, e := range events {
		require.NotContains(t, e.Text, "salve_login_")
	}
	require.NoError(t, r.People().Disable(t.Context(), bot.Salve, "me"))
	link, err = r.WelcomeLink(t.Context())
	require.NoError(t, err)
	require.Empty(t, link)
	require.NoError(t, r.end())

	cfg.Listen, cfg.PublicURL, cfg.Proxies = "0.0.0.0:0", "https://salve.example.com", []string{"192.0.2.0/24"}
	far := run(t, cfg)
	require.NoError(t, far.People().Enable(t.Context(), bot.Salve, "me"))
	link, err = far.WelcomeLink(t.Context())
	require.NoError(t, err)
	require.Empty(t, link, "not where others can see the terminal's log")
	require.NoError(t, far.end())
}

func TestWhoeverWaitsDoesNotHoldUpTheEnd(t *testing.T) {
	t.Parallel()
	r := run(t, setUp(t, newShop(t)))
	require.NoError(t, r.WaitForChange(t.Context()))
	waiting := make(chan error, 1)
	go func() { waiting <- r.WaitForChange(context.Background()) }()
	require.NoError(t, r.end())
	<-waiting
}
