package command

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"salve/bot"
	"salve/bot/runner"
)

const maxAsks = 20 // that wait on one incident

func (d *Desk) run(ctx context.Context, o order) (bot.Answer, error) {
	if o.Approval != 0 {
		return d.edit(ctx, o)
	}
	inc, err := d.living(ctx, o.Incident)
	if err != nil {
		return bot.Answer{}, err
	}
	if r := d.within(o.Playbook, o.Params); r != nil {
		return bot.Answer{}, r
	}
	ask := bot.Ask{Kind: bot.AskRun, By: o.by, At: o.now, Playbook: o.Playbook, Params: o.Params}
	if before, err := d.askedBefore(ctx, inc, ask); err != nil || before.Repeated {
		return before, err
	}
	what := fmt.Sprintf("asked for %s on %s", o.Playbook, inc.ID)
	return d.ask(ctx, o, inc, ask, what)
}

// askedBefore finds the open question that came of the same request.
func (d *Desk) askedBefore(ctx context.Context, inc bot.Incident, ask bot.Ask) (bot.Answer, error) {
	open, err := d.store.Approvals(ctx, bot.ApprovalQuery{Incident: inc.ID, States: []bot.ApprovalState{bot.ApprovalPending}, Limit: 200})
	if err != nil {
		return bot.Answer{}, err
	}
	for _, a := range open {
		p, err := d.store.Plan(ctx, a.Plan)
		if err != nil {
			return bot.Answer{}, err
		}
		if cameOf(p, ask) {
			return bot.Answer{Text: "That was asked for already. " + standing(a), Incident: inc.ID, Approval: a.ID, Repeated: true}, nil
		}
	}
	return bot.Answer{}, nil
}

func cameOf(p bot.Plan, ask bot.Ask) bool {
	if ask.Kind == bot.AskUndo {
		return p.Kind == bot.PlanUndo && p.Undoes == ask.Run
	}
	if p.Kind != bot.PlanRespond || p.Playbook != ask.Playbook || p.AskedBy.Person == "" || p.AskedBy.Person != ask.By.Person {
		return false
	}
	for k, v := range ask.Params {
		if p.Params[k] != v {
			return false
		}
	}
	return true
}

// ask leaves a request for the decide leg, which plans it.
func (d *Desk) ask(ctx context.Context, o order, inc bot.Incident, ask bot.Ask, what string) (bot.Answer, error) {
	for _, a := range inc.Asked {
		if a.Kind == ask.Kind && a.Playbook == ask.Playbook && a.Run == ask.Run && a.Replaces == ask.Replaces && a.By.Person == ask.By.Person && maps.Equal(a.Params, ask.Params) {
			return bot.Answer{Text: "You have asked for it; the plan is being made.", Incident: inc.ID, Repeated: true}, nil
		}
	}
	if len(inc.Asked) >= maxAsks {
		return bot.Answer{}, bot.Refuse(bot.RefusedLater, fmt.Sprintf("%d requests wait on %s already.", maxAsks, inc.ID), "Try again in a moment.")
	}
	inc.Asked = append(inc.Asked[:len(inc.Asked):len(inc.Asked)], ask)
	change := bot.Change{Events: []bot.Event{o.event(bot.EventAsked, "%s", what)}}
	if inc.MergedInto != 0 { // an undo stays with the run; those who look at what it is part of now are told
		told := o.event(bot.EventAsked, "%s; the question stands on %s", what, inc.ID)
		told.Incident = inc.MergedInto
		change.Events = append(change.Events, told)
	}
	return d.save(ctx, o, inc, change, fmt.Sprintf("Asked. The plan will stand on %s in a moment, for somebody else to approve: salve show %s.", inc.ID, inc.ID))
}

func (d *Desk) undo(ctx context.Context, o order) (bot.Answer, error) {
	r, err := d.store.Run(ctx, o.Run)
	if err != nil {
		return bot.Answer{}, err
	}
	o.Incident = r.Incident
	switch {
	case r.Active():
		return bot.Answer{}, bot.Refuse(bot.RefusedState, fmt.Sprintf("%s is %s; only a run that is over can be undone.", r.ID, r.State), fmt.Sprintf("To stop it and undo what it did: salve cancel %s.", r.ID))
	case r.Kind == bot.PlanUndo:
		return bot.Answer{}, bot.Refuse(bot.RefusedState, r.ID.String()+" is an undo itself.", "Run the playbook again if it is needed after all.")
	case r.UndoneBy != 0:
		return bot.Answer{Text: fmt.Sprintf("%s was undone by %s.", r.ID, r.UndoneBy), Incident: r.Incident, Run: r.UndoneBy, Repeated: true}, nil
	case !r.Changed(), r.UndoUntil.IsZero():
		return bot.Answer{}, bot.Refuse(bot.RefusedState, r.ID.String()+" did nothing that could be undone.", "What its steps did: salve show "+r.ID.String()+".")
	case !o.now.Before(r.UndoUntil):
		return bot.Answer{}, bot.Refuse(bot.RefusedState, fmt.Sprintf("%s could be undone until %s.", r.ID, r.UndoUntil.Format("2006-01-02 15:04 UTC")), "Look at the target and write a playbook for what is needed now.")
	}
	// Incidents close long before a run can no longer be undone.
	inc, err := d.store.Incident(ctx, r.Incident)
	if err != nil {
		return bot.Answer{}, err
	}
	ask := bot.Ask{Kind: bot.AskUndo, By: o.by, At: o.now, Run: r.ID}
	if before, err := d.askedBefore(ctx, inc, ask); err != nil || before.Repeated {
		return before, err
	}
	return d.ask(ctx, o, inc, ask, "asked to undo "+r.ID.String())
}

func (d *Desk) cancel(ctx context.Context, o order) (bot.Answer, error) {
	r, err := d.store.Run(ctx, o.Run)
	if err != nil {
		return bot.Answer{}, err
	}
	o.Incident = r.Incident
	if r.CancelBy.Name != "" {
		text := fmt.Sprintf("%s was cancelled by %s already; it is %s.", r.ID, r.CancelBy.Name, r.State)
		switch {
		case runner.InFlight(r):
			text = fmt.Sprintf("%s was cancelled by %s already; it stops when its present step is over.", r.ID, r.CancelBy.Name)
		case r.State == bot.RunWaiting:
			text = fmt.Sprintf("%s was cancelled by %s already; it waits for somebody to settle it: %s.", r.ID, r.CancelBy.Name, r.Reason)
		}
		return bot.Answer{Text: text, Incident: r.Incident, Run: r.ID, Repeated: true}, nil
	}
	next, err := runner.Cancel(r, o.by, o.now)
	if err != nil {
		return bot.Answer{}, err
	}
	text := fmt.Sprintf("%s is cancelled; it had done nothing.", r.ID)
	switch {
	case runner.InFlight(next):
		text = fmt.Sprintf("%s stops when its present step is over; what it did is undone where it can be.", r.ID)
	case next.Active():
		text = fmt.Sprintf("%s is cancelled; what it did is being undone where it can be.", r.ID)
	}
	return d.moveRun(ctx, o, next, o.event(bot.EventCancelAsked, "cancelled %s (%s on %s)", r.ID, r.Playbook, r.Target), text)
}

func (d *Desk) settle(ctx context.Context, o order) (bot.Answer, error) {
	r, err := d.store.Run(ctx, o.Run)
	if err != nil {
		return bot.Answer{}, err
	}
	o.Incident = r.Incident
	p, err := d.store.Plan(ctx, r.Plan)
	if err != nil {
		return bot.Answer{}, err
	}
	if before, err := d.settledBefore(ctx, o, r); err != nil || before.Repeated {
		return before, err
	}
	if o.Seen != 0 && o.Seen != r.Version {
		return bot.Answer{}, bot.Refuse(bot.RefusedState, r.ID.String()+" has moved on since you looked at it: "+string(r.State)+".", "Look again: salve show "+r.ID.String()+".")
	}
	next, err := runner.Settle(r, p, o.Settle, o.by, o.now)
	if err != nil {
		return bot.Answer{}, err
	}
	e := o.event(bot.EventStepSettled, "settled %s as %s (%s on %s)", r.ID, o.Settle, r.Playbook, r.Target)
	e.Plan, e.Data = r.Plan, map[string]string{"settlement": string(o.Settle), "waited_for": r.Reason}
	return d.moveRun(ctx, o, next, e, fmt.Sprintf("Recorded. %s is %s.", r.ID, next.State))
}

// settledBefore answers a settlement that the person has given before, and that
// took the run on.
func (d *Desk) settledBefore(ctx context.Context, o order, r bot.Run) (bot.Answer, error) {
	if r.State == bot.RunWaiting {
		return bot.Answer{}, nil
	}
	events, err := d.store.Events(ctx, bot.EventQuery{Run: r.ID, Last: true, Limit: lookBack})
	if err != nil {
		return bot.Answer{}, err
	}
	for _, e := range slices.Backward(events) {
		if e.Kind == bot.EventStepSettled {
			same := e.Actor.Person == o.by.Person && e.Data["settlement"] == string(o.Settle)
			return bot.Answer{Text: fmt.Sprintf("You have said so already; %s is %s.", r.ID, r.State), Incident: r.Incident, Run: r.ID, Repeated: same}, nil
		}
	}
	return bot.Answer{}, nil
}

// moveRun writes a run and makes its incident due.
func (d *Desk) moveRun(ctx context.Context, o order, r bot.Run, e bot.Event, text string) (bot.Answer, error) {
	inc, err := d.store.Incident(ctx, r.Incident)
	if err != nil {
		return bot.Answer{}, err
	}
	inc.DueAt = o.now
	change := bot.Change{Runs: []bot.Run{r}, Incidents: []bot.Incident{inc}, Events: []bot.Event{e}}
	if !r.Active() {
		ended := o.event(bot.EventRunEnded, "ended %s: %s", r.ID, r.State)
		ended.Plan = r.Plan
		change.Events = append(change.Events, ended)
		if err := d.markUndone(ctx, &change, r); err != nil {
			return bot.Answer{}, err
		}
	}
	if err := d.commit(ctx, change); err != nil {
		return bot.Answer{}, err
	}
	return bot.Answer{Text: text, Incident: r.Incident, Run: r.ID}, nil
}

// markUndone notes on a run that this one, which a person has settled to its
// end, has undone it.
func (d *Desk) markUndone(ctx context.Context, change *bot.Change, r bot.Run) error {
	if r.Kind != bot.PlanUndo || r.State != bot.RunFixed && r.State != bot.RunUnverified {
		return nil
	}
	p, err := d.store.Plan(ctx, r.Plan)
	if err != nil || p.Undoes == 0 {
		return err
	}
	of, err := d.store.Run(ctx, p.Undoes)
	if err != nil {
		return err
	}
	of.UndoneBy = r.ID
	change.Runs = append(change.Runs, of)
	return nil
}

func (d *Desk) replay(ctx context.Context, o order) (bot.Answer, error) {
	return d.payloads.Replay(ctx, o.Quarantine, o.by)
}

func (d *Desk) discard(ctx context.Context, o order) (bot.Answer, error) {
	return d.payloads.Discard(ctx, o.Quarantine, o.by)
}
