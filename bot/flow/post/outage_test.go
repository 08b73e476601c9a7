package post_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/flow/post"
)

func TestTwoHoursOfOutageDrainInOrderWithWhatIsMootLeftOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		h.s.fail(refuse(bot.SendDown))
		h.opts.Pagers = func(bot.Incident) []string { return []string{"pagerduty"} }
		h.start()
		defer h.stop()
		for id := range bot.IncidentID(12) {
			h.w.open(id+1, []bot.Severity{bot.SeverityLow, bot.SeverityHigh, bot.SeverityCritical}[id%3])
			time.Sleep(time.Minute)
		}
		decided := h.w.ask(1, 6*time.Hour)
		h.w.ask(2, 6*time.Hour)
		time.Sleep(5 * time.Minute)
		h.w.answer(decided, bot.ApprovalApproved, bot.EventApproved)
		time.Sleep(103 * time.Minute)
		require.Equal(t, []string{"chat-down/slack"}, keys(h.leg.Conditions(t.Context()), post.ChatDown))
		require.Less(t, h.s.count("post"), 200)
		pages := h.pager.of("pagerduty", bot.MessagePage)
		require.Len(t, pages, 2, "what waited for people while chat was down was paged")
		require.Contains(t, text(pages[1].message), "slack is down")
		require.Equal(t, bot.ToneGood, pages[0].message.Tone, "the question that was answered calls nobody")

		h.s.fail(nil)
		h.settle(2 * time.Minute)
		h.living("C1", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
		notices := h.s.of("C1", bot.MessageNotice)
		require.Len(t, notices, 1, "a question that was answered meanwhile is not asked")
		require.Contains(t, notices[0].key, "I-2")
		var order []string
		for _, m := range h.s.of("C1", bot.MessageCard) {
			order = append(order, strings.TrimPrefix(m.key, "slack/C1/card/"))
		}
		require.Equal(t, []string{"I-2", "I-3", "I-6", "I-9", "I-12", "I-5", "I-8", "I-11", "I-1", "I-4", "I-7", "I-10"}, order)
	})
}

func TestAPageIsOneForAnIncidentAndEndsWithTheNeedForPeople(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		h.opts.Pagers = func(bot.Incident) []string { return []string{"pagerduty", "mail"} }
		h.start()
		defer h.stop()
		h.w.open(1, bot.SeverityHigh)
		h.w.move(7, 1, bot.RunWaiting, bot.StepUnknown)
		h.settle(10 * time.Second)
		for _, pager := range []string{"pagerduty", "mail"} {
			pages := h.pager.of(pager, bot.MessagePage)
			require.Len(t, pages, 1)
			require.Equal(t, bot.ToneUrgent, pages[0].message.Tone)
			require.Equal(t, "page/"+pager+"/I-1", pages[0].key)
		}
		h.w.move(7, 1, bot.RunFixed, bot.StepSucceeded)
		h.settle(10 * time.Second)
		require.Equal(t, bot.ToneGood, h.pager.of("mail", bot.MessagePage)[0].message.Tone)
		h.w.move(8, 1, bot.RunWaiting, bot.StepUnknown)
		h.settle(10 * time.Second)
		pages := h.pager.of("mail", bot.MessagePage)
		require.Len(t, pages, 1)
		require.Equal(t, bot.ToneUrgent, pages[0].message.Tone, "for a new reason it is raised again")
		require.Contains(t, pages[0].message.Alone, "R-8")
	})
}

func TestAStoreThatDoesNotAnswerIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		h.start()
		defer h.stop()
		h.w.open(1, bot.SeverityHigh)
		h.settle(10 * time.Second)
		h.w.mu.Lock()
		h.w.down = bot.ErrUnavailable
		h.w.mu.Unlock()
		time.Sleep(time.Minute)
		h.w.mu.Lock()
		h.w.down = nil
		h.w.mu.Unlock()
		h.w.grow(1)
		h.settle(10 * time.Second)
		h.living("C1", 1)
	})
}
