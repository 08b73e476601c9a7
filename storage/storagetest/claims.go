package storagetest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

// timed is a hold on a target without an Incident, from minute n on.
func timed(holder bot.PersonID, n int) bot.Claim {
	return bot.Claim{Target: "a", Holder: holder, Name: string(holder), At: at(n), Until: at(n + 10), Reason: "a deploy"}
}

func (h *house) claimsOf(id bot.IncidentID) []bot.Claim {
	h.t.Helper()
	claims, err := h.ClaimsOf(h.t.Context(), id)
	require.NoError(h.t, err)
	return claims
}

var claimTests = map[string]func(*testing.T, *house){
	"a target is held for a time, beside those held by incidents": func(t *testing.T, h *house) {
		mine := bot.Claim{Target: "a", Incident: 1, Holder: "p-bob", At: at(1)}
		elsewhere := timed("p-ann", 0)
		elsewhere.Target = "b"
		h.must(bot.Change{Claims: []bot.Claim{mine, timed("p-ann", 0), elsewhere}})
		history, err := h.History(t.Context(), "restart", "a")
		require.NoError(t, err)
		require.Equal(t, []bot.Claim{timed("p-ann", 0), mine}, history.Claims)
		require.Equal(t, []bot.Claim{mine}, h.claimsOf(1))
		require.Equal(t, []bot.Claim{timed("p-ann", 0), elsewhere}, h.claimsOf(0))

		longer := timed("p-ann", 3)
		h.must(bot.Change{Claims: []bot.Claim{longer}})
		require.Equal(t, []bot.Claim{longer, elsewhere}, h.claimsOf(0))
		longer.Released = true
		h.must(bot.Change{Claims: []bot.Claim{longer}})
		require.Equal(t, []bot.Claim{elsewhere}, h.claimsOf(0))
		require.Equal(t, []bot.Claim{mine}, h.claimsOf(1))
	},
	"who holds a target for a time is not pushed aside before it is over": func(t *testing.T, h *house) {
		first := timed("p-ann", 0)
		h.must(bot.Change{Claims: []bot.Claim{first}})
		h.refused(bot.ErrConflict, bot.Change{Claims: []bot.Claim{timed("p-bob", 9)}, Events: []bot.Event{event(bot.EventNoted, 0)}})
		require.Equal(t, []bot.Claim{first}, h.claimsOf(0))
		h.must(bot.Change{Claims: []bot.Claim{timed("p-bob", 10)}})
		require.Equal(t, []bot.Claim{timed("p-bob", 10)}, h.claimsOf(0), "it was over")
		released := timed("p-bob", 10)
		released.Released = true
		h.must(bot.Change{Claims: []bot.Claim{released, timed("p-ann", 11)}})
		require.Equal(t, []bot.Claim{timed("p-ann", 11)}, h.claimsOf(0), "given back and taken in one change")
	},
	"who gives back a hold that was over does not take the next one's": func(t *testing.T, h *house) {
		over := timed("p-ann", 0)
		h.must(bot.Change{Claims: []bot.Claim{over}})
		next := timed("p-bob", 10)
		h.must(bot.Change{Claims: []bot.Claim{next}})
		over.Released = true
		h.refused(bot.ErrConflict, bot.Change{Claims: []bot.Claim{over}})
		require.Equal(t, []bot.Claim{next}, h.claimsOf(0))
	},
	"one of many holds the target": func(t *testing.T, h *house) {
		oneWins(t, race(func(n int) error {
			_, err := h.Commit(t.Context(), bot.Change{Claims: []bot.Claim{timed(bot.PersonID(number(n)), 0)}})
			return err
		}))
		require.Len(t, h.claimsOf(0), 1)
	},
}
