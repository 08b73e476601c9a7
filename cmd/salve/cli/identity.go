package cli

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"salve/bot"
)

// IdentityFlags are the ways in which surfaces know a person, one flag each.
type IdentityFlags struct {
	UID     []uint32 `help:"Unix user id on this machine; may be repeated." name:"uid" placeholder:"UID"`
	Slack   []string `help:"Member of a Slack workspace or organisation, as /salve whoami prints it there; may be repeated." placeholder:"T0123/U0456"`
	Discord []string `help:"Member of a Discord server, as /salve whoami prints them there; may be repeated." placeholder:"SERVER/USER"`
	OIDC    []string `help:"Issuer and subject of OpenID Connect, as the console prints them to whoever signs in and is not linked; may be repeated." name:"oidc" sep:"none" placeholder:"ISSUER#SUBJECT"`
	Email   []string `help:"E-mail address that the identity provider has verified; it counts where login.oidc.trust_email is true; may be repeated." sep:"none" placeholder:"ADDRESS"`
}

func (f IdentityFlags) identities() []bot.Identity {
	return slices.Concat(unixUsers(f.UID), on("slack", f.Slack), on("discord", f.Discord), on("oidc", f.OIDC), addresses(f.Email))
}

// DropIdentityFlags take identities away.
type DropIdentityFlags struct {
	UID     []uint32 `help:"This unix user is not them any more; may be repeated." name:"drop-uid" placeholder:"UID"`
	Slack   []string `help:"This member of Slack is not them any more; may be repeated." name:"drop-slack" placeholder:"T0123/U0456"`
	Discord []string `help:"This member of Discord is not them any more; may be repeated." name:"drop-discord" placeholder:"SERVER/USER"`
	OIDC    []string `help:"This subject of OpenID Connect is not them any more; may be repeated." name:"drop-oidc" sep:"none" placeholder:"ISSUER#SUBJECT"`
	Email   []string `help:"This e-mail address is not theirs any more; may be repeated." name:"drop-email" sep:"none" placeholder:"ADDRESS"`
}

func (f DropIdentityFlags) identities() []bot.Identity {
	return slices.Concat(unixUsers(f.UID), on("slack", f.Slack), on("discord", f.Discord), on("oidc", f.OIDC), addresses(f.Email))
}

// addresses are identities by e-mail, which are kept in lower case. A letter
// beyond ASCII stays, and is refused: what it is in lower case could be another's.
func addresses(list []string) []bot.Identity {
	out := make([]string, 0, len(list))
	for _, a := range list {
		out = append(out, strings.Map(func(r rune) rune {
			if 'A' <= r && r <= 'Z' {
				return r + 'a' - 'A'
			}
			return r
		}, a))
	}
	return on("email", out)
}

// on are identities of a surface.
func on(surface string, ids []string) []bot.Identity {
	out := make([]bot.Identity, 0, len(ids))
	for _, id := range ids {
		out = append(out, bot.Identity{Surface: surface, ID: id})
	}
	return out
}

func unixUsers(uids []uint32) []bot.Identity {
	ids := make([]string, 0, len(uids))
	for _, u := range uids {
		ids = append(ids, strconv.FormatUint(uint64(u), 10))
	}
	return on("unix", ids)
}

// UserShow shows one person.
type UserShow struct {
	ID string `arg:"" help:"The person."`
}

// Run shows.
func (c UserShow) Run(ctx context.Context, e *Env) error {
	door, err := e.Door()
	if err != nil {
		return err
	}
	var p bot.Person
	if err := door.Get(ctx, "/v1/people/"+url.PathEscape(c.ID), nil, &p); err != nil {
		return err
	}
	s := e.screen()
	if s.asJSON {
		return s.json(p)
	}
	s.person(p)
	return nil
}

// me is who Salve takes somebody for, and what they may do.
type me struct {
	bot.Person
	Rights []bot.Right `json:"rights"`
}

// Whoami says who Salve takes me for.
type Whoami struct{}

// Help is shown by --help.
func (Whoami) Help() string {
	return "Says who you are to Salve, what you may do, and for the rest what an admin types to allow it."
}

// Run prints it.
func (Whoami) Run(ctx context.Context, e *Env) error {
	door, err := e.Door()
	if err != nil {
		return err
	}
	var p me
	if err := door.Get(ctx, "/v1/whoami", nil, &p); err != nil {
		return err
	}
	s := e.screen()
	switch {
	case s.asJSON:
		return s.json(p)
	case p.ID == "":
		s.line("Salve does not know you: you may read and halt. Somebody who manages people can run:\n  salve user add NAME --role responder --group oncall --uid $(id -u)")
		return nil
	}
	s.person(p.Person)
	s.line("You may read and halt.")
	for _, r := range p.Rights {
		if r.May {
			s.line("You may %s.", plain(r.What))
		}
	}
	for _, r := range p.Rights {
		if !r.May {
			s.line("You may not %s. An admin can change that:\n  %s", plain(r.What), plain(r.Grant))
		}
	}
	return nil
}
