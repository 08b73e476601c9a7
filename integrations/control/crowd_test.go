package control_test

import (
	"context"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/control"
)

// slow is a world whose lists take until they are let go.
type slow struct {
	*world
	begun chan struct{}
	hold  chan struct{}
}

func (s *slow) Incidents(ctx context.Context, q bot.IncidentQuery) ([]bot.Incident, error) {
	s.begun <- struct{}{}
	<-s.hold
	return s.world.Incidents(ctx, q)
}

func TestHoweverManyReadAPersonCanHalt(t *testing.T) {
	t.Parallel()
	w := &slow{world: newWorld(), begun: make(chan struct{}, 10), hold: make(chan struct{})}
	ports := w.ports()
	ports.Rows = w
	door, err := control.New(ports, control.Options{AnonymousRead: true, MaxCalls: 2, LongPoll: time.Hour})
	require.NoError(t, err)
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			code, _ := exchange(door, request("GET", "/v1/incidents", ""))
			require.Equal(t, 200, code)
		})
		<-w.begun
	}
	refused := httptest.NewRecorder()
	door.ServeHTTP(refused, request("GET", "/v1/incidents", ""))
	require.Equal(t, 503, refused.Code)
	require.NotEmpty(t, refused.Header().Get("Retry-After"))
	require.JSONEq(t, `{"code":"not_recorded","why":"Too many requests are being answered at once, so this one was not looked at.","next":"Try again in a moment. To halt without waiting: send SIGUSR1 to Salve, or create the file HALT in its data directory."}`, refused.Body.String())

	for range 5 {
		code, body := exchange(door, request("POST", "/v1/commands", `{"verb":"halt"}`))
		require.Equal(t, 200, code, body)
	}
	code, _ := exchange(door, request("GET", "/v1/live", ""))
	require.Equal(t, 200, code, "waiting is counted apart")

	close(w.hold)
	all.Wait()
	for range 5 {
		code, _ = exchange(door, request("GET", "/v1/incidents", ""))
		require.Equal(t, 200, code, "places are given back")
	}
}

func TestHowManyWaitIsBoundedToo(t *testing.T) {
	t.Parallel()
	w := newWorld()
	door := newDoor(t, w, control.Options{AnonymousRead: true, MaxCalls: 1, LongPoll: time.Hour})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			code, _ := exchange(door, request("GET", "/v1/live?after=7", ""))
			require.Equal(t, 200, code)
		})
	}
	require.Eventually(t, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.subs) == 8
	}, 5*time.Second, time.Millisecond)
	code, _ := exchange(door, request("GET", "/v1/live?after=7", ""))
	require.Equal(t, 503, code)
	code, _ = exchange(door, request("GET", "/v1/incidents", ""))
	require.Equal(t, 200, code, "reading is counted apart")
	door.Drain()
	all.Wait()
}
