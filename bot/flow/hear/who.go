package hear

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"salve/bot"
)

// who is somebody as the surface and Salve know them now.
type who struct {
	member bot.Member
	person bot.Person   // with the surface's groups; zero: decides nothing, but may halt
	unsure bool         // the surface could not be asked
	why    *bot.Refusal // why person is zero, where that is known better than here
	err    error        // the store could not be asked
}

const (
	askFor   = 5 * time.Second // how long the surface may take to say who somebody is
	haltsFor = time.Second     // how long a halt waits for the name of whoever sets it
)

// identify tells who it is, once a turn. Whoever halts is not asked for long, and
// the surface not at all.
func (t *turn) identify(ctx context.Context, verb bot.Verb) *who {
	if t.who != nil {
		return t.who
	}
	if verb == bot.VerbHalt {
		return t.halting(ctx)
	}
	t.who = t.known(ctx)
	return t.who
}

func (t *turn) halting(ctx context.Context) *who {
	ctx, cancel := context.WithTimeoutCause(ctx, haltsFor, errSlow)
	defer cancel()
	p, ok, err := t.People.ByIdentity(ctx, t.identity())
	if err != nil || !ok {
		p = bot.Person{}
	}
	return &who{person: p}
}

// known asks the surface first: a guest is one, whoever Salve takes them for.
func (t *turn) known(ctx context.Context) *who {
	w := &who{}
	ask, cancel := context.WithTimeoutCause(ctx, askFor, errSlow)
	defer cancel()
	var err error
	if w.member, err = t.venue.Directory.Member(ask, t.g.User); err != nil {
		t.log.WarnContext(ctx, "the surface could not say who somebody is", "surface", t.g.Surface, "user", t.g.User.ID, "err", err)
		w.unsure = true
		w.member = bot.Member{User: t.g.User}
		return w
	}
	if w.member.Why == "" && t.g.User.Tenant != "" {
		w.member.Why = "external"
	}
	if w.member.Why != "" {
		w.member.Groups = nil
		return w
	}
	w.member.Groups = slices.DeleteFunc(slices.Clone(w.member.Groups), func(g string) bool { return slices.Contains(w.member.Unread, g) })
	w.person, w.why, w.err = t.personOf(ctx, w.member)
	if w.err != nil {
		t.log.WarnContext(ctx, "nobody could say who somebody is", "surface", t.g.Surface, "user", t.g.User.ID, "err", w.err)
	}
	return w
}

// personOf is the person of a full member, with the groups of both.
func (t *turn) personOf(ctx context.Context, m bot.Member) (bot.Person, *bot.Refusal, error) {
	p, ok, err := t.People.ByIdentity(ctx, t.identity())
	if err != nil {
		return bot.Person{}, nil, err
	}
	if !ok {
		groups := slices.DeleteFunc(slices.Clone(m.Groups), func(g string) bool { return !slices.Contains(t.venue.Admits, g) })
		if len(groups) == 0 && p.ID == "" {
			return bot.Person{}, nil, nil
		}
		if r, err := t.twice(ctx, m); r != nil || err != nil {
			return bot.Person{}, r, err
		}
		p, err = t.People.Admit(ctx, t.identity(), cmp.Or(m.User.Name, t.g.User.Name), groups...)
		if r, no := errors.AsType[*bot.Refusal](err); no {
			return bot.Person{}, r, nil
		}
		if err != nil {
			return bot.Person{}, nil, err
		}
	}
	p.Groups = slices.Clone(p.Groups) // a copy: what the surface says is never stored
	for _, g := range m.Groups {
		if !slices.Contains(p.Groups, g) {
			p.Groups = append(p.Groups, g)
		}
	}
	return p, nil, nil
}

// twice refuses to admit somebody whom Salve knows by their address already: as
// two people they would have two votes, and might approve what they asked for.
func (t *turn) twice(ctx context.Context, m bot.Member) (*bot.Refusal, error) {
	if m.Email == "" {
		return nil, nil
	}
	p, _, err := t.People.ByIdentity(ctx, bot.Identity{Surface: "email", ID: strings.ToLower(m.Email)})
	if err != nil || p.ID == "" {
		return nil, err
	}
	return bot.Refuse(bot.RefusedIdentity, fmt.Sprintf("Your address is that of %s, who is not linked to %s %s.", p.ID, t.g.Surface, t.g.User.ID),
		fmt.Sprintf("An admin can link you: salve user edit %s --%s %s.", p.ID, t.g.Surface, t.g.User.ID)), nil
}

// refusal says why they decide nothing, and what to do about it.
func (w *who) refusal(g bot.Gesture) *bot.Refusal {
	const only = "so that you may halt, and read where a card stands, and no more"
	switch {
	case w.unsure:
		return bot.Refuse(bot.RefusedIdentity, title(g.Surface)+" could not say just now who you are, so that you decide nothing here, though you may halt.",
			"Try again in a minute; what is urgent can be decided in the console or with the salve command.")
	case w.err != nil:
		return bot.Refuse(bot.RefusedLater, "Salve could not look up just now who you are, so that you decide nothing here, though you may halt.", "Try again in a minute.")
	case w.member.Why != "":
		return bot.Refuse(bot.RefusedIdentity, title(g.Surface)+" says of you: "+short(w.member.Why, 80)+". Guests, bots and people from elsewhere may halt, and see what the channel shows.",
			"Ask somebody of the workspace, or decide in the console if you have a login there.")
	case w.why != nil:
		return w.why
	case len(w.member.Unread) > 0:
		return bot.Refuse(bot.RefusedIdentity, "Salve does not know who "+g.Surface+" "+g.User.ID+" is, "+only+".",
			granting(g)+" "+unread(g.Surface, w.member.Unread))
	default:
		return bot.Refuse(bot.RefusedIdentity, "Salve does not know who "+g.Surface+" "+g.User.ID+" is, "+only+".", granting(g))
	}
}

func granting(g bot.Gesture) string {
	return "An admin can add you: " + adding(g) + "."
}

// adding is the command that makes a person of whoever made the Gesture.
func adding(g bot.Gesture) string {
	return "salve user add NAME --role responder --" + g.Surface + " " + g.User.ID
}
