package people

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"salve/bot"
)

// Admit is the person of an identity that a chat surface vouches for. Who is
// nobody yet and belongs to groups there that the operator has mapped becomes a
// person with the role of a responder; groups are the mapped ones, which stand in
// the Event and not in the person: they hold for as long as the surface says so.
// The same identity twice is one person, also at the same time. Nobody comes back
// this way: not who is disabled, and not by an identity that was taken from the
// person who had it.
func (p *People) Admit(ctx context.Context, id bot.Identity, name string, groups ...string) (bot.Person, error) {
	person, found, err := p.admitted(ctx, id)
	if err != nil || found {
		return person, err
	}
	if len(groups) == 0 {
		return bot.Person{}, bot.Refuse(bot.RefusedIdentity, "Nobody knows who "+id.Surface+" "+id.ID+" is, and no group of theirs is mapped to one here.",
			"An admin can add them: salve user add NAME --role responder"+flag(id)+".")
	}
	person = tidy(bot.Person{
		ID: admittedID(id), Name: nameOf(name, id), Roles: []bot.Role{bot.RoleResponder},
		Identities: []bot.Identity{id}, CreatedAt: p.now(),
	})
	if err := p.check(ctx, person); err != nil {
		return bot.Person{}, err
	}
	if _, err := p.store.Person(ctx, person.ID); err == nil {
		return p.stillAdmitted(ctx, id)
	} else if !errors.Is(err, bot.ErrNotFound) {
		return bot.Person{}, fmt.Errorf("read person %s: %w", person.ID, err)
	}
	data := facts(person)
	data["admitted_for"] = strings.Join(groups, " ")
	_, err = p.store.Commit(ctx, bot.Change{
		People: []bot.Person{person},
		Events: []bot.Event{{
			At: p.now(), Kind: bot.EventPerson, Actor: bot.Salve, Data: data,
			Text: fmt.Sprintf("salve added %s (%s), who is in %s by their groups on %s", person.ID, person.Name, strings.Join(groups, ", "), id.Surface),
		}},
	})
	if errors.Is(err, bot.ErrConflict) { // somebody admitted them at the same time
		return p.stillAdmitted(ctx, id)
	}
	if err != nil {
		return bot.Person{}, fmt.Errorf("write person %s: %w", person.ID, err)
	}
	return p.store.Person(ctx, person.ID)
}

// admitted is the person who has the identity already.
func (p *People) admitted(ctx context.Context, id bot.Identity) (bot.Person, bool, error) {
	person, err := p.store.PersonBy(ctx, id)
	switch {
	case errors.Is(err, bot.ErrNotFound):
		return bot.Person{}, false, nil
	case err != nil:
		return bot.Person{}, false, fmt.Errorf("read who %s %s is: %w", id.Surface, id.ID, err)
	case person.Disabled:
		return bot.Person{}, false, bot.Refuse(bot.RefusedForbidden, person.Name+" is disabled.", "An admin can change that: salve user enable "+string(person.ID)+".")
	default:
		return person, true, nil
	}
}

// stillAdmitted is for an id that is taken: by the identity's own person, or by
// one who has lost it. Ids are never used again, so the second is nobody.
func (p *People) stillAdmitted(ctx context.Context, id bot.Identity) (bot.Person, error) {
	person, found, err := p.admitted(ctx, id)
	if err != nil || found {
		return person, err
	}
	return bot.Person{}, bot.Refuse(bot.RefusedIdentity, fmt.Sprintf("%s %s was taken from %s, and is nobody's since.", id.Surface, id.ID, admittedID(id)),
		"An admin can give it to somebody: salve user edit NAME"+flag(id)+".")
}

// admittedID is made of the identity, so that it is the same for ever:
// slack-t0123-u0456.
func admittedID(id bot.Identity) bot.PersonID {
	return bot.PersonID(strings.ToLower(id.Surface + "-" + strings.ReplaceAll(id.ID, "/", "-")))
}

// nameOf is the name that a surface shows, as a person's name can be: a chat name
// may be empty, long, or hold what cannot be seen.
func nameOf(name string, id bot.Identity) string {
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(name, " "))
	name = strings.Join(strings.Fields(name), " ")
	if len(name) > maxName {
		name = strings.TrimSpace(strings.ToValidUTF8(name[:maxName], "")) // a character that was cut through goes
	}
	if name == "" {
		return id.ID
	}
	return name
}
