package guard

import (
	"fmt"
	"strings"
	"time"

	"salve/bot"
)

func allow(rule, reason string) (bot.Verdict, bool) {
	return bot.Verdict{Ruling: bot.Allow, Rule: rule, Reason: reason}, true
}

func ask(rule, reason string) (bot.Verdict, bool) {
	return bot.Verdict{Ruling: bot.AskPerson, Rule: rule, Reason: reason}, true
}

func deny(rule, reason string) (bot.Verdict, bool) {
	return bot.Verdict{Ruling: bot.Deny, Rule: rule, Reason: reason}, true
}

// known denies when there is something that the other rules cannot see.
func known(plan bot.Plan, facts Facts) (bot.Verdict, bool) {
	missing := facts.Missing
	if facts.Now.IsZero() {
		missing = append(missing[:len(missing):len(missing)], "the time")
	}
	if len(missing) > 0 {
		return deny(RuleFacts, "not known: "+strings.Join(missing, ", "))
	}
	if plan.Digest == "" || plan.Target == "" || len(plan.Steps) == 0 {
		return deny(RuleFacts, "the plan lacks its digest, its target or its steps")
	}
	return allow(RuleFacts, "all facts could be read")
}

func halted(plan bot.Plan, facts Facts) (bot.Verdict, bool) {
	for _, h := range facts.Halts {
		if !h.Lifted && h.Stops(plan.Playbook, plan.Target) {
			return deny(RuleHalt, haltText(h))
		}
	}
	return allow(RuleHalt, "nothing is halted")
}

func haltText(h bot.Halt) string {
	text := "halted"
	switch h.Scope {
	case bot.HaltPlaybook:
		text = "playbook " + h.Name + " is halted"
	case bot.HaltTarget:
		text = "target " + h.Name + " is halted"
	}
	if h.By.Name != "" {
		text += " by " + h.By.Name
	}
	if !h.At.IsZero() {
		text += " since " + clock(h.At)
	}
	if h.Reason != "" {
		text += " (" + h.Reason + ")"
	}
	return text
}

// alive denies when there is nothing left to fix. An undo does not need a
// firing alert.
func alive(plan bot.Plan, facts Facts) (bot.Verdict, bool) {
	if plan.Kind == bot.PlanUndo {
		return bot.Verdict{}, false
	}
	inc := facts.Incident
	switch inc.State() {
	case bot.IncidentOpen:
		return allow(RuleIncident, count(inc.Firing, "alert fires", "alerts fire"))
	case bot.IncidentResolved:
		return deny(RuleIncident, "nothing to fix: no alert of the incident fires any more")
	case bot.IncidentClosed:
		return deny(RuleIncident, "nothing to fix: the incident is closed")
	case bot.IncidentMerged:
		return deny(RuleIncident, "the incident was merged into "+inc.MergedInto.String())
	default:
		return deny(RuleIncident, "the state of the incident is not known")
	}
}

func mode(plan bot.Plan, _ Facts) (bot.Verdict, bool) {
	switch plan.Mode {
	case bot.ModeAuto:
		return allow(RuleMode, "mode auto: it may run by itself")
	case bot.ModePropose:
		return ask(RuleMode, "mode propose: a person decides")
	case bot.ModeObserve:
		return deny(RuleMode, "mode observe: it never acts; set mode: propose in the playbook to be asked")
	default:
		return deny(RuleMode, fmt.Sprintf("mode %q is not known; write observe, propose or auto in the playbook", plan.Mode))
	}
}

// severity weighs only what may run by itself.
func severity(plan bot.Plan, facts Facts) (bot.Verdict, bool) {
	if plan.Mode != bot.ModeAuto {
		return bot.Verdict{}, false
	}
	is := facts.Severity.String()
	if facts.Severity <= bot.SeverityUnknown || facts.Severity > bot.SeverityCritical {
		is = "unknown (counts as critical)"
	}
	if plan.AutoBelow <= bot.SeverityUnknown || plan.AutoBelow > bot.SeverityCritical {
		return ask(RuleSeverity, "the severity is "+is+"; the playbook sets no auto_below, so a person decides")
	}
	if facts.Severity.Below(plan.AutoBelow) {
		return allow(RuleSeverity, is+" is below "+plan.AutoBelow.String())
	}
	return ask(RuleSeverity, "the severity is "+is+"; by itself it runs only below "+plan.AutoBelow.String())
}

// asked holds what people asked for, and every undo, to an approval.
func asked(plan bot.Plan, _ Facts) (bot.Verdict, bool) {
	switch {
	case plan.Kind == bot.PlanUndo:
		return ask(RuleAsked, "an undo needs an approval of its own")
	case plan.Kind != bot.PlanRespond:
		return deny(RuleAsked, fmt.Sprintf("plan kind %q is not known", plan.Kind))
	case plan.AskedBy.Person != "" || plan.AskedBy.Name != "":
		return ask(RuleAsked, name(plan.AskedBy)+" asked for it, so it needs an approval")
	default:
		return bot.Verdict{}, false
	}
}

func taken(plan bot.Plan, facts Facts) (bot.Verdict, bool) {
	if inc := facts.Incident; inc.Owner != "" {
		who := inc.OwnerName
		if who == "" {
			who = string(inc.Owner)
		}
		return ask(RuleTaken, who+" has taken the incident, so automation pauses")
	}
	for _, c := range facts.History.Claims {
		if !c.Released && c.Target == plan.Target && c.Holds(facts.Now) {
			return claimed(c)
		}
	}
	return allow(RuleTaken, "nobody has taken it")
}

// claimed is a hold on the target. One that lasts for a time says until when.
func claimed(c bot.Claim) (bot.Verdict, bool) {
	who := c.Name
	if who == "" {
		who = string(c.Holder)
	}
	if c.Until.IsZero() {
		return ask(RuleTaken, who+" has taken "+c.Target+" with "+c.Incident.String()+", so automation pauses")
	}
	text := who + " holds " + c.Target + " until " + clock(c.Until)
	if c.Reason != "" {
		text += " (" + c.Reason + ")"
	}
	v, _ := ask(RuleTaken, text+", so automation pauses")
	v.RetryAt = c.Until
	return v, true
}

func snoozed(_ bot.Plan, facts Facts) (bot.Verdict, bool) {
	until := facts.Incident.SnoozedUntil
	if !until.After(facts.Now) {
		return bot.Verdict{}, false
	}
	v, _ := ask(RuleSnoozed, "the incident is snoozed until "+clock(until))
	v.RetryAt = until
	return v, true
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
