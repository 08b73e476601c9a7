package guard

import (
	"fmt"
	"strings"

	"salve/bot"
)

// attempts asks when something was tried on the target in this Incident
// already and did not help: a second go by itself would be a loop.
func attempts(plan bot.Plan, facts Facts) (bot.Verdict, bool) {
	if plan.Kind == bot.PlanUndo {
		return bot.Verdict{}, false
	}
	tried := 0
	for _, r := range facts.Attempts {
		if r.ID == facts.Run && facts.Run != 0 || r.Target != plan.Target || r.Incident != plan.Incident {
			continue
		}
		if why := vain(r); why != "" {
			return ask(RuleAttempts, fmt.Sprintf("%s (%s) %s in this incident", r.ID, r.Playbook, why))
		}
		tried++
	}
	if tried == 0 {
		return allow(RuleAttempts, "nothing was tried on "+plan.Target+" in this incident")
	}
	return allow(RuleAttempts, count(tried, "earlier run", "earlier runs")+" on "+plan.Target+" in this incident, none in vain")
}

// vain says how a Run did not help; empty when it did, never began, or is not
// over yet.
func vain(r bot.Run) string {
	switch r.State {
	case bot.RunFailed:
		return "failed"
	case bot.RunNotFixed:
		return "did not fix it"
	case bot.RunUnverified:
		return "could not be verified"
	case bot.RunCancelled:
		if r.CancelBy.Name != "" || r.CancelBy.Person != "" {
			return "was cancelled by " + name(r.CancelBy)
		}
		if r.Changed() {
			return "was cancelled half way"
		}
	}
	return ""
}

func cooldown(plan bot.Plan, facts Facts) (bot.Verdict, bool) {
	last := facts.History.Last
	switch {
	case plan.Kind == bot.PlanUndo:
		return bot.Verdict{}, false
	case plan.Cooldown <= 0:
		return allow(RuleCooldown, "the playbook sets no cooldown")
	case last == nil || last.ID == facts.Run && facts.Run != 0:
		return allow(RuleCooldown, "it has not run on "+plan.Target+" before")
	case last.EndedAt.IsZero():
		return ask(RuleCooldown, fmt.Sprintf("it is not known when %s ended on %s", last.ID, plan.Target))
	}
	over := last.EndedAt.Add(plan.Cooldown.Std())
	text := fmt.Sprintf("%s ended at %s on %s, ", last.ID, clock(last.EndedAt), plan.Target)
	if !facts.Now.Before(over) {
		return allow(RuleCooldown, text+"longer ago than the cooldown of "+plan.Cooldown.String())
	}
	v, _ := ask(RuleCooldown, text+"within the cooldown of "+plan.Cooldown.String())
	v.RetryAt = over
	return v, true
}

// busy denies while another Run holds the target: a person cannot agree to two
// hands on one thing.
func busy(plan bot.Plan, facts Facts) (bot.Verdict, bool) {
	active := facts.History.Active
	if active == nil || active.ID == facts.Run && facts.Run != 0 {
		return allow(RuleTarget, plan.Target+" is free")
	}
	v, _ := deny(RuleTarget, fmt.Sprintf("%s (%s) is %s on %s", active.ID, active.Playbook, active.State, plan.Target))
	if !facts.Now.IsZero() {
		v.RetryAt = facts.Now.Add(busyRetry)
	}
	return v, true
}

// voters are those whose yes made the Approval, else whoever decided it.
func voters(a bot.Approval) string {
	var names []string
	for _, v := range a.Votes {
		if v.Yes && v.Digest == a.Digest {
			names = append(names, v.Name)
		}
	}
	if len(names) == 0 {
		return name(a.DecidedBy)
	}
	return strings.Join(names, ", ")
}

func name(a bot.Actor) string {
	switch {
	case a.Name != "":
		return a.Name
	case a.Person != "":
		return string(a.Person)
	default:
		return "somebody unknown"
	}
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
