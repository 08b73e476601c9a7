package post_test

import (
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

func TestFiveHundredAlertsAreOneSummaryAndOneCardEachByUrgency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		n := 0
		h.s.fail(func(op string, _ bot.Parcel) (bool, error) {
			if n++; n%7 == 0 {
				return false, &bot.SendError{Fault: bot.SendLater, Why: "ratelimited", After: 3 * time.Second}
			}
			return false, nil
		})
		var ids []bot.IncidentID
		severities := []bot.Severity{bot.SeverityLow, bot.SeverityCritical, bot.SeverityMedium, bot.SeverityHigh}
		for id := range bot.IncidentID(500) {
			h.w.open(id+1, severities[id%4])
			ids = append(ids, id+1)
		}
		h.w.ask(497, 5*time.Hour) // of low severity, and asked
		h.start()
		defer h.stop()
		time.Sleep(30 * time.Second)
		storms := h.s.of("C1", bot.MessageStorm)
		require.Len(t, storms, 1)
		require.Contains(t, text(storms[0].message), "incidents at once")
		require.Equal(t, "slack/C1/storm", h.s.messages[0].key, "the summary comes first")
		h.settle(30 * time.Minute)
		h.living("C1", ids...)
		storms = h.s.of("C1", bot.MessageStorm)
		require.Len(t, storms, 1)
		require.Equal(t, bot.ToneQuiet, storms[0].message.Tone)
		require.Empty(t, storms[0].message.Buttons)
		require.Less(t, storms[0].edits, 150)

		var ranks []int
		for _, m := range h.s.of("C1", bot.MessageCard) {
			id := h.w.post(m.key).Incident
			rank := 5 - h.w.incidents[id].Severity.Rank()
			if id == 497 {
				rank = -1
			}
			ranks = append(ranks, rank)
		}
		require.True(t, slices.IsSorted(ranks), "the most urgent come first")
		require.Len(t, h.s.of("C1", bot.MessageNotice), 1)
	})
}

func TestWhatWasOverBeforeItsCardIsCountedInTheSummaryOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		h.start()
		defer h.stop()
		for id := range bot.IncidentID(60) {
			h.w.open(id+1, bot.SeverityHigh)
		}
		h.w.move(3, 60, bot.RunPlanned, bot.StepPlanned)
		time.Sleep(10 * time.Second)
		before := len(h.s.of("C1", bot.MessageCard))
		for id := bot.IncidentID(31); id <= 60; id++ {
			h.w.resolve(id)
		}
		h.w.move(3, 60, bot.RunFixed, bot.StepSucceeded)
		h.settle(5 * time.Minute)
		cards := h.s.of("C1", bot.MessageCard)
		require.Greater(t, before, 5)
		require.Len(t, cards, 31, "the thirty that go on, and the one where something ran")
		spared := 0
		for id := bot.IncidentID(31); id <= 59; id++ {
			if h.w.post("slack/C1/card/"+id.String()).State == bot.PostMoot {
				spared++
			}
		}
		require.Equal(t, 29, spared)
		require.EqualValues(t, 29, h.w.post("slack/C1/storm").Spared)
		require.Contains(t, text(h.s.of("C1", bot.MessageStorm)[0].message), "29 incidents were over")

		h.w.grow(45) // it comes back
		h.settle(time.Minute)
		require.Len(t, h.s.of("C1", bot.MessageCard), 32)
	})
}

func TestALaterStormIsAMessageOfItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		h.start()
		defer h.stop()
		for n := range bot.IncidentID(3) {
			for id := range bot.IncidentID(30) {
				h.w.open(100*n+id+1, bot.SeverityHigh)
			}
			h.settle(5 * time.Minute)
			if n == 1 {
				time.Sleep(24 * time.Hour)
			}
		}
		require.Len(t, h.s.of("C1", bot.MessageStorm), 2, "the second goes on in the first")
	})
}

func TestAStormOfAHundredThousandEventsIsTakenInBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		h.w.open(1, bot.SeverityHigh)
		for range 99_999 {
			h.w.log(bot.Event{Kind: bot.EventAlerts, Incident: 1 + bot.IncidentID(len(h.w.events)%40), Text: "1 alert"})
		}
		for id := range bot.IncidentID(39) {
			h.w.open(id+2, bot.SeverityHigh)
		}
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		h.start()
		defer h.stop()
		h.settle(3 * time.Minute)
		runtime.GC()
		runtime.ReadMemStats(&after)
		require.Len(t, h.s.of("C1", bot.MessageCard), 40)
		require.LessOrEqual(t, h.w.widest, 500)
		require.Less(t, int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(32<<20))
	})
}
