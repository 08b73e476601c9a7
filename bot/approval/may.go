package approval

import (
	"fmt"
	"strings"

	"salve/bot"
)

// WhoMay names those who can agree, for people: "1 of group oncall and 1 of group
// security", and how far it is.
func WhoMay(a bot.Approval) string {
	if len(a.Rule.Approvers) == 0 {
		return "nobody: the playbook names no approvers; add approvers: [a group] to it"
	}
	text := fmt.Sprintf("%d of %s", max(a.Rule.Quorum, 1), a.Rule.Groups()) + a.Rule.Beside()
	switch t := a.Tally(); {
	case a.State != bot.ApprovalPending:
	case len(t.Half) > 0:
		text += fmt.Sprintf(" (%d so far; %s said yes on one surface, and it counts on another, too)", t.Yes, strings.Join(t.Half, ", "))
	case t.Yes > 0:
		text += fmt.Sprintf(" (%d so far%s)", t.Yes, wanted(a.Rule, t))
	}
	if len(a.Rule.Excluded) > 0 {
		text += ", but not " + join(a.Rule.Excluded)
	}
	return text
}

// wanted says whose yes would count next, where that is not plain from the rule.
func wanted(r bot.ApprovalRule, t bot.Tally) string {
	if len(r.Also) == 0 || t.Agreed() {
		return ""
	}
	return "; next: somebody of " + strings.Join(t.Open, " or ")
}

func join(ids []bot.PersonID) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = string(id)
	}
	return strings.Join(names, ", ")
}

func sameDigest(a bot.Approval, vote bot.Vote) *bot.Refusal {
	typed := string(vote.Digest)
	switch {
	case a.Digest.Matches(typed):
		return nil
	case len(typed) < 8:
		return bot.Refuse(bot.RefusedInput, "The vote does not say which plan it is for.",
			"Name at least 8 characters of the digest: "+a.Digest.Short()+".")
	default:
		return bot.Refuse(bot.RefusedMoved, "The vote was for plan "+vote.Digest.Short()+", but "+a.ID.String()+" asks about plan "+a.Digest.Short()+".",
			"Read the plan as it is now and vote again.")
	}
}
