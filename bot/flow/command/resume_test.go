package command_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

func (h *house) overtaken(lift bot.Command) {
	h.Helper()
	_, err := h.tries(rosa, lift)
	r, ok := errors.AsType[*bot.Refusal](err)
	require.True(h, ok, "%v", err)
	require.Equal(h, bot.RefusedMoved, r.Code)
	require.Contains(h, r.Error(), "still stands")
	require.Contains(h, r.Error(), "salve halts")
}

// TestAResumeLiftsOnlyWhatItHasSeen: between its look and its write the halt is
// lifted by another person and set anew.
func TestAResumeLiftsOnlyWhatItHasSeen(t *testing.T) {
	t.Parallel()
	for _, halt := range []bot.Command{{Verb: bot.VerbHalt}, {Verb: bot.VerbHalt, Scope: bot.HaltTarget, Name: "db-1"}} {
		h := open(t)
		lift := halt
		lift.Verb = bot.VerbResume
		h.says(rita, halt)
		h.brake.then = func() {
			h.says(rosa, lift)
			time.Sleep(2 * time.Millisecond) // instants are kept to a millisecond
			again := halt
			again.Reason = "smoke again"
			h.says(stranger, again)
		}
		h.overtaken(lift)
		halts, err := h.brake.Halts(t.Context())
		require.NoError(t, err)
		require.Len(t, halts, 1)
		require.Equal(t, "smoke again", halts[0].Reason)

		// Lifted by somebody else and not set again: nothing is said to be done.
		h.brake.then = func() { h.says(rosa, lift) }
		h.overtaken(lift)
		require.True(t, h.says(rosa, lift).Repeated)
	}
}

func TestAResumeLeavesAFlagThatWasSetMeanwhile(t *testing.T) {
	t.Parallel()
	h := open(t)
	require.NoError(t, h.brake.SetFlag("first"))
	h.brake.then = func() {
		time.Sleep(time.Millisecond)
		require.NoError(t, h.brake.SetFlag("second"))
	}
	h.overtaken(bot.Command{Verb: bot.VerbResume})
	require.Equal(t, "second", h.brake.flag)

	// A flag that comes while only a row was looked at stays too.
	h.says(rosa, bot.Command{Verb: bot.VerbResume})
	h.says(rita, bot.Command{Verb: bot.VerbHalt})
	h.brake.then = func() { require.NoError(t, h.brake.SetFlag("third")) }
	h.says(rosa, bot.Command{Verb: bot.VerbResume})
	require.Equal(t, "third", h.brake.flag)
}
