package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

var kinds = []string{"keyed", "unsafe", "none"}

// senders post alerts, each its own, and remember which were acknowledged.
type senders struct {
	far  *farEnd
	next atomic.Int64
	at   time.Time

	mu    sync.Mutex
	acked map[string]string // uid -> kind
}

func newSenders(far *farEnd) *senders {
	return &senders{far: far, at: time.Now().UTC().Truncate(time.Millisecond), acked: map[string]string{}}
}

func (s *senders) keepSending(ctx context.Context, url string) {
	client := &http.Client{Transport: &http.Transport{}, Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	for ctx.Err() == nil {
		n := s.next.Add(1)
		uid, kind := fmt.Sprintf("u%07d", n), kinds[n%3]
		if s.post(ctx, client, url, uid, kind) {
			s.mu.Lock()
			s.acked[uid] = kind
			s.mu.Unlock()
		}
		time.Sleep(3 * time.Millisecond)
	}
}

// post reports whether the alert was acknowledged.
func (s *senders) post(ctx context.Context, client *http.Client, url, uid, kind string) bool {
	body, err := json.Marshal(map[string]any{
		"version": "4", "groupKey": "{}", "status": "firing", "receiver": "salve", "truncatedAlerts": 0,
		"groupLabels": map[string]string{}, "commonLabels": map[string]string{}, "commonAnnotations": map[string]string{}, "externalURL": "http://am",
		"alerts": []any{map[string]any{
			"status": "firing", "startsAt": s.at, "endsAt": "0001-01-01T00:00:00Z", "fingerprint": uid, "generatorURL": "",
			"labels":      map[string]string{"alertname": "Torture", "uid": uid, "kind": kind, "severity": "low"},
			"annotations": map[string]string{"summary": "torture"},
		}},
	})
	if err != nil {
		return false
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err == nil && resp.StatusCode/100 == 2
}

// farEnd is the system that the playbooks act on. It takes its time, so that
// kills find calls in flight, and counts.
type farEnd struct {
	url     string
	address string
	srv     *http.Server

	mu    sync.Mutex
	rng   *rand.Rand
	calls map[string]map[string]int // uid -> key -> times
	paths map[string]string         // uid -> path
}

func startFarEnd(seed uint64) (*farEnd, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f := &farEnd{
		url: "http://" + ln.Addr().String(), address: ln.Addr().String(), rng: rand.New(rand.NewPCG(seed, 2)),
		calls: map[string]map[string]int{}, paths: map[string]string{},
	}
	f.srv = &http.Server{Handler: f, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = f.srv.Serve(ln) }() // ends with close
	return f, nil
}

func (f *farEnd) close() { _ = f.srv.Close() }

func (f *farEnd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(io.LimitReader(r.Body, 1<<12))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	uid := string(b)
	f.mu.Lock()
	if f.calls[uid] == nil {
		f.calls[uid] = map[string]int{}
	}
	f.calls[uid][r.Header.Get("Idempotency-Key")]++
	f.paths[uid] = r.URL.Path
	wait := time.Duration(f.rng.IntN(20)) * time.Millisecond
	f.mu.Unlock()
	time.Sleep(wait)
}

// total counts the calls about one alert and the different keys they bore.
func (f *farEnd) total(uid string) (calls, keys int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, n := range f.calls[uid] {
		calls += n
	}
	return calls, len(f.calls[uid])
}
