package main

import (
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// sink is where the action under test posts: it notes when it first saw each
// alert's uid, which the action carries in its body.
type sink struct {
	url string
	srv *http.Server

	mu      sync.Mutex
	seen    map[string]time.Time
	repeats int
}

func startSink() (*sink, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &sink{url: "http://" + ln.Addr().String(), seen: map[string]time.Time{}}
	s.srv = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.srv.Serve(ln) }() // ends with Close
	return s, nil
}

func (s *sink) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := time.Now() // the first byte of the action has arrived
	b, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	uid := strings.Trim(string(b), "\"\n ")
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, again := s.seen[uid]; again {
		s.repeats++
		return
	}
	s.seen[uid] = at
}

func (s *sink) close() { _ = s.srv.Close() }

func (s *sink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.seen)
}

// wait waits until n calls have come, or until none has come for a while.
func (s *sink) wait(n int, patience time.Duration) int {
	last, since := s.count(), time.Now()
	for last < n && time.Since(since) < patience {
		time.Sleep(5 * time.Millisecond)
		if now := s.count(); now != last {
			last, since = now, time.Now()
		}
	}
	return last
}

// lags are the times from when each post was due to its call, sorted.
func (s *sink) lags(due func(uid string) (time.Time, bool)) []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []time.Duration
	for uid, at := range s.seen {
		if t, ok := due(uid); ok {
			out = append(out, at.Sub(t))
		}
	}
	slices.Sort(out)
	return out
}

// last is when the latest call came.
func (s *sink) last() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	var t time.Time
	for _, at := range s.seen {
		if at.After(t) {
			t = at
		}
	}
	return t
}
