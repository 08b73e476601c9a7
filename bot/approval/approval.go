// Package approval is the question put to people about one Plan digest, as a
// state machine:
//
//	pending ─ enough distinct people say yes ─────► approved
//	pending ─ one no, with a reason ──────────────► denied
//	pending ─ ExpiresAt passes ───────────────────► expired
//	pending ─ the question has gone ──────────────► withdrawn
//
// All but pending are final. It promises to be pure, to change only the copy it
// returns, and to count a person once, by PersonID, whatever surface the vote
// came by and however often. Enough are Quorum people of the approver groups and
// beside them one of each group in Also, nobody standing for two of these. A yes
// counts only from a person in one of these groups who is not excluded, and for
// the groups that they were in when they gave it; where the rule asks for a second
// factor, when they gave it on two surfaces. No list of approvers means
// nobody. A no may come from any responder or approver and decides at once.
//
// It assumes that the caller has proved who the voter is, and that the result
// is written conditionally on the version that was read. On failure it returns
// a *bot.Refusal that says why and what to do next, and the Approval unchanged.
package approval

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"salve/bot"
)

// defaultExpiry is how long a question stands when its rule does not say.
const defaultExpiry = time.Hour

// Open puts the question about plan. verdict is why people are asked.
func Open(id bot.ApprovalID, plan bot.Plan, verdict bot.Verdict, now time.Time) bot.Approval {
	rule := plan.Rule
	rule.Quorum = max(rule.Quorum, 1)
	return bot.Approval{
		ID: id, Incident: plan.Incident, Plan: plan.ID, Digest: plan.Digest,
		Playbook: plan.Playbook, Target: plan.Target, State: bot.ApprovalPending,
		Rule: rule, Verdict: verdict, OpenedAt: now,
		ExpiresAt: now.Add(cmp.Or(rule.ExpiresIn.Std(), defaultExpiry)),
	}
}

// Cast counts one vote. vote needs Digest (whole, or at least eight characters
// of it), Yes, Surface and, for a no, Reason; the rest is filled in here. A vote
// that the person has given already changes nothing and is no error.
func Cast(a bot.Approval, voter bot.Person, vote bot.Vote, now time.Time) (bot.Approval, error) {
	if r := a.Entitled(voter, vote.Yes); r != nil {
		return a, r
	}
	if r := sameDigest(a, vote); r != nil {
		return a, r
	}
	late := a.Undecided(now)
	if repeats(a, voter, vote) && (late == nil || a.State == bot.ApprovalApproved || a.State == bot.ApprovalDenied) {
		return a, nil
	}
	if late != nil {
		return a, late
	}
	vote.Reason = strings.TrimSpace(vote.Reason)
	if !vote.Yes && vote.Reason == "" {
		return a, bot.Refuse(bot.RefusedInput, "A denial needs a reason.", "Say in one sentence why this should not run.")
	}
	vote.Person, vote.Name, vote.Digest, vote.At = voter.ID, voter.Name, a.Digest, now
	vote.Groups = a.Rule.VotesFor(voter)
	a.Votes = append(slices.Clone(a.Votes), vote)
	by := bot.Actor{Person: voter.ID, Name: voter.Name, Surface: vote.Surface}
	switch {
	case !vote.Yes:
		return decide(a, bot.ApprovalDenied, by, vote.Reason, now), nil
	case a.Tally().Agreed():
		return decide(a, bot.ApprovalApproved, by, "", now), nil
	default:
		return a, nil
	}
}

// Expire ends a question whose time is over, and reports whether it did.
// Nothing changes on the target.
func Expire(a bot.Approval, now time.Time) (bot.Approval, bool) {
	if a.State != bot.ApprovalPending || now.Before(a.ExpiresAt) {
		return a, false
	}
	return decide(a, bot.ApprovalExpired, bot.Salve, "nobody decided in time", now), true
}

// Withdraw takes a pending question back; a decided one stays as it is.
func Withdraw(a bot.Approval, reason string, now time.Time) bot.Approval {
	if a.State != bot.ApprovalPending {
		return a
	}
	return decide(a, bot.ApprovalWithdrawn, bot.Salve, reason, now)
}

func decide(a bot.Approval, s bot.ApprovalState, by bot.Actor, reason string, now time.Time) bot.Approval {
	a.State, a.DecidedBy, a.Reason, a.DecidedAt = s, by, reason, now
	return a
}

func repeats(a bot.Approval, voter bot.Person, vote bot.Vote) bool {
	return slices.ContainsFunc(a.Votes, func(v bot.Vote) bool {
		return v.Person == voter.ID && v.Yes == vote.Yes && v.Digest == a.Digest && (v.Surface == vote.Surface || !a.Rule.SecondFactor || !vote.Yes)
	})
}
