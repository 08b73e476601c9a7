package command_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

// TestAnUndoOfAMergedIncidentIsToldWherePeopleLook: it stays with its run, and
// the incident that goes on says where.
func TestAnUndoOfAMergedIncidentIsToldWherePeopleLook(t *testing.T) {
	t.Parallel()
	h := open(t)
	one, two := h.incident(1), h.incident(1)
	r := h.runs(one, over)
	h.says(rita, bot.Command{Verb: bot.VerbMerge, Incident: one.ID, Into: two.ID})
	answer := h.says(rita, bot.Command{Verb: bot.VerbUndo, Run: r.ID})
	require.Equal(t, one.ID, answer.Incident)
	require.Contains(t, answer.Text, "salve show "+one.ID.String())
	require.Len(t, h.read(one.ID).Asked, 1)
	require.Empty(t, h.read(two.ID).Asked)
	told := h.last(bot.EventAsked)
	require.Equal(t, two.ID, told.Incident)
	require.Contains(t, told.Text, "asked to undo "+r.ID.String()+"; the question stands on "+one.ID.String())
	require.True(t, h.says(rita, bot.Command{Verb: bot.VerbUndo, Run: r.ID}).Repeated)
}
