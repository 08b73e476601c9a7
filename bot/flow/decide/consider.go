package decide

import (
	"context"
	"fmt"
	"time"

	"salve/bot"
	"salve/bot/guard"
	"salve/bot/plan"
)

// maxTargets is how many targets of one Incident are looked at; the others are
// counted and said.
const maxTargets = 20

// aim is a playbook that fits an alert, and where it leads.
type aim struct {
	playbook string
	target   string
	alert    bot.Alert
	since    time.Time // when the newest alert that leads here came in
	err      error     // the target cannot be told
	observes bool      // in mode observe: it stands in nobody's way
}

// consider goes through the targets that the firing alerts lead to.
func (k *look) consider(ctx context.Context) error {
	for _, a := range k.aimsOf(k.firing()) {
		c, err := k.candidate(ctx, a)
		if err != nil {
			return err
		}
		k.decision.Candidates = append(k.decision.Candidates, c)
		if a.target != "" && !k.decision.Considers(a.target) {
			k.decision.Targets = append(k.decision.Targets, a.target)
		}
	}
	k.rest()
	return nil
}

// rest adds what is open about targets that no alert leads to: what people
// asked for.
func (k *look) rest() {
	seen := map[string]bool{}
	for _, t := range k.decision.Targets {
		seen[t] = true
	}
	for i := range k.approvals {
		if a := &k.approvals[i]; a.State == bot.ApprovalPending && !seen[a.Target] {
			seen[a.Target] = true
			k.decision.Candidates = append(k.decision.Candidates, asking(*a))
			k.decision.Targets = append(k.decision.Targets, a.Target)
		}
	}
	for i := range k.runs {
		if r := &k.runs[i]; r.Active() && !seen[r.Target] {
			seen[r.Target] = true
			k.decision.Candidates = append(k.decision.Candidates, k.carried(*r))
			k.decision.Targets = append(k.decision.Targets, r.Target)
		}
	}
}

// aimsOf gives each target the first playbook that fits and may act, and beside
// it those in mode observe that come before. Alerts come worst first, so the
// worst speaks for its target.
func (k *look) aimsOf(firing []bot.Alert) []aim {
	var out []aim
	targets, observed := map[string]int{}, map[[2]string]bool{}
	for _, alert := range firing {
		for _, fit := range k.lib.Index.Rank(alert, k.inc) {
			if !fit.Fits {
				continue
			}
			a := k.aim(fit.Playbook.Name, alert)
			if a.observes = fit.Playbook.Mode == bot.ModeObserve; a.observes {
				if key := [2]string{a.playbook, a.target}; !observed[key] && len(observed) < maxTargets {
					observed[key] = true
					out = append(out, a)
				}
				continue
			}
			out = place(out, targets, a)
			break
		}
	}
	k.decision.Skipped = max(len(targets)-maxTargets, 0)
	return out
}

// place adds an aim whose target is new; places says where each target's stands,
// -1 for those beyond the cap.
func place(out []aim, places map[string]int, a aim) []aim {
	at, known := places[a.key()]
	switch {
	case known && at >= 0:
		if a.since.After(out[at].since) {
			out[at].since = a.since
		}
	case known:
	case len(places) >= maxTargets:
		places[a.key()] = -1
	default:
		places[a.key()] = len(out)
		out = append(out, a)
	}
	return out
}

func (k *look) aim(playbook string, alert bot.Alert) aim {
	a := aim{playbook: playbook, alert: alert, since: alert.ReceivedAt}
	a.target, a.err = k.lib.Plans.Target(playbook, alert, k.inc)
	if a.err != nil {
		a.target = ""
	}
	return a
}

// key tells targets apart; one that cannot be told is one for each playbook.
func (a aim) key() string {
	if a.err != nil {
		return "\x00" + a.playbook
	}
	return a.target
}

// candidate decides about one target.
func (k *look) candidate(ctx context.Context, a aim) (bot.Candidate, error) {
	if a.err != nil {
		return cannot(a, a.err), nil
	}
	if !a.observes {
		if r := k.active(a.target); r != nil {
			return k.carried(*r), nil
		}
		if q := k.pending(a.target); q != nil {
			return asking(*q), nil
		}
	}
	p, err := k.build(a.playbook, a.alert)
	if err != nil {
		return cannot(a, err), nil
	}
	v, err := k.judge(ctx, p, a.since)
	if err != nil {
		return bot.Candidate{}, err
	}
	return k.settle(p, v), nil
}

// settle does what the verdict says.
func (k *look) settle(p bot.Plan, v bot.Verdict) bot.Candidate {
	c := bot.Candidate{Playbook: p.Playbook, Target: p.Target, Verdict: v}
	switch {
	case v.Ruling == bot.Allow:
		r := k.begin(p, v)
		c.Plan, c.Run = r.Plan, r.ID
	case v.Ruling == bot.AskPerson && k.paused(v):
	case v.Ruling == bot.AskPerson:
		a := k.open(p, v)
		c.Plan, c.Approval = a.Plan, a.ID
	default:
		if r := k.ranBefore(p); r != nil {
			c.Plan, c.Run, c.Approval = r.Plan, r.ID, r.Approval
		} else if a := k.askedBefore(p); a != nil {
			c.Plan, c.Approval = a.Plan, a.ID
		}
		k.later(v.RetryAt)
	}
	return c
}

// paused reports whether a person's hold or snooze keeps the plan from being
// proposed, and asks for a look when that may have ended.
func (k *look) paused(v bot.Verdict) bool {
	held := false
	for _, c := range v.Children {
		if c.Ruling != bot.AskPerson {
			continue
		}
		switch {
		case c.Rule == guard.RuleSnoozed:
			held = true
			k.later(c.RetryAt)
		case c.Rule == guard.RuleTaken && k.inc.Owner != "":
			held = true // release makes the Incident due
		case c.Rule == guard.RuleTaken:
			held = true // a hold of another Incident, or a person's own, whose end nobody may tell us
			k.later(k.now.Add(time.Minute))
			k.later(c.RetryAt)
		}
	}
	return held
}

func (k *look) build(playbook string, alert bot.Alert) (bot.Plan, error) {
	p, err := k.lib.Plans.Build(plan.Input{Playbook: playbook, Incident: k.inc, Alert: alert, Now: k.now})
	p.Incident = k.inc.ID
	return p, err
}

// cannot is a playbook that fits but cannot be planned.
func cannot(a aim, err error) bot.Candidate {
	return bot.Candidate{Playbook: a.playbook, Target: a.target, Verdict: bot.Judge("guard", bot.Verdict{
		Ruling: bot.Deny, Rule: "plan", Reason: fmt.Sprintf("it cannot be planned: %v", err),
	})}
}

func asking(a bot.Approval) bot.Candidate {
	return bot.Candidate{Playbook: a.Playbook, Target: a.Target, Plan: a.Plan, Approval: a.ID, Verdict: a.Verdict}
}

// carried is a Run that goes on, with the verdict that let it.
func (k *look) carried(r bot.Run) bot.Candidate {
	c := bot.Candidate{Playbook: r.Playbook, Target: r.Target, Plan: r.Plan, Approval: r.Approval, Run: r.ID}
	for _, old := range k.was.Decision.Candidates {
		if old.Run == r.ID {
			c.Verdict = old.Verdict
			return c
		}
	}
	c.Verdict = bot.Verdict{Ruling: bot.Allow, Rule: "guard", Reason: "it was started by " + r.StartedBy.Name}
	for _, a := range k.approvals {
		if a.ID == r.Approval {
			c.Verdict = a.Verdict
			c.Verdict.Ruling, c.Verdict.Reason = bot.Allow, a.Verdict.Reason+" (approved by "+a.DecidedBy.Name+")"
		}
	}
	return c
}
