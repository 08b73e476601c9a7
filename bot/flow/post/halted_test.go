package post_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

// halt sets a halt of everything, or lifts it.
func (w *world) halt(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.halts = nil
	kind := bot.EventResumed
	if on {
		w.halts, kind = []bot.Halt{{Scope: bot.HaltAll, By: bot.Actor{Name: "olga"}, Reason: "the deploy is going on"}}, bot.EventHalted
	}
	w.log(bot.Event{Kind: kind, Text: "halt"})
}

func TestAHaltShowsOnTheCardsOfWhatIsOpenAndGoesWhenItIsLifted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		h.start()
		defer h.stop()
		h.w.open(1, bot.SeverityHigh)
		h.w.ask(1, time.Hour)
		h.w.open(2, bot.SeverityLow)
		h.settle(20 * time.Second)
		h.w.halt(true)
		h.settle(20 * time.Second)
		require.Contains(t, text(h.s.of("C1", bot.MessageCard)[0].message), "Everything is halted by olga")
		h.living("C1", 1, 2)
		h.w.halt(false)
		h.settle(20 * time.Second)
		require.NotContains(t, text(h.s.of("C1", bot.MessageCard)[0].message), "halted")
		h.living("C1", 1, 2)
		require.Len(t, h.s.of("C1", bot.MessageNotice), 1, "a halt asks nobody anew")
	})
}

func TestAHaltInTheSameBatchKeepsWhatIsUrgentUrgent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		h.w.cursors["chat"] = bot.Cursor{Name: "chat", Seq: 1, Version: 1}
		h.w.open(1, bot.SeverityHigh)
		h.w.ask(1, time.Hour)
		h.w.halt(true)
		h.start()
		defer h.stop()
		h.settle(20 * time.Second)
		h.living("C1", 1)
		require.Len(t, h.s.of("C1", bot.MessageNotice), 1)
		require.True(t, slices.ContainsFunc(h.s.of("C1", bot.MessageCard), func(m shown) bool { return len(m.message.Buttons) > 0 }))
	})
}

func TestAHaltMakesNoCardWhereThereIsNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		h.w.open(1, bot.SeverityLow)
		h.w.cursors["chat"] = bot.Cursor{Name: "chat", Seq: int64(len(h.w.events)), Version: 1}
		h.start()
		defer h.stop()
		h.w.halt(true)
		h.settle(20 * time.Second)
		require.Empty(t, h.s.of("C1", bot.MessageCard))
	})
}
