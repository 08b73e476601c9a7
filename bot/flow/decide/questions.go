package decide

import (
	"cmp"
	"slices"

	"salve/bot"
	"salve/bot/approval"
)

// expire ends the questions whose time is over, and calls for people. Nothing
// changes on the target.
func (k *look) expire() {
	for i, a := range k.approvals {
		next, over := approval.Expire(a, k.leg.expiry(k.now))
		if !over {
			continue
		}
		k.replace(i, next)
		k.event(bot.Event{Kind: bot.EventExpired, Plan: a.Plan, Approval: a.ID, Text: expiredText(next)})
		k.event(bot.Event{Kind: bot.EventEscalated, Plan: a.Plan, Approval: a.ID, Text: k.nextPerson(next)})
	}
}

func (k *look) replace(i int, a bot.Approval) {
	k.approvals[i] = a
	k.change.Approvals = append(k.change.Approvals, a)
}

// nextPerson says who is called after a question expired.
func (k *look) nextPerson(a bot.Approval) string {
	who := "whoever of group " + joined(a.Rule.Approvers) + " is there"
	switch {
	case k.inc.Owner != "":
		who = k.owner()
	case len(a.Rule.Approvers) == 0:
		who = "a responder"
	}
	return "a person is needed: " + who + " should take " + k.inc.ID.String() + ", or ask again: salve run " + a.Playbook + " " + k.inc.ID.String()
}

func expiredText(a bot.Approval) string {
	return "nobody decided about " + a.Playbook + " on " + a.Target + " before " + clock(a.ExpiresAt) + "; nothing was changed there"
}

// withdraw takes back the questions that nobody needs to answer any more.
func (k *look) withdraw() {
	for i, a := range k.approvals {
		if a.State != bot.ApprovalPending {
			continue
		}
		if reason := k.pointless(a); reason != "" {
			k.takeBack(i, reason)
		}
	}
}

func (k *look) takeBack(i int, reason string) {
	a := approval.Withdraw(k.approvals[i], reason, k.now)
	k.replace(i, a)
	k.event(bot.Event{Kind: bot.EventWithdrawn, Plan: a.Plan, Approval: a.ID, Text: a.Playbook + " on " + a.Target + " is not asked any more: " + reason})
}

// pointless says why a pending question should go; empty: it stands. An undo
// does not depend on alerts, and what a person asked for stays through a take.
func (k *look) pointless(a bot.Approval) string {
	p, known := k.plans[a.Plan]
	if !known {
		return "its plan is not in the store"
	}
	if p.Kind == bot.PlanUndo {
		return ""
	}
	switch k.inc.State() {
	case bot.IncidentOpen:
	case bot.IncidentResolved:
		return "no alert of the incident fires any more"
	case bot.IncidentClosed:
		return "the incident is closed"
	case bot.IncidentMerged:
		return "the incident was merged into " + k.inc.MergedInto.String()
	default:
		return "the state of the incident is not known"
	}
	if asked(p) {
		return ""
	}
	if k.inc.Owner != "" {
		return k.owner() + " has taken the incident"
	}
	return k.moved(p)
}

// moved says what changed under a plan that the alerts gave: its target has
// gone, or the same playbook would do another thing there now.
func (k *look) moved(p bot.Plan) string {
	firing := k.firing()
	if len(firing) < k.inc.Firing {
		return "" // not all alerts were read, so that nothing is gone for certain
	}
	i := slices.IndexFunc(firing, func(a bot.Alert) bool { return a.AlertKey == p.Alert && k.aims(p, a) })
	if i < 0 {
		i = slices.IndexFunc(firing, func(a bot.Alert) bool { return k.aims(p, a) })
	}
	if i < 0 {
		return "no firing alert leads " + p.Playbook + " to " + p.Target + " any more"
	}
	fresh, err := k.build(p.Playbook, firing[i])
	if err != nil {
		return "its plan cannot be made any more: " + err.Error()
	}
	if fresh.Digest != p.Digest {
		return "its facts changed: plan " + p.Digest.Short() + " would be " + fresh.Digest.Short() + " now"
	}
	return ""
}

// aims reports whether the alert still gives the plan's playbook and target.
func (k *look) aims(p bot.Plan, a bot.Alert) bool {
	if !k.lib.fits(p.Playbook, a, k.inc) {
		return false
	}
	target, err := k.lib.Plans.Target(p.Playbook, a, k.inc)
	return err == nil && target == p.Target
}

// owner is the name of whoever took the Incident.
func (k *look) owner() string { return cmp.Or(k.inc.OwnerName, string(k.inc.Owner)) }

func asked(p bot.Plan) bool { return p.AskedBy != (bot.Actor{}) }
