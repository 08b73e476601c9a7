package post_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/flow/post"
)

// once fails the first n calls of an operation.
func once(op string, n int, lost bool, f bot.SendFault) func(string, bot.Parcel) (bool, error) {
	return func(o string, _ bot.Parcel) (bool, error) {
		if o != op || n == 0 {
			return false, nil
		}
		n--
		return lost, &bot.SendError{Fault: f, Why: "it is " + string(f), After: 5 * time.Second}
	}
}

func TestOneOfEachFaultLeavesOneCard(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		op   string
		lost bool
		f    bot.SendFault
	}{
		{"the answer to a post is lost after it was taken", "post", true, bot.SendUnsure},
		{"the answer to a post is lost and it was not taken", "post", false, bot.SendUnsure},
		{"a post is too much", "post", false, bot.SendLater},
		{"a post finds nobody", "post", false, bot.SendDown},
		{"a post meets an unknown fault", "post", false, "whatever"},
		{"an edit is lost", "edit", true, bot.SendUnsure},
		{"an edit is too much", "edit", false, bot.SendLater},
		{"an edit finds nobody", "edit", false, bot.SendDown},
		{"an edit finds nothing to edit", "edit", false, bot.SendGone},
		{"a post is denied", "post", false, bot.SendDenied},
		{"an edit is denied", "edit", false, bot.SendDenied},
		{"a search fails", "find", false, bot.SendDown},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := newHouse(t, "C1")
				fail := once(c.op, 2, c.lost, c.f)
				lose := once("post", 1, true, bot.SendUnsure)
				h.s.fail(func(op string, p bot.Parcel) (bool, error) {
					if c.op == "find" && op == "post" {
						return lose(op, p)
					}
					return fail(op, p)
				})
				h.start()
				defer h.stop()
				h.w.open(1, bot.SeverityHigh)
				h.settle(5 * time.Minute)
				h.w.grow(1)
				h.settle(5 * time.Minute)
				if cards := h.s.of("C1", bot.MessageCard); c.f == bot.SendGone { // the surface says that it is gone
					require.Len(t, cards, 2)
					h.s.drop(cards[0].mark)
				}
				h.living("C1", 1)
				row := h.w.post("slack/C1/card/I-1")
				require.Equal(t, bot.PostShown, row.State)
				require.Zero(t, row.Unsure)
				if c.f != bot.SendUnsure && c.op != "find" {
					require.Zero(t, h.s.count("find"), "what was surely not taken is not looked for")
				}
				require.Empty(t, row.Error)
			})
		})
	}
}

func TestAnErrorOfNoKindIsLookedUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		n := 0
		h.s.fail(func(op string, _ bot.Parcel) (bool, error) {
			if n++; op == "post" && n == 1 {
				return true, errCut
			}
			return false, nil
		})
		h.start()
		defer h.stop()
		h.w.open(1, bot.SeverityHigh)
		h.settle(time.Minute)
		h.living("C1", 1)
		require.Equal(t, 1, h.s.count("find"))
	})
}

func TestADeletedCardIsPostedAgainAndItsThreadFollows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		h.start()
		defer h.stop()
		h.w.open(1, bot.SeverityHigh)
		h.settle(10 * time.Second)
		old := h.s.of("C1", bot.MessageCard)[0]
		time.Sleep(time.Hour)
		h.s.drop(old.mark)
		h.w.ask(1, time.Hour) // a notice, for a thread that is not there
		h.settle(time.Minute)
		h.living("C1", 1)
		card := h.s.of("C1", bot.MessageCard)[0]
		require.NotEqual(t, old.mark, card.mark)
		notices := h.s.of("C1", bot.MessageNotice)
		require.Len(t, notices, 1)
		require.Equal(t, card.mark, notices[0].thread)
	})
}

func TestAThreadThatIsNeverThereIsDoneWithout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		h.s.fail(func(op string, p bot.Parcel) (bool, error) {
			if op == "post" && p.Thread != (bot.Mark{}) {
				return false, &bot.SendError{Fault: bot.SendGone, Why: "threads are closed"}
			}
			return false, nil
		})
		h.start()
		defer h.stop()
		h.w.open(1, bot.SeverityHigh)
		h.settle(10 * time.Second)
		time.Sleep(time.Hour)
		h.w.ask(1, time.Hour)
		h.settle(time.Minute)
		require.Len(t, h.s.of("C1", bot.MessageNotice), 1)
		require.Len(t, h.s.of("C1", bot.MessageCard), 2, "it was tried once to make a new thread")
	})
}

func TestWhatCannotStandWhereItBelongsGoesToTheDefaultPlaceAndSaysWhy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		h.opts.Defaults = map[string]string{"slack": "C0"}
		h.start()
		defer h.stop()
		h.w.open(1, bot.SeverityHigh)
		h.settle(10 * time.Second)
		h.s.fail(func(op string, p bot.Parcel) (bool, error) {
			if p.Place == "C1" {
				return false, &bot.SendError{Fault: bot.SendNoPlace, Why: "the channel C1 is archived"}
			}
			return false, nil
		})
		a := h.w.ask(1, time.Hour)
		h.w.open(2, bot.SeverityHigh)
		h.settle(time.Minute)
		for _, key := range []string{"slack/C1/card/I-1", "slack/C1/card/I-2"} {
			row := h.w.post(key)
			require.Equal(t, "C0", row.Place)
			require.Equal(t, "C0", row.Mark.Place)
			require.Equal(t, "the channel C1 is archived", row.Moved)
		}
		cards := h.s.of("C0", bot.MessageCard)
		require.Len(t, cards, 2)
		require.Contains(t, text(cards[0].message), "Shown here because the channel C1 is archived; it belongs in C1.")
		require.Len(t, h.s.of("C0", bot.MessageNotice), 1)
		h.w.answer(a, bot.ApprovalDenied, bot.EventDenied)
		h.settle(time.Minute)
		require.Len(t, h.s.of("C0", bot.MessageCard), 2)
		require.Len(t, h.s.of("C0", bot.MessageNotice), 1)
	})
}

func TestACardThatMovesToWhereThereIsOneIsNotShownTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1", "C2", "C0")
		h.opts.Defaults = map[string]string{"slack": "C0"}
		h.s.fail(func(op string, p bot.Parcel) (bool, error) {
			if p.Place != "C0" {
				return false, &bot.SendError{Fault: bot.SendNoPlace, Why: "Salve is not in it"}
			}
			return false, nil
		})
		h.start()
		defer h.stop()
		h.w.open(1, bot.SeverityHigh)
		h.w.ask(1, time.Hour)
		h.settle(time.Minute)
		tried := h.s.count("post C1") + h.s.count("post C2")
		h.w.grow(1)
		h.w.move(7, 1, bot.RunPlanned, bot.StepPlanned)
		h.settle(time.Minute)
		h.living("C0", 1)
		require.Equal(t, tried, h.s.count("post C1")+h.s.count("post C2"), "it is not tried there again")
		require.Len(t, h.s.of("C0", bot.MessageNotice), 1)
		require.Len(t, h.s.of("C0", bot.MessageProgress), 1)
	})
}

func TestWhereThereIsNoPlaceAtAllItWaitsAndSaysSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C0", "C2")
		h.opts.Defaults = map[string]string{"slack": "C0"}
		h.s.fail(func(op string, p bot.Parcel) (bool, error) {
			if p.Place == "C0" {
				return false, &bot.SendError{Fault: bot.SendNoPlace, Why: "Salve is not in it"}
			}
			return false, nil
		})
		h.start()
		defer h.stop()
		h.w.open(1, bot.SeverityHigh)
		time.Sleep(2 * time.Hour)
		h.living("C2", 1)
		require.Less(t, h.s.count("post C0"), 250, "it is not hammered")
		require.Equal(t, []string{"chat-denied/slack/C0"}, keys(h.leg.Conditions(t.Context()), post.ChatDenied))
		h.s.fail(nil)
		h.settle(2 * time.Minute)
		h.living("C0", 1)
		require.Empty(t, h.leg.Conditions(t.Context()))
	})
}

func keys(cs []bot.Condition, name string) (out []string) {
	for _, c := range cs {
		if c.Name == name {
			out = append(out, c.Key())
		}
	}
	return out
}

func TestARefusedMessageIsShownAsTextAndOneThatIsNeverTakenIsGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		h.s.fail(func(op string, p bot.Parcel) (bool, error) {
			if p.Key == "slack/C1/card/I-2" || len(p.Message.Lines) > 0 {
				return false, &bot.SendError{Fault: bot.SendRefused, Why: "invalid_blocks"}
			}
			return false, nil
		})
		h.start()
		defer h.stop()
		h.w.open(1, bot.SeverityHigh)
		h.w.open(2, bot.SeverityHigh)
		h.settle(time.Minute)
		cards := h.s.of("C1", bot.MessageCard)
		require.Len(t, cards, 1)
		require.Empty(t, cards[0].message.Lines)
		require.NotEmpty(t, cards[0].message.Alone)
		require.Equal(t, bot.PostFailed, h.w.post("slack/C1/card/I-2").State)
		require.Equal(t, []string{"chat-refused/slack"}, keys(h.leg.Conditions(t.Context()), post.ChatRefused))
		h.s.fail(nil)
		h.w.grow(2) // a newer one is tried again
		h.w.grow(1)
		h.settle(time.Minute)
		h.living("C1", 1, 2)
	})
}

func TestDeniedCredentialsHoldTheSurfaceAndAreTriedNowAndThen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1", "C2", "C3")
		h.s.fail(refuse(bot.SendDenied))
		h.start()
		defer h.stop()
		for id := range bot.IncidentID(5) {
			h.w.open(id+1, bot.SeverityHigh)
		}
		time.Sleep(time.Hour)
		require.Less(t, h.s.count("post"), 70)
		require.Equal(t, []string{"chat-denied/slack"}, keys(h.leg.Conditions(t.Context()), post.ChatDenied))
		h.s.fail(nil)
		h.settle(2 * time.Minute)
		h.living("C2", 1, 2, 3, 4, 5)
		require.Empty(t, h.leg.Conditions(t.Context()))
	})
}

func TestASurfaceThatWantsSilenceGetsItAndNoOtherDoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1", "C2")
		var calls atomic.Int64
		h.s.fail(func(op string, p bot.Parcel) (bool, error) {
			if calls.Add(1) == 1 {
				return false, &bot.SendError{Fault: bot.SendLater, Wide: true, After: 30 * time.Second, Why: "ratelimited"}
			}
			return false, nil
		})
		h.opts.Pagers = func(bot.Incident) []string { return []string{"pagerduty"} }
		h.start()
		defer h.stop()
		h.w.open(1, bot.SeverityHigh)
		time.Sleep(2 * time.Second)
		h.w.move(7, 1, bot.RunWaiting, bot.StepUnknown)
		time.Sleep(25 * time.Second)
		require.LessOrEqual(t, h.s.count("post"), 2)
		require.Len(t, h.pager.of("pagerduty", bot.MessagePage), 1)
		h.settle(time.Minute)
		h.living("C1", 1)
		h.living("C2", 1)
	})
}

func TestAnEditThatWasLostIsNotTakenForWhatStoodThereBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		lost := false
		h.s.fail(func(op string, _ bot.Parcel) (bool, error) {
			if op != "edit" || lost {
				return false, nil
			}
			lost = true
			h.w.change(1, bot.EventAlerts, func(i *bot.Incident) { i.Firing, i.Total = 1, 1 }) // as it was
			return true, &bot.SendError{Fault: bot.SendUnsure, Why: "no answer"}
		})
		h.start()
		defer h.stop()
		h.w.open(1, bot.SeverityHigh)
		h.settle(10 * time.Second)
		h.w.grow(1)
		h.settle(time.Minute)
		require.True(t, lost)
		h.living("C1", 1)
	})
}

func TestAnEditThatMustWaitHoldsUpNothingNew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t, "C1")
		h.start()
		defer h.stop()
		h.w.open(1, bot.SeverityHigh)
		h.settle(10 * time.Second)
		h.s.fail(func(op string, _ bot.Parcel) (bool, error) {
			if op == "edit" {
				return false, &bot.SendError{Fault: bot.SendLater, After: time.Minute, Why: "too many edits"}
			}
			return false, nil
		})
		h.w.ask(1, 5*time.Hour) // its card would be edited before a new one is posted
		time.Sleep(10 * time.Second)
		h.w.open(2, bot.SeverityLow)
		time.Sleep(5 * time.Second)
		require.Len(t, h.s.of("C1", bot.MessageCard), 2)
		require.Len(t, h.s.of("C1", bot.MessageNotice), 1)
		require.Equal(t, 1, h.s.count("edit"), "it is not tried again and again")
		h.s.fail(nil)
		h.settle(2 * time.Minute)
		h.living("C1", 1, 2)
	})
}
