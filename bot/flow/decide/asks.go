package decide

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"salve/bot"
	"salve/bot/guard"
	"salve/bot/plan"
)

// takeUp turns what people asked for into questions, or says why not.
func (k *look) takeUp(ctx context.Context) error {
	k.inc.Asked = nil
	for _, a := range k.was.Asked {
		refusal, err := k.takeUpOne(ctx, a)
		if err != nil {
			return err
		}
		if refusal != "" {
			k.refuse(a, refusal)
		}
	}
	return nil
}

func (k *look) takeUpOne(ctx context.Context, a bot.Ask) (refusal string, err error) {
	switch a.Kind {
	case bot.AskRun:
		return k.askRun(ctx, a)
	case bot.AskUndo:
		return k.askUndo(ctx, a)
	default:
		return fmt.Sprintf("%q is not something that can be asked for", a.Kind), nil
	}
}

// refuse answers an Ask that comes to nothing, where everybody can read it.
func (k *look) refuse(a bot.Ask, why string) {
	what := a.Playbook
	if a.Kind == bot.AskUndo {
		what = "the undo of " + a.Run.String()
	}
	text := a.By.Name + " asked for " + what + ", which is not proposed: " + why
	k.inc.Notes = append(k.inc.Notes[:len(k.inc.Notes):len(k.inc.Notes)], bot.Note{At: k.now, By: bot.Salve, Text: text})
	k.event(bot.Event{Kind: bot.EventNoted, Run: a.Run, Text: text})
}

// askRun proposes a playbook for each target that its alerts give, else for the
// first alert that it can be planned for, although it does not fit.
func (k *look) askRun(ctx context.Context, a bot.Ask) (string, error) {
	if state := k.inc.State(); state == bot.IncidentClosed || state == bot.IncidentMerged {
		return "the incident is " + string(state), nil
	}
	if a.Replaces != 0 {
		return k.askInstead(ctx, a)
	}
	plans, refusal := k.plansFor(a)
	proposed := 0
	for _, p := range plans {
		no, err := k.propose(ctx, p, 0)
		if err != nil {
			return "", err
		}
		if no == "" {
			proposed++
			continue
		}
		refusal = no
	}
	if proposed > 0 {
		return "", nil
	}
	return refusal, nil
}

func (k *look) plansFor(a bot.Ask) (plans []bot.Plan, refusal string) {
	refusal = "the incident has no alert to plan it for"
	var other []bot.Plan
	seen := map[string]bool{}
	for _, alert := range k.alerts {
		p, err := k.lib.Plans.Build(plan.Input{
			Playbook: a.Playbook, Incident: k.inc, Alert: alert, Params: a.Params, AskedBy: a.By, Now: k.now,
		})
		switch {
		case err != nil:
			refusal = err.Error()
		case seen[p.Target] || len(plans) == maxTargets:
		case alert.State == bot.AlertFiring && k.lib.fits(a.Playbook, alert, k.inc):
			seen[p.Target] = true
			plans = append(plans, p)
		case len(other) == 0:
			other = append(other, p)
		}
	}
	if len(plans) == 0 {
		plans = other
	}
	return plans, refusal
}

func (k *look) askUndo(ctx context.Context, a bot.Ask) (string, error) {
	run, err := k.leg.store.Run(ctx, a.Run)
	if errors.Is(err, bot.ErrNotFound) {
		return "there is no run " + a.Run.String(), nil
	}
	if err != nil {
		return "", fmt.Errorf("read %s: %w", a.Run, err)
	}
	if why := k.cannotUndo(run); why != "" {
		return why, nil
	}
	of, err := k.leg.store.Plan(ctx, run.Plan)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", run.Plan, err)
	}
	p, err := plan.Undo(run, of, a.By, k.now)
	if err != nil {
		return err.Error(), nil
	}
	return k.propose(ctx, p, 0)
}

func (k *look) cannotUndo(run bot.Run) string {
	switch {
	case run.Incident != k.inc.ID:
		return run.ID.String() + " belongs to " + run.Incident.String() + "; ask there"
	case run.Active():
		return run.ID.String() + " is not over; cancel it instead: salve cancel " + run.ID.String()
	case run.UndoneBy != 0:
		return run.UndoneBy.String() + " has undone " + run.ID.String() + " already"
	case run.UndoUntil.IsZero():
		return run.ID.String() + " has nothing that can be undone"
	case k.now.After(run.UndoUntil):
		return run.ID.String() + " could be undone until " + clock(run.UndoUntil)
	default:
		return ""
	}
}

// propose opens the question about a plan that a person asked for. A question
// that the alerts opened about the target makes room for it, and so does the one
// that it replaces.
func (k *look) propose(ctx context.Context, p bot.Plan, replaces bot.ApprovalID) (refusal string, err error) {
	p.Incident = k.inc.ID
	v, err := k.judge(ctx, p, time.Time{})
	if err != nil {
		return "", err
	}
	if v.Ruling == bot.Deny {
		return v.Reason, nil
	}
	for i, a := range k.approvals {
		if a.Target != p.Target || a.State != bot.ApprovalPending || a.ID == replaces {
			continue
		}
		if a.Digest == p.Digest || asked(k.plans[a.Plan]) {
			return a.ID.String() + " already asks about " + a.Playbook + " on " + a.Target + "; decide that first", nil
		}
		k.takeBack(i, p.AskedBy.Name+" asked for "+p.Playbook+" instead")
	}
	if v.Ruling == bot.Allow { // the guard holds such plans to an approval; nothing here rests on that
		v = bot.Judge("guard", append(v.Children, bot.Verdict{Ruling: bot.AskPerson, Rule: guard.RuleAsked, Reason: "a person asked for it, so it needs an approval"})...)
	}
	opened := k.open(p, v)
	if i := k.question(replaces); i >= 0 {
		k.takeBack(i, "superseded by "+opened.ID.String()+", asked for by "+p.AskedBy.Name)
	}
	return "", nil
}

// question finds an open question by its id; -1: it is not open.
func (k *look) question(id bot.ApprovalID) int {
	return slices.IndexFunc(k.approvals, func(a bot.Approval) bool {
		return id != 0 && a.ID == id && a.State == bot.ApprovalPending
	})
}

// askInstead plans the playbook of an open question with other params, for the
// same alert and the same target.
func (k *look) askInstead(ctx context.Context, a bot.Ask) (string, error) {
	i := k.question(a.Replaces)
	if i < 0 {
		return a.Replaces.String() + " is not open any more", nil
	}
	old, known := k.plans[k.approvals[i].Plan]
	if !known || old.Kind != bot.PlanRespond || old.Playbook != a.Playbook {
		return a.Replaces.String() + " is not about " + a.Playbook, nil
	}
	at := slices.IndexFunc(k.alerts, func(x bot.Alert) bool { return x.AlertKey == old.Alert })
	if at < 0 {
		return "the alert that " + a.Replaces.String() + " was made for is not among those at hand; ask for it anew", nil
	}
	p, err := k.lib.Plans.Build(plan.Input{
		Playbook: a.Playbook, Incident: k.inc, Alert: k.alerts[at], Params: a.Params, AskedBy: a.By, Now: k.now,
	})
	switch {
	case err != nil:
		return err.Error(), nil
	case p.Target != old.Target:
		return "it would touch " + p.Target + " and not " + old.Target + "; ask for it by itself", nil
	}
	return k.propose(ctx, p, a.Replaces)
}
