// Package guard decides whether a Plan may be carried out now: by itself, after
// a person agreed, or not at all.
//
// It promises to be pure: the same Plan and Facts give the same Verdict. Every
// rule that applies is a child of the Verdict with its reason and figures, the
// allowing ones too, so that people can read why. Reasons name instants, not
// spans, so that asking again later gives the same words. A rule that asks is satisfied
// by an approved Approval of the same digest and Incident; a rule that denies
// never is.
//
// It assumes that the caller read the Facts just before. What could not be read
// belongs into Facts.Missing. A rule that cannot be evaluated denies.
package guard

import (
	"time"

	"salve/bot"
)

// The names of the rules, as they stand in Verdict.Rule.
const (
	RuleFacts    = "facts"
	RuleHalt     = "halt"
	RuleIncident = "incident"
	RuleMode     = "mode"
	RuleSeverity = "severity"
	RuleAsked    = "asked"
	RuleTaken    = "taken"
	RuleSnoozed  = "snoozed"
	RuleAttempts = "attempts"
	RuleCooldown = "cooldown"
	RuleTarget   = "target"
)

// busyRetry is how long after a busy target was seen it is worth asking again.
const busyRetry = 5 * time.Second

// Facts is what the rules look at.
type Facts struct {
	Now      time.Time
	Incident bot.Incident
	Severity bot.Severity  // weighed against the Plan's threshold; unknown counts as critical
	History  bot.History   // of the Plan's playbook and target
	Halts    []bot.Halt    // all that stand
	Approved *bot.Approval // the Approval that lets the Plan go on, if there is one
	Run      bot.RunID     // the Run being asked about; its own lock does not count
	Attempts []bot.Run     // earlier Runs in this Incident; those on other targets are passed over
	Missing  []string      // facts that could not be read, in words for people
}

// Evaluate asks every rule. The root of the Verdict has the strictest ruling and
// the reasons of the rules that gave it.
func Evaluate(plan bot.Plan, facts Facts) bot.Verdict {
	rules := []func(bot.Plan, Facts) (bot.Verdict, bool){
		known, halted, alive, mode, severity, asked, taken, snoozed, attempts, cooldown, busy,
	}
	var children []bot.Verdict
	for _, rule := range rules {
		v, applies := rule(plan, facts)
		if !applies {
			continue
		}
		children = append(children, satisfy(v, plan, facts.Approved))
	}
	return bot.Judge("guard", children...)
}

// satisfy turns an asking ruling into an allowing one when people have agreed
// to exactly this Plan.
func satisfy(v bot.Verdict, plan bot.Plan, a *bot.Approval) bot.Verdict {
	if v.Ruling != bot.AskPerson || !agreed(plan, a) {
		return v
	}
	v.Ruling = bot.Allow
	v.Reason += " (approved by " + voters(*a) + ")"
	v.RetryAt = time.Time{}
	return v
}

func agreed(plan bot.Plan, a *bot.Approval) bool {
	return a != nil && a.State == bot.ApprovalApproved &&
		a.Digest != "" && a.Digest == plan.Digest && a.Incident == plan.Incident
}
