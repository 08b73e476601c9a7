package cli

import (
	"context"
	"errors"

	"salve/bot/secret"
	"salve/cmd/salve/config"
	"salve/cmd/salve/serve"
	"salve/integrations/discord"
)

// Discord is everything about the app in Discord.
type Discord struct {
	Register DiscordRegister `cmd:"" help:"Tell Discord the commands of the server."`
	Invite   DiscordInvite   `cmd:"" help:"Print the link that adds the app to a server."`
}

// discordFile is the configuration that names the app.
type discordFile struct {
	Config string `help:"The configuration." default:"salve.yaml" type:"path"`
}

var errNoDiscord = errors.New("the configuration has no discord; docs/discord.md says how to connect one")

func (f discordFile) load() (config.Config, error) {
	cfg, err := config.Load(f.Config)
	if err == nil && !cfg.Discord.On() {
		err = errNoDiscord
	}
	return cfg, err
}

// DiscordRegister registers commands.
type DiscordRegister struct{ discordFile }

// Help is shown by --help.
func (DiscordRegister) Help() string {
	return "Registers /salve with its subcommands and the command on messages in the server that the configuration names, in place of what was there. Once, and after an upgrade; salve doctor says when it is due.\n\nExample:\n  salve discord register --config /etc/salve/salve.yaml"
}

// Run registers.
func (c DiscordRegister) Run(ctx context.Context, e *Env, secrets secret.Resolver) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	client, err := serve.OpenDiscord(ctx, cfg, secrets, nil, nil)
	if err != nil {
		return err
	}
	defer client.Close()
	if err := client.Register(ctx); err != nil {
		return err
	}
	s := e.screen()
	if s.asJSON {
		return s.json(map[string]any{"registered": true, "guild": cfg.Discord.Guild})
	}
	s.line("The commands are registered. Type /salve help in the server.")
	return nil
}

// DiscordInvite prints the link.
type DiscordInvite struct{ discordFile }

// Run prints.
func (c DiscordInvite) Run(e *Env) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	s := e.screen()
	link := discord.InviteLink(cfg.Discord.Application)
	if s.asJSON {
		return s.json(map[string]any{"link": link})
	}
	s.line("%s", link)
	return nil
}
