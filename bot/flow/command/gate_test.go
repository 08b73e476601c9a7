package command_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

// whole is each verb with all that it needs, about things that do not exist.
var whole = map[bot.Verb]bot.Command{
	bot.VerbApprove:  {Incident: 999, Digest: "3fa9c1d2"},
	bot.VerbDeny:     {Incident: 999, Digest: "3fa9c1d2", Reason: "no"},
	bot.VerbTake:     {Incident: 999},
	bot.VerbRelease:  {Incident: 999},
	bot.VerbAssign:   {Incident: 999, To: "rob"},
	bot.VerbHandover: {Incident: 999, To: "rob", Reason: "the disk fills"},
	bot.VerbNote:     {Incident: 999, Reason: "looks bad"},
	bot.VerbClose:    {Incident: 999, Reason: "done"},
	bot.VerbReopen:   {Incident: 999},
	bot.VerbMerge:    {Incident: 999, Into: 998},
	bot.VerbSplit:    {Incident: 999, Alerts: []string{"f"}},
	bot.VerbSnooze:   {Incident: 999, For: bot.Duration(3600e9)},
	bot.VerbRun:      {Incident: 999, Playbook: "restart"},
	bot.VerbUndo:     {Run: 999},
	bot.VerbCancel:   {Run: 999},
	bot.VerbSettle:   {Run: 999, Settle: bot.SettleDone},
	bot.VerbHalt:     {Scope: bot.HaltTarget, Name: "db-1"},
	bot.VerbResume:   {Scope: bot.HaltTarget, Name: "db-1"},
	bot.VerbRaise:    {Title: "the shop is slow"},
	bot.VerbClaim:    {Name: "db-9"},
	bot.VerbUnclaim:  {Name: "db-9"},
	bot.VerbReplay:   {Quarantine: 999},
	bot.VerbDiscard:  {Quarantine: 999},
}

func TestEveryVerbMeetsEveryKindOfPerson(t *testing.T) {
	t.Parallel()
	h := open(t)
	require.Len(t, whole, 23, "every verb is here")
	kinds := []struct {
		name    string
		who     bot.Person
		may     func(bot.Verb) bool
		refusal bot.RefusalCode
	}{
		{"somebody unknown may only halt", stranger, only(bot.VerbHalt), bot.RefusedIdentity},
		{"somebody disabled may only halt", dora, only(bot.VerbHalt), bot.RefusedForbidden},
		{"a viewer may halt, and have a vote judged", vera, only(bot.VerbHalt, bot.VerbApprove, bot.VerbDeny, bot.VerbUnclaim), bot.RefusedForbidden},
		{"an approver may halt and vote", olga, only(bot.VerbHalt, bot.VerbApprove, bot.VerbDeny, bot.VerbUnclaim), bot.RefusedForbidden},
		{"an admin is exempt from nothing", adam, only(bot.VerbHalt, bot.VerbApprove, bot.VerbDeny, bot.VerbUnclaim), bot.RefusedForbidden},
		{"a resumer may halt and resume", rosa, only(bot.VerbHalt, bot.VerbApprove, bot.VerbDeny, bot.VerbUnclaim, bot.VerbResume), bot.RefusedForbidden},
		{"a responder may all but resume", rita, func(v bot.Verb) bool { return v != bot.VerbResume }, bot.RefusedForbidden},
	}
	for _, k := range kinds {
		for verb, c := range whole {
			c.Verb = verb
			_, err := h.tries(k.who, c)
			code := bot.RefusalCode("")
			if r, ok := errors.AsType[*bot.Refusal](err); ok {
				code = r.Code
				require.NotEmpty(t, r.Next, "%s, %s: what to do next", k.name, verb)
			} else {
				require.NoError(t, err)
			}
			if k.may(verb) {
				require.NotContains(t, []bot.RefusalCode{bot.RefusedIdentity, bot.RefusedForbidden}, code, "%s: %s", k.name, verb)
			} else {
				require.Equal(t, k.refusal, code, "%s: %s", k.name, verb)
			}
		}
	}
}

func only(verbs ...bot.Verb) func(bot.Verb) bool {
	return func(v bot.Verb) bool {
		for _, x := range verbs {
			if v == x {
				return true
			}
		}
		return false
	}
}

func TestOnlyTheApprovalsOwnRuleLetsAVoteCount(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.asks(h.incident(1))
	yes := bot.Command{Verb: bot.VerbApprove, Incident: a.Incident, Digest: a.Digest.Short()}
	no := bot.Command{Verb: bot.VerbDeny, Incident: a.Incident, Reason: "wrong host"}
	h.refused(stranger, yes, bot.RefusedIdentity)
	h.refused(dora, yes, bot.RefusedForbidden)
	for _, p := range []bot.Person{vera, rita, adam, rosa} {
		h.refused(p, yes, bot.RefusedForbidden, "oncall")
	}
	for _, p := range []bot.Person{vera, adam, rosa} {
		h.refused(p, no, bot.RefusedForbidden, "responder")
	}
	require.Equal(t, bot.ApprovalPending, h.approval(a.ID).State)
	h.says(rita, no)
	require.Equal(t, bot.ApprovalDenied, h.approval(a.ID).State)
}

func TestWhatIsMissingIsAskedFor(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(1)
	long := string(make([]byte, 5000))
	for name, c := range map[string]bot.Command{
		"no verb":              {},
		"an unknown verb":      {Verb: "explode"},
		"a blank denial":       {Verb: bot.VerbDeny, Incident: inc.ID, Reason: " \t"},
		"a blank note":         {Verb: bot.VerbNote, Incident: inc.ID, Reason: "\n"},
		"a close without why":  {Verb: bot.VerbClose, Incident: inc.ID},
		"nobody to assign to":  {Verb: bot.VerbAssign, Incident: inc.ID},
		"a silent handover":    {Verb: bot.VerbHandover, Incident: inc.ID, To: "rob"},
		"a merge with itself":  {Verb: bot.VerbMerge, Incident: inc.ID, Into: inc.ID},
		"an endless snooze":    {Verb: bot.VerbSnooze, Incident: inc.ID, For: bot.Duration(8 * 24 * 3600e9)},
		"a snooze of nothing":  {Verb: bot.VerbSnooze, Incident: inc.ID},
		"a halt of no target":  {Verb: bot.VerbHalt, Scope: bot.HaltTarget},
		"a halt of the moon":   {Verb: bot.VerbHalt, Scope: "moon", Name: "moon"},
		"an approval unread":   {Verb: bot.VerbApprove, Incident: inc.ID, Digest: "3fa9c1d"},
		"no run to cancel":     {Verb: bot.VerbCancel},
		"a note too long":      {Verb: bot.VerbNote, Incident: inc.ID, Reason: long},
		"a note that rings":    {Verb: bot.VerbNote, Incident: inc.ID, Reason: "\a"},
		"a note that is bytes": {Verb: bot.VerbNote, Incident: inc.ID, Reason: "\xff"},
		"a name too long":      {Verb: bot.VerbRun, Incident: inc.ID, Playbook: long},
		"a value too long":     {Verb: bot.VerbRun, Incident: inc.ID, Playbook: "restart", Params: map[string]string{"x": long}},
		"nothing to split off": {Verb: bot.VerbSplit, Incident: inc.ID},
	} {
		t.Log(name)
		h.refused(rita, c, bot.RefusedInput)
	}
}

func TestWhatIsNotThereIsUnknownAndSaysHowToList(t *testing.T) {
	t.Parallel()
	h := open(t)
	for verb, c := range whole {
		if only(bot.VerbHalt, bot.VerbResume, bot.VerbClaim, bot.VerbUnclaim, bot.VerbRaise)(verb) {
			continue
		}
		c.Verb = verb
		h.refused(rita, c, bot.RefusedUnknown)
	}
	inc := h.incident(1)
	h.refused(rita, bot.Command{Verb: bot.VerbAssign, Incident: inc.ID, To: "nobody"}, bot.RefusedUnknown, "salve user list")
	h.refused(rita, bot.Command{Verb: bot.VerbRun, Incident: inc.ID, Playbook: "dance"}, bot.RefusedUnknown, "salve playbook list")
}

func TestWithTheStoreDownNothingLooksDone(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc, other := h.incident(2), h.incident(1)
	a, r := h.asks(inc), h.runs(other, waiting)
	h.store.breakWith(bot.ErrUnavailable)
	for _, c := range []bot.Command{
		{Verb: bot.VerbApprove, Incident: inc.ID, Digest: a.Digest.Short()}, {Verb: bot.VerbDeny, Incident: inc.ID, Reason: "no"},
		{Verb: bot.VerbTake, Incident: inc.ID}, {Verb: bot.VerbAssign, Incident: inc.ID, To: "rob"},
		{Verb: bot.VerbHandover, Incident: inc.ID, To: "rob", Reason: "x"}, {Verb: bot.VerbNote, Incident: inc.ID, Reason: "x"},
		{Verb: bot.VerbClose, Incident: inc.ID, Reason: "x"}, {Verb: bot.VerbMerge, Incident: inc.ID, Into: other.ID},
		{Verb: bot.VerbSplit, Incident: inc.ID, Alerts: []string{"f1-0"}}, {Verb: bot.VerbSnooze, Incident: inc.ID, For: bot.Duration(3600e9)},
		{Verb: bot.VerbRun, Incident: inc.ID, Playbook: "restart"}, {Verb: bot.VerbCancel, Run: r.ID},
		{Verb: bot.VerbSettle, Run: r.ID, Settle: bot.SettleAbandon},
	} {
		who := rita
		if c.Verb == bot.VerbApprove {
			who = olga
		}
		h.refused(who, c, bot.RefusedLater, "not recorded")
	}
	h.refused(stranger, bot.Command{Verb: bot.VerbHalt, Scope: bot.HaltTarget, Name: "x"}, bot.RefusedLater, "not certain that target x is halted", "salve halt")
}
