package decide_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/flow/decide"
)

func TestALowSeverityRunsByItself(t *testing.T) {
	h := newHouse(t)
	id := h.receive(alertOf{})
	inc, runs := h.incident(id), h.runs(id)
	require.Len(t, runs, 1)
	require.Equal(t, bot.RunPlanned, runs[0].State)
	require.Equal(t, h.now, runs[0].DueAt)
	require.Zero(t, runs[0].Approval)
	plan, err := h.store.Plan(t.Context(), runs[0].Plan)
	require.NoError(t, err)
	require.Equal(t, runs[0].Digest, plan.Digest)
	require.Equal(t, id, plan.Incident)
	require.Equal(t, "restart ("+runs[0].ID.String()+") runs by itself on web-1 because low is below medium", inc.Decision.Headline)
	require.Equal(t, []string{"web-1"}, inc.Decision.Targets)
	require.Equal(t, bot.Allow, inc.Decision.Candidates[0].Verdict.Ruling)
	require.Equal(t, []bot.EventKind{bot.EventRunPlanned}, h.kinds(id))
	require.NotEmpty(t, inc.Diagnosis.Evidence)
	require.True(t, inc.DueAt.After(h.now), "it is looked at again while the run goes on")
}

func TestAHighSeverityWaitsForAPerson(t *testing.T) {
	h := newHouse(t)
	id := h.receive(alertOf{severity: bot.SeverityHigh})
	inc, asked := h.incident(id), h.approvals(id)
	require.Empty(t, h.runs(id))
	require.Len(t, asked, 1)
	require.Equal(t, bot.ApprovalPending, asked[0].State)
	require.Equal(t, "restart on web-1 waits for 1 of group oncall until 2026-03-01 14:10 UTC: the severity is high; by itself it runs only below medium", inc.Decision.Headline)
	require.Equal(t, asked[0].ExpiresAt, inc.DueAt)
	require.Equal(t, []bot.EventKind{bot.EventProposed}, h.kinds(id))
}

func TestALookThatFindsTheSameWritesNothingButItsTime(t *testing.T) {
	h := newHouse(t)
	id := h.receive(alertOf{severity: bot.SeverityHigh})
	before := h.incident(id)
	h.now = h.now.Add(time.Second)
	h.person(id, func(*bot.Incident) {})
	after := h.incident(id)
	require.Equal(t, before.Decision, after.Decision)
	require.Equal(t, before.DueAt, after.DueAt)
	require.Len(t, h.kinds(id), 1)
	h.settle()
	require.Equal(t, after.Version, h.incident(id).Version)
}

func TestNothingFitsNamesTheNearest(t *testing.T) {
	h := newHouse(t)
	id := h.receive(alertOf{service: "bank"})
	inc := h.incident(id)
	require.Contains(t, inc.Decision.Headline, "no playbook fits; nearest is restart: ")
	require.Empty(t, inc.Decision.Candidates)
	require.Zero(t, inc.DueAt)
	require.Equal(t, []bot.EventKind{bot.EventDecided}, h.kinds(id))
	why, err := h.leg.Why(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "restart", why.Others[0].Playbook)
	require.False(t, why.Others[0].Fits)
	_, err = json.Marshal(why)
	require.NoError(t, err)
	_, err = h.leg.Why(t.Context(), 999)
	require.ErrorIs(t, err, bot.ErrNotFound)
}

func TestExpiryChangesNothingAndCallsForAPerson(t *testing.T) {
	h := newHouse(t)
	id := h.receive(alertOf{severity: bot.SeverityHigh})
	h.after(10 * time.Minute)
	require.Equal(t, bot.ApprovalExpired, h.approvals(id)[0].State)
	require.Len(t, h.approvals(id), 1, "it is not proposed again")
	require.Empty(t, h.runs(id))
	inc := h.incident(id)
	require.Contains(t, inc.Decision.Headline, "nobody decided about restart on web-1 before 2026-03-01 14:10 UTC; nothing was changed there; a person is needed: whoever of group oncall")
	require.Equal(t, []bot.EventKind{bot.EventProposed, bot.EventExpired, bot.EventEscalated}, h.kinds(id))
	h.person(id, func(*bot.Incident) {})
	require.Equal(t, inc.Decision, h.incident(id).Decision)
	h.now = h.now.Add(time.Minute)
	h.receive(alertOf{severity: bot.SeverityHigh, starts: h.now})
	require.Len(t, h.approvals(id), 2, "a new alert is a new question")
}

func TestResolvedWithdrawsAndClosesWhenQuiet(t *testing.T) {
	h := newHouse(t)
	id := h.receive(alertOf{severity: bot.SeverityHigh})
	h.now = h.now.Add(time.Minute)
	h.receive(alertOf{severity: bot.SeverityHigh, ended: true})
	asked := h.approvals(id)
	require.Equal(t, bot.ApprovalWithdrawn, asked[0].State)
	require.Equal(t, "no alert of the incident fires any more", asked[0].Reason)
	inc := h.incident(id)
	require.Equal(t, "no alert fires any more; it closes by itself at 2026-03-01 14:11 UTC if it stays quiet", inc.Decision.Headline)
	require.NotEmpty(t, inc.Decision.Candidates, "what was considered stays on record")
	h.after(10*time.Minute - time.Second)
	require.Equal(t, bot.IncidentResolved, h.incident(id).State())
	h.after(time.Second)
	inc = h.incident(id)
	require.Equal(t, bot.IncidentClosed, inc.State())
	require.Equal(t, "quiet for 10m after it resolved", inc.CloseReason)
	require.Zero(t, inc.DueAt)
	require.Equal(t, []bot.EventKind{bot.EventProposed, bot.EventWithdrawn, bot.EventClosed}, h.kinds(id))
}

func TestAnEndThatLiesAheadStillCloses(t *testing.T) {
	h := newHouse(t)
	id := h.receive(alertOf{service: "bank"})
	a := h.alert(alertOf{service: "bank", ended: true})
	a.EndsAt = h.now.AddDate(10, 0, 0)
	h.commit(bot.Change{Observed: []bot.Alert{a}})
	h.settle()
	h.after(10 * time.Minute)
	require.Equal(t, bot.IncidentClosed, h.incident(id).State())
}

func TestAnAlertThatCrossesTheCloseReopens(t *testing.T) {
	h := newHouse(t)
	id := h.receive(alertOf{service: "bank"})
	h.receive(alertOf{service: "bank", ended: true})
	h.store.cross = func() {
		h.store.cross = nil
		h.commit(bot.Change{Observed: []bot.Alert{h.alert(alertOf{name: "late"})}})
	}
	h.after(10 * time.Minute)
	require.Equal(t, bot.IncidentClosed, h.incident(id).State())
	h.settle()
	require.Equal(t, bot.IncidentOpen, h.incident(id).State())
	require.Len(t, h.runs(id), 1)
	require.Contains(t, h.kinds(id), bot.EventReopened)
}

func TestAnOwnerKeepsAResolvedIncidentOpen(t *testing.T) {
	h := newHouse(t)
	id := h.receive(alertOf{severity: bot.SeverityHigh})
	h.person(id, func(i *bot.Incident) { i.Owner, i.OwnerName = "bob", "Bob" })
	h.receive(alertOf{severity: bot.SeverityHigh, ended: true})
	h.after(time.Hour)
	require.Equal(t, bot.IncidentResolved, h.incident(id).State())
	require.Contains(t, h.incident(id).Decision.Headline, "Bob has it")
}

func TestTakingPausesAndReleasingProposesAgain(t *testing.T) {
	h := newHouse(t)
	id := h.receive(alertOf{severity: bot.SeverityHigh})
	h.person(id, func(i *bot.Incident) { i.Owner, i.OwnerName = "bob", "Bob" })
	require.Equal(t, "Bob has taken the incident", h.approvals(id)[0].Reason)
	require.Equal(t, bot.AskPerson, child(t, h.incident(id).Decision.Candidates[0].Verdict, "taken").Ruling)
	h.receive(alertOf{instance: "web-2"})
	require.Empty(t, h.runs(id), "nothing runs by itself")
	claims, err := h.store.ClaimsOf(t.Context(), id)
	require.NoError(t, err)
	require.Len(t, claims, 1, "a target that came later is held too")
	require.Equal(t, "web-2", claims[0].Target)
	h.commit(bot.Change{Claims: []bot.Claim{{Target: "web-2", Incident: id, Released: true}}})
	h.person(id, func(i *bot.Incident) { i.Owner, i.OwnerName = "", "" })
	require.Len(t, h.approvals(id), 3)
	require.Equal(t, bot.ApprovalPending, h.approvals(id)[0].State)
}

func TestAClaimThroughAnotherIncidentPauses(t *testing.T) {
	h := newHouse(t)
	h.commit(bot.Change{Claims: []bot.Claim{{Target: "web-1", Incident: 77, Holder: "bob", Name: "Bob"}}})
	id := h.receive(alertOf{})
	require.Empty(t, h.runs(id))
	require.Empty(t, h.approvals(id))
	require.Contains(t, h.incident(id).Decision.Headline, "Bob has taken web-1 with I-77")
	h.commit(bot.Change{Claims: []bot.Claim{{Target: "web-1", Incident: 77, Released: true}}})
	h.after(time.Minute)
	require.Len(t, h.runs(id), 1)
}

func TestAClaimOfATargetPausesUntilItIsOver(t *testing.T) {
	h := newHouse(t)
	until := h.now.Add(30 * time.Second)
	h.commit(bot.Change{Claims: []bot.Claim{{Target: "web-1", Holder: "bob", Name: "Bob", At: h.now, Until: until}}})
	id := h.receive(alertOf{})
	require.Empty(t, h.runs(id))
	require.Empty(t, h.approvals(id))
	require.Contains(t, h.incident(id).Decision.Headline, "Bob holds web-1 until")
	require.Equal(t, until, h.incident(id).DueAt, "looked at again when it is over")
	h.after(29 * time.Second)
	require.Empty(t, h.runs(id))
	h.after(time.Second)
	require.Len(t, h.runs(id), 1)
}

func TestSnoozedWaitsForItsEnd(t *testing.T) {
	h := newHouse(t, playbook(func(p *bot.Playbook) { p.Mode = bot.ModePropose }))
	id := h.receive(alertOf{service: "bank"})
	h.person(id, func(i *bot.Incident) { i.SnoozedUntil = h.now.Add(time.Hour) })
	h.receive(alertOf{})
	require.Empty(t, h.approvals(id))
	require.Equal(t, h.now.Add(time.Hour), h.incident(id).DueAt)
	h.after(time.Hour)
	require.Len(t, h.approvals(id), 1)
}

func TestAPlanWhoseFactsChangedIsWithdrawnAndMadeAnew(t *testing.T) {
	h := newHouse(t)
	id := h.receive(alertOf{severity: bot.SeverityHigh})
	h.receive(alertOf{severity: bot.SeverityHigh, release: "r2"})
	asked := h.approvals(id)
	require.Len(t, asked, 2)
	require.Equal(t, bot.ApprovalWithdrawn, asked[1].State)
	require.Contains(t, asked[1].Reason, "its facts changed: plan "+asked[1].Digest.Short()+" would be "+asked[0].Digest.Short())
	require.Equal(t, bot.ApprovalPending, asked[0].State)
}

func TestATargetThatVanishedIsNotAskedAbout(t *testing.T) {
	h := newHouse(t)
	id := h.receive(alertOf{severity: bot.SeverityHigh}, alertOf{severity: bot.SeverityHigh, instance: "web-2"})
	require.Len(t, h.approvals(id), 2)
	require.Contains(t, h.incident(id).Decision.Headline, "(and 1 more target)")
	h.receive(alertOf{severity: bot.SeverityHigh, ended: true})
	for _, a := range h.approvals(id) {
		if a.Target == "web-1" {
			require.Equal(t, "no firing alert leads restart to web-1 any more", a.Reason)
		} else {
			require.Equal(t, bot.ApprovalPending, a.State)
		}
	}
}

func TestTargetsBeyondTheCapAreCountedAndSaid(t *testing.T) {
	h := newHouse(t)
	var alerts []alertOf
	for i := range 25 {
		alerts = append(alerts, alertOf{instance: fmt.Sprintf("web-%d", i)})
	}
	id := h.receive(alerts...)
	inc := h.incident(id)
	require.Len(t, h.runs(id), 20)
	require.Equal(t, 5, inc.Decision.Skipped)
	require.Contains(t, inc.Decision.Headline, "only the first 20 targets are looked at, 5 were skipped")
}

func TestAPlaybookThatObservesStandsInNobodysWay(t *testing.T) {
	h := newHouse(t, playbook(func(p *bot.Playbook) { p.Name, p.Mode, p.Priority = "watch", bot.ModeObserve, 9 }), playbook())
	id := h.receive(alertOf{})
	require.Len(t, h.runs(id), 1)
	require.Len(t, h.incident(id).Decision.Candidates, 2)
}

func TestATargetThatCannotBeToldIsACandidateThatSaysSo(t *testing.T) {
	h := newHouse(t, playbook(func(p *bot.Playbook) { p.Target = `alert.labels["pod"]` }))
	id := h.receive(alertOf{})
	require.Contains(t, h.incident(id).Decision.Headline, "restart is not started: it cannot be planned: ")
}

func TestMergedAndClosedWithdraw(t *testing.T) {
	for name, change := range map[string]func(*bot.Incident){
		"closed":      func(i *bot.Incident) { i.ClosedAt, i.CloseReason = t0, "a test" },
		"merged into": func(i *bot.Incident) { i.MergedInto = 2 },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			id := h.receive(alertOf{severity: bot.SeverityHigh})
			h.receive(alertOf{name: "x", group: "2", service: "bank"})
			h.person(id, change)
			require.Equal(t, bot.ApprovalWithdrawn, h.approvals(id)[0].State)
			require.Contains(t, h.approvals(id)[0].Reason, name)
			require.Contains(t, h.incident(id).Decision.Headline, name[:6])
		})
	}
}

func TestTheEndOfARunIsSeenByTheNextScan(t *testing.T) {
	h := newHouse(t)
	id := h.receive(alertOf{})
	h.end(h.runs(id)[0], bot.RunFailed, func(r *bot.Run) { r.Reason = "connection refused" })
	require.Contains(t, h.incident(id).Decision.Headline, "ended as failed", "although it was not due")
}

func TestPlaybooksCanBeSwapped(t *testing.T) {
	h := newHouse(t)
	require.Error(t, h.leg.Swap(nil))
	require.NoError(t, h.leg.Swap(library(t, playbook(func(p *bot.Playbook) { p.Mode = bot.ModePropose }))))
	id := h.receive(alertOf{})
	require.Len(t, h.approvals(id), 1)
	require.NotNil(t, h.leg.Nearest(h.alert(alertOf{service: "bank"}), h.incident(id)))
}

func TestNewWantsWhatItCannotLiveWithout(t *testing.T) {
	t.Parallel()
	_, err := decide.New(nil, &brake{}, library(t), decide.Options{})
	require.Error(t, err)
}
