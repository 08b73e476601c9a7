package decide

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"salve/bot"
	"salve/bot/approval"
	"salve/bot/guard"
)

// nearestOf is the largest library of which each decision names the nearest
// playbook: all of it must be evaluated for that.
const nearestOf = 200

// headline says in one sentence what happens next, and why. It names instants,
// so that it reads the same later.
func (k *look) headline() string {
	if text := k.endState(); text != "" {
		return text
	}
	texts := k.texts()
	if len(texts) == 0 {
		return k.nothing()
	}
	text := texts[0]
	if more := len(texts) - 1 + k.decision.Skipped; more > 0 {
		text += fmt.Sprintf(" (and %s)", count(more, "more target", "more targets"))
	}
	if k.decision.Skipped > 0 {
		text += fmt.Sprintf("; only the first %d targets are looked at, %d were skipped", maxTargets, k.decision.Skipped)
	}
	return text
}

// endState is the headline of an Incident that does not fire.
func (k *look) endState() string {
	switch k.inc.State() {
	case bot.IncidentClosed:
		return "closed: " + k.inc.CloseReason
	case bot.IncidentMerged:
		return "merged into " + k.inc.MergedInto.String()
	case bot.IncidentResolved:
		for i := range k.approvals {
			if k.approvals[i].State == bot.ApprovalPending {
				return waits(k.approvals[i])
			}
		}
		if at := k.quietUntil(); k.inc.Owner == "" {
			return "no alert fires any more; it closes by itself at " + clock(at) + " if it stays quiet"
		}
		return "no alert fires any more; " + k.owner() + " has it and closes it"
	default:
		return ""
	}
}

// texts are what happens at each target, what moves first, then what asks, then
// what is held back.
func (k *look) texts() []string {
	var moving, asks, held []string
	for _, c := range k.decision.Candidates {
		switch text, weight := k.text(c); weight {
		case 0:
			moving = append(moving, text)
		case 1:
			asks = append(asks, text)
		default:
			held = append(held, text)
		}
	}
	return slices.Concat(moving, asks, held)
}

func (k *look) text(c bot.Candidate) (text string, weight int) {
	if r := k.active(c.Target); r != nil && r.ID == c.Run {
		return runs(*r, c.Verdict), 0
	}
	if a := k.pending(c.Target); a != nil && a.ID == c.Approval {
		return waits(*a), 1
	}
	for _, a := range k.approvals {
		if a.ID == c.Approval && a.State == bot.ApprovalExpired {
			return expiredText(a) + "; " + k.nextPerson(a), 2
		}
	}
	on := c.Playbook
	if c.Target != "" {
		on += " on " + c.Target
	}
	return on + " is not started: " + c.Verdict.Reason, 2
}

func runs(r bot.Run, v bot.Verdict) string {
	text := r.Playbook + " (" + r.ID.String() + ") runs"
	if r.Approval == 0 {
		return text + " by itself on " + r.Target + " because " + because(v)
	}
	return text + " on " + r.Target + ": approved (" + r.Approval.String() + ")"
}

func waits(a bot.Approval) string {
	return a.Playbook + " on " + a.Target + " waits for " + approval.WhoMay(a) + " until " + clock(a.ExpiresAt) + ": " + a.Verdict.Reason
}

// because is what let a plan run by itself: the severity, else whatever is said.
func because(v bot.Verdict) string {
	for _, c := range v.Children {
		if c.Rule == guard.RuleSeverity {
			return c.Reason
		}
	}
	return v.Reason
}

// nothing is the headline when no playbook fits.
func (k *look) nothing() string {
	switch {
	case k.inc.Owner != "":
		return k.owner() + " has taken it: nothing runs or is proposed by itself"
	case len(k.lib.Playbooks) == 0:
		return "no playbook fits: none is loaded"
	}
	text := "no playbook fits"
	if len(k.lib.Playbooks) > nearestOf {
		return text + "; salve why " + k.inc.ID.String() + " says which comes nearest"
	}
	if firing := k.firing(); len(firing) > 0 {
		if n := k.leg.Nearest(firing[0], k.inc); n != nil {
			text += "; nearest is " + n.Playbook + ": " + n.WhyNot
		}
	}
	return text
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

func joined(names []string) string { return strings.Join(names, ", ") }

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
