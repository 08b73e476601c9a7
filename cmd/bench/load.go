package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const connections = 32

// load is a number of posts to one URL, or to several by turns.
type load struct {
	url     string
	more    []string
	run     string
	first   int
	alerts  int // in all
	perPost int
	match   string
	rate    int // posts a second; 0: as fast as they go
	at      time.Time
}

// sent is what came of a load.
type sent struct {
	Begun   time.Time // when the first post was due
	Alerts  int       // acknowledged with 2xx
	Refused int       // posts answered otherwise
	Took    time.Duration
	Latency []time.Duration // of acknowledged posts, sorted; from the time a post was due
	PerSec  float64
}

var client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256, MaxConnsPerHost: 256}, Timeout: 60 * time.Second}

// do sends the load over at most 32 kept connections. Bodies are made before
// the clock starts.
func (l load) do(ctx context.Context) (sent, error) {
	if l.at.IsZero() {
		l.at = time.Now().UTC().Truncate(time.Millisecond)
	}
	posts := (l.alerts + l.perPost - 1) / l.perPost
	bodies := make([][]byte, posts)
	for i := range bodies {
		bodies[i] = body(l.run, l.first+i*l.perPost, min(l.perPost, l.alerts-i*l.perPost), l.match, l.at)
	}
	var next, acked, refused atomic.Int64
	lat := make([][]time.Duration, connections)
	begun := time.Now()
	var wg sync.WaitGroup
	for w := range connections {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= posts {
					return
				}
				due := time.Now()
				if l.rate > 0 {
					due = begun.Add(time.Duration(i) * time.Second / time.Duration(l.rate))
					time.Sleep(time.Until(due))
				}
				if post(ctx, l.to(i), bodies[i]) != nil {
					refused.Add(1)
					continue
				}
				acked.Add(int64(min(l.perPost, l.alerts-i*l.perPost)))
				lat[w] = append(lat[w], time.Since(due))
			}
		})
	}
	wg.Wait()
	s := sent{Begun: begun, Alerts: int(acked.Load()), Refused: int(refused.Load()), Took: time.Since(begun), Latency: slices.Concat(lat...)}
	slices.Sort(s.Latency)
	s.PerSec = float64(s.Alerts) / s.Took.Seconds()
	if s.Alerts == 0 {
		return s, fmt.Errorf("%s acknowledged nothing", l.url)
	}
	return s, ctx.Err()
}

func (l load) to(i int) string {
	if i %= len(l.more) + 1; i > 0 {
		return l.more[i-1]
	}
	return l.url
}

func post(ctx context.Context, url string, b []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("answered %d", resp.StatusCode)
	}
	return nil
}

// quantile of sorted durations; 0 if there are none.
func quantile(d []time.Duration, q float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	return d[min(len(d)-1, int(q*float64(len(d))))]
}
