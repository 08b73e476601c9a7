package prometheus_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/prometheus"
)

var start = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // where a bubble's clock begins

// world is a small store and brake that can be told to fail.
type world struct {
	mu        sync.Mutex
	fail      error // of every read
	failRows  error // of Run, Approval and Incident
	backlog   bot.Backlog
	open      []bot.Severity
	halts     []bot.Halt
	events    []bot.Event
	runs      map[bot.RunID]bot.Run
	approvals map[bot.ApprovalID]bot.Approval
	incidents map[bot.IncidentID]bot.Incident
}

func newWorld() *world {
	return &world{
		runs: map[bot.RunID]bot.Run{}, approvals: map[bot.ApprovalID]bot.Approval{}, incidents: map[bot.IncidentID]bot.Incident{},
	}
}

// tell puts Events behind the log.
func (w *world) tell(events ...bot.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range events {
		e.Seq = int64(len(w.events) + 1)
		w.events = append(w.events, e)
	}
	w.backlog.Events = int64(len(w.events))
}

// set changes the world.
func (w *world) set(f func(*world)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(w)
}

func read[T any](w *world, more error, f func() (T, error)) (T, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var none T
	if w.fail != nil {
		return none, w.fail
	}
	if more != nil {
		return none, more
	}
	return f()
}

func find[K comparable, T any](w *world, rows map[K]T, id K) (T, error) {
	return read(w, w.failRows, func() (T, error) {
		v, ok := rows[id]
		if !ok {
			return v, bot.ErrNotFound
		}
		return v, nil
	})
}

func (w *world) Ping(context.Context) error {
	_, err := read(w, nil, func() (int, error) { return 0, nil })
	return err
}

func (w *world) Epoch() int64 { return 3 }

func (w *world) Backlog(context.Context, time.Time) (bot.Backlog, error) {
	return read(w, nil, func() (bot.Backlog, error) { return w.backlog, nil })
}

func (w *world) OpenPage(_ context.Context, after bot.IncidentID, limit int) (bot.OpenPage, error) {
	return read(w, nil, func() (bot.OpenPage, error) {
		p := bot.OpenPage{Count: map[bot.Severity]int{}}
		for n := int(after); n < len(w.open) && n < int(after)+limit; n++ {
			p.Count[w.open[n]]++
			p.Last = bot.IncidentID(n + 1)
		}
		if int(p.Last) < int(after)+limit {
			p.Last = 0
		}
		return p, nil
	})
}

func (w *world) EventPage(_ context.Context, after int64, limit int) (bot.EventPage, error) {
	return read(w, nil, func() (bot.EventPage, error) {
		p := bot.EventPage{Last: max(after, min(int64(len(w.events)), after+int64(limit)))}
		for _, e := range w.events {
			if e.Seq > after && e.Seq <= p.Last && e.Kind != bot.EventAlerts {
				p.Events = append(p.Events, e)
			}
		}
		return p, nil
	})
}

func (w *world) Events(_ context.Context, q bot.EventQuery) ([]bot.Event, error) {
	return read(w, nil, func() ([]bot.Event, error) {
		var out []bot.Event
		for _, e := range w.events {
			if e.Incident == q.Incident && e.Seq > q.After {
				out = append(out, e)
			}
		}
		if q.Last {
			return slices.Clone(out[max(0, len(out)-q.Limit):]), nil
		}
		return slices.Clone(out[:min(len(out), q.Limit)]), nil
	})
}

func (w *world) Incident(_ context.Context, id bot.IncidentID) (bot.Incident, error) {
	return find(w, w.incidents, id)
}

func (w *world) Approval(_ context.Context, id bot.ApprovalID) (bot.Approval, error) {
	return find(w, w.approvals, id)
}

func (w *world) Run(_ context.Context, id bot.RunID) (bot.Run, error) { return find(w, w.runs, id) }

func (w *world) Halts(context.Context) ([]bot.Halt, error) {
	return read(w, nil, func() ([]bot.Halt, error) { return w.halts, nil })
}

// watch makes Metrics of the world.
func watch(t testing.TB, w *world) *prometheus.Metrics {
	t.Helper()
	m, err := prometheus.New(t.Context(), prometheus.Ports{Rows: w, Record: w, Brake: w},
		prometheus.Options{
			Version: "1.2.3", Sources: []string{"prod"}, Playbooks: []string{"restart"},
			Heads: func() []bot.HeadLag { return []bot.HeadLag{{Place: "heads.log", Events: 3, For: 90 * time.Second}} },
		})
	require.NoError(t, err)
	return m
}

// figures are what a scrape shows, by series.
type figures map[string]float64

func scrape(t testing.TB, m *prometheus.Metrics) figures {
	t.Helper()
	out := figures{}
	for line := range strings.Lines(text(t, m)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		series, value, ok := strings.Cut(strings.TrimSpace(line), " ")
		require.True(t, ok, line)
		v, err := strconv.ParseFloat(value, 64)
		require.NoError(t, err, line)
		out[series] = v
	}
	return out
}

func text(t testing.TB, m *prometheus.Metrics) string {
	t.Helper()
	r, w := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8080/metrics", nil), httptest.NewRecorder()
	r.RemoteAddr = "127.0.0.1:99"
	m.Handler(prometheus.Access{Local: true}).ServeHTTP(w, r)
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	return w.Body.String()
}

// has checks series by their values.
func (f figures) has(t *testing.T, want map[string]float64) {
	t.Helper()
	for series, v := range want {
		got, ok := f[series]
		require.True(t, ok, "%s is not shown", series)
		require.InDelta(t, v, got, 1e-6, series)
	}
}
