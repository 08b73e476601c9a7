package command_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/flow/command"
)

func TestSettingTheClockBackGivesNoQuestionMoreTime(t *testing.T) {
	t.Parallel()
	h := open(t)
	// The wall clock stands an hour behind what has passed.
	passed := func() time.Time { return time.Now().Add(time.Hour) }
	var err error
	h.desk, err = command.New(h.store, h.brake, shelf{}, command.Options{Expiry: passed})
	require.NoError(t, err)
	inc := h.incident(1)
	over := h.asks(inc, func(p *bot.Plan) { p.Rule.ExpiresIn = bot.Duration(90 * time.Minute) }) // opened an hour ago
	_, err = h.tries(olga, bot.Command{Verb: bot.VerbApprove, Approval: over.ID, Digest: string(over.Digest)})
	require.ErrorContains(t, err, "expired")
	require.Equal(t, bot.ApprovalExpired, h.approval(over.ID).State)

	still := h.asks(h.incident(1), func(p *bot.Plan) { p.Rule.ExpiresIn = bot.Duration(3 * time.Hour) })
	h.says(olga, bot.Command{Verb: bot.VerbApprove, Approval: still.ID, Digest: string(still.Digest)})
}
