package command

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"salve/bot"
	"salve/bot/approval"
)

// maxMoved bounds how many alerts one command moves.
const maxMoved = 5000

// lookBack is how many Events are searched for what was said before.
const lookBack = 500

// idle refuses while something runs for the incident.
func (d *Desk) idle(ctx context.Context, id bot.IncidentID) error {
	active, err := d.store.Runs(ctx, bot.RunQuery{Incident: id, Active: true, Limit: 1})
	if err != nil || len(active) == 0 {
		return err
	}
	return bot.Refuse(bot.RefusedState, fmt.Sprintf("%s (%s on %s) is %s for %s.", active[0].ID, active[0].Playbook, active[0].Target, active[0].State, id),
		fmt.Sprintf("Wait for it, or end it first: salve cancel %s.", active[0].ID))
}

// withdrawn takes back the open questions of an incident.
func (d *Desk) withdrawn(ctx context.Context, o order, id bot.IncidentID, reason string) ([]bot.Approval, []bot.Event, error) {
	open, err := d.store.Approvals(ctx, bot.ApprovalQuery{Incident: id, States: []bot.ApprovalState{bot.ApprovalPending}, Limit: 200})
	if err != nil {
		return nil, nil, err
	}
	var events []bot.Event
	for i := range open {
		open[i] = approval.Withdraw(open[i], reason, o.now)
		e := o.event(bot.EventWithdrawn, "withdrew %s (%s on %s): %s", open[i].ID, open[i].Playbook, open[i].Target, reason)
		e.Incident, e.Approval, e.Plan = id, open[i].ID, open[i].Plan
		events = append(events, e)
	}
	return open, events, nil
}

func (d *Desk) close(ctx context.Context, o order) (bot.Answer, error) {
	inc, err := d.store.Incident(ctx, o.Incident)
	if err != nil {
		return bot.Answer{}, err
	}
	if inc.State() == bot.IncidentClosed {
		return bot.Answer{Text: fmt.Sprintf("%s is closed already: %s.", inc.ID, inc.CloseReason), Incident: inc.ID, Repeated: true}, nil
	}
	if inc, err = d.living(ctx, o.Incident); err != nil {
		return bot.Answer{}, err
	}
	if err := d.idle(ctx, inc.ID); err != nil {
		return bot.Answer{}, err
	}
	inc.ClosedAt, inc.CloseReason, inc.SnoozedUntil = o.now, strings.TrimSpace(o.Reason), time.Time{}
	inc.Owner, inc.OwnerName = "", ""
	inc.Decision.Headline = "closed by " + o.by.Name + ": " + inc.CloseReason
	change := bot.Change{}
	if change.Approvals, change.Events, err = d.withdrawn(ctx, o, inc.ID, "the incident was closed"); err != nil {
		return bot.Answer{}, err
	}
	if change.Claims, err = d.letGo(ctx, inc.ID); err != nil {
		return bot.Answer{}, err
	}
	if change.Observed, err = d.over(ctx, o, inc.ID); err != nil {
		return bot.Answer{}, err
	}
	change.By = o.by
	change.Events = append(change.Events, o.event(bot.EventClosed, "closed %s: %s", inc.ID, inc.CloseReason))
	return d.save(ctx, o, inc, change, fmt.Sprintf("%s is closed. A new alert of its group opens a new incident.", inc.ID))
}

func (d *Desk) reopen(ctx context.Context, o order) (bot.Answer, error) {
	inc, err := d.store.Incident(ctx, o.Incident)
	if err != nil {
		return bot.Answer{}, err
	}
	switch inc.State() {
	case bot.IncidentMerged:
		return bot.Answer{}, bot.Refuse(bot.RefusedState, fmt.Sprintf("%s is part of %s now.", inc.ID, inc.MergedInto), fmt.Sprintf("Split its alerts out again: salve split %s FINGERPRINT.", inc.MergedInto))
	case bot.IncidentOpen, bot.IncidentResolved:
		return bot.Answer{Text: inc.ID.String() + " is open.", Incident: inc.ID, Repeated: true}, nil
	case bot.IncidentClosed:
	}
	inc.ClosedAt, inc.CloseReason = time.Time{}, ""
	if inc.State() == bot.IncidentResolved {
		// Nothing fires: left to itself, it would close again at once.
		return d.own(ctx, o, owned(inc, o.By), o.event(bot.EventReopened, "reopened %s and took it", inc.ID),
			fmt.Sprintf("%s is open again and yours, as none of its alerts fires. Close it when you are done.", inc.ID))
	}
	change := bot.Change{Events: []bot.Event{o.event(bot.EventReopened, "reopened %s", inc.ID)}}
	return d.save(ctx, o, inc, change, inc.ID.String()+" is open again.")
}

func (d *Desk) merge(ctx context.Context, o order) (bot.Answer, error) {
	from, err := d.store.Incident(ctx, o.Incident)
	if err != nil {
		return bot.Answer{}, err
	}
	if from.MergedInto == o.Into {
		return bot.Answer{Text: fmt.Sprintf("%s is part of %s already.", from.ID, o.Into), Incident: o.Into, Repeated: true}, nil
	}
	if from, err = d.living(ctx, o.Incident); err != nil {
		return bot.Answer{}, err
	}
	into, err := d.living(ctx, o.Into)
	if err != nil {
		return bot.Answer{}, err
	}
	if err := d.idle(ctx, from.ID); err != nil {
		return bot.Answer{}, err
	}
	alerts, err := d.movable(ctx, from.ID)
	if err != nil {
		return bot.Answer{}, err
	}
	change := bot.Change{}
	if change.Approvals, change.Events, err = d.withdrawn(ctx, o, from.ID, "merged into "+into.ID.String()); err != nil {
		return bot.Answer{}, err
	}
	if change.Claims, err = d.letGo(ctx, from.ID); err != nil {
		return bot.Answer{}, err
	}
	for _, a := range alerts {
		change.Moves = append(change.Moves, bot.Move{Alert: a.AlertKey, To: into.ID})
	}
	text := fmt.Sprintf("%s is part of %s now, with %s.", from.ID, into.ID, count(len(alerts)))
	if into.Owner == "" && from.Owner != "" {
		into.Owner, into.OwnerName = from.Owner, from.OwnerName
		text += fmt.Sprintf(" %s is %s's, as %s was.", into.ID, into.OwnerName, from.ID)
	}
	if into.Owner != "" {
		change.Claims = append(change.Claims, holds(o, into, change.Claims)...)
	}
	from.Owner, from.OwnerName = "", ""
	from.MergedInto, from.DueAt = into.ID, o.now
	from.Decision.Headline = "part of " + into.ID.String()
	change.Incidents = append(change.Incidents, from)
	gone := o.event(bot.EventMerged, "merged %s into %s", from.ID, into.ID)
	came := gone
	came.Incident = into.ID
	change.Events = append(change.Events, gone, came)
	return d.save(ctx, o, into, change, text)
}

func (d *Desk) movable(ctx context.Context, id bot.IncidentID) ([]bot.Alert, error) {
	alerts, err := d.store.Alerts(ctx, id, maxMoved+1)
	if err == nil && len(alerts) > maxMoved {
		return nil, bot.Refuse(bot.RefusedState, fmt.Sprintf("%s has more than %d alerts.", id, maxMoved), "Group them at the source, or close one of the two with a note.")
	}
	return alerts, err
}

func (d *Desk) split(ctx context.Context, o order) (bot.Answer, error) {
	inc, err := d.living(ctx, o.Incident)
	if err != nil {
		return bot.Answer{}, err
	}
	alerts, err := d.movable(ctx, inc.ID)
	if err != nil {
		return bot.Answer{}, err
	}
	out := bot.Incident{ID: bot.IncidentID(d.store.NextID(bot.KindIncident)), DueAt: o.now, Work: bot.Work{SplitFrom: inc.ID}}
	// Whoever paused automation paused it for these alerts too.
	out.Owner, out.OwnerName, out.SnoozedUntil = inc.Owner, inc.OwnerName, inc.SnoozedUntil
	change := bot.Change{Incidents: []bot.Incident{out}}
	for _, a := range alerts {
		if slices.Contains(o.Alerts, a.Fingerprint) {
			change.Moves = append(change.Moves, bot.Move{Alert: a.AlertKey, To: out.ID})
		}
	}
	switch len(change.Moves) {
	case 0:
		if before, err := d.splitBefore(ctx, o); err != nil || before.Repeated {
			return before, err
		}
		return bot.Answer{}, bot.Refuse(bot.RefusedInput, fmt.Sprintf("None of these fingerprints is an alert of %s.", inc.ID), fmt.Sprintf("salve show %s --json lists its alerts.", inc.ID))
	case len(alerts):
		return bot.Answer{}, bot.Refuse(bot.RefusedInput, fmt.Sprintf("These are all alerts of %s; nothing would be left.", inc.ID), "Name fewer.")
	}
	gone := o.event(bot.EventSplit, "split %s of %s into %s", count(len(change.Moves)), inc.ID, out.ID)
	gone.Data = map[string]string{"into": out.ID.String(), "alerts": key(o.Alerts)}
	came := gone
	came.Incident = out.ID
	change.Events = []bot.Event{gone, came}
	answer, err := d.save(ctx, o, inc, change, fmt.Sprintf("%s has %s of %s now.", out.ID, count(len(change.Moves)), inc.ID))
	answer.Incident = out.ID
	return answer, err
}

func count(alerts int) string {
	if alerts == 1 {
		return "1 alert"
	}
	return fmt.Sprintf("%d alerts", alerts)
}

// key is a set of fingerprints as one word.
func key(fingerprints []string) string {
	sum := sha256.Sum256([]byte(strings.Join(slices.Compact(slices.Sorted(slices.Values(fingerprints))), "\x00")))
	return hex.EncodeToString(sum[:])
}

// splitBefore answers a split that was said before.
func (d *Desk) splitBefore(ctx context.Context, o order) (bot.Answer, error) {
	events, err := d.store.Events(ctx, bot.EventQuery{Incident: o.Incident, Last: true, Limit: lookBack})
	if err != nil {
		return bot.Answer{}, err
	}
	for _, e := range slices.Backward(events) {
		if e.Kind == bot.EventSplit && e.Data["alerts"] == key(o.Alerts) {
			into, err := bot.ParseIncidentID(e.Data["into"])
			return bot.Answer{Text: fmt.Sprintf("These alerts are %s already.", into), Incident: into, Repeated: err == nil}, nil
		}
	}
	return bot.Answer{}, nil
}
