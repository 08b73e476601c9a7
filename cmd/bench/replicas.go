package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"salve/cmd/internal/trial"
)

// replicas: what several processes do on one database. The machine and the
// server stay the same, so more replicas share what there is.
func (b *bench) replicas(ctx context.Context) error {
	for n := 1; n <= 3; n++ {
		if err := b.several(ctx, n); err != nil {
			return fmt.Errorf("%d replicas: %w", n, err)
		}
	}
	return nil
}

func (b *bench) several(ctx context.Context, n int) error {
	s, err := startSink()
	if err != nil {
		return err
	}
	defer s.close()
	all, err := b.startSeveral(ctx, n, s.url)
	defer func() {
		for _, p := range all {
			p.Kill()
		}
	}()
	if err != nil {
		return err
	}
	urls := make([]string, n)
	for i, p := range all {
		urls[i] = hook(p)
	}
	name := fmt.Sprintf("%d replicas: ", n)
	for _, l := range []load{{alerts: b.sc.Single / 4, perPost: 1, match: "none"}, {alerts: b.sc.Batched / 2, perPost: 64, match: "none"}} {
		l.url, l.more, l.run = urls[0], urls[1:], b.runName()
		got, err := l.do(ctx)
		if err != nil {
			return err
		}
		b.add(figure{Name: fmt.Sprintf("%snew alerts, %d a post", name, l.perPost), Unit: "alerts/s", Salve: got.PerSec})
	}
	l := load{url: urls[0], more: urls[1:], run: b.runName(), alerts: b.sc.Runs / 4, perPost: 1, match: "act-0"}
	got, err := l.do(ctx)
	if err != nil {
		return err
	}
	if have := s.wait(got.Alerts, 60*time.Second); have != got.Alerts {
		return fmt.Errorf("%d of %d acknowledged alerts were acted on\n%s", have, got.Alerts, all[0].Logs())
	}
	b.add(figure{Name: name + "full path with one action each", Unit: "runs/s", Salve: float64(got.Alerts) / s.last().Sub(got.Begun).Seconds()})
	b.add(figure{Name: name + "actions taken more than once", Salve: float64(s.repeats)})
	return nil
}

func (b *bench) startSeveral(ctx context.Context, n int, sinkURL string) ([]*trial.Process, error) {
	storage, err := b.storage(ctx, fmt.Sprintf("replicas%d", n))
	if err != nil {
		return nil, err
	}
	var all []*trial.Process
	for i := range n {
		dir := filepath.Join(b.dir, fmt.Sprintf("replica-%d-%d", n, i))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return all, err
		}
		if err := writePlaybooks(dir, 1, sinkURL); err != nil {
			return all, err
		}
		p, err := b.startOn(ctx, dir, strings.TrimPrefix(sinkURL, "http://"), fmt.Sprintf("%sreplica: r%d\n", storage, i+1))
		if err != nil {
			return all, err
		}
		all = append(all, p)
	}
	return all, nil
}
