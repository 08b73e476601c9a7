package approval

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"salve/bot"
)

// MayVote says why this person may not say yes to the question; nil: they may.
func MayVote(a bot.Approval, p bot.Person) *bot.Refusal {
	if r := entitled(a, p, true); r != nil {
		return r
	}
	return open(a)
}

// MayDeny says why this person may not say no to the question; nil: they may.
func MayDeny(a bot.Approval, p bot.Person) *bot.Refusal {
	if r := entitled(a, p, false); r != nil {
		return r
	}
	return open(a)
}

// WhoMay names those who can agree, for people: "1 of group oncall".
func WhoMay(a bot.Approval) string {
	if len(a.Rule.Approvers) == 0 {
		return "nobody: the playbook names no approvers; add approvers: [a group] to it"
	}
	text := fmt.Sprintf("%d of %s", max(a.Rule.Quorum, 1), groups(a.Rule.Approvers))
	if n := agreed(a); n > 0 && a.State == bot.ApprovalPending {
		text += fmt.Sprintf(" (%d so far)", n)
	}
	if len(a.Rule.Excluded) > 0 {
		text += ", but not " + join(a.Rule.Excluded)
	}
	return text
}

func groups(names []string) string {
	if len(names) == 1 {
		return "group " + names[0]
	}
	return "groups " + strings.Join(names, ", ")
}

func join(ids []bot.PersonID) string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = string(id)
	}
	return strings.Join(names, ", ")
}

// entitled is about the person alone, whatever the state of the question.
func entitled(a bot.Approval, p bot.Person, yes bool) *bot.Refusal {
	if p.ID == "" {
		return bot.Refuse(bot.RefusedIdentity, "Nobody knows who is asking.",
			"Log in, or let an admin register you: salve user add NAME.")
	}
	if p.Disabled {
		return bot.Refuse(bot.RefusedForbidden, p.Name+" is disabled.", "An admin can change that: salve user enable "+string(p.ID)+".")
	}
	if !yes {
		return entitledToDeny(a, p)
	}
	if slices.Contains(a.Rule.Excluded, p.ID) {
		return bot.Refuse(bot.RefusedForbidden, p.Name+" may not approve this plan: whoever asked for it or wrote its playbook unreviewed has no vote.",
			"Ask somebody else of "+groupsOr(a.Rule.Approvers)+".")
	}
	if len(a.Rule.Approvers) == 0 {
		return bot.Refuse(bot.RefusedForbidden, "Nobody may approve this plan: playbook "+a.Playbook+" names no approvers.",
			"Add approvers: [a group] to the playbook.")
	}
	if !p.In(a.Rule.Approvers) {
		return bot.Refuse(bot.RefusedForbidden, p.Name+" is not in "+groups(a.Rule.Approvers)+".", grant(p, a.Rule.Approvers[0]))
	}
	return nil
}

func entitledToDeny(a bot.Approval, p bot.Person) *bot.Refusal {
	if p.Has(bot.RoleResponder) || p.In(a.Rule.Approvers) {
		return nil
	}
	return bot.Refuse(bot.RefusedForbidden, p.Name+" is neither a responder nor an approver of this plan.",
		"An admin can change that: salve user edit "+string(p.ID)+" --role responder.")
}

func grant(p bot.Person, group string) string {
	return "An admin can change that: salve user edit " + string(p.ID) + " --group " + group + "."
}

func groupsOr(names []string) string {
	if len(names) == 0 {
		return "the approvers (the playbook names none yet)"
	}
	return groups(names)
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

// undecided is about the question alone. A pending one whose time is over is
// expired, even before anybody has written that down.
func undecided(a bot.Approval, now time.Time) *bot.Refusal {
	if r := open(a); r != nil {
		return r
	}
	if now.Before(a.ExpiresAt) {
		return nil
	}
	a, _ = Expire(a, now)
	return open(a)
}

func open(a bot.Approval) *bot.Refusal {
	const again = "Ask for the playbook again if it is still needed: salve run PLAYBOOK "
	switch a.State {
	case bot.ApprovalPending:
		return nil
	case bot.ApprovalApproved:
		return bot.Refuse(bot.RefusedState, a.ID.String()+" was approved by "+a.DecidedBy.Name+" already.", "To stop the run: salve cancel RUN, or salve halt.")
	case bot.ApprovalDenied:
		return bot.Refuse(bot.RefusedState, a.ID.String()+" was denied by "+a.DecidedBy.Name+": "+a.Reason+".", again+a.Incident.String()+".")
	case bot.ApprovalExpired:
		return bot.Refuse(bot.RefusedState, a.ID.String()+" expired at "+a.ExpiresAt.UTC().Format("15:04 UTC")+"; nothing was done.", again+a.Incident.String()+".")
	case bot.ApprovalWithdrawn:
		return bot.Refuse(bot.RefusedState, a.ID.String()+" was withdrawn: "+a.Reason+".", "Read the incident as it is now.")
	default:
		return bot.Refuse(bot.RefusedState, a.ID.String()+" is in a state that is not known.", "Read the incident as it is now.")
	}
}
