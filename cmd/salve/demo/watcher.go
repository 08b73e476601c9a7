package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Watcher looks at the shop's health and metrics like a monitoring system, and
// tells Salve in Alertmanager's webhook format, version 4: firing when a rule
// holds, again while it holds, resolved when it no longer does.
type Watcher struct {
	ShopURL string
	HookURL string // Salve's source
	Bearer  string
	Every   time.Duration // between looks; 0: 500 ms
	Repeat  time.Duration // between repeats of what still fires; 0: 10 s
	Log     *slog.Logger

	rules []*rule
}

// rule is one thing that is wrong, with what was last told about it.
type rule struct {
	name, severity, summary, description string
	holds                                func(look) bool
	since                                time.Time // zero: not firing
	told                                 time.Time
}

// look is what one visit to the shop found.
type look struct {
	answered bool
	healthy  bool
	leaked   int64
}

// Run looks until ctx ends. It returns an error only if it cannot begin.
func (w *Watcher) Run(ctx context.Context) error {
	w.rules = []*rule{
		{
			name: AlertLeak, severity: "low", summary: "demo-shop leaks memory and fails its health check",
			description: "The shop holds more than 48 MiB that it does not need, and its health check fails.",
			holds:       func(l look) bool { return l.answered && !l.healthy },
		},
		{
			name: AlertHang, severity: "high", summary: "demo-shop does not answer",
			description: "Requests to the shop time out. Customers see nothing.",
			holds:       func(l look) bool { return !l.answered },
		},
	}
	every := max(w.Every, 0)
	if every == 0 {
		every = 500 * time.Millisecond
	}
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		seen := w.look(ctx)
		for _, r := range w.rules {
			w.judge(ctx, r, seen)
		}
	}
}

func (w *Watcher) look(ctx context.Context) look {
	healthy := probe(ctx, w.ShopURL+"/healthz") == nil
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.ShopURL+"/metrics", nil)
	if err != nil {
		return look{}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return look{}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return look{}
	}
	return look{answered: true, healthy: healthy, leaked: gauge(string(body), "demo_shop_leaked_bytes")}
}

// gauge reads one sample of the Prometheus text format; 0 if it is not there.
func gauge(text, name string) int64 {
	for line := range strings.Lines(text) {
		var v int64
		if _, err := fmt.Sscanf(line, name+" %d", &v); err == nil {
			return v
		}
	}
	return 0
}

func (w *Watcher) judge(ctx context.Context, r *rule, seen look) {
	if ctx.Err() != nil {
		return
	}
	now := time.Now().UTC()
	repeat := w.Repeat
	if repeat == 0 {
		repeat = 10 * time.Second
	}
	holds := r.holds(seen)
	switch {
	case holds && r.since.IsZero():
		r.since = now
	case holds && now.Sub(r.told) < repeat:
		return
	case !holds && r.since.IsZero():
		return
	}
	if err := w.send(ctx, r, seen, !holds, now); err != nil {
		w.Log.WarnContext(ctx, "watcher could not send an alert; it will try again", "alert", r.name, "err", err)
		return // since stays, so that it is sent at the next look
	}
	r.told = now
	if !holds {
		r.since = time.Time{}
	}
}

// send posts one webhook about one rule.
func (w *Watcher) send(ctx context.Context, r *rule, seen look, resolved bool, now time.Time) error {
	status, ends := "firing", time.Time{}
	if resolved {
		status, ends = "resolved", now
	}
	labels := map[string]string{
		"alertname": r.name, "severity": r.severity, "service": ServiceName, "job": "demo",
		"instance": strings.TrimPrefix(w.ShopURL, "http://"),
	}
	annotations := map[string]string{"summary": r.summary, "description": r.description}
	if seen.answered {
		annotations["leaked"] = fmt.Sprintf("%d MiB", seen.leaked>>20)
	}
	alert := map[string]any{
		"status": status, "labels": labels, "annotations": annotations,
		"startsAt": r.since, "endsAt": ends, "generatorURL": w.ShopURL + "/metrics", "fingerprint": fingerprint(labels),
	}
	body, err := json.Marshal(map[string]any{
		"version": "4", "receiver": "salve", "status": status, "truncatedAlerts": 0,
		"groupKey":    fmt.Sprintf("{}:{alertname=%q, service=%q}", r.name, ServiceName),
		"groupLabels": map[string]string{"alertname": r.name, "service": ServiceName}, "commonLabels": labels,
		"commonAnnotations": annotations, "externalURL": w.ShopURL, "alerts": []any{alert},
	})
	if err != nil {
		return err
	}
	return post(ctx, w.HookURL, w.Bearer, body)
}

func fingerprint(labels map[string]string) string {
	h := fnv.New64a()
	keys := make([]string, 0, len(labels))
	for k := range labels {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		fmt.Fprintf(h, "%s=%s\xff", k, labels[k])
	}
	return fmt.Sprintf("%016x", h.Sum64())
}

// post sends JSON and wants a 2xx.
func post(ctx context.Context, url, bearer string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<12))
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("answered %d: %s", resp.StatusCode, bytes.TrimSpace(answer))
	}
	return nil
}
