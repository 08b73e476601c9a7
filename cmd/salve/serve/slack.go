package serve

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"

	"salve/bot/flow/hear"
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

func slackChannels(s *config.Slack) []string { return channels(s.DefaultChannel, s.Routes, s.Weekly) }

// slackMapping says which user group of Slack grants a group: the one that is
// configured, else what to write.
func slackMapping(groups map[string]config.SlackGroup) func(string) string {
	return func(group string) string {
		if g, ok := groups[group]; ok {
			return "or in Slack: add them to user group " + g.UserGroup + ", which is group " + group
		}
		return "or in salve.yaml: slack: {groups: {" + group + ": {user_group: S0123456789, admit: true}}}"
	}
}

// slackVenue is Slack, if it is configured.
func (s *Salve) slackVenue(ctx context.Context) (venue, bool, error) {
	c := s.cfg.Slack
	if !c.On() {
		return venue{}, false, nil
	}
	client, err := OpenSlack(ctx, s.cfg, s.opts.Secrets, s.log)
	if err != nil {
		return venue{}, false, err
	}
	v := venue{
		name: slack.Surface, client: client, command: slack.Command,
		home: c.DefaultChannel, routes: c.Routes, weekly: c.Weekly, direct: c.Direct, plot: c.Plot,
		maps:   slackMapping(c.Groups),
		emails: client, inGroup: client.InGroup, path: slack.Path,
	}
	for _, name := range slices.Sorted(maps.Keys(c.Groups)) {
		if c.Groups[name].Admit {
			v.admits = append(v.admits, name)
		}
	}
	if c.Socket() {
		v.listen = func(ctx context.Context, ear *hear.Leg) error { return client.Run(ctx, ear) }
		v.heard = func() line {
			now := client.Socket()
			return line{up: now.Connected, since: now.Since, fault: now.LastError}
		}
		return v, true, nil
	}
	v.door = func(ctx context.Context, ear *hear.Leg) (http.Handler, error) {
		signing, err := resolve(ctx, s.opts.Secrets, c.SigningSecret)
		if err != nil {
			return nil, fmt.Errorf("slack.signing_secret: %w", err)
		}
		return slack.NewHandler(client, signing, ear)
	}
	return v, true, nil
}
