package people

import (
	"context"
	"fmt"

	"salve/bot"
)

// SignIn opens a session for whoever an identity provider has vouched for: the
// first of the identities that is somebody's. The first is what the provider knows
// them by for ever, and stands in the Event; name is what it calls them, for the
// refusal.
func (p *People) SignIn(ctx context.Context, name string, identities ...bot.Identity) (string, bot.Person, error) {
	for _, id := range identities {
		person, known, err := p.ByIdentity(ctx, id)
		if err != nil {
			return "", bot.Person{}, err
		}
		if !known {
			if person.ID != "" {
				return "", bot.Person{}, bot.Refuse(bot.RefusedForbidden, person.Name+" is disabled.", "An admin can change that: salve user enable "+string(person.ID)+".")
			}
			continue
		}
		secret, session := p.mint(person.ID, bot.TokenSession, "console", p.opts.SessionFor)
		_, err = p.store.Commit(ctx, bot.Change{
			Tokens: []bot.Token{session},
			Events: []bot.Event{{
				At: session.CreatedAt, Kind: bot.EventLogin, Text: person.Name + " signed in to the console by " + id.Surface,
				Actor: bot.Actor{Person: person.ID, Name: person.Name, Surface: "console"}, Data: map[string]string{"identity": id.Surface + "=" + id.ID, "vouched_for": identities[0].Surface + "=" + identities[0].ID},
			}},
		})
		if err != nil {
			return "", bot.Person{}, fmt.Errorf("open a session: %w", err)
		}
		return secret, person, nil
	}
	return "", bot.Person{}, unlinked(name, identities)
}

// unlinked tells somebody whom the provider knows and Salve does not how to
// become known.
func unlinked(name string, identities []bot.Identity) *bot.Refusal {
	if len(identities) == 0 {
		return errNobody
	}
	id, why := identities[0], fmt.Sprintf("The identity provider knows you as %s, but no person of Salve is linked to that.", name)
	if !possible(id) {
		return bot.Refuse(bot.RefusedIdentity, why, fmt.Sprintf("Nor can one be: %.300q cannot be an identity of %s.", id.ID, id.Surface))
	}
	return bot.Refuse(bot.RefusedIdentity, why, "An admin links you: salve user edit NAME"+flag(id))
}
