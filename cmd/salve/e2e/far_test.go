package e2e_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/cmd/internal/trial"
	"salve/integrations/control"
)

// far is a system that playbooks act on: it holds each call until it is let go,
// and counts.
type far struct {
	*httptest.Server
	calls atomic.Int64
	mu    sync.Mutex
	gate  chan struct{} // closed: calls are answered at once
}

func newFar(t *testing.T) *far {
	t.Helper()
	f := &far{gate: make(chan struct{})}
	f.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // who hangs up has made the call all the same
		f.calls.Add(1)
		select {
		case <-f.gate:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() { f.letGo(); f.Close() })
	return f
}

func (f *far) letGo() {
	f.mu.Lock()
	defer f.mu.Unlock()
	select {
	case <-f.gate:
	default:
		close(f.gate)
	}
}

// slowPlaybook acts on an alert of its own name: by itself when it is low, else
// after an approval. Its step may not be repeated. %s: URL.
const slowPlaybook = `name: slow
owner: tests
match: alert.title == "Slow"
target: alert.labels["service"]
mode: auto
auto_below: medium
approvers: [oncall]
steps:
  - {id: call, uses: http, repeat: never, timeout: 60s, with: {url: "%s/call", text: "${{ alert.labels.service }}"}}
`

// slowSetting is a Salve with that playbook, in a directory of its own.
func slowSetting(t *testing.T, f *far) trial.Setting {
	t.Helper()
	dir := shortDir(t)
	token, books := filepath.Join(dir, "token"), filepath.Join(dir, "playbooks")
	require.NoError(t, os.WriteFile(token, []byte(hookToken), 0o600))
	require.NoError(t, os.Mkdir(books, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(books, "slow.yaml"), fmt.Appendf(nil, slowPlaybook, f.URL), 0o600))
	more := "sources:\n  - {name: prod, type: alertmanager, bearer: \"file:%s\", group_by: [fingerprint]}\nplaybooks: {dirs: [%s], library: false}\negress: {allow: [%q]}\n"
	return trial.Setting{Binary: binary, Dir: dir, Config: fmt.Sprintf(more, token, books, host(t, f.URL))}
}

// startWith starts a Salve, which is killed at the end.
func startWith(t *testing.T, s trial.Setting) *house {
	t.Helper()
	p, err := trial.Start(t.Context(), s)
	require.NoError(t, err)
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Log(p.Logs())
		}
	})
	return &house{Process: p, Dir: s.Dir, Door: control.NewUnixClient(filepath.Join(p.Dir, "salve.sock"))}
}

// sender posts alerts, each its own, and remembers what was acknowledged.
type sender struct {
	mu      sync.Mutex
	next    int
	acked   []string
	answers map[int]int // status -> how often; 0: the connection broke
	patient string      // last Retry-After
	client  http.Client
}

func newSender() *sender {
	return &sender{answers: map[int]int{}, client: http.Client{Timeout: 20 * time.Second}}
}

// uid is the label that tells alerts apart.
func (s *sender) uid() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	return fmt.Sprintf("u%06d", s.next)
}

// send posts one alert with size bytes of annotation and gives the status.
func (s *sender) send(url string, size int) int {
	uid := s.uid()
	body := fmt.Sprintf(`{"version":"4","groupKey":"{}","status":"firing","receiver":"salve","truncatedAlerts":0,"groupLabels":{},"commonLabels":{},
"commonAnnotations":{},"externalURL":"http://am","alerts":[{"status":"firing","startsAt":%q,"endsAt":"0001-01-01T00:00:00Z","generatorURL":"",
"fingerprint":%q,"labels":{"alertname":"Pour","uid":%q,"severity":"high"},"annotations":{"text":%q}}]}`,
		time.Now().UTC().Format(time.RFC3339), uid, uid, noise(uid, size))
	req, err := http.NewRequest(http.MethodPost, url+"/v1/hooks/prod", bytes.NewReader([]byte(body)))
	if err != nil {
		return -1
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+hookToken)
	status, retry := 0, ""
	if resp, err := s.client.Do(req); err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if err == nil {
			status, retry = resp.StatusCode, resp.Header.Get("Retry-After")
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[status]++
	if status/100 == 2 {
		s.acked = append(s.acked, uid)
	}
	if retry != "" {
		s.patient = retry
	}
	return status
}

// patience is what Retry-After said last.
func (s *sender) patience() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.patient
}

// noise is text that does not compress.
func noise(seed string, n int) string {
	b, x := make([]byte, n), uint64(14695981039346656037)
	for _, c := range seed {
		x = (x ^ uint64(c)) * 1099511628211
	}
	for i := range b {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"[x&63]
	}
	return string(b)
}

// pour sends from four connections until the returned function is called, which
// waits for them.
func (s *sender) pour(url string, size int) (stop func()) {
	done := make(chan struct{})
	var pouring sync.WaitGroup
	for range 4 {
		pouring.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					if s.send(url, size)/100 != 2 {
						time.Sleep(20 * time.Millisecond)
					}
				}
			}
		})
	}
	return sync.OnceFunc(func() { close(done); pouring.Wait() })
}

// acknowledged is what was acknowledged so far.
func (s *sender) acknowledged() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.acked...)
}

// told is how often a status was answered.
func (s *sender) told(status int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answers[status]
}
