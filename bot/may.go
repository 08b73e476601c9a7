package bot

import (
	"slices"
	"time"
)

// MayApprove says why this person may not say yes to the question now; nil: they
// may. It is the one rule, for whoever shows the button and whoever takes the vote.
func (a Approval) MayApprove(p Person, now time.Time) *Refusal {
	if r := a.Undecided(now); r != nil {
		return r
	}
	return a.Entitled(p, true)
}

// MayDeny says why this person may not say no to the question now; nil: they may.
func (a Approval) MayDeny(p Person, now time.Time) *Refusal {
	if r := a.Undecided(now); r != nil {
		return r
	}
	return a.Entitled(p, false)
}

// Entitled is about the person alone, whatever the state of the question: a yes
// is for the groups of approvers and those that must agree too, without the
// excluded; a no for them and every responder.
func (a Approval) Entitled(p Person, yes bool) *Refusal {
	switch {
	case p.ID == "":
		return Refuse(RefusedIdentity, "Nobody knows who is asking.", "Log in, or let an admin register you: salve user add NAME.")
	case p.Disabled:
		return Refuse(RefusedForbidden, p.Name+" is disabled.", "An admin can change that: salve user enable "+string(p.ID)+".")
	case yes:
		return a.entitledToApprove(p)
	case p.Has(RoleResponder), p.In(a.Rule.Voters()):
		return nil
	default:
		return Refuse(RefusedForbidden, p.Name+" is neither a responder nor an approver of this plan.",
			"An admin can change that: salve user edit "+string(p.ID)+" --role responder.")
	}
}

func (a Approval) entitledToApprove(p Person) *Refusal {
	switch {
	case len(a.Rule.Approvers) == 0:
		return Refuse(RefusedForbidden, "Nobody may approve this plan: playbook "+a.Playbook+" names no approvers.",
			"Add approvers: [a group] to the playbook.")
	case slices.Contains(a.Rule.Excluded, p.ID):
		return Refuse(RefusedForbidden, p.Name+" may not approve this plan: whoever asked for it or wrote its playbook unreviewed has no vote.",
			"Ask somebody else of "+groupsText(a.Rule.Voters())+".")
	case !p.In(a.Rule.Voters()):
		return Refuse(RefusedForbidden, p.Name+" is not in "+groupsText(a.Rule.Voters())+".",
			"An admin can change that: salve user edit "+string(p.ID)+" --group "+a.Rule.Approvers[0]+".")
	default:
		return nil
	}
}

// Groups names the groups of approvers, for people.
func (r ApprovalRule) Groups() string {
	if len(r.Approvers) == 0 {
		return "the approvers (the playbook names none yet)"
	}
	return groupsText(r.Approvers)
}

// Undecided says why the question takes no answer any more; nil: it does. A
// pending one whose time is over is expired, even before anybody has written
// that down.
func (a Approval) Undecided(now time.Time) *Refusal {
	const again = "Ask for the playbook again if it is still needed: salve run PLAYBOOK "
	state := a.State
	if state == ApprovalPending && !now.Before(a.ExpiresAt) {
		state = ApprovalExpired
	}
	switch state {
	case ApprovalPending:
		return nil
	case ApprovalApproved:
		return Refuse(RefusedState, a.ID.String()+" was approved by "+a.DecidedBy.Name+" already.", "To stop the run: salve cancel RUN, or salve halt.")
	case ApprovalDenied:
		return Refuse(RefusedState, a.ID.String()+" was denied by "+a.DecidedBy.Name+": "+a.Reason+".", again+a.Incident.String()+".")
	case ApprovalExpired:
		return Refuse(RefusedState, a.ID.String()+" expired at "+a.ExpiresAt.UTC().Format("15:04 UTC")+"; nothing was done.", again+a.Incident.String()+".")
	case ApprovalWithdrawn:
		return Refuse(RefusedState, a.ID.String()+" was withdrawn: "+a.Reason+".", "Read the incident as it is now.")
	default:
		return Refuse(RefusedState, a.ID.String()+" is in a state that is not known.", "Read the incident as it is now.")
	}
}
