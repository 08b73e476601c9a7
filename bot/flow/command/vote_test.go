package command_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

func TestAnApprovalIsOneDecisionWithItsRun(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(1)
	a := h.asks(inc)
	inc = h.read(inc.ID)
	inc.Decision.Candidates = []bot.Candidate{{Playbook: "restart", Target: a.Target, Approval: a.ID}}
	h.commit(bot.Change{Incidents: []bot.Incident{inc}})

	h.refused(olga, bot.Command{Verb: bot.VerbApprove, Incident: inc.ID, Digest: "00000000"}, bot.RefusedMoved, "salve show")
	yes := bot.Command{Verb: bot.VerbApprove, Incident: inc.ID, Digest: strings.ToUpper(a.Digest.Short())}
	answer := h.says(olga, yes)
	r := h.run(answer.Run)
	require.Equal(t, bot.RunPlanned, r.State)
	require.Equal(t, a.Digest, r.Digest)
	require.Equal(t, a.ID, r.Approval)
	require.False(t, r.DueAt.IsZero(), "the act leg takes it up")
	require.Equal(t, bot.PersonID("olga"), r.StartedBy.Person)
	done := h.approval(a.ID)
	require.Equal(t, bot.ApprovalApproved, done.State)
	require.Equal(t, bot.PersonID("olga"), done.DecidedBy.Person)
	after := h.read(inc.ID)
	require.Equal(t, r.ID, after.Decision.Candidates[0].Run)
	require.Contains(t, after.Decision.Headline, "approved by Olga")
	require.Equal(t, string(a.Digest), h.last(bot.EventApproved).Data["digest"])
	require.Equal(t, r.ID, h.last(bot.EventRunPlanned).Run)

	events := len(h.events())
	again := h.says(olga, yes)
	require.True(t, again.Repeated)
	require.Len(t, h.events(), events)
	h.refused(omar, yes, bot.RefusedState, "approved by Olga", "That was at 20")
}

func TestADenialClosesTheQuestionAndNotTheIncident(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(1)
	a := h.asks(inc)
	no := bot.Command{Verb: bot.VerbDeny, Approval: a.ID, Reason: " wrong host "}
	h.says(rita, no)
	require.Equal(t, bot.ApprovalDenied, h.approval(a.ID).State)
	require.Equal(t, "wrong host", h.approval(a.ID).Reason)
	after := h.read(inc.ID)
	require.Equal(t, bot.IncidentOpen, after.State())
	require.Contains(t, after.Decision.Headline, "Rita denied restart: wrong host")
	require.False(t, after.DueAt.IsZero())
	require.True(t, h.says(rita, no).Repeated)
	h.refused(olga, bot.Command{Verb: bot.VerbApprove, Approval: a.ID, Digest: a.Digest.Short()}, bot.RefusedState, "denied by Rita", "That was at 20")
	runs, err := h.store.Runs(t.Context(), bot.RunQuery{})
	require.NoError(t, err)
	require.Empty(t, runs)
}

func TestOfSeveralQuestionsTheDigestChooses(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(1)
	one := h.asks(inc)
	two := h.asks(inc, func(p *bot.Plan) { p.Target = "elsewhere" })
	h.refused(rita, bot.Command{Verb: bot.VerbDeny, Incident: inc.ID, Reason: "no"}, bot.RefusedInput, one.Digest.Short(), two.Digest.Short(), "elsewhere")
	h.refused(olga, bot.Command{Verb: bot.VerbApprove, Incident: inc.ID, Digest: "00000000"}, bot.RefusedMoved, one.Digest.Short(), two.Digest.Short())
	h.says(olga, bot.Command{Verb: bot.VerbApprove, Incident: inc.ID, Digest: string(two.Digest)})
	require.Equal(t, bot.ApprovalPending, h.approval(one.ID).State)
	require.Equal(t, bot.ApprovalApproved, h.approval(two.ID).State)
}

func TestAQuestionWhoseTimeIsOverIsWrittenDownAsExpired(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(1)
	a := h.asks(inc, func(p *bot.Plan) { p.Rule.ExpiresIn = bot.Duration(time.Minute) })
	yes := bot.Command{Verb: bot.VerbApprove, Incident: inc.ID, Digest: a.Digest.Short()}
	_, err := h.tries(olga, yes)
	r, ok := errors.AsType[*bot.Refusal](err)
	require.True(t, ok)
	require.Equal(t, bot.RefusedState, r.Code)
	require.Contains(t, r.Why, "expired")
	require.Equal(t, bot.ApprovalExpired, h.approval(a.ID).State)
	require.Equal(t, a.ID, h.last(bot.EventExpired).Approval)
	require.Equal(t, a.ID, h.last(bot.EventEscalated).Approval)
	h.refused(olga, yes, bot.RefusedState, "expired")
}

func TestTwoPeopleMakeAQuorum(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(1)
	a := h.asks(inc, func(p *bot.Plan) { p.Rule.Quorum = 2 })
	yes := bot.Command{Verb: bot.VerbApprove, Incident: inc.ID, Digest: a.Digest.Short()}
	first := h.says(olga, yes)
	require.Zero(t, first.Run)
	require.Contains(t, first.Text, "1 so far")
	require.True(t, h.says(olga, yes).Repeated)
	require.NotZero(t, h.says(omar, yes).Run)
}

func TestABusyTargetTakesNoSecondRun(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(1)
	a := h.asks(inc)
	r := h.runs(inc, planned)
	h.refused(olga, bot.Command{Verb: bot.VerbApprove, Incident: inc.ID, Digest: a.Digest.Short()}, bot.RefusedState, "busy", "salve cancel "+r.ID.String())
	require.Equal(t, bot.ApprovalPending, h.approval(a.ID).State)
	require.Empty(t, h.approval(a.ID).Votes)
}

// Eight people press at once, approve and deny mixed: one decision, at most one
// run, and everybody else hears who was first.
func TestOfEightWhoPressAtOnceOneDecides(t *testing.T) {
	t.Parallel()
	h := open(t)
	rounds := 50
	if testing.Short() {
		rounds = 10
	}
	for round := range rounds {
		inc := h.incident(1)
		a := h.asks(inc)
		var mu sync.Mutex
		var did []bot.Answer
		var wg sync.WaitGroup
		for i := range 8 {
			who, c := bot.Person{ID: bot.PersonID(rune('a' + i)), Name: string(rune('A' + i)), Roles: []bot.Role{bot.RoleResponder}, Groups: []string{"oncall"}},
				bot.Command{Verb: bot.VerbApprove, Incident: inc.ID, Digest: a.Digest.Short()}
			if i%4 == 3 {
				c.Verb, c.Reason = bot.VerbDeny, "not now"
			}
			wg.Go(func() {
				answer, err := h.tries(who, c)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					did = append(did, answer)
					return
				}
				r, ok := errors.AsType[*bot.Refusal](err)
				if !ok || r.Code != bot.RefusedState || !strings.Contains(r.Why, "That was at") {
					t.Errorf("round %d: %v", round, err)
				}
			})
		}
		wg.Wait()
		require.Len(t, did, 1, "round %d", round)
		done := h.approval(a.ID)
		require.Len(t, done.Votes, 1)
		runs, err := h.store.Runs(t.Context(), bot.RunQuery{Incident: inc.ID})
		require.NoError(t, err)
		if done.State == bot.ApprovalApproved {
			require.Len(t, runs, 1)
			require.Equal(t, did[0].Run, runs[0].ID)
		} else {
			require.Equal(t, bot.ApprovalDenied, done.State)
			require.Empty(t, runs)
		}
	}
}

func TestWhoAskedOrWroteItUnreviewedHasNoVote(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(1)
	a := h.asks(inc, func(p *bot.Plan) {
		p.AskedBy, p.Rule.Excluded = bot.Actor{Person: "olga", Name: "Olga"}, []bot.PersonID{"olga"}
	})
	yes := bot.Command{Verb: bot.VerbApprove, Incident: inc.ID, Digest: a.Digest.Short()}
	h.refused(olga, yes, bot.RefusedForbidden, "has no vote", "Ask somebody else of group oncall")
	require.NotZero(t, h.says(omar, yes).Run)
	b := h.asks(h.incident(1), func(p *bot.Plan) { p.Rule.Excluded = []bot.PersonID{"olga"} })
	h.says(olga, bot.Command{Verb: bot.VerbDeny, Approval: b.ID, Reason: "I was wrong"})
	require.Equal(t, bot.ApprovalDenied, h.approval(b.ID).State, "anybody may take back what they caused")
}

// Whoever sends alerts can try values until the digest of a harmful plan begins
// like that of a harmless one.
func TestAStartOfADigestThatNamesTwoPlansNamesNeither(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(1)
	one, two := h.asks(inc), h.asks(inc, func(p *bot.Plan) { p.Target = "elsewhere" })
	one.Digest = two.Digest[:12] + bot.Digest(strings.Repeat("0", 52))
	h.commit(bot.Change{Approvals: []bot.Approval{one}})
	for _, c := range []bot.Command{{Verb: bot.VerbApprove}, {Verb: bot.VerbDeny, Reason: "no"}} {
		c.Incident, c.Digest = inc.ID, two.Digest.Short()
		h.refused(olga, c, bot.RefusedInput, string(one.Digest), string(two.Digest))
	}
	h.says(olga, bot.Command{Verb: bot.VerbApprove, Incident: inc.ID, Digest: string(two.Digest)})
	require.Equal(t, bot.ApprovalPending, h.approval(one.ID).State)
}

func TestAPlanThatIsNotTheOneThatWasShownIsNotRun(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.asks(h.incident(1))
	a.Digest = bot.Digest(strings.Repeat("a", 64))
	h.commit(bot.Change{Approvals: []bot.Approval{a}})
	h.refused(olga, bot.Command{Verb: bot.VerbApprove, Approval: a.ID, Digest: string(a.Digest)}, bot.RefusedMoved, "audit verify")
	h.refused(olga, bot.Command{Verb: bot.VerbApprove, Approval: a.ID, Digest: strings.Repeat("b", 64)}, bot.RefusedMoved, a.Digest.Short())
}

func TestAVoteOnNothingSaysWhatThereIs(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(1)
	h.refused(rita, bot.Command{Verb: bot.VerbDeny, Reason: "no"}, bot.RefusedInput, "salve approvals")
	h.refused(rita, bot.Command{Verb: bot.VerbDeny, Incident: inc.ID, Reason: "no"}, bot.RefusedState, "waits", "salve show "+inc.ID.String())
	h.refused(olga, bot.Command{Verb: bot.VerbApprove, Incident: inc.ID, Digest: "00000000"}, bot.RefusedState, "00000000")
}

// An undo is asked about on an incident that may be closed: its denial does not
// say that the incident stays open.
func TestADenialOnAClosedIncidentDoesNotCallItOpen(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(1)
	h.says(rita, bot.Command{Verb: bot.VerbClose, Incident: inc.ID, Reason: "done"})
	a := h.asks(inc)
	answer := h.says(rita, bot.Command{Verb: bot.VerbDeny, Approval: a.ID, Reason: "no"})
	require.NotContains(t, answer.Text, "open")
	require.NotContains(t, h.read(inc.ID).Decision.Headline, "open")
	require.Equal(t, bot.IncidentClosed, h.read(inc.ID).State())
}
