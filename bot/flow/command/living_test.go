package command_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

func (h *house) claims(id bot.IncidentID) []bot.Claim {
	h.Helper()
	claims, err := h.store.ClaimsOf(h.Context(), id)
	require.NoError(h, err)
	return claims
}

// twice says a command two times: the second changes nothing and says so.
func (h *house) twice(who bot.Person, c bot.Command) bot.Answer {
	h.Helper()
	first := h.says(who, c)
	require.False(h, first.Repeated, first.Text)
	events := h.events()
	second := h.says(who, c)
	require.True(h, second.Repeated, second.Text)
	require.Equal(h, events, h.events())
	return first
}

func TestWhoTakesAnIncidentHoldsItsTargets(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(1)
	h.twice(rita, bot.Command{Verb: bot.VerbTake, Incident: inc.ID})
	after := h.read(inc.ID)
	require.Equal(t, bot.PersonID("rita"), after.Owner)
	require.Equal(t, "Rita", after.OwnerName)
	require.False(t, after.DueAt.IsZero())
	require.Equal(t, []bot.Claim{{Target: h.target(inc.ID), Incident: inc.ID, Holder: "rita", Name: "Rita", At: h.claims(inc.ID)[0].At}}, h.claims(inc.ID))

	h.twice(rob, bot.Command{Verb: bot.VerbTake, Incident: inc.ID})
	require.Equal(t, bot.PersonID("rob"), h.claims(inc.ID)[0].Holder)
	h.twice(rob, bot.Command{Verb: bot.VerbRelease, Incident: inc.ID})
	require.Empty(t, h.claims(inc.ID))
	require.Empty(t, h.read(inc.ID).Owner)
	require.Contains(t, h.last(bot.EventReleased).Text, "Rob released")
}

func TestAnIncidentIsGivenToSomebodyWhoExists(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(1)
	h.twice(rita, bot.Command{Verb: bot.VerbAssign, Incident: inc.ID, To: "rob"})
	require.Equal(t, bot.PersonID("rob"), h.read(inc.ID).Owner)
	h.refused(rita, bot.Command{Verb: bot.VerbAssign, Incident: inc.ID, To: "vera"}, bot.RefusedState, "not a responder")
	h.refused(rita, bot.Command{Verb: bot.VerbAssign, Incident: inc.ID, To: "dora"}, bot.RefusedState)
	h.twice(rob, bot.Command{Verb: bot.VerbHandover, Incident: inc.ID, To: "rita", Reason: " the disk fills again at 6 "})
	after := h.read(inc.ID)
	require.Equal(t, bot.PersonID("rita"), after.Owner)
	require.Contains(t, after.Notes[0].Text, "the disk fills again at 6")
	require.Equal(t, bot.PersonID("rob"), after.Notes[0].By.Person)
	require.Equal(t, bot.PersonID("rita"), h.claims(inc.ID)[0].Holder)
	require.Contains(t, h.last(bot.EventHandover).Text, "the disk fills again at 6")
}

func TestANoteIsKeptAndDecidesNothing(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(1)
	h.twice(rita, bot.Command{Verb: bot.VerbNote, Incident: inc.ID, Reason: " looks like\nthe disk "})
	h.twice(rob, bot.Command{Verb: bot.VerbNote, Incident: inc.ID, Reason: "looks like\nthe disk"})
	h.twice(rita, bot.Command{Verb: bot.VerbNote, Incident: inc.ID, Reason: "it was"})
	after := h.read(inc.ID)
	require.Len(t, after.Notes, 3)
	require.Equal(t, "looks like\nthe disk", after.Notes[0].Text)
	require.Equal(t, inc.DueAt, after.DueAt)
}

func TestASnoozeLastsItsTime(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(1)
	h.twice(rita, bot.Command{Verb: bot.VerbSnooze, Incident: inc.ID, For: bot.Duration(time.Hour)})
	require.WithinDuration(t, time.Now().Add(time.Hour), h.read(inc.ID).SnoozedUntil, time.Minute)
	h.twice(rita, bot.Command{Verb: bot.VerbSnooze, Incident: inc.ID, For: bot.Duration(10 * time.Minute)})
	require.WithinDuration(t, time.Now().Add(10*time.Minute), h.read(inc.ID).SnoozedUntil, time.Minute)
}

func TestClosingEndsWhatIsAskedAndHeld(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(1)
	a := h.asks(inc)
	h.says(rita, bot.Command{Verb: bot.VerbTake, Incident: inc.ID})
	h.twice(rita, bot.Command{Verb: bot.VerbClose, Incident: inc.ID, Reason: "the host is gone"})
	after := h.read(inc.ID)
	require.Equal(t, bot.IncidentClosed, after.State())
	require.Equal(t, "the host is gone", after.CloseReason)
	require.Equal(t, bot.ApprovalWithdrawn, h.approval(a.ID).State)
	require.Empty(t, h.claims(inc.ID))
	require.Equal(t, a.ID, h.last(bot.EventWithdrawn).Approval)
	for _, c := range []bot.Command{
		{Verb: bot.VerbTake}, {Verb: bot.VerbRelease}, {Verb: bot.VerbSnooze, For: bot.Duration(time.Hour)}, {Verb: bot.VerbRun, Playbook: "restart"},
		{Verb: bot.VerbAssign, To: "rob"}, {Verb: bot.VerbSplit, Alerts: []string{"f1-0"}}, {Verb: bot.VerbMerge, Into: h.incident(1).ID},
	} {
		c.Incident = inc.ID
		h.refused(rita, c, bot.RefusedState, "salve reopen "+inc.ID.String())
	}
	h.says(rita, bot.Command{Verb: bot.VerbNote, Incident: inc.ID, Reason: "the postmortem is in the wiki"})
	h.refused(olga, bot.Command{Verb: bot.VerbApprove, Incident: inc.ID, Digest: a.Digest.Short()}, bot.RefusedState, "withdrawn")

	h.twice(rita, bot.Command{Verb: bot.VerbReopen, Incident: inc.ID})
	require.Equal(t, bot.IncidentOpen, h.read(inc.ID).State())
	require.Empty(t, h.read(inc.ID).Owner)
}

func TestClosingWaitsForTheRunThatIsActive(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(1)
	r := h.runs(inc, planned)
	h.refused(rita, bot.Command{Verb: bot.VerbClose, Incident: inc.ID, Reason: "done"}, bot.RefusedState, "salve cancel "+r.ID.String())
	h.refused(rita, bot.Command{Verb: bot.VerbMerge, Incident: inc.ID, Into: h.incident(1).ID}, bot.RefusedState, "salve cancel "+r.ID.String())
	h.says(rita, bot.Command{Verb: bot.VerbCancel, Run: r.ID})
	h.says(rita, bot.Command{Verb: bot.VerbClose, Incident: inc.ID, Reason: "done"})
}

// A quiet incident that is reopened would close again at the next look, if
// nobody had it.
func TestWhoReopensAQuietIncidentHasIt(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(1)
	h.resolve(1)
	h.says(rita, bot.Command{Verb: bot.VerbClose, Incident: inc.ID, Reason: "done"})
	h.says(rob, bot.Command{Verb: bot.VerbReopen, Incident: inc.ID})
	after := h.read(inc.ID)
	require.Equal(t, bot.IncidentResolved, after.State())
	require.Equal(t, bot.PersonID("rob"), after.Owner)
}

func TestAMergeMovesEverythingIntoTheOneThatStays(t *testing.T) {
	t.Parallel()
	h := open(t)
	one, two := h.incident(2), h.incident(3)
	a := h.asks(two)
	h.says(rita, bot.Command{Verb: bot.VerbTake, Incident: two.ID})
	h.twice(rita, bot.Command{Verb: bot.VerbMerge, Incident: two.ID, Into: one.ID})
	stays, gone := h.read(one.ID), h.read(two.ID)
	require.Equal(t, 5, stays.Firing)
	require.Equal(t, bot.IncidentMerged, gone.State())
	require.Zero(t, gone.Total)
	require.Equal(t, bot.ApprovalWithdrawn, h.approval(a.ID).State)
	require.Empty(t, h.claims(two.ID))
	require.False(t, stays.DueAt.IsZero())

	next := h.alert(2, 7)
	receipt := h.commit(bot.Change{Observed: []bot.Alert{next}, By: bot.Actor{Name: "prod"}})
	require.Equal(t, one.ID, receipt.Observed[0].Incident, "the group of the merged one leads to the one that stays")
	h.refused(rita, bot.Command{Verb: bot.VerbTake, Incident: two.ID}, bot.RefusedState, one.ID.String())
	h.refused(rita, bot.Command{Verb: bot.VerbReopen, Incident: two.ID}, bot.RefusedState, one.ID.String())
	h.refused(rita, bot.Command{Verb: bot.VerbMerge, Incident: one.ID, Into: two.ID}, bot.RefusedState)
}

func TestASplitTakesSomeAlertsOut(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(3)
	answer := h.twice(rita, bot.Command{Verb: bot.VerbSplit, Incident: inc.ID, Alerts: []string{"f1-1", "f1-2", "f1-1"}})
	out := h.read(answer.Incident)
	require.Equal(t, inc.ID, out.SplitFrom)
	require.Equal(t, 2, out.Firing)
	require.Equal(t, 1, h.read(inc.ID).Firing)
	require.False(t, out.DueAt.IsZero())
	again := h.says(rita, bot.Command{Verb: bot.VerbSplit, Incident: inc.ID, Alerts: []string{"f1-2", "f1-1"}})
	require.True(t, again.Repeated)
	require.Equal(t, out.ID, again.Incident)
	h.refused(rita, bot.Command{Verb: bot.VerbSplit, Incident: inc.ID, Alerts: []string{"f1-0"}}, bot.RefusedInput, "nothing would be left")
	h.refused(rita, bot.Command{Verb: bot.VerbSplit, Incident: inc.ID, Alerts: []string{"f9"}}, bot.RefusedInput, "--json")
}

// Repeats of an alert that was split out find it where it is; a later start of
// it belongs to the group.
func TestWhatWasSplitOutStaysOut(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(2)
	out := h.says(rita, bot.Command{Verb: bot.VerbSplit, Incident: inc.ID, Alerts: []string{"f1-1"}}).Incident
	again := h.alert(1, 1)
	again.Title, again.Annotations = "Down", map[string]string{"summary": "still down"}
	later := h.alert(1, 1)
	later.StartsAt = h.start.Add(time.Minute)
	got := h.commit(bot.Change{Observed: []bot.Alert{again, later}, By: bot.Actor{Name: "prod"}})
	require.Equal(t, out, got.Observed[0].Incident)
	require.Equal(t, inc.ID, got.Observed[1].Incident)
}

func TestASplitOfATakenIncidentIsTakenToo(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(2)
	h.says(rob, bot.Command{Verb: bot.VerbTake, Incident: inc.ID})
	h.says(rob, bot.Command{Verb: bot.VerbSnooze, Incident: inc.ID, For: bot.Duration(time.Hour)})
	out := h.read(h.says(rita, bot.Command{Verb: bot.VerbSplit, Incident: inc.ID, Alerts: []string{"f1-1"}}).Incident)
	require.Equal(t, bot.PersonID("rob"), out.Owner)
	require.Equal(t, "Rob", out.OwnerName)
	require.Equal(t, h.read(inc.ID).SnoozedUntil, out.SnoozedUntil)
}

func TestAMergeDoesNotSetAutomationFree(t *testing.T) {
	t.Parallel()
	h := open(t)
	one, two := h.incident(1), h.incident(1)
	h.says(rob, bot.Command{Verb: bot.VerbTake, Incident: two.ID})
	answer := h.says(rita, bot.Command{Verb: bot.VerbMerge, Incident: two.ID, Into: one.ID})
	require.Contains(t, answer.Text, one.ID.String()+" is Rob's")
	require.Equal(t, bot.PersonID("rob"), h.read(one.ID).Owner)
	require.Empty(t, h.read(two.ID).Owner)
	var held []string
	for _, c := range h.claims(one.ID) {
		require.Equal(t, bot.PersonID("rob"), c.Holder)
		held = append(held, c.Target)
	}
	require.ElementsMatch(t, []string{h.target(one.ID), h.target(two.ID)}, held)

	three := h.incident(1)
	h.says(rita, bot.Command{Verb: bot.VerbTake, Incident: three.ID})
	h.says(rita, bot.Command{Verb: bot.VerbMerge, Incident: one.ID, Into: three.ID})
	require.Equal(t, bot.PersonID("rita"), h.read(three.ID).Owner, "the one that stays keeps its owner")
	require.Len(t, h.claims(three.ID), 3)
	for _, c := range h.claims(three.ID) {
		require.Equal(t, bot.PersonID("rita"), c.Holder)
	}
	require.Empty(t, h.claims(one.ID))
}

// A target that is no longer looked at is still held: whoever takes over holds
// it as well, and release frees it.
func TestWhoTakesOverHoldsWhatWasHeldBefore(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(1)
	h.says(rita, bot.Command{Verb: bot.VerbTake, Incident: inc.ID})
	inc = h.read(inc.ID)
	inc.Decision.Targets = []string{"elsewhere"}
	h.commit(bot.Change{Incidents: []bot.Incident{inc}})
	h.says(rob, bot.Command{Verb: bot.VerbTake, Incident: inc.ID})
	require.Len(t, h.claims(inc.ID), 2)
	for _, c := range h.claims(inc.ID) {
		require.Equal(t, bot.PersonID("rob"), c.Holder, c.Target)
	}
	h.says(rob, bot.Command{Verb: bot.VerbRelease, Incident: inc.ID})
	require.Empty(t, h.claims(inc.ID))
}

func TestWhoIsDisabledIsSaidToBe(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(1)
	h.refused(rita, bot.Command{Verb: bot.VerbAssign, Incident: inc.ID, To: "dora"}, bot.RefusedState, "disabled", "salve user enable dora")
	h.refused(rita, bot.Command{Verb: bot.VerbHandover, Incident: inc.ID, To: "vera", Reason: "night"}, bot.RefusedState, "--role responder")
}

func TestNotesAreManyButNotEndless(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(1)
	for range 499 {
		inc.Notes = append(inc.Notes, bot.Note{At: h.start, By: bot.Salve, Text: "x"})
	}
	h.commit(bot.Change{Incidents: []bot.Incident{inc}})
	h.twice(rita, bot.Command{Verb: bot.VerbNote, Incident: inc.ID, Reason: "the last"})
	h.refused(rita, bot.Command{Verb: bot.VerbNote, Incident: inc.ID, Reason: "one more"}, bot.RefusedState, "500 notes", "document")
	h.refused(rita, bot.Command{Verb: bot.VerbHandover, Incident: inc.ID, To: "rob", Reason: "night"}, bot.RefusedState, "500 notes")
	require.Len(t, h.read(inc.ID).Notes, 500)
}

func TestASnoozeHasBounds(t *testing.T) {
	t.Parallel()
	h := open(t)
	for d, ok := range map[time.Duration]bool{
		-time.Hour: false, 0: false, 59 * time.Second: false, time.Minute: true, 7 * 24 * time.Hour: true, 7*24*time.Hour + 1: false,
	} {
		c := bot.Command{Verb: bot.VerbSnooze, Incident: h.incident(1).ID, For: bot.Duration(d)}
		if ok {
			h.says(rita, c)
		} else {
			h.refused(rita, c, bot.RefusedInput, "1 minute to 7 days", "30m")
		}
	}
}

// Its group has a newer incident meanwhile: that one takes what comes.
func TestAnIncidentThatIsReopenedTakesNothingFromItsSuccessor(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(1)
	h.says(rita, bot.Command{Verb: bot.VerbClose, Incident: inc.ID, Reason: "done"})
	next := h.commit(bot.Change{Observed: []bot.Alert{h.alert(1, 8)}, By: bot.Actor{Name: "prod"}}).Observed[0].Incident
	require.NotEqual(t, inc.ID, next)
	h.says(rita, bot.Command{Verb: bot.VerbReopen, Incident: inc.ID})
	got := h.commit(bot.Change{Observed: []bot.Alert{h.alert(1, 9)}, By: bot.Actor{Name: "prod"}})
	require.Equal(t, next, got.Observed[0].Incident)
}

func TestAMergeIntoWhatIsNotThereNamesIt(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.refused(rita, bot.Command{Verb: bot.VerbMerge, Incident: h.incident(1).ID, Into: 998}, bot.RefusedUnknown, "I-998")
}
