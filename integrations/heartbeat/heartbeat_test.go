package heartbeat_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot/secret"
	"salve/integrations/heartbeat"
)

// lines is a log that can be read while it is written.
type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), text)
}

// far is who waits for the heartbeat.
type far struct {
	*httptest.Server
	calls  atomic.Int32
	status atomic.Int32
}

func newFar(t *testing.T) *far {
	t.Helper()
	f := &far{}
	f.status.Store(http.StatusOK)
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ping/a-secret-word" {
			f.calls.Add(1)
		}
		w.WriteHeader(int(f.status.Load()))
	}))
	t.Cleanup(f.Close)
	return f
}

func (f *far) host(t *testing.T) string {
	t.Helper()
	u, err := url.Parse(f.URL)
	require.NoError(t, err)
	return u.Host
}

// beats runs a heart until the test ends.
func beats(t *testing.T, f *far, log *lines, well *atomic.Bool, allow ...string) {
	t.Helper()
	h, err := heartbeat.New(secret.New(f.URL+"/ping/a-secret-word"), func(context.Context) bool { return well.Load() },
		heartbeat.Options{Every: 20 * time.Millisecond, Allow: allow, Log: slog.New(slog.NewTextHandler(log, nil))})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { h.Run(ctx) })
	t.Cleanup(func() {
		stop()
		running.Wait()
		require.Zero(t, log.count("a-secret-word"), "the path of the address is nobody's business")
	})
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, 10*time.Second, time.Millisecond)
}

func TestItBeatsWhileAllIsWellAndNotOtherwise(t *testing.T) {
	t.Parallel()
	f, log, well := newFar(t), &lines{}, &atomic.Bool{}
	well.Store(true)
	beats(t, f, log, well, f.host(t))
	eventually(t, func() bool { return f.calls.Load() > 3 })
	well.Store(false)
	eventually(t, func() bool { return log.count("no heartbeat while Salve is unwell") == 1 })
	calls := f.calls.Load()
	time.Sleep(100 * time.Millisecond) // five beats
	require.Equal(t, calls, f.calls.Load())
	well.Store(true)
	eventually(t, func() bool { return f.calls.Load() > calls })
	eventually(t, func() bool { return log.count("heartbeat is heard") >= 2 })
	require.Equal(t, 1, log.count("no heartbeat while Salve is unwell"))
}

func TestAFailureIsLoggedWhenItBeginsAndWhenItIsOver(t *testing.T) {
	t.Parallel()
	f, log, well := newFar(t), &lines{}, &atomic.Bool{}
	well.Store(true)
	f.status.Store(http.StatusInternalServerError)
	beats(t, f, log, well, f.host(t))
	eventually(t, func() bool { return f.calls.Load() > 5 })
	require.Equal(t, 1, log.count("heartbeat fails"))
	require.Equal(t, 1, log.count("the far end answers 500"))
	f.status.Store(http.StatusNoContent)
	eventually(t, func() bool { return log.count("heartbeat is heard") >= 1 })
}

func TestItObeysTheRulesOfOutgoingCalls(t *testing.T) {
	t.Parallel()
	f, log, well := newFar(t), &lines{}, &atomic.Bool{}
	well.Store(true)
	beats(t, f, log, well) // loopback is not allowed
	eventually(t, func() bool { return log.count("heartbeat fails") == 1 })
	require.Zero(t, f.calls.Load())

	_, err := heartbeat.New(secret.New("https://hc.example.com"), nil, heartbeat.Options{})
	require.ErrorContains(t, err, "whether all is well")
	_, err = heartbeat.New(secret.New("https://hc.example.com"), func(context.Context) bool { return true }, heartbeat.Options{Allow: []string{"everywhere"}})
	require.ErrorContains(t, err, "everywhere")
}
