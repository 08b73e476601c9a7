package command

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"salve/bot"
)

const (
	usualClaim = 2 * time.Hour
	minClaim   = time.Minute
	maxClaim   = 24 * time.Hour
	maxHeld    = 500 // targets held at once, by all people together
	maxWaiting = 50  // incidents looked at again at once when a claim ends; the others look by themselves within a minute
	maxOpen    = 500 // open incidents that are searched for those
)

// claim holds a target for a person until a time, without an incident.
func (d *Desk) claim(ctx context.Context, o order) (bot.Answer, error) {
	o.Name = strings.TrimSpace(o.Name)
	lasts := cmp.Or(o.For.Std(), usualClaim)
	if lasts < minClaim || lasts > maxClaim {
		return bot.Answer{}, bot.Refuse(bot.RefusedInput, "A claim lasts 1 minute to 24 hours.", "For example: salve claim "+o.Name+" --for 2h")
	}
	h, err := d.store.History(ctx, "", o.Name)
	if err != nil {
		return bot.Answer{}, err
	}
	c := bot.Claim{Target: o.Name, Holder: o.By.ID, Name: o.By.Name, At: o.now, Until: o.now.Add(lasts), Reason: strings.TrimSpace(o.Reason)}
	if have := standingClaim(h.Claims, o.now); have != nil {
		if have.Incident != 0 || have.Holder != c.Holder {
			return bot.Answer{}, held(*have)
		}
		c.Reason = cmp.Or(c.Reason, have.Reason)
		if c.Until.Sub(have.Until) < minClaim && c.Reason == have.Reason {
			return bot.Answer{Text: fmt.Sprintf("%s is yours until %s already.", c.Target, at(have.Until)), Repeated: true}, nil
		}
		if have.Until.After(c.Until) {
			c.Until = have.Until
		}
	}
	change := bot.Change{Claims: []bot.Claim{c}}
	if change.Claims, err = d.withoutOver(ctx, o, change.Claims); err != nil {
		return bot.Answer{}, err
	}
	e := o.event(bot.EventClaimed, "holds %s until %s%s", c.Target, at(c.Until), because(c.Reason))
	e.Data = claimData(c)
	change.Events = []bot.Event{e}
	if err := d.commit(ctx, change); err != nil {
		return bot.Answer{}, err
	}
	text := fmt.Sprintf("%s is yours until %s: nothing is proposed there and nothing runs by itself. Give it back: salve unclaim %s.", c.Target, at(c.Until), c.Target)
	if r := h.Active; r != nil {
		text += fmt.Sprintf(" %s (%s) is %s there and goes on; to stop it: salve cancel %s.", r.ID, r.Playbook, r.State, r.ID)
	}
	return bot.Answer{Text: text}, nil
}

// unclaim gives a target back, which its holder may and every responder.
func (d *Desk) unclaim(ctx context.Context, o order) (bot.Answer, error) {
	o.Name = strings.TrimSpace(o.Name)
	h, err := d.store.History(ctx, "", o.Name)
	if err != nil {
		return bot.Answer{}, err
	}
	c := standingClaim(h.Claims, o.now)
	switch {
	case c == nil:
		return bot.Answer{Text: "Nobody holds " + o.Name + ".", Repeated: true}, nil
	case c.Incident != 0:
		return bot.Answer{}, held(*c)
	case c.Holder != o.By.ID && !o.By.Has(bot.RoleResponder):
		return bot.Answer{}, bot.Refuse(bot.RefusedForbidden, fmt.Sprintf("%s holds %s, and %s is not a responder.", c.Name, o.Name, o.By.Name),
			"An admin can change that: salve user edit "+string(o.By.ID)+" --role responder.")
	}
	c.Released = true
	e := o.event(bot.EventUnclaimed, "gave %s back", c.Target)
	if c.Holder != o.By.ID {
		e = o.event(bot.EventUnclaimed, "gave %s back, which %s held until %s", c.Target, c.Name, at(c.Until))
	}
	e.Data = claimData(*c)
	change := bot.Change{Claims: []bot.Claim{*c}, Events: []bot.Event{e}}
	if change.Incidents, err = d.waitingFor(ctx, o, c.Target); err != nil {
		return bot.Answer{}, err
	}
	if err := d.commit(ctx, change); err != nil {
		return bot.Answer{}, err
	}
	return bot.Answer{Text: c.Target + " is given back; automation goes on there."}, nil
}

// standingClaim is the hold that stands on a target: a person's own before those
// that come of incidents.
func standingClaim(claims []bot.Claim, now time.Time) *bot.Claim {
	for i, c := range claims { // by incident, so the one without comes first
		if c.Holds(now) {
			return &claims[i]
		}
	}
	return nil
}

// held says who holds a target.
func held(c bot.Claim) *bot.Refusal {
	if c.Incident != 0 {
		return bot.Refuse(bot.RefusedState, fmt.Sprintf("%s holds %s with %s.", cmp.Or(c.Name, string(c.Holder)), c.Target, c.Incident),
			fmt.Sprintf("Talk to them, or release the incident: salve release %s.", c.Incident))
	}
	return bot.Refuse(bot.RefusedState, fmt.Sprintf("%s holds %s until %s%s.", cmp.Or(c.Name, string(c.Holder)), c.Target, at(c.Until), because(c.Reason)),
		"Talk to them; any responder can give it back: salve unclaim "+c.Target+".")
}

// withoutOver drops claims whose time is over along with a new one, so that they
// do not pile up, and refuses when too many stand.
func (d *Desk) withoutOver(ctx context.Context, o order, next []bot.Claim) ([]bot.Claim, error) {
	all, err := d.store.ClaimsOf(ctx, 0)
	if err != nil {
		return nil, err
	}
	stand := 0
	for _, c := range all {
		switch {
		case c.Target == o.Name:
		case c.Holds(o.now):
			stand++
		default:
			c.Released = true
			next = append(next, c)
		}
	}
	if stand >= maxHeld {
		return nil, bot.Refuse(bot.RefusedState, fmt.Sprintf("%d targets are held already.", stand), "Give back what nobody works on: salve claims lists them.")
	}
	return next, nil
}

// waitingFor are open incidents that lead to the target, due now.
func (d *Desk) waitingFor(ctx context.Context, o order, target string) ([]bot.Incident, error) {
	open, err := d.store.Incidents(ctx, bot.IncidentQuery{States: []bot.IncidentState{bot.IncidentOpen}, Limit: maxOpen})
	if err != nil {
		return nil, err
	}
	var out []bot.Incident
	for _, inc := range open {
		if inc.Decision.Considers(target) && len(out) < maxWaiting {
			inc.DueAt = o.now
			out = append(out, inc)
		}
	}
	return out, nil
}

func claimData(c bot.Claim) map[string]string {
	data := map[string]string{"target": c.Target, "holder": string(c.Holder), "until": c.Until.UTC().Format(time.RFC3339)}
	if c.Reason != "" {
		data["reason"] = c.Reason
	}
	return data
}

// because is a reason behind a sentence; "" without one.
func because(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + reason + ")"
}

func at(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
