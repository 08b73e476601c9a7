package demo

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

const (
	leakStep    = 1 << 20 // bytes a tick
	leakEvery   = 40 * time.Millisecond
	unhealthyAt = 48 << 20 // bytes; /healthz fails from here on
	leakCap     = 96 << 20 // the machine is not ours to fill
)

// Shop is the service that breaks. Its /healthz, /metrics and / answer until it
// hangs; then every request waits until the process is killed.
type Shop struct {
	hung     atomic.Bool
	leaking  atomic.Bool
	requests atomic.Int64
	started  time.Time

	mu     sync.Mutex
	leaked [][]byte
}

// ServeShop runs the shop on ln until ctx ends.
func ServeShop(ctx context.Context, ln net.Listener) error {
	s := &Shop{started: time.Now()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.health)
	mux.HandleFunc("GET /metrics", s.metrics)
	mux.HandleFunc("GET /{$}", s.front)
	mux.HandleFunc("POST /-/release", s.release)
	mux.HandleFunc("POST /-/break", s.breakDown)
	srv := &http.Server{Handler: s.gate(mux), ReadHeaderTimeout: 5 * time.Second}
	var wg sync.WaitGroup
	wg.Go(func() { s.leak(ctx) })
	wg.Go(func() {
		<-ctx.Done()
		_ = srv.Close() // the error is Serve's to tell
	})
	err := srv.Serve(ln)
	wg.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("serve the demo shop: %w", err)
}

// gate lets nothing through while the shop hangs: that is the breakdown.
func (s *Shop) gate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		if s.hung.Load() {
			<-r.Context().Done()
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Shop) leak(ctx context.Context) {
	t := time.NewTicker(leakEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if !s.leaking.Load() || s.size() >= leakCap {
			continue
		}
		page := make([]byte, leakStep)
		for i := 0; i < len(page); i += 4096 {
			page[i] = 1 // touched, so that it is really held
		}
		s.mu.Lock()
		s.leaked = append(s.leaked, page)
		s.mu.Unlock()
	}
}

func (s *Shop) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.leaked) * leakStep
}

func (s *Shop) health(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if n := s.size(); n >= unhealthyAt {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintf(w, "{\"status\":\"unhealthy\",\"leaked_bytes\":%d}\n", n)
		return
	}
	fmt.Fprintf(w, "{\"status\":\"ok\",\"leaked_bytes\":%d}\n", s.size())
}

func (s *Shop) metrics(w http.ResponseWriter, _ *http.Request) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	fmt.Fprintf(w, `# HELP demo_shop_leaked_bytes Memory that the shop holds and does not need.
# TYPE demo_shop_leaked_bytes gauge
demo_shop_leaked_bytes %d
# HELP demo_shop_requests_total Requests that came in.
# TYPE demo_shop_requests_total counter
demo_shop_requests_total %d
# HELP go_memstats_heap_alloc_bytes Heap in use.
# TYPE go_memstats_heap_alloc_bytes gauge
go_memstats_heap_alloc_bytes %d
# HELP process_start_time_seconds When the shop started.
# TYPE process_start_time_seconds gauge
process_start_time_seconds %d
`, s.size(), s.requests.Load(), m.HeapAlloc, s.started.Unix())
}

func (s *Shop) front(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintln(w, "The demo shop is open.")
}

// release stops the leak and gives the memory back.
func (s *Shop) release(w http.ResponseWriter, _ *http.Request) {
	s.leaking.Store(false)
	freed := s.size()
	s.mu.Lock()
	s.leaked = nil
	s.mu.Unlock()
	debug.FreeOSMemory()
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, "{\"released_bytes\":%d}\n", freed)
}

func (s *Shop) breakDown(w http.ResponseWriter, r *http.Request) {
	switch how := r.URL.Query().Get("how"); how {
	case "leak":
		s.leaking.Store(true)
	case "hang":
		s.hung.Store(true)
	default:
		http.Error(w, "how is leak or hang", http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}
