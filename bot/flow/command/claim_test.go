package command_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/flow/command"
)

func claim(target string, lasts time.Duration) bot.Command {
	return bot.Command{Verb: bot.VerbClaim, Name: target, For: bot.Duration(lasts), Reason: "a deploy"}
}

func unclaim(target string) bot.Command { return bot.Command{Verb: bot.VerbUnclaim, Name: target} }

func TestATargetIsHeldForATimeWithoutAnIncident(t *testing.T) {
	t.Parallel()
	h := open(t)
	answer := h.twice(rita, bot.Command{Verb: bot.VerbClaim, Name: " db-1 ", Reason: "a deploy"})
	got := h.claims(0)
	require.Len(t, got, 1)
	require.Equal(t, bot.Claim{Target: "db-1", Holder: "rita", Name: "Rita", At: got[0].At, Until: got[0].At.Add(2 * time.Hour), Reason: "a deploy"}, got[0])
	require.Contains(t, answer.Text, "db-1 is yours until "+got[0].Until.Format("2006-01-02 15:04 UTC"))
	require.Contains(t, answer.Text, "salve unclaim db-1")
	e := h.last(bot.EventClaimed)
	require.Equal(t, map[string]string{"target": "db-1", "holder": "rita", "until": got[0].Until.Format(time.RFC3339), "reason": "a deploy"}, e.Data)

	h.refused(rob, claim("db-1", time.Hour), bot.RefusedState, "Rita holds db-1 until "+got[0].Until.Format("2006-01-02 15:04 UTC")+" (a deploy).", "salve unclaim db-1")
	h.says(rita, claim("db-1", 5*time.Hour))
	require.WithinDuration(t, time.Now().Add(5*time.Hour), h.claims(0)[0].Until, time.Minute, "the same person holds it longer")
	require.True(t, h.says(rita, claim("db-1", time.Hour)).Repeated, "and does not shorten it")

	h.twice(rob, unclaim("db-1"))
	require.Empty(t, h.claims(0))
	require.Contains(t, h.last(bot.EventUnclaimed).Text, "Rob gave db-1 back, which Rita held until")
	h.says(rob, claim("db-1", time.Hour))
}

func TestClaimsHaveBounds(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.refused(rita, claim("db-1", 25*time.Hour), bot.RefusedInput, "1 minute to 24 hours")
	h.refused(rita, claim("db-1", time.Second), bot.RefusedInput)
	h.refused(rita, claim("db-1", -time.Hour), bot.RefusedInput)
	h.refused(rita, claim(" ", time.Hour), bot.RefusedInput, "target")
	h.refused(rita, claim("db\x00", time.Hour), bot.RefusedInput)
	h.says(rita, claim("db-1", 24*time.Hour))
	var many []bot.Claim
	for i := range 500 {
		many = append(many, bot.Claim{Target: h.target(bot.IncidentID(i + 1)), Holder: "rob", Name: "Rob", At: h.start, Until: time.Now().Add(time.Hour)})
	}
	h.commit(bot.Change{Claims: many})
	h.refused(rita, claim("db-2", time.Hour), bot.RefusedState, "held already", "salve claims")
}

func TestAClaimThatIsOverHoldsNobodyAndIsCleanedAway(t *testing.T) {
	t.Parallel()
	h := open(t)
	over := bot.Claim{Target: "db-1", Holder: "rob", Name: "Rob", At: h.start, Until: h.start.Add(time.Minute)}
	other := over
	other.Target = "db-2"
	h.commit(bot.Change{Claims: []bot.Claim{over, other}})
	require.True(t, h.says(rita, unclaim("db-1")).Repeated)
	h.says(rita, claim("db-1", time.Hour))
	got := h.claims(0)
	require.Len(t, got, 1)
	require.Equal(t, bot.PersonID("rita"), got[0].Holder)
}

func TestATargetHeldThroughAnIncidentIsThatOwners(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(1)
	h.says(rob, bot.Command{Verb: bot.VerbTake, Incident: inc.ID})
	h.refused(rita, claim(h.target(inc.ID), time.Hour), bot.RefusedState, "Rob holds "+h.target(inc.ID)+" with "+inc.ID.String(), "salve release "+inc.ID.String())
	h.refused(rita, unclaim(h.target(inc.ID)), bot.RefusedState, "salve release")
}

func TestOnlyTheHolderAndRespondersGiveATargetBack(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.commit(bot.Change{Claims: []bot.Claim{{Target: "db-1", Holder: "olga", Name: "Olga", At: h.start, Until: time.Now().Add(time.Hour)}}})
	h.refused(vera, unclaim("db-1"), bot.RefusedForbidden, "salve user edit vera --role responder")
	h.says(olga, unclaim("db-1"))
	require.Equal(t, "Olga gave db-1 back", h.last(bot.EventUnclaimed).Text)
}

func TestWhatWaitedForATargetIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc, other := h.incident(1), h.incident(1)
	h.says(rita, claim(h.target(inc.ID), time.Hour))
	for _, i := range []bot.Incident{h.read(inc.ID), h.read(other.ID)} {
		i.DueAt = time.Now().Add(time.Hour)
		h.commit(bot.Change{Incidents: []bot.Incident{i}})
	}
	h.says(rita, unclaim(h.target(inc.ID)))
	assert.WithinDuration(t, time.Now(), h.read(inc.ID).DueAt, time.Minute)
	assert.Greater(t, time.Until(h.read(other.ID).DueAt), 30*time.Minute, "another target")
}

func TestAClaimSaysWhatRunsThere(t *testing.T) {
	t.Parallel()
	h := open(t)
	r := h.runs(h.incident(1), planned)
	require.Contains(t, h.says(rita, claim(r.Target, time.Hour)).Text, "salve cancel "+r.ID.String())
}

// Two people who claim at once: one holds it, the other hears who.
func TestOfTwoWhoClaimAtOnceOneHolds(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.store.meanwhile(func() {
		quiet, err := command.New(h.store.Store, h.brake, shelf{}, command.Options{})
		require.NoError(t, err)
		c := claim("db-1", time.Hour)
		c.By, c.Surface = rob, "cli"
		_, err = quiet.Do(t.Context(), c)
		require.NoError(t, err)
	})
	_, err := h.tries(rita, claim("db-1", time.Hour))
	require.ErrorContains(t, err, "Rob holds db-1")
	require.Len(t, h.claims(0), 1)
}
