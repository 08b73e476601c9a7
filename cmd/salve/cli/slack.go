package cli

import (
	"encoding/json"

	"salve/integrations/slack"
)

// Slack is everything about the app in Slack.
type Slack struct {
	Manifest SlackManifest `cmd:"" help:"Print the manifest of the app, and the link that makes it."`
}

// SlackManifest prints the manifest.
type SlackManifest struct {
	Name      string `help:"What the app is called." default:"Salve"`
	PublicURL string `help:"Where Slack reaches Salve, for transport http; without it Salve opens a socket and needs no address." name:"public-url" placeholder:"URL"`
	Link      bool   `help:"Print only the link that makes the app in one click."`
}

// Help is shown by --help.
func (SlackManifest) Help() string {
	return "Make the app by the link, or paste the manifest under Create New App, From a manifest, at api.slack.com/apps.\n\nExamples:\n  salve slack manifest --link\n  salve slack manifest > manifest.json\n  salve slack manifest --public-url https://salve.example.com"
}

// Run prints.
func (c SlackManifest) Run(e *Env) error {
	m, err := slack.Manifest(slack.ManifestOptions{Name: c.Name, PublicURL: c.PublicURL})
	if err != nil {
		return err
	}
	s := e.screen()
	switch link := slack.CreateLink(m); {
	case s.asJSON:
		scopes := map[string]string{}
		for _, scope := range slack.Scopes {
			scopes[scope.Name] = scope.Why
		}
		return s.json(map[string]any{"manifest": json.RawMessage(m), "link": link, "scopes": scopes})
	case c.Link:
		s.line("%s", link)
	default:
		s.line("%s", m)
	}
	return nil
}
