package chat

import (
	"fmt"
	"time"

	"salve/bot"
)

// whoMay says in words who can approve.
func whoMay(r bot.ApprovalRule) string {
	if len(r.Approvers) == 0 {
		return "nobody: the playbook names no group of approvers"
	}
	if r.Quorum <= 1 {
		return "1 of " + r.Groups() + r.Beside()
	}
	return fmt.Sprintf("%d different people of %s%s", r.Quorum, r.Groups(), r.Beside())
}

// mayNotVote says why the viewer cannot approve; empty: they can. The desk that
// takes the vote asks by the same rule again.
func mayNotVote(a bot.Approval, viewer bot.Person, now time.Time) string {
	if r := a.MayApprove(viewer, now); r != nil {
		return r.Why
	}
	if a.Voted(viewer.ID) {
		return viewer.Name + " has voted already."
	}
	return ""
}
