package post_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

// helpless is a decision that no playbook fits.
func (w *world) helpless(id bot.IncidentID) {
	w.change(id, bot.EventDecided, func(inc *bot.Incident) { inc.Decision.At = time.Now().UTC() })
}

func TestWhatNoPlaybookFitsCallsPeopleOnceWhenItIsBad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		h.opts.OnCall = calls{}
		h.opts.Pagers = func(bot.Incident) []string { return []string{"pd"} }
		h.start()
		defer h.stop()
		h.w.open(1, bot.SeverityHigh)
		h.w.helpless(1)
		h.w.open(2, bot.SeverityMedium)
		h.w.helpless(2)
		h.settle(20 * time.Second)
		h.w.helpless(1)
		h.settle(20 * time.Second)
		notices := h.s.of("C1", bot.MessageNotice)
		require.Len(t, notices, 1)
		require.Equal(t, []bot.Mention{{Kind: bot.MentionGroup, ID: "S1"}}, notices[0].message.Wakes)
		require.True(t, notices[0].message.Broadcast)
		require.Contains(t, notices[0].message.Alone, "disk of db-1 is full: a person is needed, I-1")
		require.Zero(t, h.pager.count("post"), "chat is enough for that")

		h.w.change(1, bot.EventTaken, func(inc *bot.Incident) { inc.Owner, inc.OwnerName = "rob", "Rob" })
		h.settle(20 * time.Second)
		require.Empty(t, h.s.of("C1", bot.MessageNotice)[0].message.Buttons)
		h.w.change(1, bot.EventReleased, func(inc *bot.Incident) { inc.Owner, inc.OwnerName = "", "" })
		h.w.helpless(1)
		h.settle(20 * time.Second)
		require.Len(t, h.s.of("C1", bot.MessageNotice), 2, "it waits anew")
		h.living("C1", 1, 2)
	})
}

func TestAStormCallsPeopleOnceAndNotForEachIncident(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		h.opts.OnCall = calls{}
		for id := bot.IncidentID(1); id <= 60; id++ {
			h.w.open(id, bot.SeverityHigh)
			h.w.helpless(id)
		}
		h.w.cursors["chat"] = bot.Cursor{Name: "chat", Seq: 1, Version: 1}
		h.start()
		defer h.stop()
		time.Sleep(10 * time.Second)
		storms := h.s.of("C1", bot.MessageStorm)
		require.Len(t, storms, 1)
		require.Equal(t, []bot.Mention{{Kind: bot.MentionGroup, ID: "S1"}}, storms[0].message.Wakes)
		h.settle(10 * time.Minute)
		require.LessOrEqual(t, len(h.s.of("C1", bot.MessageNotice)), 1)
		require.Len(t, h.s.of("C1", bot.MessageCard), 60)
	})
}
