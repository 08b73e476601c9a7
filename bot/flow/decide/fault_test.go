package decide_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/flow/decide"
)

func TestWhileTheStoreCannotBeWrittenNothingBegins(t *testing.T) {
	for name, err := range map[string]error{"a full disk": bot.ErrUnavailable, "an audit log that cannot go on": bot.ErrAudit} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.store.fail = err
			auto := h.receive(alertOf{})
			asks := h.receive(alertOf{severity: bot.SeverityHigh, group: "2", instance: "web-2"})
			for range 20 {
				h.after(10 * time.Second)
			}
			for _, id := range []bot.IncidentID{auto, asks} {
				require.Empty(t, h.runs(id))
				require.Empty(t, h.approvals(id))
				require.Zero(t, h.incident(id).Decision.At)
			}
			require.NotZero(t, h.store.tries.Load())
			h.store.fail = nil
			h.after(10 * time.Second)
			require.Len(t, h.runs(auto), 1)
			require.Len(t, h.approvals(asks), 1)
		})
	}
}

func TestSettingTheClockBackGivesNoQuestionMoreTime(t *testing.T) {
	h := newHouse(t)
	passed := time.Duration(0) // by which the wall clock is behind
	leg, err := decide.New(h.store, h.brake, library(t), decide.Options{Expiry: func() time.Time { return h.now.Add(passed) }})
	require.NoError(t, err)
	leg.SetClock(func() time.Time { return h.now })
	h.leg = leg
	id := h.receive(alertOf{severity: bot.SeverityHigh}) // asks for 10 minutes
	passed = 3 * time.Hour
	h.now = h.now.Add(time.Minute - passed)
	h.person(id, func(i *bot.Incident) { i.DueAt = h.now })
	require.Equal(t, bot.ApprovalPending, h.approvals(id)[0].State, "a minute has passed")
	h.now = h.now.Add(10 * time.Minute)
	h.person(id, func(i *bot.Incident) { i.DueAt = h.now })
	require.Equal(t, bot.ApprovalExpired, h.approvals(id)[0].State)
}
