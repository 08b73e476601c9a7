package console

import (
	"context"
	"net/http"
	"slices"
	"time"

	"salve/bot"
)

// Claims reads what people hold through an Incident; through 0: what they hold
// without one, for a time.
type Claims interface {
	ClaimsOf(ctx context.Context, id bot.IncidentID) ([]bot.Claim, error)
}

type targetsPage struct {
	Held []bot.Claim
	May  bool // the viewer may claim
}

// showTargets lists the targets that people hold for a time, with the forms to
// hold one and to give one back.
func (c *Console) showTargets(w http.ResponseWriter, r *http.Request, viewer bot.Person) error {
	held, err := c.ports.Claims.ClaimsOf(r.Context(), 0)
	if err != nil {
		return err
	}
	now := time.Now()
	m := targetsPage{May: viewer.Has(bot.RoleResponder), Held: slices.DeleteFunc(held, func(c bot.Claim) bool { return !c.Holds(now) })}
	c.render(w, r, http.StatusOK, "targets", page{Title: "Targets", Section: "targets", Viewer: viewer, Main: m})
	return nil
}

// severities are those that a person can give, worst first.
var severities = []bot.Severity{bot.SeverityCritical, bot.SeverityHigh, bot.SeverityMedium, bot.SeverityLow, bot.SeverityInfo}

// showRaise is the form that makes an incident of what a person sees.
func (c *Console) showRaise(w http.ResponseWriter, r *http.Request, viewer bot.Person) error {
	if !viewer.Has(bot.RoleResponder) {
		return bot.Refuse(bot.RefusedForbidden, "You cannot raise an incident.", "A responder can: salve user edit NAME --role responder.")
	}
	c.render(w, r, http.StatusOK, "raise", page{Title: "Raise an incident", Section: "incidents", Viewer: viewer, Main: severities})
	return nil
}
