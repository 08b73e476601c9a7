package post_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

// story is what happens in the tests of death: a card, a question, a run.
func (h *house) story() {
	h.w.open(1, bot.SeverityHigh)
	h.w.ask(1, 5*time.Hour)
	h.w.move(7, 1, bot.RunPlanned, bot.StepPlanned)
}

func TestAProcessThatDiesBetweenTwoWritesLeavesOneMessageOfEach(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"before", "after"} {
		for n := 1; n <= 9; n++ {
			t.Run(fmt.Sprintf("%s write %d", when, n), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					h := newHouse(t, "C1")
					dies := func(i int) bool { return i == n }
					if when == "before" {
						h.w.before = dies
					} else {
						h.w.after = dies
					}
					h.start()
					h.story()
					time.Sleep(30 * time.Second)
					died := h.w.isDead()
					h.stop()
					require.True(t, n > 7 || died, "nothing died")
					h.w.revive()
					h.start()
					defer h.stop()
					h.settle(5 * time.Minute)
					h.living("C1", 1)
					require.Len(t, h.s.of("C1", bot.MessageNotice), 1)
					require.Len(t, h.s.of("C1", bot.MessageProgress), 1)
				})
			})
		}
	}
}

func TestTwoProcessesOnOneDatabasePostEverythingOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1", "C2")
		h.opts.Share = func(place string) bool { return place == "C1" }
		h.start()
		stopOne := h.stop
		h.opts.Share = func(place string) bool { return place == "C2" }
		h.start()
		stopTwo := h.stop
		h.story()
		for id := range bot.IncidentID(10) {
			h.w.open(id+2, bot.SeverityHigh)
		}
		h.settle(time.Minute)
		h.living("C1", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
		h.living("C2", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
		require.Len(t, h.s.of("C1", bot.MessageNotice), 1)
		stopTwo() // what it leaves the other takes up
		h.w.grow(3)
		h.settle(30 * time.Second)
		h.living("C2", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
		stopOne()
	})
}

func TestTwoProcessesThatBothThinkAPlaceIsTheirsPostEverythingOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		h.s.fail(func(op string, p bot.Parcel) (bool, error) {
			if op == "post" && p.Key == "slack/C1/card/I-1" { // slow, and something comes in meanwhile
				h.w.grow(1)
				time.Sleep(9 * time.Second)
			}
			return false, nil
		})
		h.start()
		stop := h.stop
		h.start()
		for id := range bot.IncidentID(3) {
			h.w.open(id+1, bot.SeverityHigh)
		}
		h.settle(2 * time.Minute)
		time.Sleep(time.Minute) // for what would still be on its way
		h.living("C1", 1, 2, 3)
		h.stop()
		stop()
	})
}

func TestAChangeWhileACardIsOnItsWayIsShownToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		n := 0
		h.s.fail(func(op string, _ bot.Parcel) (bool, error) {
			if n++; n <= 3 {
				h.w.grow(1)
				h.leg.Wake()
				time.Sleep(2 * time.Second)
			}
			return false, nil
		})
		h.start()
		defer h.stop()
		h.w.open(1, bot.SeverityHigh)
		h.settle(time.Minute)
		h.living("C1", 1)
	})
}

func TestAProcessThatStoodStillDoesNotLeaveAnOldStateBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		h.start()
		h.w.open(1, bot.SeverityHigh)
		h.settle(10 * time.Second)
		var stopped atomic.Bool
		h.s.fail(func(op string, _ bot.Parcel) (bool, error) {
			if op == "edit" && !stopped.Swap(true) {
				time.Sleep(time.Minute) // in the middle of its call
			}
			return false, nil
		})
		h.w.grow(1)
		h.leg.Wake()
		time.Sleep(5 * time.Second)
		first := h.stop
		h.start() // another process
		h.w.grow(1)
		time.Sleep(2 * time.Minute)
		h.settle(time.Minute)
		h.living("C1", 1)
		h.stop()
		first()
	})
}

func TestACopyOfTheDatabaseThatIsPutBackFindsWhatWasPostedSince(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		h.s.fail(refuse(bot.SendDown))
		h.start()
		h.w.open(1, bot.SeverityHigh)
		time.Sleep(5 * time.Second)
		backup := h.w.post("slack/C1/card/I-1")
		h.s.fail(nil)
		h.settle(time.Minute)
		h.stop()

		backup.Unsure, backup.Version = backup.OpenedAt, h.w.post(backup.Key).Version // as restore notes it
		h.w.posts[backup.Key] = backup
		h.start()
		defer h.stop()
		h.settle(time.Minute)
		h.living("C1", 1)
	})
}
