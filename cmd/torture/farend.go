package main

import (
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"
)

// call is one that the far end took.
type call struct {
	kind string
	key  string
	at   time.Time
}

// farEnd is the system that the playbooks act on. It takes its time, so that
// faults find calls in flight, and writes down.
type farEnd struct {
	url     string
	address string
	slow    int // one call in so many takes up to 400 ms
	srv     *http.Server

	mu    sync.Mutex
	rng   *rand.Rand
	calls map[string][]call // by uid, in the order in which they came
}

// slowOnes are how many calls take long, by storage: a process that is killed
// again and again is to get some things done in between.
var slowOnes = map[string]int{sqliteStorage: 20, postgresStorage: 3}

func startFarEnd(o Options) (*farEnd, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f := &farEnd{
		url: "http://" + ln.Addr().String(), address: ln.Addr().String(),
		slow: slowOnes[o.Storage], rng: rand.New(rand.NewPCG(o.Seed, 2)), calls: map[string][]call{},
	}
	f.srv = &http.Server{Handler: f, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = f.srv.Serve(ln) }() // ends with close
	return f, nil
}

func (f *farEnd) close() { _ = f.srv.Close() }

func (f *farEnd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := time.Now()
	b, err := io.ReadAll(io.LimitReader(r.Body, 1<<12))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	uid := string(b)
	f.mu.Lock()
	f.calls[uid] = append(f.calls[uid], call{kind: r.URL.Path[1:], key: r.Header.Get("Idempotency-Key"), at: at})
	wait := time.Duration(f.rng.IntN(20)) * time.Millisecond
	if f.rng.IntN(f.slow) == 0 {
		wait *= 20
	}
	f.mu.Unlock()
	time.Sleep(wait)
}

// of gives the calls about one alert.
func (f *farEnd) of(uid string) []call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[uid]
}
