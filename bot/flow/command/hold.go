package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"salve/bot"
)

const (
	maxNotes  = 500
	maxSnooze = 7 * 24 * time.Hour
)

// living reads an incident that people can still work on.
func (d *Desk) living(ctx context.Context, id bot.IncidentID) (bot.Incident, error) {
	inc, err := d.store.Incident(ctx, id)
	if errors.Is(err, bot.ErrNotFound) {
		return inc, bot.Refuse(bot.RefusedUnknown, fmt.Sprintf("There is no incident %s.", id), "`salve incidents` lists what there is.")
	}
	if err != nil {
		return inc, err
	}
	switch inc.State() {
	case bot.IncidentMerged:
		return inc, bot.Refuse(bot.RefusedState, fmt.Sprintf("%s is part of %s now.", id, inc.MergedInto), "Use "+inc.MergedInto.String()+".")
	case bot.IncidentClosed:
		return inc, bot.Refuse(bot.RefusedState, fmt.Sprintf("%s is closed: %s.", id, inc.CloseReason), "Open it again: salve reopen "+id.String()+".")
	case bot.IncidentOpen, bot.IncidentResolved:
	}
	return inc, nil
}

// save writes an incident that becomes due, with its events.
func (d *Desk) save(ctx context.Context, o order, inc bot.Incident, change bot.Change, text string) (bot.Answer, error) {
	inc.DueAt = o.now
	change.Incidents = append(change.Incidents, inc)
	if err := d.commit(ctx, change); err != nil {
		return bot.Answer{}, err
	}
	return bot.Answer{Text: text, Incident: inc.ID}, nil
}

func (d *Desk) take(ctx context.Context, o order) (bot.Answer, error) {
	inc, err := d.living(ctx, o.Incident)
	if err != nil {
		return bot.Answer{}, err
	}
	if inc.Owner == o.By.ID {
		return bot.Answer{Text: fmt.Sprintf("%s is yours already.", inc.ID), Incident: inc.ID, Repeated: true}, nil
	}
	text := fmt.Sprintf("%s is yours. Automation on it and its targets pauses until you release it.", inc.ID)
	if inc.Owner != "" {
		text = fmt.Sprintf("%s was %s's and is yours now. Automation stays paused until you release it.", inc.ID, inc.OwnerName)
	}
	return d.own(ctx, o, owned(inc, o.By), o.event(bot.EventTaken, "took %s", inc.ID), text)
}

// owned makes a person the owner of an incident.
func owned(inc bot.Incident, p bot.Person) bot.Incident {
	inc.Owner, inc.OwnerName = p.ID, p.Name
	return inc
}

// own writes an incident with its new owner, who holds its targets too, and
// those that the owner before held through it.
func (d *Desk) own(ctx context.Context, o order, inc bot.Incident, e bot.Event, text string) (bot.Answer, error) {
	held, err := d.store.ClaimsOf(ctx, inc.ID)
	if err != nil {
		return bot.Answer{}, err
	}
	change := bot.Change{Claims: holds(o, inc, held), Events: []bot.Event{e}}
	return d.save(ctx, o, inc, change, text)
}

// holds are the claims of an incident's owner on its targets and on those that
// were held before.
func holds(o order, inc bot.Incident, before []bot.Claim) []bot.Claim {
	targets := slices.Clone(inc.Decision.Targets)
	for _, c := range before {
		if !slices.Contains(targets, c.Target) {
			targets = append(targets, c.Target)
		}
	}
	var out []bot.Claim
	for _, t := range targets {
		out = append(out, bot.Claim{Target: t, Incident: inc.ID, Holder: inc.Owner, Name: inc.OwnerName, At: o.now})
	}
	return out
}

func (d *Desk) release(ctx context.Context, o order) (bot.Answer, error) {
	inc, err := d.living(ctx, o.Incident)
	if err != nil {
		return bot.Answer{}, err
	}
	if inc.Owner == "" {
		return bot.Answer{Text: fmt.Sprintf("%s is nobody's.", inc.ID), Incident: inc.ID, Repeated: true}, nil
	}
	change := bot.Change{Events: []bot.Event{o.event(bot.EventReleased, "released %s, which was %s's", inc.ID, inc.OwnerName)}}
	inc.Owner, inc.OwnerName = "", ""
	if change.Claims, err = d.letGo(ctx, inc.ID); err != nil {
		return bot.Answer{}, err
	}
	return d.save(ctx, o, inc, change, fmt.Sprintf("%s is released; automation goes on.", inc.ID))
}

// letGo gives the claims of an incident, marked as released.
func (d *Desk) letGo(ctx context.Context, id bot.IncidentID) ([]bot.Claim, error) {
	claims, err := d.store.ClaimsOf(ctx, id)
	for i := range claims {
		claims[i].Released = true
	}
	return claims, err
}

// successor is somebody who can own an incident.
func (d *Desk) successor(ctx context.Context, id string) (bot.Person, error) {
	p, err := d.store.Person(ctx, bot.PersonID(id))
	if errors.Is(err, bot.ErrNotFound) {
		return p, bot.Refuse(bot.RefusedUnknown, fmt.Sprintf("There is nobody called %q.", id), "salve user list shows who there is.")
	}
	if err == nil && p.Disabled {
		return p, bot.Refuse(bot.RefusedState, p.Name+" is disabled and could do nothing with it.", "Name somebody else, or have an admin change that: salve user enable "+id+".")
	}
	if err == nil && !p.Has(bot.RoleResponder) {
		return p, bot.Refuse(bot.RefusedState, p.Name+" is not a responder and could do nothing with it.", "Name somebody else, or have an admin change that: salve user edit "+id+" --role responder.")
	}
	return p, err
}

func (d *Desk) assign(ctx context.Context, o order) (bot.Answer, error) {
	inc, err := d.living(ctx, o.Incident)
	if err != nil {
		return bot.Answer{}, err
	}
	p, err := d.successor(ctx, o.To)
	if err != nil {
		return bot.Answer{}, err
	}
	if inc.Owner == p.ID {
		return bot.Answer{Text: fmt.Sprintf("%s is %s's already.", inc.ID, p.Name), Incident: inc.ID, Repeated: true}, nil
	}
	return d.own(ctx, o, owned(inc, p), o.event(bot.EventAssigned, "gave %s to %s", inc.ID, p.Name), fmt.Sprintf("%s is %s's.", inc.ID, p.Name))
}

func (d *Desk) handover(ctx context.Context, o order) (bot.Answer, error) {
	inc, err := d.living(ctx, o.Incident)
	if err != nil {
		return bot.Answer{}, err
	}
	p, err := d.successor(ctx, o.To)
	if err != nil {
		return bot.Answer{}, err
	}
	text := "Handed over to " + p.Name + ": " + strings.TrimSpace(o.Reason)
	if inc.Owner == p.ID && said(inc, o, text) {
		return bot.Answer{Text: fmt.Sprintf("%s is handed over to %s already.", inc.ID, p.Name), Incident: inc.ID, Repeated: true}, nil
	}
	if inc, err = noted(inc, o, text); err != nil {
		return bot.Answer{}, err
	}
	e := o.event(bot.EventHandover, "handed %s over to %s: %s", inc.ID, p.Name, strings.TrimSpace(o.Reason))
	return d.own(ctx, o, owned(inc, p), e, fmt.Sprintf("%s is handed over to %s.", inc.ID, p.Name))
}

func (d *Desk) note(ctx context.Context, o order) (bot.Answer, error) {
	inc, err := d.store.Incident(ctx, o.Incident)
	if err != nil {
		return bot.Answer{}, err
	}
	text := strings.TrimSpace(o.Reason)
	if said(inc, o, text) {
		return bot.Answer{Text: "You have noted that on " + inc.ID.String() + " already.", Incident: inc.ID, Repeated: true}, nil
	}
	if inc, err = noted(inc, o, text); err != nil {
		return bot.Answer{}, err
	}
	change := bot.Change{Incidents: []bot.Incident{inc}, Events: []bot.Event{o.event(bot.EventNoted, "noted on %s: %s", inc.ID, text)}}
	if err := d.commit(ctx, change); err != nil {
		return bot.Answer{}, err
	}
	return bot.Answer{Text: "Noted on " + inc.ID.String() + ".", Incident: inc.ID}, nil
}

// said reports whether this was the last that the person noted.
func said(inc bot.Incident, o order, text string) bool {
	for _, n := range slices.Backward(inc.Notes) {
		if n.By.Person == o.by.Person {
			return n.Text == text
		}
	}
	return false
}

func noted(inc bot.Incident, o order, text string) (bot.Incident, error) {
	if len(inc.Notes) >= maxNotes {
		return inc, bot.Refuse(bot.RefusedState, fmt.Sprintf("%s has %d notes already.", inc.ID, maxNotes), "Go on in a document, and link to it from the last note.")
	}
	inc.Notes = append(inc.Notes[:len(inc.Notes):len(inc.Notes)], bot.Note{At: o.now, By: o.by, Text: text})
	return inc, nil
}

func (d *Desk) snooze(ctx context.Context, o order) (bot.Answer, error) {
	inc, err := d.living(ctx, o.Incident)
	if err != nil {
		return bot.Answer{}, err
	}
	if o.For.Std() < time.Minute || o.For.Std() > maxSnooze {
		return bot.Answer{}, bot.Refuse(bot.RefusedInput, "A snooze lasts 1 minute to 7 days.", fmt.Sprintf("For example: salve snooze %s 30m", inc.ID))
	}
	had := inc.SnoozedUntil
	inc.SnoozedUntil = o.now.Add(o.For.Std())
	until := inc.SnoozedUntil.Format("2006-01-02 15:04 UTC")
	if inc.SnoozedUntil.Sub(had).Abs() < time.Minute {
		return bot.Answer{Text: fmt.Sprintf("%s is quiet until %s already.", inc.ID, had.Format("2006-01-02 15:04 UTC")), Incident: inc.ID, Repeated: true}, nil
	}
	change := bot.Change{Events: []bot.Event{o.event(bot.EventSnoozed, "snoozed %s until %s", inc.ID, until)}}
	return d.save(ctx, o, inc, change, fmt.Sprintf("%s is quiet until %s: nothing is proposed, nothing runs by itself.", inc.ID, until))
}
