package decide

import (
	"slices"
	"time"

	"salve/bot"
)

// quietUntil is when a resolved Incident closes by itself. The end of an alert
// comes from the source's clock: one that lies ahead counts from when it was
// first looked at.
func (k *look) quietUntil() time.Time {
	seen := k.now
	if k.was.Decision.FoldRev == k.inc.FoldRev && !k.was.Decision.At.IsZero() {
		seen = k.was.Decision.At
	}
	from := k.inc.ResolvedAt
	if from.IsZero() || from.After(seen) {
		from = seen
	}
	return from.Add(k.leg.opts.Quiet)
}

// closeQuiet closes an Incident that has been quiet for long enough and that
// nobody and nothing is at work on; else it asks for a look at that time.
func (k *look) closeQuiet() {
	busy := slices.ContainsFunc(k.runs, bot.Run.Active) ||
		slices.ContainsFunc(k.approvals, func(a bot.Approval) bool { return a.State == bot.ApprovalPending })
	if k.inc.State() != bot.IncidentResolved || k.inc.Owner != "" || busy {
		return
	}
	at := k.quietUntil()
	if k.now.Before(at) {
		k.later(at)
		return
	}
	k.inc.ClosedAt = k.now
	k.inc.CloseReason = k.quietReason()
	k.event(bot.Event{Kind: bot.EventClosed, Text: "closed by itself: " + k.inc.CloseReason})
}

func (k *look) quietReason() string {
	return "quiet for " + bot.Duration(k.leg.opts.Quiet).String() + " after it resolved"
}

// reopen takes back a close by itself that an alert crossed: the store attached
// it to the Incident just before it was closed.
func (k *look) reopen() {
	itself := k.inc.CloseReason == k.quietReason() && k.inc.ClosedAt.Equal(k.was.Decision.At)
	if !itself || k.inc.Firing == 0 || k.inc.MergedInto != 0 {
		return
	}
	k.inc.ClosedAt, k.inc.CloseReason = time.Time{}, ""
	k.event(bot.Event{Kind: bot.EventReopened, Text: "reopened: an alert came in as it closed by itself"})
}
