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

// Examine looks at everything outside that a configuration names: secrets, the
// data directory, Slack, Prometheus, the identity provider. It changes nothing.
// looked is told of each Finding as soon as it is there.
func Examine(ctx context.Context, cfg config.Config, secrets secret.Resolver, looked func(Finding)) {
	for _, f := range examineSecrets(ctx, cfg, secrets) {
		looked(f)
	}
	looked(examineDir(cfg.DataDir))
	for _, f := range examineSlack(ctx, cfg, secrets) {
		looked(f)
	}
	for _, f := range examineDiscord(ctx, cfg, secrets) {
		looked(f)
	}
	if cfg.Prometheus.URL != "" {
		looked(examinePrometheus(ctx, cfg, secrets))
	}
	if cfg.Login.OIDC != nil {
		looked(examineLogin(ctx, cfg, secrets))
	}
}

// examineSecrets resolves every reference of the configuration.
func examineSecrets(ctx context.Context, cfg config.Config, secrets secret.Resolver) []Finding {
	var out []Finding
	count := 0
	eachRef(reflect.ValueOf(cfg), "", func(at string, ref secret.Ref) {
		count++
		if _, err := secrets.Resolve(ctx, ref); err != nil {
			out = append(out, Finding{What: "secret " + at, Says: err.Error(), Mend: "or point " + at + " elsewhere"})
		}
	})
	if len(out) == 0 {
		out = append(out, Finding{What: "secrets", OK: true, Says: fmt.Sprintf("all %d can be read", count)})
	}
	return out
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
		return Finding{What: "data_dir", OK: true, Says: dir + " is not there; salve makes it"}
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

func examineSlack(ctx context.Context, cfg config.Config, secrets secret.Resolver) []Finding {
	if !cfg.Slack.On() {
		return nil
	}
	client, err := OpenSlack(ctx, cfg, secrets, nil)
	if err != nil {
		return []Finding{{What: "slack", Says: err.Error(), Mend: "see above"}}
	}
	defer client.Close()
	var out []Finding
	for _, f := range client.Check(ctx, slack.Checks{Channels: slackChannels(cfg.Slack), Socket: cfg.Slack.Socket()}) {
		out = append(out, Finding{What: "slack " + f.What, OK: f.OK, Says: f.Says, Mend: f.Mend})
	}
	return out
}

func examinePrometheus(ctx context.Context, cfg config.Config, secrets secret.Resolver) Finding {
	const what = "prometheus"
	client, err := openPrometheus(ctx, cfg, secrets)
	if err != nil {
		return Finding{What: what, Says: err.Error(), Mend: "see above"}
	}
	defer client.Close()
	now := time.Now()
	if _, err := client.Range(ctx, "vector(1)", now.Add(-time.Minute), now, 2); err != nil {
		return Finding{What: what, Says: err.Error(), Mend: "look whether prometheus.url can be reached from here: curl " + cfg.Prometheus.URL + "/-/ready"}
	}
	return Finding{What: what, OK: true, Says: "answers"}
}

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
