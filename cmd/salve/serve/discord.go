package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"

	"salve/bot"
	"salve/bot/flow/hear"
	"salve/bot/phrase"
	"salve/bot/secret"
	"salve/cmd/salve/config"
	"salve/integrations/discord"
)

// OpenDiscord makes the client of the Discord that the configuration names; it
// calls nobody. offers may be nil: then nothing is offered while people type.
func OpenDiscord(ctx context.Context, cfg config.Config, secrets secret.Resolver, log *slog.Logger, offers discord.Completer) (*discord.Client, error) {
	c := cfg.Discord
	token, err := resolve(ctx, secrets, c.BotToken)
	if err != nil {
		return nil, fmt.Errorf("discord.bot_token: %w", err)
	}
	groups := map[string]string{}
	for name, g := range c.Groups {
		groups[name] = g.Role
	}
	opts := discord.Options{
		API: c.API, Allow: cfg.Egress.Allow, Groups: groups, Usages: discordUsages(), Completer: offers,
		Log: cmp.Or(log, slog.New(slog.DiscardHandler)),
	}
	if c.API != "" {
		opts.Allow = append(namedHost(c.API), opts.Allow...)
	}
	return discord.New(token, c.Application, c.Guild, opts)
}

// discordUsages are the subcommands, the same that can be typed anywhere.
func discordUsages() []discord.Usage {
	var out []discord.Usage
	for _, u := range phrase.Usages() {
		one := discord.UsageOf(u.Word, u.Args, u.Says)
		if slices.Contains(rarely, u.Word) {
			one.Group = "more"
		}
		out = append(out, one)
	}
	return out
}

// rarely are the words that stand in a group of their own: Discord takes 25 at
// most beside each other.
var rarely = []string{"merge", "reopen", "unclaim", "whoami"}

func discordChannels(c *config.Discord) []string {
	return channels(c.DefaultChannel, c.Routes, c.Weekly)
}

// discordVenue is Discord, if it is configured.
func (s *Salve) discordVenue(ctx context.Context) (venue, bool, error) {
	c := s.cfg.Discord
	if !c.On() {
		return venue{}, false, nil
	}
	client, err := OpenDiscord(ctx, s.cfg, s.opts.Secrets, s.log, offers{s})
	if err != nil {
		return venue{}, false, err
	}
	v := venue{
		name: discord.Surface, client: client, command: discord.Command,
		home: c.DefaultChannel, routes: c.Routes, weekly: c.Weekly, direct: c.Direct, plot: c.Plot,
		maps: func(group string) string {
			if g, ok := c.Groups[group]; ok {
				return "or in Discord: give them role " + g.Role + ", which is group " + group
			}
			return "or in salve.yaml: discord: {groups: {" + group + ": {role: \"100000000000000001\", admit: true}}}"
		},
		inGroup: func(context.Context, string) ([]string, error) { return nil, errNoRoll }, path: discord.Path,
	}
	for _, name := range slices.Sorted(maps.Keys(c.Groups)) {
		if c.Groups[name].Admit {
			v.admits = append(v.admits, name)
		}
	}
	if c.Gateway() {
		v.listen = func(ctx context.Context, ear *hear.Leg) error { return client.Run(ctx, ear) }
		v.heard = func() line {
			now := client.Gateway()
			return line{up: now.Connected, since: now.Since, fault: now.LastError}
		}
		return v, true, nil
	}
	v.door = func(_ context.Context, ear *hear.Leg) (http.Handler, error) {
		return discord.NewHandler(client, c.PublicKey, ear)
	}
	return v, true, nil
}

// errNoRoll: Discord tells what roles somebody has, and not who has a role, unless
// an app may read all of its members.
var errNoRoll = errors.New("discord does not say who has a role; name people in oncall.sources")

// offers are what Discord offers while somebody types.
type offers struct{ s *Salve }

const maxOffers = 25

// Complete offers incidents, runs, playbooks and targets.
func (o offers) Complete(ctx context.Context, _, option, typed string) []bot.Choice {
	var all []bot.Choice
	switch option {
	case "command":
		for _, u := range phrase.Usages() {
			all = append(all, bot.Choice{Value: u.Word, Label: u.Word + ": " + u.Says})
		}
	case "incident", "into", "incident-or-run":
		list, err := o.s.store.Incidents(ctx, bot.IncidentQuery{States: []bot.IncidentState{bot.IncidentOpen}, Limit: 50})
		if err != nil {
			return nil // it is a help, no more
		}
		for _, i := range list {
			all = append(all, bot.Choice{Value: i.ID.String(), Label: i.ID.String() + " " + i.Title})
		}
	case "run":
		list, err := o.s.store.Runs(ctx, bot.RunQuery{Limit: 50})
		if err != nil {
			return nil
		}
		for _, r := range list {
			all = append(all, bot.Choice{Value: r.ID.String(), Label: fmt.Sprintf("%s %s on %s, %s", r.ID, r.Playbook, r.Target, r.State)})
		}
	case "playbook":
		for _, b := range o.s.opts.Library.Playbooks {
			all = append(all, bot.Choice{Value: b.Name, Label: b.Name + " " + b.Title})
		}
	case "target":
		all = o.targets(ctx)
	}
	return fitting(all, typed)
}

// targets are those that something runs on or waits for.
func (o offers) targets(ctx context.Context) []bot.Choice {
	runs, err := o.s.store.Runs(ctx, bot.RunQuery{Limit: 50})
	if err != nil {
		return nil
	}
	var out []bot.Choice
	seen := map[string]bool{}
	for _, r := range runs {
		if !seen[r.Target] {
			seen[r.Target] = true
			out = append(out, bot.Choice{Value: r.Target, Label: r.Target})
		}
	}
	return out
}

// fitting are the choices that what was typed is part of, in their order.
func fitting(all []bot.Choice, typed string) []bot.Choice {
	typed = strings.ToLower(strings.TrimSpace(typed))
	out := slices.DeleteFunc(all, func(c bot.Choice) bool { return !strings.Contains(strings.ToLower(c.Label), typed) })
	return out[:min(len(out), maxOffers)]
}

func examineDiscord(ctx context.Context, cfg config.Config, secrets secret.Resolver) []Finding {
	if !cfg.Discord.On() {
		return nil
	}
	client, err := OpenDiscord(ctx, cfg, secrets, nil, nil)
	if err != nil {
		return []Finding{{What: "discord", Says: err.Error(), Mend: aboveSecrets}}
	}
	defer client.Close()
	checks := discord.Checks{Channels: discordChannels(cfg.Discord), Gateway: cfg.Discord.Gateway()}
	if !checks.Gateway {
		checks.HTTP = strings.TrimSuffix(cfg.PublicURL, "/") + discord.Path
	}
	var out []Finding
	for _, f := range client.Check(ctx, checks) {
		out = append(out, Finding{What: "discord " + f.What, OK: f.OK, Says: f.Says, Mend: f.Mend})
	}
	return out
}
