package serve

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"salve/bot"
	"salve/bot/brief"
	"salve/bot/flow/hear"
	"salve/bot/people"
	"salve/cmd/salve/config"
	"salve/integrations/slack"
)

// makeEar makes the leg that hears people on chat surfaces.
func (s *Salve) makeEar(ctx context.Context) error {
	var err error
	venues := map[string]hear.Venue{slack.Surface: {
		Surface: s.chat.slack, Directory: s.chat.slack, Brief: s.slackBrief(),
		Admits: admits(s.cfg.Slack), Mapping: slackMapping,
	}}
	s.chat.hear, err = hear.New(hear.House{Store: s.rows, Desk: s.desk, Window: s.tell, People: s.people}, venues, hear.Options{
		Log: s.log, Playbooks: s.opts.Library.Playbooks, ResumeGroup: s.cfg.People.ResumeGroup, Turned: s.beats.of("hear"),
	})
	if err != nil || s.cfg.Slack.Socket() {
		return err
	}
	signing, err := resolve(ctx, s.opts.Secrets, s.cfg.Slack.SigningSecret)
	if err != nil {
		return fmt.Errorf("slack.signing_secret: %w", err)
	}
	s.chat.door, err = slack.NewHandler(s.chat.slack, signing, s.chat.hear)
	return err
}

func (s *Salve) slackBrief() brief.Options {
	return brief.Options{PublicURL: s.cfg.PublicURL, Command: slack.Command}
}

// admits are the groups whose members become people by themselves.
func admits(c *config.Slack) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(c.Groups)) {
		if c.Groups[name].Admit {
			out = append(out, name)
		}
	}
	return out
}

// slackMapping is the configuration that puts a user group of Slack into a group.
func slackMapping(group string) string {
	return "slack: {groups: {" + group + ": {user_group: S0123456789, admit: true}}}"
}

// listenSlack keeps a socket to Slack while Salve listens to anybody; after that
// nothing new is heard, and what was heard is worked on.
func (s *Salve) listenSlack(listening context.Context) func(context.Context) error {
	return func(working context.Context) error {
		if err := s.chat.slack.Run(listening, s.chat.hear); err != nil && listening.Err() == nil {
			return err
		}
		<-working.Done()
		return nil
	}
}

// known is who people are, with the groups that chat says they are in: the same
// person has the same rights on the console and on the command line.
type known struct {
	*people.People
	slack *slack.Client // nil: there is no chat
}

func (s *Salve) known() known { return known{People: s.people, slack: s.chat.slack} }

// Authenticate names the person of a secret.
func (k known) Authenticate(ctx context.Context, secret string, kind bot.TokenKind) (bot.Person, error) {
	p, err := k.People.Authenticate(ctx, secret, kind)
	if err != nil {
		return p, err
	}
	return k.grouped(ctx, p), nil
}

// ByIdentity names the person whom a surface knows by an identity.
func (k known) ByIdentity(ctx context.Context, id bot.Identity) (bot.Person, bool, error) {
	p, found, err := k.People.ByIdentity(ctx, id)
	if err != nil || !found {
		return p, found, err
	}
	return k.grouped(ctx, p), true, nil
}

// grouped adds the groups that Slack vouches for now; where it does not answer
// there are none.
func (k known) grouped(ctx context.Context, p bot.Person) bot.Person {
	if k.slack == nil {
		return p
	}
	for _, id := range p.Identities {
		if id.Surface != slack.Surface {
			continue
		}
		m, err := k.slack.Member(ctx, bot.ChatUser{ID: id.ID})
		if err != nil || m.Why != "" {
			continue
		}
		for _, g := range m.Groups {
			if !slices.Contains(p.Groups, g) {
				p.Groups = append(slices.Clone(p.Groups), g)
			}
		}
	}
	return p
}
