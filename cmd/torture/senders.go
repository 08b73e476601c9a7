package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// senders post alerts, each its own, to any replica, and remember which were
// acknowledged. What one replica did not acknowledge they post to another.
type senders struct {
	urls  []string
	pause time.Duration // between two posts of one sender
	at    time.Time

	mu      sync.Mutex
	rng     *rand.Rand
	sent    map[string]string // uid -> kind, acknowledged or not
	acked   map[string]string // uid -> kind
	retried int
}

const (
	manySenders = 6
	tries       = 3 // posts of one alert
)

func newSenders(f *fleet, seed uint64, pause time.Duration) *senders {
	return &senders{
		urls: f.urls(), pause: pause, at: time.Now().UTC().Truncate(time.Millisecond),
		rng: rand.New(rand.NewPCG(seed, 3)), sent: map[string]string{}, acked: map[string]string{},
	}
}

// run sends until ctx ends.
func (s *senders) run(ctx context.Context) {
	var wg sync.WaitGroup
	for range manySenders {
		wg.Go(func() { s.keepSending(ctx) })
	}
	wg.Wait()
}

func (s *senders) keepSending(ctx context.Context) {
	client := &http.Client{Transport: &http.Transport{}, Timeout: 5 * time.Second}
	defer client.CloseIdleConnections()
	for ctx.Err() == nil {
		uid, kind := s.next()
		for range tries {
			if s.post(ctx, client, s.anyURL(), uid) {
				s.took(uid, kind)
				break
			}
			time.Sleep(s.pause)
		}
		time.Sleep(s.pause)
	}
}

// next is a new alert.
func (s *senders) next() (uid, kind string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.sent)
	uid, kind = fmt.Sprintf("u%07d", n), cycle[n%len(cycle)]
	s.sent[uid] = kind
	return uid, kind
}

// named is a new alert of a kind.
func (s *senders) named(kind string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	uid := fmt.Sprintf("p%07d", len(s.sent))
	s.sent[uid] = kind
	return uid
}

func (s *senders) took(uid, kind string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acked[uid] = kind
}

func (s *senders) anyURL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.urls[s.rng.IntN(len(s.urls))]
}

// post reports whether the alert was acknowledged.
func (s *senders) post(ctx context.Context, client *http.Client, url, uid string) bool {
	s.mu.Lock()
	body, err := payload(uid, s.sent[uid], s.at)
	s.mu.Unlock()
	if err != nil {
		return false
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/hooks/torture", bytes.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return s.failed()
	}
	defer resp.Body.Close()
	if _, err = io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode/100 != 2 {
		return s.failed()
	}
	return true
}

func (s *senders) failed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retried++
	return false
}

// payload is the alert as Alertmanager sends it.
func payload(uid, kind string, at time.Time) ([]byte, error) {
	return json.Marshal(map[string]any{
		"version": "4", "groupKey": "{}", "status": "firing", "receiver": "salve", "truncatedAlerts": 0,
		"groupLabels": map[string]string{}, "commonLabels": map[string]string{}, "commonAnnotations": map[string]string{}, "externalURL": "http://am",
		"alerts": []any{map[string]any{
			"status": "firing", "startsAt": at, "endsAt": "0001-01-01T00:00:00Z", "fingerprint": uid, "generatorURL": "",
			"labels":      map[string]string{"alertname": "Torture", "uid": uid, "kind": kind, "severity": "low"},
			"annotations": map[string]string{"summary": "torture"},
		}},
	})
}
