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
)

// sourceRules are how each source's payloads are read.
func sourceRules(cfg config.Config) map[string]receive.Source {
	out := map[string]receive.Source{bot.SourceSalve: {Decode: watch.Decode}}
	for _, src := range cfg.Sources {
		severities := make(map[string]bot.Severity, len(src.Severity.Map))
		for k, v := range src.Severity.Map {
			severities[strings.ToLower(k)] = v
		}
		out[src.Name] = receive.Source{
			Decode: alertmanager.Decode,
			Rules:  intake.Rules{SeverityLabel: src.Severity.Label, Severities: severities, GroupBy: src.GroupBy},
		}
	}
	return out
}

// hook makes the web door of a source.
func hook(ctx context.Context, cfg config.Config, src config.Source, door alertmanager.Door, d deps) (http.Handler, error) {
	limit, err := src.BodyLimit()
	if err != nil {
		return nil, err
	}
	opts := alertmanager.Options{MaxBody: limit, AllowAnonymous: src.Anonymous && local(cfg), Log: d.log}
	add := func(user, ref string) error {
		if ref == "" {
			return nil
		}
		r, err := secret.ParseRef(ref)
		if err != nil {
			return err
		}
		value, err := d.secrets.Resolve(ctx, r)
		if err != nil {
			return err
		}
		opts.Credentials = append(opts.Credentials, alertmanager.Credential{User: user, Secret: value})
		return nil
	}
	if err := add("", src.Bearer); err != nil {
		return nil, fmt.Errorf("source %s: %w", src.Name, err)
	}
	if src.Basic != nil {
		if err := add(src.Basic.User, src.Basic.Password); err != nil {
			return nil, fmt.Errorf("source %s: %w", src.Name, err)
		}
	}
	return alertmanager.New(src.Name, door, opts)
}

// deps is what adapters get.
type deps struct {
	log     *slog.Logger
	secrets secret.Resolver
}
