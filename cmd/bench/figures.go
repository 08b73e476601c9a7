package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"salve/cmd/internal/trial"
	"salve/storage/postgres/cluster"
)

// figure is one line of the table. Floor and Ratio are zero where there is no
// floor to compare with.
type figure struct {
	Name  string  `json:"name"`
	Unit  string  `json:"unit"`
	Salve float64 `json:"salve"`
	Floor float64 `json:"floor,omitempty"`
	Must  string  `json:"must"`
	Met   bool    `json:"met"`
}

type bench struct {
	dir     string
	binary  string
	sc      scale
	server  *cluster.Cluster // nil: SQLite
	figures []figure
	made    map[string]bool // databases that there are
	n       int             // runs so far, so that every run has its own alerts
}

// add adds a figure. What must be reached is said of the embedded store.
func (b *bench) add(f figure) {
	if b.server != nil {
		f.Must, f.Met = "", true
	}
	b.figures = append(b.figures, f)
}

func (b *bench) runName() string {
	b.n++
	return fmt.Sprintf("r%02d", b.n)
}

// ingest: durable new alerts a second, Salve and floor in turn.
func (b *bench) ingest(ctx context.Context) error {
	for _, c := range []struct {
		name    string
		alerts  int
		perPost int
		must    float64
	}{{"new alerts, 1 a post, 32 connections", b.sc.Single, 1, 0.5}, {"new alerts, 64 a post", b.sc.Batched, 64, 0}} {
		var ours, floors []sent
		for range b.sc.Rounds {
			s, f, err := b.pair(ctx, load{alerts: c.alerts, perPost: c.perPost, match: "none"})
			if err != nil {
				return err
			}
			ours, floors = append(ours, s), append(floors, f)
		}
		s, f := median(ours), median(floors)
		must, met := ">= 0.5 floor", s.PerSec >= 0.5*f.PerSec
		if c.must == 0 {
			must, met = ">= 20000", s.PerSec >= 20000
		}
		b.add(figure{c.name, "alerts/s", s.PerSec, f.PerSec, must, met})
		b.add(figure{c.name + ", p50 to the durable 2xx", "ms", ms(quantile(s.Latency, .5)), ms(quantile(f.Latency, .5)), "", true})
		b.add(figure{c.name + ", p99 to the durable 2xx", "ms", ms(quantile(s.Latency, .99)), ms(quantile(f.Latency, .99)), "", true})
	}
	return nil
}

// pair sends the same load to a fresh floor and to a fresh Salve.
func (b *bench) pair(ctx context.Context, l load) (ours, floor sent, err error) {
	l.run = b.runName()
	fl, err := b.startFloor(ctx)
	if err != nil {
		return ours, floor, err
	}
	l.url = fl.url
	floor, err = l.do(ctx)
	fl.stop()
	if err != nil {
		return ours, floor, err
	}
	dir, err := os.MkdirTemp(b.dir, "salve-")
	if err != nil {
		return ours, floor, err
	}
	p, err := b.startSalve(ctx, dir, "127.0.0.1:9")
	if err != nil {
		return ours, floor, err
	}
	defer p.Kill()
	l.url = hook(p)
	ours, err = l.do(ctx)
	return ours, floor, err
}

func median(s []sent) sent {
	slices.SortFunc(s, func(a, b sent) int { return cmp.Compare(a.PerSec, b.PerSec) })
	return s[len(s)/2]
}

// scale: memory, repeats and recovery with many open incidents.
func (b *bench) scale(ctx context.Context) error {
	dir, err := os.MkdirTemp(b.dir, "scale-")
	if err != nil {
		return err
	}
	p, err := b.startSalve(ctx, dir, "127.0.0.1:9")
	if err != nil {
		return err
	}
	time.Sleep(2 * time.Second)
	idle := p.RSS()
	l := load{url: hook(p), run: b.runName(), alerts: b.sc.Open, perPost: 64, match: "none", at: time.Now().UTC().Truncate(time.Millisecond)}
	first, err := l.do(ctx)
	if err != nil {
		return err
	}
	time.Sleep(3 * time.Second)
	held := p.RSS()
	again, err := l.do(ctx)
	if err != nil {
		return err
	}
	if b.server == nil {
		if err := b.backup(ctx, p); err != nil {
			return err
		}
	}
	p.Kill()
	back, err := b.startSalve(ctx, dir, "127.0.0.1:9")
	if err != nil {
		return err
	}
	defer back.Kill()
	if first.Alerts != b.sc.Open {
		return fmt.Errorf("of %d alerts %d were acknowledged", b.sc.Open, first.Alerts)
	}
	open := strconv.Itoa(b.sc.Open) + " open"
	b.add(figure{"repeats, 64 a post, " + open, "alerts/s", again.PerSec, 0, ">= 31000", again.PerSec >= 31000})
	b.add(figure{"RSS idle", "MB", idle, 0, "<= 60", idle <= 60})
	b.add(figure{"RSS at " + open, "MB", held, 0, "<= 225", held <= 225})
	b.add(figure{"ready after kill -9 with " + open, "ms", ms(back.Ready), 0, "<= 1500", back.Ready <= 1500*time.Millisecond})
	return nil
}

const actionPlaybook = `name: bench-%d
owner: bench
match: alert.labels["bench"] == "%s"
target: alert.labels["uid"]
mode: auto
auto_below: high
approvers: [bench]
steps:
  - id: call
    uses: http
    with:
      url: %s/hook
      text: ${{ alert.labels["uid"] }}
`

// path: from the POST to the action's first byte, at a rate and saturated.
func (b *bench) path(ctx context.Context) error {
	s, err := startSink()
	if err != nil {
		return err
	}
	defer s.close()
	dir, err := os.MkdirTemp(b.dir, "path-")
	if err != nil {
		return err
	}
	if err := writePlaybooks(dir, 1, s.url); err != nil {
		return err
	}
	p, err := b.startSalve(ctx, dir, strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		return err
	}
	defer p.Kill()
	warm := load{url: hook(p), run: b.runName(), alerts: 50, perPost: 1, match: "act-0", rate: 50}
	if _, err := warm.do(ctx); err != nil {
		return err
	}
	rated := load{url: hook(p), run: b.runName(), alerts: b.sc.Rated, perPost: 1, match: "act-0", rate: 50}
	paced, err := rated.do(ctx)
	if err != nil {
		return err
	}
	if got := s.wait(50+b.sc.Rated, 20*time.Second); got != 50+b.sc.Rated {
		return fmt.Errorf("%d of %d actions were taken\n%s", got, 50+b.sc.Rated, p.Logs())
	}
	lags := s.lags(func(uid string) (time.Time, bool) {
		run, n, ok := strings.Cut(uid, "-")
		i, err := strconv.Atoi(n)
		return paced.Begun.Add(time.Duration(i) * time.Second / 50), ok && err == nil && run == rated.run
	})
	b.add(figure{"POST to first byte of the action at 50/s, p50", "ms", ms(quantile(lags, .5)), 0, "<= 10", quantile(lags, .5) <= 10*time.Millisecond})
	b.add(figure{"POST to first byte of the action at 50/s, p99", "ms", ms(quantile(lags, .99)), 0, "<= 40", quantile(lags, .99) <= 40*time.Millisecond})
	return b.saturate(ctx, p, s)
}

func (b *bench) saturate(ctx context.Context, p *trial.Process, s *sink) error {
	before := s.count()
	l := load{url: hook(p), run: b.runName(), alerts: b.sc.Runs, perPost: 1, match: "act-0"}
	got, err := l.do(ctx)
	if err != nil {
		return err
	}
	if n := s.wait(before+got.Alerts, 30*time.Second); n != before+got.Alerts {
		return fmt.Errorf("%d of %d acknowledged alerts were acted on\n%s", n-before, got.Alerts, p.Logs())
	}
	perSec := float64(got.Alerts) / s.last().Sub(got.Begun).Seconds()
	b.add(figure{"full path with one action each", "runs/s", perSec, 0, ">= 1000", perSec >= 1000})
	b.add(figure{"actions taken more than once", "", float64(s.repeats), 0, "0", s.repeats == 0})
	return nil
}

// start: a cold start with many playbooks, and the size of the binary.
func (b *bench) start(ctx context.Context) error {
	var took []time.Duration
	for range 5 {
		dir, err := os.MkdirTemp(b.dir, "start-")
		if err != nil {
			return err
		}
		if err := writePlaybooks(dir, 100, "http://127.0.0.1:9"); err != nil {
			return err
		}
		p, err := b.startSalve(ctx, dir, "127.0.0.1:9")
		if err != nil {
			return err
		}
		took = append(took, p.Ready)
		p.Kill()
	}
	slices.Sort(took)
	st, err := os.Stat(b.binary)
	if err != nil {
		return err
	}
	size := float64(st.Size()) / 1e6
	b.add(figure{"cold start to ready, 100 playbooks", "ms", ms(took[2]), 0, "<= 150", took[2] <= 150*time.Millisecond})
	b.add(figure{"binary, stripped", "MB", size, 0, "<= 60", size <= 60})
	return nil
}

func writePlaybooks(dir string, n int, sinkURL string) error {
	dir = filepath.Join(dir, "playbooks")
	err := os.MkdirAll(dir, 0o700)
	for i := range n {
		name := filepath.Join(dir, fmt.Sprintf("bench-%d.yaml", i))
		err = errors.Join(err, os.WriteFile(name, fmt.Appendf(nil, actionPlaybook, i, fmt.Sprintf("act-%d", i), sinkURL), 0o600))
	}
	return err
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// print writes the table.
func (b *bench) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "figure\tsalve\tfloor\tratio\tmust\t")
	for _, f := range b.figures {
		floor, ratio, met := "-", "-", ""
		if f.Floor > 0 {
			floor, ratio = number(f.Floor), fmt.Sprintf("%.2f", f.Salve/f.Floor)
		}
		if !f.Met {
			met = "MISSED"
		}
		fmt.Fprintf(w, "%s (%s)\t%s\t%s\t%s\t%s\t%s\n", f.Name, f.Unit, number(f.Salve), floor, ratio, f.Must, met)
	}
	_ = w.Flush() // a broken pipe has nobody to tell
}

func number(v float64) string {
	if v >= 100 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}
