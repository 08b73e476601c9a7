package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"time"

	"salve/bot"
	"salve/bot/secret"
	"salve/cmd/salve/config"
)

// Alert sends test alerts.
type Alert struct {
	Send AlertSend `cmd:"" help:"Send a test alert through the web door, as a sender would."`
}

// AlertSend sends one alert.
type AlertSend struct {
	Title    string            `arg:"" help:"The alert's name."`
	Severity string            `help:"info, low, medium, high or critical." default:"low"`
	Label    map[string]string `help:"More labels; may be repeated." short:"l" placeholder:"NAME=VALUE"`
	Summary  string            `help:"What a person reads." placeholder:"TEXT"`
	Resolved bool              `help:"Say that it is over."`
	Source   string            `help:"Which source of the configuration to send as; the first of type alertmanager by default." placeholder:"NAME"`
	Config   string            `help:"The configuration of the running Salve." default:"salve.yaml" type:"path"`
	Start    time.Time         `help:"When it started; now by default. With --resolved: when the alert that is over started." placeholder:"TIME"`
}

// Help is shown by --help.
func (AlertSend) Help() string {
	return "Example:\n  salve alert send --severity low -l service=web -l instance=web-1 HighErrorRate\n\nTo say that it is over, send the same again with --resolved and the --start that was printed."
}

// Run sends it and prints what became of it.
func (c AlertSend) Run(ctx context.Context, e *Env, resolver secret.Resolver) error {
	cfg, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	src, err := c.source(cfg)
	if err != nil {
		return err
	}
	body, err := c.body(time.Now().UTC().Truncate(time.Millisecond))
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, baseURL(cfg)+"/v1/hooks/"+src.Name, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if err := authorize(ctx, req, src, resolver); err != nil {
		return err
	}
	return c.send(req, e)
}

// source is the one to send as: what is sent is written the way Alertmanager does.
func (c AlertSend) source(cfg config.Config) (config.Source, error) {
	for _, s := range cfg.Sources {
		if s.Type == "alertmanager" && (c.Source == "" || s.Name == c.Source) {
			return s, nil
		}
	}
	if c.Source == "" {
		return config.Source{}, fmt.Errorf("%s has no source of type alertmanager; add one under sources", c.Config)
	}
	return config.Source{}, fmt.Errorf("%s has no source %q of type alertmanager", c.Config, c.Source)
}

func baseURL(cfg config.Config) string {
	switch {
	case cfg.TLS.Cert != "" && cfg.PublicURL != "":
		return cfg.PublicURL
	case cfg.TLS.Cert != "":
		return "https://" + cfg.Listen
	default:
		return "http://" + cfg.Listen
	}
}

func authorize(ctx context.Context, req *http.Request, src config.Source, resolver secret.Resolver) error {
	ref, set := src.Bearer, func(s string) { req.Header.Set("Authorization", "Bearer "+s) }
	if src.Basic != nil {
		ref, set = src.Basic.Password, func(s string) { req.SetBasicAuth(src.Basic.User, s) }
	}
	if ref == "" {
		return nil
	}
	r, err := secret.ParseRef(ref)
	if err != nil {
		return err
	}
	value, err := resolver.Resolve(ctx, r)
	if err != nil {
		return fmt.Errorf("the secret of source %s: %w", src.Name, err)
	}
	set(value.Reveal())
	return nil
}

func (c AlertSend) body(now time.Time) ([]byte, error) {
	if _, err := bot.ParseSeverity(c.Severity); err != nil {
		return nil, usage("%s", err)
	}
	if c.Resolved && c.Start.IsZero() {
		return nil, usage("say which alert is over: --start with the time that was printed when it was sent")
	}
	labels := map[string]string{"alertname": c.Title, "severity": c.Severity}
	for k, v := range c.Label {
		labels[k] = v
	}
	start, status, ends := c.Start, "firing", time.Time{}
	if start.IsZero() {
		start = now
	}
	if c.Resolved {
		status, ends = "resolved", now
	}
	h := fnv.New64a()
	key, err := json.Marshal(labels) // map keys are sorted
	if err != nil {
		return nil, err
	}
	_, _ = h.Write(key) // a hash takes everything
	annotations := map[string]string{"summary": c.Summary}
	return json.Marshal(map[string]any{
		"version": "4", "receiver": "salve", "status": status, "truncatedAlerts": 0, "groupKey": fmt.Sprintf("{}:{alertname=%q}", c.Title),
		"groupLabels": map[string]string{"alertname": c.Title}, "commonLabels": labels, "commonAnnotations": annotations, "externalURL": "",
		"alerts": []any{map[string]any{
			"status": status, "labels": labels, "annotations": annotations, "startsAt": start, "endsAt": ends,
			"generatorURL": "", "fingerprint": fmt.Sprintf("%016x", h.Sum64()),
		}},
	})
}

// receipt is what the web door says became of each alert.
type receipt struct {
	Alerts []struct {
		Fingerprint string         `json:"fingerprint"`
		StartsAt    time.Time      `json:"starts_at"`
		Incident    bot.IncidentID `json:"incident"`
		Outcome     bot.Outcome    `json:"outcome"`
		Because     string         `json:"because"`
	} `json:"alerts"`
}

// sender follows no redirect: the source's secret is for one address.
var sender = &http.Client{
	Timeout:       time.Minute,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func (c AlertSend) send(req *http.Request, e *Env) error {
	resp, err := sender.Do(req)
	if err != nil {
		return fmt.Errorf("nobody answers at %s; is `salve serve` running? %w", req.URL.Host, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("refused with %d: %s", resp.StatusCode, plain(string(bytes.TrimSpace(answer))))
	}
	var got receipt
	if err := json.Unmarshal(answer, &got); err != nil || len(got.Alerts) == 0 {
		return fmt.Errorf("%s answered with something else than a receipt; is that a Salve?", req.URL.Host)
	}
	s := e.screen()
	if s.asJSON {
		return s.json(got)
	}
	for _, a := range got.Alerts {
		s.line("%s: %s, %s", a.Incident, a.Outcome, plain(a.Because))
		if !c.Resolved {
			s.line("When it is over, send the same with: --resolved --start %s", a.StartsAt.UTC().Format(time.RFC3339Nano))
		}
	}
	return nil
}
