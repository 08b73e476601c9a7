package serve

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"

	"salve/bot/route"
	"salve/bot/secret"
	"salve/cmd/salve/config"
	"salve/integrations/slack"
)

// OpenSlack makes the client of the Slack that the configuration names; it calls
// nobody.
func OpenSlack(ctx context.Context, cfg config.Config, secrets secret.Resolver, log *slog.Logger) (*slack.Client, error) {
	s := cfg.Slack
	bot, err := resolve(ctx, secrets, s.BotToken)
	if err != nil {
		return nil, fmt.Errorf("slack.bot_token: %w", err)
	}
	var app secret.Secret
	if s.Socket() {
		if app, err = resolve(ctx, secrets, s.AppToken); err != nil {
			return nil, fmt.Errorf("slack.app_token: %w", err)
		}
	}
	groups := map[string]string{}
	for name, g := range s.Groups {
		groups[name] = g.UserGroup
	}
	opts := slack.Options{API: s.API, Allow: cfg.Egress.Allow, Groups: groups, Log: cmp.Or(log, slog.New(slog.DiscardHandler))}
	if s.API != "" {
		opts.Allow = append(namedHost(s.API), opts.Allow...)
	}
	return slack.New(bot, app, opts)
}

// slackChannels are all that the configuration names, each once.
func slackChannels(s *config.Slack) []string {
	out := []string{s.DefaultChannel}
	for _, r := range s.Routes {
		if !slices.Contains(out, r.Channel) {
			out = append(out, r.Channel)
		}
	}
	if s.Weekly != nil && s.Weekly.Channel != "" && !slices.Contains(out, s.Weekly.Channel) {
		out = append(out, s.Weekly.Channel)
	}
	return out
}

// slackRules are the routes of the configuration.
func slackRules(s *config.Slack) []route.Rule {
	var out []route.Rule
	for _, r := range s.Routes {
		out = append(out, route.Rule{When: r.When, Surface: slack.Surface, Place: r.Channel, Also: r.Also})
	}
	return out
}
