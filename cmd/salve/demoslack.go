package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/slack"
)

// The names under which tokens stand in the environment.
const (
	botTokenEnv = "SLACK_BOT_TOKEN"
	appTokenEnv = "SLACK_APP_TOKEN"
)

// connected is a channel of Slack in which the demo plays, and who sits here.
// The tokens are kept here and in no file.
type connected struct {
	bot, app  secret.Secret
	workspace string
	place     slack.Place
	me        bot.Member // zero: nobody, it plays unattended
}

// lookup is the environment with the tokens in it, as far as the demo looks.
func (c *connected) lookup(name string) (string, bool) {
	switch {
	case c == nil:
	case name == botTokenEnv:
		return c.bot.Reveal(), true
	case name == appTokenEnv:
		return c.app.Reveal(), true
	}
	return os.LookupEnv(name)
}

// config is the part of a configuration that connects to the channel, as somebody
// writes it.
func (c *connected) config(api string) string {
	if c == nil {
		return ""
	}
	text := fmt.Sprintf("slack:\n  bot_token: env:%s\n  app_token: env:%s\n  default_channel: %s # #%s\n", botTokenEnv, appTokenEnv, c.place.ID, c.place.Name)
	if api != "" {
		text += fmt.Sprintf("  api_url: %q\n", api)
	}
	return text
}

// ending is what there is to do after the demo.
func (c *connected) ending(command string, me bot.PersonID) string {
	var b strings.Builder
	fmt.Fprintf(&b, "For a Salve of your own, write this into its salve.yaml, and put the tokens into its environment:\n\n")
	for line := range strings.Lines(c.config("")) {
		b.WriteString("  " + line)
	}
	who := c.me.User.ID
	if who == "" {
		who = "TEAM/USER"
	}
	fmt.Fprintf(&b, "\nThen `%s doctor` looks at all of it and says how to mend what is wrong, and you are known there by\n\n", command)
	fmt.Fprintf(&b, "  %s user add %s --role responder --group oncall --slack %s\n\n", command, me, who)
	fmt.Fprintf(&b, "docs/quickstart-slack.md goes on from here. The cards stay in #%s; when the demo has ended, nobody hears their buttons.", c.place.Name)
	return b.String()
}

// meeting connects to Slack, question by question.
type meeting struct {
	ask   asker
	out   io.Writer
	api   string
	color bool

	client *slack.Client
	found  connected
}

// connectSlack asks for what is needed to play in Slack and looks at each answer
// before the next question; a wrong one is asked for again.
func (c demoCmd) connectSlack(ctx context.Context, in *os.File, out *os.File) (*connected, error) {
	m := &meeting{ask: asker{in: in, out: out}, out: out, api: c.SlackAPI, color: isTerminal(out)}
	defer m.close()
	if err := m.welcome(); err != nil {
		return nil, err
	}
	steps := []func(context.Context) error{
		m.botToken, m.appToken,
		func(ctx context.Context) error { return m.channel(ctx, c.Channel) },
	}
	if !c.Unattended || c.Me != "" {
		steps = append(steps, func(ctx context.Context) error { return m.person(ctx, c.Me) })
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return &m.found, nil
}

func (m *meeting) close() {
	if m.client != nil {
		m.client.Close()
	}
}

const welcomeSlack = `
The demo plays in a channel of your Slack: a small shop on this machine breaks
twice. The first time it is healed by itself; the second time Slack asks you.
Salve opens the connection to Slack, so nothing must reach this machine.

You need a workspace where you may add an app. Three clicks make it:

  1. Create:  open this link, choose the workspace, press Next, then Create.

%s

  2. Install: on the app's page, under Install App, press Install to Workspace,
              then Allow. The Bot User OAuth Token appears; it begins with xoxb-.

  3. Connect: under Basic Information, App-Level Tokens, press Generate Token and
              Scopes, add connections:write, press Generate. The token that
              appears begins with xapp-.

An app that was made so before serves as well. Where the link is too long for a
window, choose From a manifest at api.slack.com/apps, and paste what
"salve slack manifest" prints. The tokens stay in memory until the demo ends, are
written nowhere, and are not shown as you paste them. Ctrl-C ends the demo.

`

func (m *meeting) welcome() error {
	manifest, err := slack.Manifest(slack.ManifestOptions{})
	if err != nil {
		return err
	}
	fmt.Fprintf(m.out, welcomeSlack, slack.CreateLink(manifest))
	return nil
}

// token is one of the two.
type token struct {
	name, env, prefix, other, where string
}

var (
	botToken = token{"Bot User OAuth Token", botTokenEnv, "xoxb-", "xapp-", "OAuth & Permissions"}
	appToken = token{"App-Level Token", appTokenEnv, "xapp-", "xoxb-", "Basic Information, App-Level Tokens"}
)

// read takes a token from the environment, where there was none before, or asks
// for it until it has the shape of one. An empty answer is the one before.
func (m *meeting) read(ctx context.Context, t token, before secret.Secret) (secret.Secret, error) {
	text, again := "", ""
	if !before.IsZero() {
		again = "; empty: the same again"
	} else if text = strings.TrimSpace(os.Getenv(t.env)); text != "" {
		m.say("The %s is taken from %s.", t.name, t.env)
	}
	for {
		if text == "" {
			var err error
			if text, err = m.ask.hidden(ctx, fmt.Sprintf("%s (%s...%s): ", t.name, t.prefix, again)); err != nil {
				return secret.Secret{}, unanswered(err, t.name, "paste it, or set "+t.env)
			}
		}
		s := secret.New(text)
		switch {
		case text == "" && !before.IsZero():
			return before, nil
		case strings.HasPrefix(text, t.prefix):
			return s, redactor.Add(s)
		case strings.HasPrefix(text, t.other):
			m.bad("this is the other token", "the "+t.name+" begins with "+t.prefix+"; it is under "+t.where)
		default:
			m.bad("this is no "+t.name, "it begins with "+t.prefix+" and is under "+t.where)
		}
		text = ""
	}
}

func (m *meeting) botToken(ctx context.Context) error {
	return m.until(ctx, botToken, &m.found.bot, func() []slack.Finding { return m.client.Check(ctx, slack.Checks{}) })
}

func (m *meeting) appToken(ctx context.Context) error {
	return m.until(ctx, appToken, &m.found.app, func() []slack.Finding {
		all := m.client.Check(ctx, slack.Checks{Socket: true})
		return slices.DeleteFunc(all, func(f slack.Finding) bool { return f.OK && f.What != "socket" }) // they were told
	})
}

// until asks for a token until Slack takes it.
func (m *meeting) until(ctx context.Context, t token, into *secret.Secret, check func() []slack.Finding) error {
	for {
		var err error
		if *into, err = m.read(ctx, t, *into); err != nil {
			return err
		}
		if err := m.open(); err != nil {
			return err
		}
		fine := m.look(check())
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if fine {
			m.found.workspace, err = m.client.Workspace(ctx)
			return err
		}
	}
}

// open makes a client of the tokens that there are.
func (m *meeting) open() error {
	m.close()
	var err error
	opts := slack.Options{API: m.api}
	if m.api != "" {
		opts.Allow = []string{hostOf(m.api)}
	}
	m.client, err = slack.New(m.found.bot, m.found.app, opts)
	return err
}

func (m *meeting) channel(ctx context.Context, named string) error {
	for {
		if named == "" {
			var err error
			if named, err = m.ask.line(ctx, "Channel for the cards (#name, id or link; Salve joins it): "); err != nil {
				return unanswered(err, "channel", "answer, or name it: --channel '#ops'")
			}
		}
		at, err := m.client.Join(ctx, named)
		if err == nil {
			m.found.place = at
			m.good("#%s (%s), and Salve is in it", at.Name, at.ID)
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		m.bad(err.Error(), "")
		named = ""
	}
}

func (m *meeting) person(ctx context.Context, named string) error {
	for {
		if named == "" {
			var err error
			if named, err = m.ask.line(ctx, "Who are you in Slack, so that you may approve (e-mail there, or member id)? "); err != nil {
				return unanswered(err, "person", "answer, or name yourself: --me you@example.com")
			}
		}
		who, err := m.client.Person(ctx, named)
		switch {
		case err == nil && who.Why == "":
			m.found.me = who
			m.good("you are %s (%s)", who.User.Name, who.User.ID)
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			m.bad(err.Error(), "your member id is in your profile in Slack, in the menu with three dots")
		default:
			m.bad(fmt.Sprintf("to Slack %s is %s, and only full members approve", who.User.Name, described(who.Why)), "name somebody who is a full member")
		}
		named = ""
	}
}

// described is a Member.Why in a sentence.
func described(why string) string {
	switch why {
	case "guest", "bot":
		return "a " + why
	default:
		return why
	}
}

// here is where a token goes that Slack takes.
var here = strings.NewReplacer("put it where slack.bot_token points", "paste it here", "put it where slack.app_token points", "paste it here")

// look shows what was found, and reports whether all is in order.
func (m *meeting) look(all []slack.Finding) bool {
	fine := true
	for _, f := range all {
		if f.OK {
			m.good("%s: %s", f.What, f.Says)
			continue
		}
		fine = false
		m.bad(f.What+": "+f.Says, here.Replace(f.Mend))
	}
	return fine
}

func (m *meeting) say(format string, args ...any) { fmt.Fprintf(m.out, format+"\n", args...) }

func (m *meeting) good(format string, args ...any) {
	m.say("  %s  %s", m.paint("32", "ok  "), fmt.Sprintf(format, args...))
}

func (m *meeting) bad(says, mend string) {
	m.say("  %s  %s", m.paint("31", "mend"), says)
	if mend != "" {
		m.say("        %s", mend)
	}
}

func (m *meeting) paint(style, text string) string {
	if !m.color {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}

// unanswered says what was asked for, where nobody answers.
func unanswered(err error, what, do string) error {
	if errors.Is(err, errNoAnswer) {
		return fmt.Errorf("no %s was given: %s", cmp.Or(what, "answer"), do)
	}
	return err
}
