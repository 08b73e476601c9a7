package post_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/flow/post"
)

func TestWhatItCannotLiveWithoutIsAskedFor(t *testing.T) {
	t.Parallel()
	_, err := post.New(nil, nil, nil, nil, post.Options{})
	require.ErrorContains(t, err, "store")
	w := newWorld()
	_, err = post.New(w, w, everyWhere{}, map[string]post.Surface{"slack": nil}, post.Options{})
	require.ErrorContains(t, err, "slack")
	_, err = post.New(w, w, everyWhere{}, nil, post.Options{Weekly: []post.Weekly{{Next: func(t time.Time) (time.Time, error) { return t, nil }}}})
	require.ErrorContains(t, err, "Week")
}

func TestAnIncidentHasOneCardThatIsEdited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1", "C2")
		h.start()
		defer h.stop()
		h.w.open(1, bot.SeverityHigh)
		h.leg.Wake()
		h.settle(10 * time.Second)
		for range 5 {
			h.w.grow(1)
			h.leg.Wake()
			time.Sleep(3 * time.Second)
		}
		h.w.resolve(1)
		h.settle(10 * time.Second)
		h.living("C1", 1)
		h.living("C2", 1)
		require.Equal(t, 2, h.s.count("post"))
	})
}

func TestAHintThatIsLostCostsASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		h.start()
		defer h.stop()
		time.Sleep(5 * time.Second)
		h.w.open(1, bot.SeverityHigh)
		time.Sleep(1500 * time.Millisecond)
		h.living("C1", 1)
	})
}

func TestAQuestionIsToldInTheThreadOfItsCardAndWakesWhoIsOnCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		h.opts.OnCall = calls{}
		h.start()
		defer h.stop()
		h.w.open(1, bot.SeverityHigh)
		a := h.w.ask(1, time.Hour)
		h.settle(10 * time.Second)
		notices := h.s.of("C1", bot.MessageNotice)
		require.Len(t, notices, 1)
		card := h.s.of("C1", bot.MessageCard)[0]
		require.Equal(t, card.mark, notices[0].thread)
		require.Equal(t, []bot.Mention{{Kind: bot.MentionGroup, ID: "S1"}}, notices[0].message.Wakes)
		require.NotEmpty(t, notices[0].message.Buttons)
		for _, b := range append(card.message.Buttons, notices[0].message.Buttons...) {
			o := h.w.offers[b.Token]
			require.Equal(t, b.Press, o.Press)
			require.Equal(t, "slack", o.Surface)
			require.NotEmpty(t, o.Shown)
			require.Greater(t, time.Until(o.ExpiresAt), 29*24*time.Hour)
		}

		h.w.answer(a, bot.ApprovalApproved, bot.EventApproved)
		h.w.move(7, 1, bot.RunPlanned, bot.StepPlanned)
		h.w.move(7, 1, bot.RunFixed, bot.StepSucceeded)
		h.settle(20 * time.Second)
		notices = h.s.of("C1", bot.MessageNotice)
		require.Len(t, notices, 1, "success is quiet")
		require.Empty(t, notices[0].message.Buttons, "what is answered has no buttons")
		require.Len(t, h.s.of("C1", bot.MessageProgress), 1)
		h.living("C1", 1)
	})
}

type calls struct{}

func (calls) Wakes(context.Context, string, bot.Incident) []bot.Mention {
	return []bot.Mention{{Kind: bot.MentionGroup, ID: "S1"}}
}

func TestEditingKeepsButtonsAlive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		h.start()
		defer h.stop()
		h.w.open(1, bot.SeverityHigh)
		h.w.ask(1, time.Hour)
		h.settle(10 * time.Second)
		before := h.s.of("C1", bot.MessageCard)[0].message.Buttons
		h.w.grow(1)
		h.settle(10 * time.Second)
		card := h.s.of("C1", bot.MessageCard)[0]
		require.Positive(t, card.edits)
		require.Equal(t, before, card.message.Buttons)
		require.Contains(t, h.w.offers[before[0].Token].Shown, "db-1", "the record holds what stood there")
	})
}

func TestProgressIsEditedEveryThreeSecondsAndAtEachChangeOfState(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		h.start()
		defer h.stop()
		h.w.open(1, bot.SeverityHigh)
		h.w.move(7, 1, bot.RunPlanned, bot.StepPlanned)
		h.settle(10 * time.Second)
		time.Sleep(5 * time.Second)
		for range 60 { // steps, five a second
			h.w.move(7, 1, bot.RunRunning, bot.StepStarted)
			h.leg.Wake()
			time.Sleep(200 * time.Millisecond)
		}
		edits := h.s.of("C1", bot.MessageProgress)[0].edits
		require.LessOrEqual(t, edits, 5)
		require.GreaterOrEqual(t, edits, 3)
		h.w.move(7, 1, bot.RunVerifying, bot.StepSucceeded)
		h.leg.Wake()
		time.Sleep(2500 * time.Millisecond)
		require.Contains(t, text(h.s.of("C1", bot.MessageProgress)[0].message), "check")
		h.settle(20 * time.Second)
	})
}

func TestAPlaceGetsOneMessageASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1", "C2")
		h.opts.Storm = 1000
		h.start()
		defer h.stop()
		for id := range bot.IncidentID(30) {
			h.w.open(id+1, bot.SeverityHigh)
		}
		began := time.Now()
		h.settle(time.Minute)
		require.Less(t, time.Since(began), 35*time.Second, "places do not wait for each other")
		for _, place := range []string{"C1", "C2"} {
			require.Equal(t, 1, h.s.most)
			for i, at := range h.s.at[place] {
				if i > 0 {
					require.GreaterOrEqual(t, at.Sub(h.s.at[place][i-1]), time.Second)
				}
			}
		}
	})
}

func TestAtTheFirstStartThereAreCardsOfWhatIsOpenAndNothingOld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		delete(h.w.cursors, "chat")
		h.opts.FirstCards = 3
		for id := range bot.IncidentID(5) {
			h.w.open(id+1, bot.SeverityLow)
		}
		h.w.open(6, bot.SeverityCritical)
		h.w.ask(2, time.Hour)
		h.w.resolve(5)
		h.start()
		defer h.stop()
		h.settle(20 * time.Second)
		h.living("C1", 2, 4, 6)
		require.Empty(t, h.s.of("C1", bot.MessageNotice))
	})
}

func TestAnIncidentKeepsItsPlaces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		h.start()
		h.w.open(1, bot.SeverityHigh)
		h.settle(10 * time.Second)
		h.stop()
		h.router = everyWhere{"C2"}
		h.start()
		defer h.stop()
		h.w.grow(1)
		h.w.open(2, bot.SeverityHigh)
		h.settle(10 * time.Second)
		h.living("C1", 1)
		h.living("C2", 2)
	})
}

func TestQuestionsThatEndSoonAreToldOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		h.start()
		h.w.open(1, bot.SeverityHigh)
		h.w.ask(1, 20*time.Minute) // a fifth: 4 minutes before
		h.w.ask(1, 3*time.Hour)    // 10 minutes before
		expiring := func() (out []bot.Event) {
			h.w.mu.Lock()
			defer h.w.mu.Unlock()
			for _, e := range h.w.events {
				if e.Kind == bot.EventExpiring {
					out = append(out, e)
				}
			}
			return out
		}
		time.Sleep(15*time.Minute + 50*time.Second)
		require.Empty(t, expiring())
		time.Sleep(30 * time.Second)
		require.Len(t, expiring(), 1)
		h.stop()
		h.start() // another process
		defer h.stop()
		time.Sleep(time.Minute)
		require.Len(t, expiring(), 1)
		require.Len(t, h.s.of("C1", bot.MessageNotice), 3)
		time.Sleep(2*time.Hour + 33*time.Minute + 30*time.Second)
		require.Len(t, expiring(), 2)
	})
}

func TestAClockThatWasAheadHidesNoQuestion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		h.w.open(1, bot.SeverityHigh)
		h.w.ask(1, 20*time.Minute)
		h.w.mu.Lock()
		h.w.cursors["expiring"] = bot.Cursor{Name: "expiring", Version: 1, Seq: time.Now().Add(3 * time.Hour).UnixMilli()}
		h.w.mu.Unlock()
		h.start()
		defer h.stop()
		time.Sleep(17 * time.Minute)
		h.w.mu.Lock()
		defer h.w.mu.Unlock()
		told := 0
		for _, e := range h.w.events {
			if e.Kind == bot.EventExpiring {
				told++
			}
		}
		require.Equal(t, 1, told)
	})
}

func TestAWeekIsToldOnceAndOnlyTheLastOfThoseThatWereMissed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		h.opts.Weekly = []post.Weekly{{Surface: "slack", Place: "C9", Next: func(t time.Time) (time.Time, error) {
			return t.Truncate(7 * 24 * time.Hour).Add(7 * 24 * time.Hour), nil
		}}}
		h.opts.Week = func(_ context.Context, _ string, from, to time.Time) (bot.Message, error) {
			return bot.Message{Kind: bot.MessageWeekly, Alone: from.Format(time.DateOnly) + " to " + to.Format(time.DateOnly)}, nil
		}
		h.start()
		time.Sleep(time.Minute)
		require.Empty(t, h.s.of("C9", bot.MessageWeekly), "nothing was missed at the first start")
		h.stop()
		time.Sleep(22 * 24 * time.Hour) // three weeks end
		h.start()
		time.Sleep(time.Minute)
		h.stop()
		h.start()
		defer h.stop()
		time.Sleep(time.Minute)
		require.Len(t, h.s.of("C9", bot.MessageWeekly), 1)
	})
}

func TestAPictureComesIntoTheThreadAndHoldsUpNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		h.opts.Plotter = slow{}
		h.start()
		defer h.stop()
		h.w.open(1, bot.SeverityHigh)
		h.w.open(2, bot.SeverityHigh)
		h.w.open(3, bot.SeverityLow)
		time.Sleep(4 * time.Second)
		h.living("C1", 1, 2, 3)
		time.Sleep(time.Minute)
		plots := h.s.of("C1", bot.MessagePlot)
		require.Len(t, plots, 1, "the second failed, the third has none")
		require.Equal(t, h.s.of("C1", bot.MessageCard)[0].mark, plots[0].thread)
		require.Equal(t, []byte("PNG"), plots[0].message.Files[0].Body)
	})
}

type slow struct{}

func (slow) Plot(ctx context.Context, inc bot.Incident, _ []bot.Alert) (*bot.File, error) {
	time.Sleep(5 * time.Second)
	switch inc.ID {
	case 1:
		return &bot.File{Name: "disk.png", Media: "image/png", Alt: "it rises", Body: []byte("PNG")}, nil
	case 2:
		return nil, errCut
	default:
		return nil, nil
	}
}

func TestWhatIsLongPastWhenChatIsSwitchedOnAgainIsNotTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		h.w.open(1, bot.SeverityHigh)
		h.w.open(2, bot.SeverityHigh)
		h.w.ask(1, time.Hour)
		h.w.move(7, 1, bot.RunPlanned, bot.StepPlanned)
		h.w.move(7, 1, bot.RunFailed, bot.StepFailed)
		h.w.change(1, bot.EventClosed, func(i *bot.Incident) { i.Firing, i.ClosedAt = 0, time.Now().UTC() })
		time.Sleep(30 * 24 * time.Hour)
		h.start()
		defer h.stop()
		h.settle(10 * time.Second)
		h.living("C1", 2)
		require.Len(t, h.s.messages, 1)
	})
}
