package command_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

// atOnce gives commands at the same moment and returns those that were carried
// out, by their place; whatever was not is refused in words.
func (h *house) atOnce(commands ...asked) map[int]bot.Answer {
	h.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	done := map[int]bot.Answer{}
	for i, c := range commands {
		wg.Go(func() {
			answer, err := h.tries(c.who, c.Command)
			mu.Lock()
			defer mu.Unlock()
			if _, ok := errors.AsType[*bot.Refusal](err); !ok && err != nil {
				h.Errorf("%s: %v", c.Verb, err)
			}
			if err == nil {
				done[i] = answer
			}
		})
	}
	wg.Wait()
	return done
}

func (h *house) runsOf(id bot.IncidentID) []bot.Run {
	h.Helper()
	runs, err := h.store.Runs(h.Context(), bot.RunQuery{Incident: id})
	require.NoError(h, err)
	return runs
}

func yes(a bot.Approval) bot.Command {
	return bot.Command{Verb: bot.VerbApprove, Incident: a.Incident, Digest: a.Digest.Short()}
}

func TestTwoWhoCompleteAQuorumAtOnceStartOneRun(t *testing.T) {
	t.Parallel()
	h := open(t)
	for range 10 {
		a := h.asks(h.incident(1), func(p *bot.Plan) { p.Rule.Quorum = 2 })
		done := h.atOnce(asked{olga, yes(a)}, asked{olga, yes(a)}, asked{omar, yes(a)})
		require.Len(t, done, 3)
		require.Len(t, h.approval(a.ID).Votes, 2)
		require.Len(t, h.runsOf(a.Incident), 1)
	}
}

func TestOnePersonTwiceAtOnceIsNoQuorum(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.asks(h.incident(1), func(p *bot.Plan) { p.Rule.Quorum = 2 })
	for range 10 {
		h.atOnce(asked{olga, yes(a)}, asked{olga, yes(a)}, asked{olga, yes(a)}, asked{olga, yes(a)})
	}
	require.Len(t, h.approval(a.ID).Votes, 1)
	require.Empty(t, h.runsOf(a.Incident))
}

func TestAnApprovalAndACloseAtOnceLeaveNoRunOnAClosedIncident(t *testing.T) {
	t.Parallel()
	h := open(t)
	for range 10 {
		a := h.asks(h.incident(1))
		done := h.atOnce(asked{olga, yes(a)}, asked{rita, bot.Command{Verb: bot.VerbClose, Incident: a.Incident, Reason: "done"}})
		require.Len(t, done, 1)
		if _, approved := done[0]; approved {
			require.Len(t, h.runsOf(a.Incident), 1)
			require.Equal(t, bot.IncidentOpen, h.read(a.Incident).State())
		} else {
			require.Empty(t, h.runsOf(a.Incident))
			require.Equal(t, bot.ApprovalWithdrawn, h.approval(a.ID).State)
		}
	}
}

func TestTwoIncidentsGetOneRunOnTheTargetTheyShare(t *testing.T) {
	t.Parallel()
	h := open(t)
	for range 10 {
		one, two := h.incident(1), h.incident(1)
		same := func(p *bot.Plan) { p.Target = h.target(one.ID) }
		a, b := h.asks(one, same), h.asks(two, same)
		require.Len(t, h.atOnce(asked{olga, yes(a)}, asked{omar, yes(b)}), 1)
		require.Equal(t, 1, len(h.runsOf(one.ID))+len(h.runsOf(two.ID)))
		require.Equal(t, 1, len(h.approval(a.ID).Votes)+len(h.approval(b.ID).Votes), "whoever met a busy target has not voted")
	}
}

func TestTwoMergesIntoEachOtherAtOnceLeaveOne(t *testing.T) {
	t.Parallel()
	h := open(t)
	for range 10 {
		one, two := h.incident(2), h.incident(1)
		done := h.atOnce(
			asked{rita, bot.Command{Verb: bot.VerbMerge, Incident: one.ID, Into: two.ID}},
			asked{rob, bot.Command{Verb: bot.VerbMerge, Incident: two.ID, Into: one.ID}})
		require.Len(t, done, 1)
		require.Equal(t, 3, h.read(one.ID).Firing+h.read(two.ID).Firing)
		require.NotEqual(t, h.read(one.ID).State() == bot.IncidentMerged, h.read(two.ID).State() == bot.IncidentMerged)
	}
}

func TestOfTwoSettlementsAtOnceOneCounts(t *testing.T) {
	t.Parallel()
	h := open(t)
	for range 10 {
		r := h.runs(h.incident(1), waiting)
		done := h.atOnce(
			asked{rita, bot.Command{Verb: bot.VerbSettle, Run: r.ID, Settle: bot.SettleDone}},
			asked{rob, bot.Command{Verb: bot.VerbSettle, Run: r.ID, Settle: bot.SettleNotDone}})
		require.Len(t, done, 1)
		_, first := done[0]
		require.Equal(t, first, h.run(r.ID).State == bot.RunUnverified)
	}
}

func TestEverybodyWhoTakesAtOnceIsAnsweredAndOneHasIt(t *testing.T) {
	t.Parallel()
	h := open(t)
	for range 10 {
		inc := h.incident(1)
		take := bot.Command{Verb: bot.VerbTake, Incident: inc.ID}
		require.Len(t, h.atOnce(asked{rita, take}, asked{rob, take}), 2)
		require.Len(t, h.claims(inc.ID), 1)
		require.Equal(t, h.read(inc.ID).Owner, h.claims(inc.ID)[0].Holder)
	}
}

func TestASettlementIsAboutTheRunAsItWasSeen(t *testing.T) {
	t.Parallel()
	h := open(t)
	r := h.runs(h.incident(1), waiting)
	h.refused(rita, bot.Command{Verb: bot.VerbSettle, Run: r.ID, Settle: bot.SettleDone, Seen: r.Version + 1}, bot.RefusedState, "has moved on since you looked")
	require.Equal(t, bot.RunWaiting, h.run(r.ID).State)
	h.says(rita, bot.Command{Verb: bot.VerbSettle, Run: r.ID, Settle: bot.SettleDone, Seen: h.run(r.ID).Version})
	require.NotEqual(t, bot.RunWaiting, h.run(r.ID).State)
}
