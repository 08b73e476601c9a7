package decide

import (
	"context"
	"reflect"
	"time"

	"salve/bot"
	"salve/bot/approval"
	"salve/bot/runner"
)

// write commits the look. What says the same as before makes no Event, and
// nothing at all if the next look stays where it is.
func (k *look) write(ctx context.Context) error {
	changed := !sameDecision(k.was.Decision, k.decision)
	if changed {
		k.decision.At = k.now
		k.tellDecision()
	} else {
		k.decision.At = k.was.Decision.At
	}
	k.inc.Decision, k.inc.DueAt = k.decision, k.due()
	if !changed && len(k.change.Events) == 0 && k.inc.DueAt.Equal(k.was.DueAt) && len(k.was.Asked) == 0 {
		return nil
	}
	k.claims()
	k.change.Incidents = []bot.Incident{k.inc}
	_, err := k.leg.store.Commit(ctx, k.change)
	if err == nil && changed && k.leg.opts.Decided != nil {
		k.leg.opts.Decided(k.decision)
	}
	return err
}

// tellDecision makes the Event of a changed decision, unless another Event of
// this look says it already.
func (k *look) tellDecision() {
	if len(k.change.Events) > 0 || k.decision.Headline == k.was.Decision.Headline {
		return
	}
	k.event(bot.Event{Kind: bot.EventDecided, Text: k.decision.Headline})
}

// sameDecision compares what is decided, apart from when.
func sameDecision(a, b bot.Decision) bool {
	a.At, b.At = time.Time{}, time.Time{}
	a.Candidates, b.Candidates = timeless(a.Candidates), timeless(b.Candidates)
	if len(a.Targets) == 0 && len(b.Targets) == 0 {
		a.Targets, b.Targets = nil, nil
	}
	return reflect.DeepEqual(a, b)
}

func timeless(in []bot.Candidate) []bot.Candidate {
	out := make([]bot.Candidate, len(in))
	for i, c := range in {
		c.Verdict = withoutRetry(c.Verdict)
		out[i] = c
	}
	return out
}

func withoutRetry(v bot.Verdict) bot.Verdict {
	v.RetryAt = time.Time{}
	var children []bot.Verdict
	for _, c := range v.Children {
		children = append(children, withoutRetry(c))
	}
	v.Children = children
	return v
}

// open puts the question about a plan.
func (k *look) open(p bot.Plan, v bot.Verdict) bot.Approval {
	p.ID = bot.PlanID(k.leg.store.NextID(bot.KindPlan))
	a := approval.Open(bot.ApprovalID(k.leg.store.NextID(bot.KindApproval)), p, v, k.leg.expiry(k.now))
	k.addPlan(p)
	k.change.Approvals = append(k.change.Approvals, a)
	k.approvals = append([]bot.Approval{a}, k.approvals...)
	k.event(bot.Event{
		Kind: bot.EventProposed, Plan: p.ID, Approval: a.ID, Data: told(p),
		Text: p.Playbook + " on " + p.Target + " waits for " + approval.WhoMay(a) + " until " + clock(a.ExpiresAt) + ": " + v.Reason,
	})
	return a
}

// begin plans a Run that starts by itself.
func (k *look) begin(p bot.Plan, v bot.Verdict) bot.Run {
	p.ID = bot.PlanID(k.leg.store.NextID(bot.KindPlan))
	r := runner.New(bot.RunID(k.leg.store.NextID(bot.KindRun)), p, bot.Salve, 0, k.now)
	k.addPlan(p)
	k.change.Runs = append(k.change.Runs, r)
	k.runs = append([]bot.Run{r}, k.runs...)
	k.event(bot.Event{
		Kind: bot.EventRunPlanned, Plan: p.ID, Run: r.ID, Data: told(p),
		Text: p.Playbook + " on " + p.Target + " runs by itself because " + because(v),
	})
	return r
}

func (k *look) addPlan(p bot.Plan) {
	k.change.Plans = append(k.change.Plans, p)
	k.plans[p.ID] = p
}

func told(p bot.Plan) map[string]string {
	return map[string]string{"playbook": p.Playbook, "target": p.Target, "digest": string(p.Digest)}
}

// claims widens the hold of whoever took the Incident to targets that came
// later.
func (k *look) claims() {
	if k.inc.Owner == "" {
		return
	}
	for _, target := range k.decision.Targets {
		if !k.was.Decision.Considers(target) {
			k.change.Claims = append(k.change.Claims, bot.Claim{
				Target: target, Incident: k.inc.ID, Holder: k.inc.Owner, Name: k.inc.OwnerName, At: k.now,
			})
		}
	}
}
