package playbooks

import "salve/bot"

// Lint tells what is allowed and probably not meant.
func Lint(books []bot.Playbook) []Problem {
	var out []Problem
	for _, b := range books {
		warn := func(message, fix string) {
			out = append(out, Problem{File: b.File, Message: b.Name + ": " + message, Fix: fix, Warning: true})
		}
		if b.Mode == bot.ModeObserve {
			continue
		}
		if b.Verify == nil {
			warn("nothing verifies whether it helped; every run will end unverified", "add verify: with a check")
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
	}
	return out
}
