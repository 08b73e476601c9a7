package playbooks

import (
	"fmt"
	"slices"
	"time"

	"salve/bot"
)

// resolvesIn is how long a source takes, as a rule, to say that an alert is over:
// Alertmanager waits five minutes before it tells.
const resolvesIn = 5 * time.Minute

// Lint tells what is allowed and probably not meant.
func Lint(books []bot.Playbook) []Problem {
	var out []Problem
	for _, b := range books {
		if b.Mode == bot.ModeObserve {
			continue
		}
		for _, w := range warnings(b) {
			out = append(out, Problem{File: b.File, Message: b.Name + ": " + w.what, Fix: w.fix, Warning: true})
		}
	}
	return out
}

type warning struct{ what, fix string }

func warnings(b bot.Playbook) []warning {
	var out []warning
	warn := func(what, fix string) { out = append(out, warning{what, fix}) }
	if b.Verify == nil {
		warn("nothing verifies whether it helped; every run will end unverified", "add verify: with a check")
	} else {
		out = append(out, aboutVerify(*b.Verify)...)
	}
	if b.Runbook == "" && len(b.Checklist) == 0 {
		warn("people find no runbook and no checklist when it does not help", "add runbook: or checklist:")
	}
	if b.Mode == bot.ModeAuto && b.Risk == bot.RiskHigh {
		warn("it runs by itself although its risk is high", "use mode: propose, or say why the risk is lower")
	}
	if b.Author != "" && (b.ReviewedBy == "" || b.ReviewedBy == b.Author) {
		warn(string(b.Author)+" wrote it and nobody else has reviewed it, so they may not approve it", "add reviewed_by: with another person")
	}
	for _, g := range b.Also {
		if slices.Contains(b.Approvers, g) && (len(b.Approvers) > 1 || len(b.Also) > 1) {
			warn(fmt.Sprintf("also names %s, whose people are approvers too: people of %s alone can let it run", g, g),
				"take "+g+" out of approvers: if somebody of another group should agree")
		}
	}
	for _, s := range b.Steps {
		if b.Mode == bot.ModeAuto && s.Undo == nil && s.Repeat == bot.RepeatNever && s.Uses != "wait" {
			warn(fmt.Sprintf("step %s runs by itself and can be neither undone nor repeated: after a crash in the middle of it, a person is asked what became of it", s.ID),
				"add repeat: safe if doing it twice does no harm, or undo:")
		}
	}
	return out
}

func aboutVerify(v bot.VerifySpec) []warning {
	var out []warning
	if v.Every > v.Within {
		out = append(out, warning{fmt.Sprintf("it verifies every %s but gives up after %s", v.Every, v.Within), "make within: several times every:"})
	}
	for _, c := range v.Checks {
		if c.Uses == resolved && v.Within.Std() < resolvesIn {
			out = append(out, warning{
				fmt.Sprintf("check %s waits %s for the alerts to be over, and most sources take minutes to say so", c.ID, v.Within),
				fmt.Sprintf("write within: %s or more", bot.Duration(resolvesIn)),
			})
		}
	}
	return out
}
