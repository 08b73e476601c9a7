package serve

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"salve/bot"
	"salve/bot/flow/receive"
	"salve/bot/flow/watch"
	"salve/bot/intake"
	"salve/bot/secret"
	"salve/cmd/salve/config"
	"salve/integrations/alertmanager"
	"salve/integrations/falco"
	"salve/integrations/grafana"
	pagerduty "salve/integrations/pagerduty/hook"
)

// sourceType is how one type of source is read and what answers its sender.
type sourceType struct {
	decode alertmanager.Decoder
	hook   func(source string, door alertmanager.Door, opts alertmanager.Options) (http.Handler, error)
}

// sourceTypes are all of them, by what a source's `type` says.
var sourceTypes = map[string]sourceType{
	"alertmanager": {alertmanager.Decode, hooking(alertmanager.New)},
	"falco":        {falco.Decode, hooking(falco.New)},
	"grafana":      {grafana.Decode, hooking(grafana.New)},
	"pagerduty":    {pagerduty.Decode, hooking(pagerduty.New)},
}

func hooking[H http.Handler](make func(string, alertmanager.Door, alertmanager.Options) (H, error)) func(string, alertmanager.Door, alertmanager.Options) (http.Handler, error) {
	return func(source string, door alertmanager.Door, opts alertmanager.Options) (http.Handler, error) {
		return make(source, door, opts)
	}
}

// sourceRules are how each source's payloads are read.
func sourceRules(cfg config.Config) map[string]receive.Source {
	out := map[string]receive.Source{bot.SourceSalve: {Decode: watch.Decode}}
	for _, src := range cfg.Sources {
		severities := make(map[string]bot.Severity, len(src.Severity.Map))
		for k, v := range src.Severity.Map {
			severities[strings.ToLower(k)] = v
		}
		out[src.Name] = receive.Source{
			Decode: sourceTypes[src.Type].decode,
			Rules:  intake.Rules{SeverityLabel: src.Severity.Label, Severities: severities, GroupBy: src.GroupBy},
		}
	}
	return out
}

// hook makes the web door of a source.
func hook(ctx context.Context, cfg config.Config, src config.Source, door alertmanager.Door, d deps) (http.Handler, error) {
	kind, ok := sourceTypes[src.Type]
	if !ok {
		return nil, fmt.Errorf("source %s: %q is not a source type", src.Name, src.Type)
	}
	limit, err := src.BodyLimit()
	if err != nil {
		return nil, err
	}
	opts := alertmanager.Options{MaxBody: limit, AllowAnonymous: src.Anonymous && local(cfg), Log: d.log}
	if err := d.prove(ctx, src, &opts); err != nil {
		return nil, fmt.Errorf("source %s: %w", src.Name, err)
	}
	return kind.hook(src.Name, door, opts)
}

// prove fills in what proves the sender.
func (d deps) prove(ctx context.Context, src config.Source, opts *alertmanager.Options) error {
	if src.Bearer != "" {
		value, err := resolve(ctx, d.secrets, src.Bearer)
		if err != nil {
			return err
		}
		opts.Credentials = append(opts.Credentials, alertmanager.Credential{Secret: value})
	}
	if src.Basic != nil {
		value, err := resolve(ctx, d.secrets, src.Basic.Password)
		if err != nil {
			return err
		}
		opts.Credentials = append(opts.Credentials, alertmanager.Credential{User: src.Basic.User, Secret: value})
	}
	if src.Secret != "" {
		value, err := resolve(ctx, d.secrets, src.Secret)
		if err != nil {
			return err
		}
		opts.Secrets = append(opts.Secrets, value)
	}
	return nil
}

// deps is what adapters get.
type deps struct {
	log     *slog.Logger
	secrets secret.Resolver
}
