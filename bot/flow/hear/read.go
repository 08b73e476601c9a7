package hear

import (
	"context"

	"salve/bot"
)

// reads says why the person may not read an Incident here; nil: they may. Zero is
// all of them. Who may read everywhere may here, also while the surface does not
// say who they are; another full member may read what stands in the channel
// anyway. Guests and people from elsewhere see the channel and no more.
func (t *turn) reads(ctx context.Context, id bot.IncidentID) *bot.Refusal {
	w := t.identify(ctx, "")
	switch {
	case w.person.Has(bot.RoleViewer), w.unsure && t.linked(ctx):
		return nil
	case w.member.Why == "" && !w.unsure && w.err == nil && w.why == nil && t.stands(ctx, id):
		return nil
	case w.person.ID == "":
		return w.refusal(t.g)
	default:
		return bot.Refuse(bot.RefusedForbidden, w.person.Name+" has no role, and may read where the card of an incident stands, that one alone.",
			"An admin can change that: salve user edit "+string(w.person.ID)+" --role viewer.")
	}
}

// linked reports whether somebody who may read has this user of the surface.
func (t *turn) linked(ctx context.Context) bool {
	p, ok, err := t.People.ByIdentity(ctx, t.identity())
	return err == nil && ok && t.g.User.Tenant == "" && p.Has(bot.RoleViewer)
}

// stands reports whether the card of an Incident stands in the channel, or what
// is said or pressed belongs to it.
func (t *turn) stands(ctx context.Context, id bot.IncidentID) bool {
	if id == 0 || t.g.Place == "" {
		return false
	}
	for _, ref := range []string{t.g.Message, t.g.Thread} {
		if ref == "" {
			continue
		}
		if p, err := t.Store.PostAt(ctx, t.g.Surface, bot.Mark{Place: t.g.Place, Ref: ref}); err == nil && p.Incident == id {
			return true
		}
	}
	p, err := t.Store.Post(ctx, t.g.Surface+"/"+t.g.Place+"/card/"+id.String())
	return err == nil && p.Mark.Place == t.g.Place && p.Mark.Ref != ""
}
