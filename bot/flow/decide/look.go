package decide

import (
	"context"
	"fmt"
	"slices"
	"time"

	"salve/bot"
)

// The most rows of one Incident that a look reads.
const (
	maxAlerts = 200
	maxRows   = 500
)

// look is one look at one Incident: what there is, and what becomes of it.
type look struct {
	leg *Leg
	lib *Library
	now time.Time
	brakes
	was       bot.Incident // as it was read
	inc       bot.Incident // as it will be written
	alerts    []bot.Alert  // firing first, worst first
	plans     map[bot.PlanID]bot.Plan
	approvals []bot.Approval // newest first, with what this look opens in front
	runs      []bot.Run      // newest first, with what this look plans in front

	change    bot.Change
	decision  bot.Decision
	nextLooks []time.Time
}

// look decides about one Incident and commits it.
func (l *Leg) look(ctx context.Context, inc bot.Incident, known page) error {
	k := &look{
		leg: l, lib: l.library.Load(), now: l.now(), brakes: known.brakes, was: inc, inc: inc, alerts: known.alerts[inc.ID],
		plans:    map[bot.PlanID]bot.Plan{},
		decision: bot.Decision{FoldRev: inc.FoldRev},
	}
	if err := k.read(ctx); err != nil {
		return err
	}
	if err := k.decide(ctx); err != nil {
		return err
	}
	if err := k.write(ctx); err != nil {
		return err
	}
	l.watch(inc.ID, k.runs)
	return nil
}

// read loads the rows of the Incident. One that nobody has looked at has no
// plans yet: they are written by this leg alone, with its decision.
func (k *look) read(ctx context.Context) (err error) {
	id := k.inc.ID
	if k.alerts == nil {
		if k.alerts, err = k.leg.store.Alerts(ctx, id, maxAlerts); err != nil {
			return fmt.Errorf("read alerts: %w", err)
		}
	}
	if k.was.Decision.At.IsZero() && len(k.was.Asked) == 0 {
		return nil
	}
	if k.approvals, err = k.leg.store.Approvals(ctx, bot.ApprovalQuery{Incident: id, Limit: maxRows}); err != nil {
		return fmt.Errorf("read approvals: %w", err)
	}
	if k.runs, err = k.leg.store.Runs(ctx, bot.RunQuery{Incident: id, Limit: maxRows}); err != nil {
		return fmt.Errorf("read runs: %w", err)
	}
	if !slices.ContainsFunc(k.approvals, func(a bot.Approval) bool { return a.State == bot.ApprovalPending }) {
		return nil // only open questions are held against their plans
	}
	plans, err := k.leg.store.Plans(ctx, id)
	if err != nil {
		return fmt.Errorf("read plans: %w", err)
	}
	for _, p := range plans {
		k.plans[p.ID] = p
	}
	return nil
}

func (k *look) decide(ctx context.Context) error {
	k.reopen()
	k.diagnose(ctx)
	k.expire()
	k.withdraw()
	if err := k.takeUp(ctx); err != nil {
		return err
	}
	if k.inc.State() == bot.IncidentOpen {
		if err := k.consider(ctx); err != nil {
			return err
		}
	} else {
		// What was considered last stays on record.
		k.decision.Candidates, k.decision.Targets = k.was.Decision.Candidates, k.was.Decision.Targets
	}
	k.closeQuiet()
	k.decision.Headline = k.headline()
	return nil
}

// later asks for another look at that time; the earliest counts.
func (k *look) later(at time.Time) {
	if !at.IsZero() {
		k.nextLooks = append(k.nextLooks, at)
	}
}

// due is when to look again; zero: when something changes. It lies ahead, so
// that no look follows itself at once.
func (k *look) due() time.Time {
	for _, a := range k.approvals {
		if a.State == bot.ApprovalPending {
			k.later(a.ExpiresAt)
		}
	}
	for _, r := range k.runs {
		if r.Active() {
			k.later(k.poll(r.CreatedAt))
		}
	}
	if len(k.nextLooks) == 0 {
		return time.Time{}
	}
	at := slices.MinFunc(k.nextLooks, time.Time.Compare)
	if soon := k.now.Add(100 * time.Millisecond); at.Before(soon) {
		return soon
	}
	return at
}

// poll is the next look at what nobody tells of, the rarer the longer it lasts.
func (k *look) poll(since time.Time) time.Time {
	return k.now.Add(min(max(k.now.Sub(since)/2, 5*time.Second), time.Minute))
}

// event notes a fact of this look.
func (k *look) event(e bot.Event) {
	e.At, e.Incident = k.now, k.inc.ID
	if e.Actor == (bot.Actor{}) {
		e.Actor = bot.Salve
	}
	k.change.Events = append(k.change.Events, e)
}

// pending is the open question about the target, if there is one.
func (k *look) pending(target string) *bot.Approval {
	for i, a := range k.approvals {
		if a.Target == target && a.State == bot.ApprovalPending {
			return &k.approvals[i]
		}
	}
	return nil
}

// active is the Run of this Incident that holds the target, if there is one.
func (k *look) active(target string) *bot.Run {
	for i, r := range k.runs {
		if r.Target == target && r.Active() {
			return &k.runs[i]
		}
	}
	return nil
}

// firing are the loaded alerts that fire.
func (k *look) firing() []bot.Alert {
	n := slices.IndexFunc(k.alerts, func(a bot.Alert) bool { return a.State != bot.AlertFiring })
	if n < 0 {
		return k.alerts
	}
	return k.alerts[:n]
}
