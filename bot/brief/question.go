package brief

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"salve/bot"
)

func planLine(p bot.CardProposal, limit int) bot.Line {
	back := wayBack(p.Plan)
	rest := []bot.Span{raw(" · " + strings.TrimPrefix(back, "it ") + " · plan "), code(p.Approval.Digest.Short())}
	label := "Proposed:"
	if p.Approval.State != bot.ApprovalPending {
		label = "Asked before:"
	}
	head := []bot.Span{strong(label), raw(" "), plain(clip(what(p), max(limit-width(flat(rest))-10, 12)))}
	return line(append(head, rest...)...)
}

// who says who may approve until when, and who has.
func who(p bot.CardProposal, questions int) []bot.Span {
	a := p.Approval
	if len(a.Rule.Approvers) == 0 {
		return words("Nobody may approve it. Write approvers: [GROUP] into playbook %s.", clip(a.Playbook, 40))
	}
	out := words("%s", p.WhoMay)
	if half := a.Tally().Half; len(half) > 0 {
		out = []bot.Span{plain(strings.Join(first(half, 3), ", ")), raw(" said yes here or elsewhere; needed on one more surface")}
	} else if yes := saidYes(a); yes != "" && len(a.Votes) > 0 {
		out = []bot.Span{plain(yes), raw(" · next: "), plain(nextVoter(a))}
	}
	out = append(out, append([]bot.Span{raw(" ")}, when("until", a.ExpiresAt)...)...)
	if by := p.Plan.AskedBy; by.Name != "" {
		out = append(out, raw(" · "), plain("not "+by.Name+", who asked"))
	}
	if questions > 1 {
		out = append(out, raw(fmt.Sprintf(" · %d more behind More", questions-1)))
	}
	return out
}

// nextVoter names the groups of whom another yes counts.
func nextVoter(a bot.Approval) string {
	open := a.Tally().Open
	if len(open) == 0 {
		return "nobody"
	}
	return groupsText(open)
}

// saidYes names who agreed so far, when more than one must.
func saidYes(a bot.Approval) string {
	t := a.Tally()
	if t.Needed <= 1 && t.Yes == 0 {
		return ""
	}
	var names []string
	for _, v := range a.Votes {
		if name := clip(cmp.Or(v.Name, string(v.Person)), maxLabel); v.Yes && v.Digest == a.Digest && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	text := fmt.Sprintf("%d of %d said yes", t.Yes, t.Needed)
	if len(names) > 0 {
		text += ": " + strings.Join(first(names, 5), ", ")
	}
	return text
}
