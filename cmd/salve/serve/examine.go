package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"reflect"
	"strings"
	"time"

	"salve/bot/secret"
	"salve/cmd/salve/config"
	"salve/integrations/prometheus/query"
	"salve/integrations/slack"
)

// Finding is one thing that was looked at before Salve rests on it.
type Finding struct {
	What string `json:"what"`
	OK   bool   `json:"ok"`
	Says string `json:"says"`
	Mend string `json:"mend,omitempty"` // what to do; "" where it is in order
}

// Examination tells what is looked at, and what was found.
type Examination struct {
	At    func(what string) // what is looked at from now on; nil: nobody wants to know
	Found func(Finding)     // as soon as it is there
}

// Examine looks at everything outside that a configuration names: a Salve that
// runs, secrets, the data directory, the certificate, chat, pagers, who is on
// call, the catalogue, Prometheus, the identity provider. It changes nothing and
// wakes nobody.
func Examine(ctx context.Context, cfg config.Config, secrets secret.Resolver, x Examination) {
	running, now := examineRunning(ctx, cfg)
	for _, look := range []struct {
		what string
		at   func() []Finding
	}{
		{"a Salve that runs", func() []Finding { return now }},
		{"secrets", func() []Finding { return examineSecrets(ctx, cfg, secrets) }},
		{"the data directory", func() []Finding { return []Finding{examineDir(cfg.DataDir)} }},
		{"the certificate", func() []Finding { return examineCertificate(cfg, time.Now()) }},
		{"Slack", func() []Finding { return examineSlack(ctx, cfg, secrets, running) }},
		{"Discord", func() []Finding { return examineDiscord(ctx, cfg, secrets) }},
		{"pagers and who is on call", func() []Finding { return examinePaging(ctx, cfg, secrets) }},
		{"Prometheus", func() []Finding { return examinePrometheus(ctx, cfg, secrets) }},
		{"the identity provider", func() []Finding { return examineLogin(ctx, cfg, secrets) }},
	} {
		if x.At != nil {
			x.At(look.what)
		}
		for _, f := range look.at() {
			x.Found(f)
		}
	}
}

// examineSecrets resolves every reference of the configuration.
func examineSecrets(ctx context.Context, cfg config.Config, secrets secret.Resolver) []Finding {
	var out []Finding
	count := 0
	eachRef(reflect.ValueOf(cfg), "", func(at string, ref secret.Ref) {
		count++
		if _, err := secrets.Resolve(ctx, ref); err != nil {
			out = append(out, Finding{What: "secret " + at, Says: err.Error(), Mend: mendSecret(at, ref)})
		}
	})
	if len(out) == 0 {
		out = append(out, Finding{What: "secrets", OK: true, Says: readable(count)})
	}
	return out
}

func readable(count int) string {
	switch count {
	case 0:
		return "the configuration needs none"
	case 1:
		return "the one that the configuration names can be read"
	default:
		return fmt.Sprintf("all %d that the configuration names can be read", count)
	}
}

func mendSecret(at string, ref secret.Ref) string {
	if ref.Scheme() == secret.Env {
		return "set " + ref.Name() + " in the environment of this command and of salve serve, or point " + at + " elsewhere"
	}
	return "let the user that runs salve read " + ref.Name() + ", or point " + at + " elsewhere"
}

// eachRef finds every string of a configuration that is a secret reference.
func eachRef(v reflect.Value, at string, f func(at string, ref secret.Ref)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			eachRef(v.Elem(), at, f)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
			if name != "" {
				eachRef(v.Field(i), strings.TrimPrefix(at+"."+name, "."), f)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			eachRef(v.Index(i), fmt.Sprintf("%s[%d]", at, i), f)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			eachRef(v.MapIndex(k), at+"."+k.String(), f)
		}
	case reflect.String:
		if ref, err := secret.ParseRef(v.String()); err == nil {
			f(at, ref)
		}
	default: // numbers and switches hold no secret
	}
}

func examineDir(dir string) Finding {
	st, err := os.Stat(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return Finding{What: "data_dir", OK: true, Says: dir + " is not there yet; salve makes it"}
	case err != nil:
		return Finding{What: "data_dir", Says: err.Error(), Mend: "let the user that runs salve read it"}
	case !st.IsDir():
		return Finding{What: "data_dir", Says: dir + " is not a directory", Mend: "name another data_dir"}
	case st.Mode().Perm()&0o077 != 0:
		return Finding{What: "data_dir", Says: fmt.Sprintf("others may enter %s (%s)", dir, st.Mode().Perm()), Mend: "chmod 700 " + dir}
	default:
		return Finding{What: "data_dir", OK: true, Says: dir + " is salve's alone"}
	}
}

func examineSlack(ctx context.Context, cfg config.Config, secrets secret.Resolver, running bool) []Finding {
	if !cfg.Slack.On() {
		return nil
	}
	client, err := OpenSlack(ctx, cfg, secrets, nil)
	if err != nil {
		return []Finding{{What: "slack", Says: err.Error(), Mend: aboveSecrets}}
	}
	defer client.Close()
	var out []Finding
	for _, f := range client.Check(ctx, slack.Checks{Channels: slackChannels(cfg.Slack), Socket: cfg.Slack.Socket(), Heard: running}) {
		out = append(out, Finding{What: "slack " + f.What, OK: f.OK, Says: f.Says, Mend: f.Mend})
	}
	return out
}

func examinePrometheus(ctx context.Context, cfg config.Config, secrets secret.Resolver) []Finding {
	const what = "prometheus"
	if cfg.Prometheus.URL == "" {
		return nil
	}
	client, err := openPrometheus(ctx, cfg, secrets)
	if err != nil {
		return []Finding{{What: what, Says: err.Error(), Mend: aboveSecrets}}
	}
	defer client.Close()
	now := time.Now()
	if _, err := client.Range(ctx, "vector(1)", now.Add(-time.Minute), now, 2); err != nil {
		return []Finding{{What: what, Says: err.Error(), Mend: "look whether it can be reached from here: curl " + strings.TrimRight(cfg.Prometheus.URL, "/") + "/-/ready"}}
	}
	return []Finding{{What: what, OK: true, Says: "answers"}}
}

// aboveSecrets is what to do where a part cannot be opened: as a rule a secret is
// missing, and that was found before.
const aboveSecrets = "mend the secrets above first"

// openPrometheus makes the client of the server that the operator names; naming
// it is leave to call it.
func openPrometheus(ctx context.Context, cfg config.Config, secrets secret.Resolver) (*query.Client, error) {
	p := cfg.Prometheus
	opts := query.Options{Timeout: p.Timeout.Std(), Allow: append(namedHost(p.URL), cfg.Egress.Allow...)}
	if p.Bearer != "" {
		var err error
		if opts.Bearer, err = resolve(ctx, secrets, p.Bearer); err != nil {
			return nil, fmt.Errorf("prometheus.bearer: %w", err)
		}
	}
	return query.New(p.URL, opts)
}

// resolve reads a secret that a configuration refers to.
func resolve(ctx context.Context, secrets secret.Resolver, text string) (secret.Secret, error) {
	ref, err := secret.ParseRef(text)
	if err != nil {
		return secret.Secret{}, err
	}
	return secrets.Resolve(ctx, ref)
}

// namedHost is the host and port of an address, as egress.allow has it.
func namedHost(address string) []string {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return nil
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return []string{net.JoinHostPort(u.Hostname(), port)}
}
