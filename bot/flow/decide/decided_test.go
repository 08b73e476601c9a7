package decide_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/flow/decide"
)

func TestOnlyADecisionThatIsCommittedAndAnotherOneIsTold(t *testing.T) {
	h := newHouse(t)
	var mu sync.Mutex
	var told []bot.Decision
	leg, err := decide.New(h.store, h.brake, library(t), decide.Options{Decided: func(d bot.Decision) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, d)
	}})
	require.NoError(t, err)
	leg.SetClock(func() time.Time { return h.now })
	h.leg = leg

	id := h.receive(alertOf{severity: bot.SeverityHigh})
	require.Len(t, told, 1)
	require.Equal(t, bot.AskPerson, told[0].Candidates[0].Verdict.Ruling)
	require.Equal(t, h.incident(id).Decision.At, told[0].At)

	h.now = h.now.Add(time.Second)
	h.person(id, func(*bot.Incident) {})
	require.Len(t, told, 1, "it says the same as before")

	h.store.fail = bot.ErrConflict
	h.commit(bot.Change{Observed: []bot.Alert{h.alert(alertOf{name: "2", instance: "web-2", group: "2"})}, By: bot.Salve})
	h.leg.Settle(t.Context())
	require.Positive(t, h.store.tries.Load())
	require.Len(t, told, 1, "it was not committed")
}
