package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"salve/bot"
	"salve/bot/approval"
	"salve/bot/runner"
)

func (d *Desk) approve(ctx context.Context, o order) (bot.Answer, error) {
	if len(o.Digest) < 8 {
		return bot.Answer{}, bot.Refuse(bot.RefusedInput, "Approving names the plan that you have read, by at least 8 characters of its digest.",
			fmt.Sprintf("Read it: salve show %s. Then: salve approve %s DIGEST.", o.Incident, o.Incident))
	}
	return d.vote(ctx, o, true)
}

func (d *Desk) deny(ctx context.Context, o order) (bot.Answer, error) { return d.vote(ctx, o, false) }

// vote casts a vote on the one question that the command names.
func (d *Desk) vote(ctx context.Context, o order, yes bool) (bot.Answer, error) {
	a, err := d.question(ctx, o)
	if err != nil {
		return bot.Answer{}, err
	}
	o.Incident = a.Incident
	typed := bot.Digest(o.Digest)
	if o.Digest == "" {
		typed = a.Digest
	}
	before := len(a.Votes)
	a, err = approval.Cast(a, o.By, bot.Vote{Surface: o.Surface, Digest: typed, Yes: yes, Reason: o.Reason}, o.expiry)
	if err != nil {
		if err := d.expire(ctx, o, a); err != nil {
			return bot.Answer{}, err
		}
		return bot.Answer{}, decided(a, err)
	}
	if len(a.Votes) == before {
		return bot.Answer{Text: "You have said so already. " + standing(a), Incident: a.Incident, Approval: a.ID, Repeated: true}, nil
	}
	change := bot.Change{Approvals: []bot.Approval{a}, Events: []bot.Event{voted(o, a, yes)}}
	switch a.State {
	case bot.ApprovalApproved:
		return d.start(ctx, o, a, change)
	case bot.ApprovalDenied:
		return d.refuse(ctx, o, a, change)
	case bot.ApprovalPending, bot.ApprovalExpired, bot.ApprovalWithdrawn:
	}
	if err := d.commit(ctx, change); err != nil {
		return bot.Answer{}, err
	}
	counts := "Your vote counts. "
	if slices.Contains(a.Tally().Half, o.By.Name) {
		counts = fmt.Sprintf("Noted. It counts when you say so on another surface, too: the console, chat, or salve approve %s %s. ", a.Incident, a.Digest.Short())
	}
	return bot.Answer{Text: counts + standing(a), Incident: a.Incident, Approval: a.ID}, nil
}

// decided adds to a refusal when it was decided; it says by whom already.
func decided(a bot.Approval, err error) error {
	r, ok := errors.AsType[*bot.Refusal](err)
	if !ok || r.Code != bot.RefusedState || a.DecidedAt.IsZero() || a.State == bot.ApprovalExpired {
		return err
	}
	return bot.Refuse(r.Code, r.Why+" That was at "+a.DecidedAt.UTC().Format("2006-01-02 15:04:05 UTC")+".", r.Next)
}

// expire writes down that the time of a question is over, if it is. Nothing
// changes on the target.
func (d *Desk) expire(ctx context.Context, o order, a bot.Approval) error {
	late, over := approval.Expire(a, o.expiry)
	if !over {
		return nil
	}
	inc, err := d.store.Incident(ctx, a.Incident)
	if err != nil {
		return err
	}
	inc.DueAt = o.now
	event := bot.Event{At: o.now, Kind: bot.EventExpired, Actor: bot.Salve, Incident: a.Incident, Approval: a.ID, Plan: a.Plan}
	event.Text = fmt.Sprintf("nobody decided about %s on %s in time; nothing was changed there", a.Playbook, a.Target)
	call := event
	call.Kind, call.Text = bot.EventEscalated, fmt.Sprintf("a person is needed: take %s, or ask again: salve run %s %s", a.Incident, a.Playbook, a.Incident)
	return d.commit(ctx, bot.Change{
		Approvals: []bot.Approval{late}, Incidents: []bot.Incident{inc}, Events: []bot.Event{event, call},
	})
}

func standing(a bot.Approval) string {
	if a.State != bot.ApprovalPending {
		return fmt.Sprintf("%s for %s on %s is %s.", a.ID, a.Playbook, a.Target, a.State)
	}
	return fmt.Sprintf("%s for %s on %s still waits; needed: %s.", a.ID, a.Playbook, a.Target, approval.WhoMay(a))
}

func voted(o order, a bot.Approval, yes bool) bot.Event {
	word, because := "yes", ""
	if !yes {
		word, because = "no", ": "+strings.TrimSpace(o.Reason)
	}
	e := o.event(bot.EventVoted, "said %s to plan %s (%s on %s)%s", word, a.Digest.Short(), a.Playbook, a.Target, because)
	e.Approval, e.Plan = a.ID, a.Plan
	e.Data = map[string]string{"digest": string(a.Digest), "surface": o.Surface, "vote": word}
	if reason := strings.TrimSpace(o.Reason); reason != "" {
		e.Data["reason"] = reason
	}
	if v := a.Votes[len(a.Votes)-1]; len(v.Groups) > 0 {
		e.Data["relied_on"] = strings.Join(v.Groups, " ")
	}
	o.Basis.AddTo(e.Data)
	return e
}

// question finds what is voted on: the approval that is named, else the pending
// one of the incident that the digest names, else the only one.
func (d *Desk) question(ctx context.Context, o order) (bot.Approval, error) {
	if o.Approval != 0 {
		return d.store.Approval(ctx, o.Approval)
	}
	if o.Incident == 0 {
		return bot.Approval{}, bot.Refuse(bot.RefusedInput, "This needs an incident.", "`salve approvals` lists what waits.")
	}
	if _, err := d.store.Incident(ctx, o.Incident); err != nil {
		return bot.Approval{}, err
	}
	all, err := d.store.Approvals(ctx, bot.ApprovalQuery{Incident: o.Incident, Limit: 200})
	if err != nil {
		return bot.Approval{}, err
	}
	var pending, named []bot.Approval
	for _, a := range all {
		if a.Digest.Matches(o.Digest) {
			named = append(named, a)
		}
		if a.State == bot.ApprovalPending {
			pending = append(pending, a)
		}
	}
	switch {
	case len(named) > 0:
		return latest(named, o)
	case len(pending) == 1 && o.Digest == "":
		return pending[0], nil
	case len(pending) == 0 && len(all) > 0 && o.Digest == "":
		return all[0], nil // Cast says how it was decided
	case len(pending) == 0 && o.Digest == "":
		return bot.Approval{}, bot.Refuse(bot.RefusedState, fmt.Sprintf("Nothing of %s waits for an approval.", o.Incident), "Read it as it is now: salve show "+o.Incident.String())
	case len(pending) == 0:
		return bot.Approval{}, bot.Refuse(bot.RefusedState, fmt.Sprintf("No plan of %s has the digest %s, and nothing of it waits.", o.Incident, o.Digest), "Read it as it is now: salve show "+o.Incident.String())
	case o.Digest == "":
		return bot.Approval{}, bot.Refuse(bot.RefusedInput, fmt.Sprintf("%d plans of %s wait: %s.", len(pending), o.Incident, list(pending)), "Name the digest of one.")
	default:
		return bot.Approval{}, bot.Refuse(bot.RefusedMoved, fmt.Sprintf("No plan of %s has the digest %s. What waits: %s.", o.Incident, o.Digest, list(pending)), "Read the plan as it is now: salve show "+o.Incident.String())
	}
}

// latest is the newest question about the plan that was typed, decided or not.
// Whoever sends alerts can shape a plan until its digest begins like that of
// another: then the start alone names neither.
func latest(named []bot.Approval, o order) (bot.Approval, error) {
	for _, a := range named {
		if a.Digest != named[0].Digest {
			return bot.Approval{}, bot.Refuse(bot.RefusedInput,
				fmt.Sprintf("Several plans of %s have a digest that begins with %s: %s and %s.", o.Incident, o.Digest, named[0].Digest, a.Digest),
				"Read them again, and name one by its whole digest.")
		}
	}
	return named[0], nil
}

func list(as []bot.Approval) string {
	out := make([]string, 0, len(as))
	for _, a := range as {
		out = append(out, fmt.Sprintf("%s (%s on %s)", a.Digest.Short(), a.Playbook, a.Target))
	}
	return strings.Join(out, ", ")
}

// start writes the decision and the run that follows from it in one commit.
func (d *Desk) start(ctx context.Context, o order, a bot.Approval, change bot.Change) (bot.Answer, error) {
	p, err := d.store.Plan(ctx, a.Plan)
	if err != nil {
		return bot.Answer{}, err
	}
	if p.Digest != a.Digest {
		return bot.Answer{}, bot.Refuse(bot.RefusedMoved, "The stored plan is not the one that was shown.", "Do not run it; verify the audit log: salve audit verify.")
	}
	inc, err := d.store.Incident(ctx, a.Incident)
	if err != nil {
		return bot.Answer{}, err
	}
	run := runner.New(bot.RunID(d.store.NextID(bot.KindRun)), p, o.by, a.ID, o.now)
	for i := range inc.Decision.Candidates {
		if inc.Decision.Candidates[i].Approval == a.ID {
			inc.Decision.Candidates[i].Run = run.ID
		}
	}
	inc.Decision.Headline = fmt.Sprintf("%s runs %s on %s, approved by %s", run.ID, run.Playbook, run.Target, o.by.Name)
	inc.DueAt = o.now
	change.Runs = []bot.Run{run}
	change.Incidents = []bot.Incident{inc}
	approved := o.event(bot.EventApproved, "approved plan %s: %s on %s", a.Digest.Short(), a.Playbook, a.Target)
	approved.Approval, approved.Plan, approved.Data = a.ID, a.Plan, o.Basis.AddTo(map[string]string{"digest": string(a.Digest)})
	planned := o.event(bot.EventRunPlanned, "started %s: %s on %s", run.ID, run.Playbook, run.Target)
	planned.Approval, planned.Plan, planned.Run = a.ID, a.Plan, run.ID
	change.Events = append(change.Events, approved, planned)
	if err := d.commit(ctx, change); err != nil {
		return bot.Answer{}, d.busy(ctx, err, a)
	}
	return bot.Answer{
		Text:     fmt.Sprintf("Approved. %s runs %s on %s.", run.ID, run.Playbook, run.Target),
		Incident: a.Incident, Approval: a.ID, Run: run.ID,
	}, nil
}

// busy tells a conflict over the target from one over versions, as when
// somebody else decided first.
func (d *Desk) busy(ctx context.Context, err error, a bot.Approval) error {
	if !errors.Is(err, bot.ErrConflict) {
		return err
	}
	stored, rerr := d.store.Approval(ctx, a.ID)
	if rerr != nil || stored.Version != a.Version {
		return err
	}
	active, rerr := d.store.Runs(ctx, bot.RunQuery{Target: a.Target, Active: true, Limit: 1})
	if rerr != nil || len(active) == 0 {
		return err
	}
	return bot.Refuse(bot.RefusedState, fmt.Sprintf("%s is busy: %s (%s) is %s there. Your vote was not recorded.", a.Target, active[0].ID, active[0].Playbook, active[0].State),
		fmt.Sprintf("Approve again when it is over, or end it: salve cancel %s.", active[0].ID))
}

// refuse writes a denial. It closes this question, never the incident.
func (d *Desk) refuse(ctx context.Context, o order, a bot.Approval, change bot.Change) (bot.Answer, error) {
	inc, err := d.store.Incident(ctx, a.Incident)
	if err != nil {
		return bot.Answer{}, err
	}
	stays, next := "", ""
	if s := inc.State(); s == bot.IncidentOpen || s == bot.IncidentResolved {
		stays, next = fmt.Sprintf(" %s stays open.", a.Incident), " The incident stays open; take it, or run another playbook."
	}
	inc.Decision.Headline = fmt.Sprintf("%s denied %s: %s.%s", o.by.Name, a.Playbook, strings.TrimSpace(o.Reason), next)
	inc.DueAt = o.now
	change.Incidents = []bot.Incident{inc}
	denied := o.event(bot.EventDenied, "denied plan %s: %s", a.Digest.Short(), strings.TrimSpace(o.Reason))
	denied.Approval, denied.Plan, denied.Data = a.ID, a.Plan, o.Basis.AddTo(map[string]string{"digest": string(a.Digest)})
	change.Events = append(change.Events, denied)
	if err := d.commit(ctx, change); err != nil {
		return bot.Answer{}, err
	}
	return bot.Answer{
		Text:     fmt.Sprintf("Denied. Nothing was done.%s The same plan is not proposed again unless its facts change or somebody asks.", stays),
		Incident: a.Incident, Approval: a.ID,
	}, nil
}
