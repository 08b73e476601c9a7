package serve_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver, to do to the database what Salve would not

	"salve/bot"
	"salve/bot/health"
	"salve/cmd/salve/serve"
)

// asks asks the web listener's handler itself.
func asks(s *serve.Salve, path string, accept string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	req := httptest.NewRequest(http.MethodGet, "http://127.0.0.1"+path, nil)
	req.RemoteAddr = "127.0.0.1:99"
	req.Header.Set("Accept", accept)
	s.Handler().ServeHTTP(w, req)
	return w
}

// seizes keeps everybody from writing the database until it is let go.
func seizes(t *testing.T, r *running) (letGo func()) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(filepath.Dir(r.Socket()), "salve.db"))
	require.NoError(t, err)
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, err = conn.ExecContext(context.Background(), "BEGIN IMMEDIATE")
		return err == nil
	}, 10*time.Second, time.Millisecond)
	var once sync.Once
	letGo = func() {
		once.Do(func() {
			_, err := conn.ExecContext(context.Background(), "ROLLBACK")
			require.NoError(t, err)
			require.NoError(t, conn.Close())
			require.NoError(t, db.Close())
		})
	}
	t.Cleanup(letGo)
	return letGo
}

func (r *running) eventuallyReady(t *testing.T, status int) string {
	t.Helper()
	var body string
	require.Eventually(t, func() bool {
		w := asks(r.Salve, "/readyz", "")
		body = w.Body.String()
		return w.Code == status
	}, 30*time.Second, 20*time.Millisecond, "%s", body)
	return body
}

func TestADatabaseThatCannotBeWrittenIsNamedAndNothingRuns(t *testing.T) {
	shop := newShop(t) // not parallel: a signal goes to the whole process
	r := run(t, setUp(t, shop))
	r.eventuallyReady(t, 200)
	letGo := seizes(t, r)
	require.Equal(t, "not ready: the database cannot be written\n", r.eventuallyReady(t, 503))

	verbose := asks(r.Salve, "/readyz?verbose", "")
	require.Contains(t, verbose.Body.String(), "  name: database-write\n  since: 20")
	require.Contains(t, verbose.Body.String(), "  do: Look for a full or read-only disk")
	var told struct {
		Ready      bool
		Conditions []bot.Condition
	}
	require.NoError(t, json.Unmarshal(asks(r.Salve, "/readyz", "application/json").Body.Bytes(), &told))
	require.False(t, told.Ready)
	require.Equal(t, "database-write", told.Conditions[0].Name)
	require.Empty(t, told.Conditions[0].Detail, "the cause is for those who may read")
	require.WithinDuration(t, time.Now(), told.Conditions[0].Since, time.Minute)
	var status struct {
		Ready      bool
		Problem    string
		Conditions []bot.Condition
	}
	require.NoError(t, r.Get(t.Context(), "/v1/status", nil, &status))
	require.Equal(t, "the database cannot be written", status.Problem)
	require.NotEmpty(t, status.Conditions[0].Detail)
	_, page := get(t, r.URL()+"/")
	require.Contains(t, page, "Salve is not ready:")
	require.Equal(t, 200, asks(r.Salve, "/livez", "").Code, "a new process would not help")

	// Both brakes that need no database are pulled, each by itself.
	code, body := alert(t, r.URL(), "ShopIll", "low")
	require.Equal(t, 503, code, body)
	require.NoError(t, syscall.Kill(os.Getpid(), syscall.SIGUSR1))
	require.Eventually(t, func() bool { return strings.HasPrefix(r.untilHalted(t)[0].Reason, "signal SIGUSR1") }, 10*time.Second, time.Millisecond)
	flag := filepath.Join(filepath.Dir(r.Socket()), "HALT")
	require.NoError(t, os.Remove(flag))
	require.NoError(t, os.WriteFile(flag, []byte("by hand"), 0o600))
	require.Equal(t, "by hand", r.untilHalted(t)[0].Reason)

	letGo()
	r.eventuallyReady(t, 200)
	code, body = alert(t, r.URL(), "ShopIll", "low") // the sender comes again
	require.Equal(t, 200, code, body)
	require.NoError(t, r.end())
	require.Zero(t, shop.healed.Load())
}

// wound are clocks that a test sets.
type wound struct {
	mu    sync.Mutex
	ahead time.Duration
	from  time.Time
}

func (c *wound) jump(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

func (c *wound) read() bot.Reading {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	return bot.Reading{Wall: now.Round(0).UTC().Add(c.ahead), Ran: now.Sub(c.from)}
}

var operator = bot.Person{ID: "op", Name: "Op", Roles: []bot.Role{bot.RoleResponder}, Groups: []string{"oncall", "resumers"},
	Identities: []bot.Identity{{Surface: "unix", ID: strconv.Itoa(os.Getuid())}}}

func TestAClockThatJumpsPausesEverythingUntilAPersonSaysSo(t *testing.T) {
	t.Parallel()
	for name, by := range map[string]time.Duration{"forward": 3 * time.Hour, "back": -3 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shop, clocks := newShop(t), &wound{from: time.Now()}
			cfg := setUp(t, shop)
			cfg.Watch.Every = bot.Duration(50 * time.Millisecond)
			r := runWith(t, cfg, clocks.read)
			require.NoError(t, r.People().Add(t.Context(), bot.Salve, operator))
			clocks.jump(by)
			code, body := alert(t, r.URL(), "ShopIll", "low")
			require.Equal(t, 200, code, body)

			says := "the clock jumped " + name + " by 3h, to "
			var about bot.Incident
			require.Eventually(t, func() bool {
				var list []bot.Incident
				require.NoError(t, r.Get(t.Context(), "/v1/incidents", nil, &list))
				for _, inc := range list {
					if inc.Source == bot.SourceSalve {
						about = inc
					}
				}
				return about.ID != 0
			}, 20*time.Second, 20*time.Millisecond)
			require.Contains(t, about.Title, says)
			halts := r.untilHalted(t)
			require.Len(t, halts, 1)
			require.Equal(t, bot.Salve, halts[0].By)
			require.Contains(t, r.eventuallyReady(t, 200), "ready\ndegraded: "+says, "once that is on record, alerts are taken in")

			// A person may approve, and still nothing runs.
			var approvals []bot.Approval
			require.Eventually(t, func() bool {
				require.NoError(t, r.Get(t.Context(), "/v1/approvals", nil, &approvals))
				return len(approvals) == 1
			}, 20*time.Second, 20*time.Millisecond)
			require.Zero(t, shop.healed.Load())

			_, err := r.Do(t.Context(), bot.Command{Verb: bot.VerbResume})
			require.NoError(t, err)
			require.Eventually(t, func() bool {
				var card bot.Card
				require.NoError(t, r.Get(t.Context(), "/v1/incidents/"+about.ID.String(), nil, &card))
				return card.Firing == 0
			}, 20*time.Second, 20*time.Millisecond, "it is over by itself")
			_, err = r.Do(t.Context(), bot.Command{Verb: bot.VerbApprove, Approval: approvals[0].ID, Digest: string(approvals[0].Digest)})
			require.NoError(t, err)
			r.until(t, bot.RunFixed)
			var events []bot.Event
			require.NoError(t, r.Get(t.Context(), "/v1/events", nil, &events))
			texts := ""
			for _, e := range events {
				texts += e.Text + "\n"
			}
			require.Contains(t, texts, "everything is halted: "+says)
			require.NoError(t, r.end())
		})
	}
}

func TestAClockThatWasSetBackWhileSalveWasDownIsSeen(t *testing.T) {
	t.Parallel()
	cfg := setUp(t, newShop(t))
	require.NoError(t, run(t, cfg).end())
	clocks := &wound{from: time.Now(), ahead: -2 * time.Hour}
	r := runWith(t, cfg, clocks.read)
	halts := r.untilHalted(t)
	require.Regexp(t, "^the clock jumped back by (1h59m|2h)", halts[0].Reason)
	require.NoError(t, r.end())
}

func TestALegThatHangsIsNotReadyAndInTheEndNotAlive(t *testing.T) {
	t.Parallel()
	s, err := start(t, setUp(t, newShop(t)))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Store().Close()); require.NoError(t, s.BreakListener()) })
	s.Stall("act", 3*time.Minute)
	w := asks(s, "/readyz", "")
	require.Equal(t, 503, w.Code)
	require.Equal(t, "not ready: the act loop does not turn\n", w.Body.String())
	require.Equal(t, 200, asks(s, "/livez", "").Code)
	s.Stall("act", 6*time.Minute)
	w = asks(s, "/livez", "")
	require.Equal(t, 503, w.Code)
	require.Equal(t, "not alive: the loop of act does not turn\n", w.Body.String())
}

func TestADiskThatFillsIsToldBeforeItIsFull(t *testing.T) {
	t.Parallel()
	cfg := setUp(t, newShop(t))
	cfg.Watch.DiskFree = 5
	s, err := start(t, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Store().Close()); require.NoError(t, s.BreakListener()) })
	for _, tt := range []struct {
		free uint64
		code int
		want string
	}{
		{1 << 30, 200, "ready\n"},
		{40 << 20, 200, "ready\ndegraded: less than 5 % of the disk of the data directory is free\n"},
		{1 << 20, 503, "not ready: the disk of the data directory is full\n"},
	} {
		s.SetDisk(func() health.Disk { return health.Disk{Free: tt.free, Total: 10 << 30} })
		w := asks(s, "/readyz", "")
		require.Equal(t, tt.code, w.Code)
		require.Equal(t, tt.want, w.Body.String())
	}
}

func TestACertificateThatEndsSoonIsTold(t *testing.T) {
	t.Parallel()
	cfg := setUp(t, newShop(t))
	cfg.TLS = pair(t, t.TempDir(), 1) // good for an hour
	s, err := start(t, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Store().Close()); require.NoError(t, s.BreakListener()) })
	require.Contains(t, asks(s, "/readyz", "").Body.String(), "degraded: the certificate of the web listener ends on 20")
}

func TestWhileItDrainsRequestsAreAnsweredAndNewOnesSentAway(t *testing.T) {
	t.Parallel()
	cfg := setUp(t, newShop(t))
	cfg.Drain = bot.Duration(2 * time.Second)
	r := run(t, cfg)
	require.NoError(t, r.Get(t.Context(), "/v1/whoami", nil, nil))
	r.stop()
	require.Eventually(t, func() bool {
		code, body := get(t, r.URL()+"/readyz")
		return code == 503 && body == "not ready: Salve is stopping\n"
	}, 10*time.Second, 10*time.Millisecond)
	code, body := alert(t, r.URL(), "ShopIll", "low")
	require.Equal(t, 200, code, body)
	require.NoError(t, r.end())
}

func TestTheHeartbeatStopsWhenSalveIsUnwell(t *testing.T) {
	t.Parallel()
	shop := newShop(t)
	beats := make(chan struct{}, 1000)
	far := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { beats <- struct{}{} }))
	t.Cleanup(far.Close)
	cfg := setUp(t, shop)
	cfg.Heartbeat.URL, cfg.Heartbeat.Every = far.URL+"/ping", bot.Duration(20*time.Millisecond)
	cfg.Egress.Allow = append(cfg.Egress.Allow, far.Listener.Addr().String())
	r := run(t, cfg)
	for range 3 {
		<-beats
	}
	r.Stall("act", 3*time.Minute) // it turns again by itself within a second
	letGo := seizes(t, r)
	r.eventuallyReady(t, 503)
	for len(beats) > 0 {
		<-beats
	}
	time.Sleep(200 * time.Millisecond) // ten beats
	require.LessOrEqual(t, len(beats), 1, "one may have been under way")
	letGo()
	r.eventuallyReady(t, 200)
	<-beats
	require.NoError(t, r.end())

	cfg.Heartbeat.URL = "env:NONE"
	_, err := start(t, cfg)
	require.ErrorContains(t, err, "heartbeat.url")
	require.ErrorContains(t, err, "NONE")
}

func TestTheTimeForRightsNeverGoesBack(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC)
	clock := bot.Reading{Wall: start}
	expiry := serve.Expiry(func() bot.Reading { return clock }, start)
	for _, tt := range []struct {
		name      string
		ran, wall time.Duration
		want      time.Duration // after the start
	}{
		{"it passes", time.Hour, time.Hour, time.Hour},
		{"the clock is set back", time.Hour, -2 * time.Hour, 2 * time.Hour},
		{"the clock is set forward", time.Hour, 11 * time.Hour, 10 * time.Hour},
		{"and set right again", time.Hour, -6 * time.Hour, 11 * time.Hour},
		{"it passes on", time.Hour, time.Hour, 12 * time.Hour},
	} {
		clock.Ran, clock.Wall = clock.Ran+tt.ran, clock.Wall.Add(tt.wall)
		require.Equal(t, start.Add(tt.want), expiry(), tt.name)
	}
	clock = bot.Reading{Wall: start}
	require.Equal(t, start.Add(time.Hour), serve.Expiry(func() bot.Reading { return clock }, start.Add(time.Hour))(), "nor over a restart")
}

func TestAJumpThatCannotBeRecordedHaltsByTheFlagFile(t *testing.T) {
	t.Parallel()
	clocks := &wound{from: time.Now()}
	r := runWith(t, setUp(t, newShop(t)), clocks.read)
	require.NoError(t, r.People().Add(t.Context(), bot.Salve, operator))
	letGo := seizes(t, r)
	clocks.jump(time.Hour)
	require.Equal(t, bot.Salve, r.untilHalted(t)[0].By, "at once, in memory")
	require.Contains(t, r.eventuallyReady(t, 503), "not ready: the clock jumped forward by 1h, to ")
	flag := filepath.Join(filepath.Dir(r.Socket()), "HALT")
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(flag)
		return err == nil && bytes.Contains(text, []byte("the clock jumped forward by 1h"))
	}, 20*time.Second, 20*time.Millisecond)
	letGo()
	require.Contains(t, r.eventuallyReady(t, 200), "ready\ndegraded: the clock jumped")
	_, err := r.Do(t.Context(), bot.Command{Verb: bot.VerbResume})
	require.NoError(t, err)
	halts, err := r.Brake().Halts(t.Context())
	require.NoError(t, err)
	require.Empty(t, halts, "one word lifts the row and the file")
	require.NoError(t, r.end())
}
