package brief

import (
	"cmp"
	"strings"
	"time"
	"unicode/utf8"

	"salve/bot"
)

// alone says it in one line: severity, what, what about it, and which incident.
// The title gives way when it is long; what is asked and the id never do.
func alone(c bot.Card, about, tail string) string {
	id := c.Incident.String()
	about = clip(about, 100)
	if tail = clip(tail, 40); tail != "" {
		about += " " + tail
	}
	end := ": " + strings.TrimRight(about, ".") + ", " + id
	head := shout(c.Severity) + " "
	return head + clip(cmp.Or(c.Title, "no title"), bot.MaxAlone-utf8.RuneCountInString(head+end)) + end
}

// asking is the question in a few words. The target stands there unless the
// title has it: "approve restart?" alone does not say of what.
func asking(c bot.Card, p bot.CardProposal, now time.Time) string {
	name := clip(p.Approval.Playbook, 60)
	if p.Plan.Kind == bot.PlanUndo {
		name = "the undo of " + p.Plan.Undoes.String()
	}
	if t := p.Approval.Target; t != "" && !strings.Contains(c.Title, t) {
		name += " on " + clip(t, 30)
	}
	text := "approve " + name + "?"
	if len(p.Approval.Rule.Approvers) == 0 {
		text = "nobody may approve " + name + ","
	}
	if t := p.Approval.ExpiresAt; !t.IsZero() {
		text += " until " + stamp(t, now)
	}
	return text
}
