package chat

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"salve/bot"
)

// whoMay says in words who can approve.
func whoMay(r bot.ApprovalRule) string {
	if len(r.Approvers) == 0 {
		return "nobody: the playbook names no group of approvers"
	}
	group := "group "
	if len(r.Approvers) > 1 {
		group = "groups "
	}
	group += strings.Join(r.Approvers, ", ")
	if r.Quorum <= 1 {
		return "1 of " + group
	}
	return fmt.Sprintf("%d different people of %s", r.Quorum, group)
}

// mayNotVote says why the viewer cannot approve; empty when nothing is known
// against it. The desk that takes the vote asks again.
func mayNotVote(a bot.Approval, p bot.Plan, viewer bot.Person, now time.Time) string {
	switch {
	case a.State != bot.ApprovalPending:
		return "It is " + string(a.State) + "."
	case !now.Before(a.ExpiresAt):
		return "Its time ran out."
	case viewer.ID == "":
		return "Nobody knows who you are; sign in first."
	case viewer.Disabled:
		return "Your account is disabled."
	case len(a.Rule.Approvers) == 0:
		return "Nobody can approve it: the playbook names no group of approvers."
	case slices.Contains(a.Rule.Excluded, viewer.ID), p.AskedBy.Person == viewer.ID:
		return "You asked for it or wrote it, and nobody approves their own."
	case !viewer.In(a.Rule.Approvers):
		return "You are not in " + strings.TrimPrefix(whoMay(bot.ApprovalRule{Approvers: a.Rule.Approvers}), "1 of ") + "."
	case voted(a, viewer.ID):
		return "You have voted already."
	default:
		return ""
	}
}

func voted(a bot.Approval, p bot.PersonID) bool {
	return slices.ContainsFunc(a.Votes, func(v bot.Vote) bool { return v.Person == p })
}

// mayDeny reports whether the viewer can close the question: any responder and
// any approver.
func mayDeny(a bot.Approval, viewer bot.Person, now time.Time) bool {
	return a.State == bot.ApprovalPending && now.Before(a.ExpiresAt) &&
		(viewer.Has(bot.RoleResponder) || viewer.In(a.Rule.Approvers))
}

func yesVotes(a bot.Approval) int {
	n := 0
	for _, v := range a.Votes {
		if v.Yes {
			n++
		}
	}
	return n
}
