package hear_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/flow/hear"
)

func TestManyPressesOfOnePersonAndOfManyAtOnceAreOneDecision(t *testing.T) {
	t.Parallel()
	h := closed(t)
	h.leg = h.another(hear.Options{PerUser: 100})
	h.runs(h.leg)
	a, b := h.asks(), h.asks()
	pa, oa := h.card(a)
	pb, ob := h.card(b)
	var all []bot.Gesture
	for range 50 {
		all = append(all, h.press("UOLGA", pa, oa.Token))
	}
	for i := range 8 {
		user := fmt.Sprint("U", i)
		h.roll.set("T1/"+user, bot.Member{Groups: []string{"oncall"}})
		all = append(all, h.press(user, pb, ob.Token))
	}
	var wait sync.WaitGroup
	for _, g := range all {
		wait.Go(func() { _ = h.leg.Hear(context.Background(), g) })
	}
	wait.Wait()
	for _, g := range all {
		h.done(g.Key)
	}
	require.Len(t, h.events(bot.EventApproved), 2)
	require.Len(t, h.events(bot.EventRunPlanned), 2)
	require.Len(t, h.events(bot.EventVoted), 2)
	require.Len(t, h.slack.said(), 58, "everybody is answered")
	approved := 0
	for _, w := range h.slack.said() {
		if w.to.Key != "" && len(w.m.Lines) > 0 && w.m.Tone == bot.ToneGood {
			approved++
		}
	}
	require.Equal(t, 2, approved, "one each is told that they decided; the rest hear by whom it was")
}

func TestWhatACrashCutOffIsFinishedOnceByTheNext(t *testing.T) {
	t.Parallel()
	h := closed(t) // hears, and never works
	a := h.asks()
	p, _ := h.card(a)
	g := h.says("URITA", "note "+a.Incident.String()+" seen")
	form := h.press("UOLGA", p, h.offered(denying(a)))
	for _, g := range []bot.Gesture{g, form} {
		require.NoError(t, h.leg.Hear(t.Context(), g))
		row, err := h.store.Gesture(t.Context(), g.Key)
		require.NoError(t, err)
		require.False(t, row.Done)
		require.WithinDuration(t, time.Now().Add(20*time.Second), row.DueAt, 5*time.Second)
		row.DueAt = time.Now().UTC().Add(-time.Second).Truncate(time.Millisecond) // 20 seconds later
		h.commit(bot.Change{Gestures: []bot.Gesture{row}})
	}
	h.runs(h.another(hear.Options{}))
	h.runs(h.another(hear.Options{}))
	require.Equal(t, 1, h.done(g.Key).Attempts)
	h.done(form.Key)
	inc, err := h.store.Incident(t.Context(), a.Incident)
	require.NoError(t, err)
	require.Len(t, inc.Notes, 1)
	require.Empty(t, h.slack.shownForms(), "what opens a form is dead by then")
	require.Len(t, h.slack.said(), 2)
	require.Contains(t, words(h.slack.said()[0].m)+words(h.slack.said()[1].m), "/salve deny "+a.Incident.String())
}

func TestWhatIsFoundLongAfterIsNotDoneButForAHalt(t *testing.T) {
	t.Parallel()
	h := closed(t)
	a := h.asks()
	p, o := h.card(a)
	form := bot.Offer{Token: "form", Surface: "slack", For: "T1/UOLGA", Press: o.Press, ExpiresAt: time.Now().UTC().Add(time.Hour)}
	h.commit(bot.Change{Offers: []bot.Offer{form}})
	filled := h.gesture(bot.GestureFilled, "UOLGA")
	filled.Token = "form"
	all := []bot.Gesture{h.press("UOLGA", p, o.Token), filled, h.says("UOLGA", "halt --target db-3")}
	for _, g := range all {
		g.ReceivedAt, g.DueAt = g.ReceivedAt.Add(-2*time.Hour), g.ReceivedAt.Add(-time.Hour)
		h.commit(bot.Change{Gestures: []bot.Gesture{g}})
	}
	h.runs(h.leg)
	require.Contains(t, h.done(all[0].Key).Result, "could not look at this for 2h")
	require.Contains(t, h.done(all[1].Key).Result, "could not look at this for 2h")
	require.Contains(t, h.done(all[2].Key).Result, "halted")
	require.Equal(t, bot.ApprovalPending, h.approval(a.ID).State)
}

func TestAnAnswerIsGivenOnceAlsoWhenItsEndCannotBeWritten(t *testing.T) {
	t.Parallel()
	h := closed(t)
	stop := h.runs(h.leg)
	var once sync.Once
	h.store.breakWith(func(c bot.Change) error {
		var err error
		if len(c.Gestures) == 1 && c.Gestures[0].Done {
			once.Do(func() { err = bot.ErrUnavailable })
		}
		return err
	})
	h.hears(h.says("URITA", "whoami"))
	require.Len(t, h.slack.said(), 1)
	stop()
}

func TestAPanicFailsItsOwnGestureAlone(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.slack.mu.Lock()
	h.slack.panics = true
	h.slack.mu.Unlock()
	require.Contains(t, h.hears(h.says("URITA", "whoami")).Result, "an error inside of Salve")
	h.slack.mu.Lock()
	h.slack.panics = false
	h.slack.mu.Unlock()
	require.Contains(t, words(h.answered(h.says("URITA", "whoami"))), "Rita")
}

func TestWhoDoesTooMuchIsToldAndOthersAreNotKeptWaiting(t *testing.T) {
	t.Parallel()
	h := closed(t)
	h.leg = h.another(hear.Options{PerUser: 3})
	var all []bot.Gesture
	for range 20 {
		g := h.says("URITA", "whoami")
		require.NoError(t, h.leg.Hear(t.Context(), g))
		all = append(all, g)
	}
	halt := h.says("URITA", "halt --target db-3")
	other := h.says("UROSA", "whoami")
	require.NoError(t, h.leg.Hear(t.Context(), halt))
	require.NoError(t, h.leg.Hear(t.Context(), other))
	h.runs(h.leg)
	require.Contains(t, h.done(halt.Key).Result, "halted", "a halt is never too much")
	require.Contains(t, h.done(other.Key).Result, "shown")
	for i, g := range all {
		if i < 3 {
			require.Contains(t, h.done(g.Key).Result, "shown")
		} else {
			require.Contains(t, h.done(g.Key).Result, "too much")
		}
	}
	require.Eventually(t, func() bool { return len(h.slack.said()) == 6 }, 10*time.Second, 5*time.Millisecond, "three answers, the halt, Rosa's, and one that it is too much")
	require.Contains(t, words(h.answered(h.says("URITA", "whoami"))), "Rita", "and then it goes on")
}

func TestWithTheStoreDownNothingLooksHeardButAHaltIsCarriedOut(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.store.breakWith(func(bot.Change) error { return bot.ErrUnavailable })
	for _, text := range []string{"whoami", "approve I-1 3fa9c1d2", "resume"} {
		require.ErrorIs(t, h.leg.Hear(t.Context(), h.says("URITA", text)), bot.ErrUnavailable, text)
	}
	require.NoError(t, h.leg.Hear(t.Context(), h.says("URITA", "halt the network is down")))
	require.Eventually(t, func() bool { return len(h.slack.said()) == 1 }, 10*time.Second, 5*time.Millisecond)
	require.Contains(t, words(h.slack.said()[0].m), "halted by the flag file")
}

func TestAHaltThatIsNoRowIsCarriedOutThoughSalveStops(t *testing.T) {
	t.Parallel()
	h := closed(t)
	h.store.breakWith(func(bot.Change) error { return bot.ErrUnavailable })
	for range 20 {
		require.NoError(t, h.leg.Hear(t.Context(), h.says("URITA", "halt the network is down")))
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	require.NoError(t, h.leg.Run(stopped))
	require.Len(t, h.slack.said(), 20, "all that was said to be heard")
}

// stuck is a store that answers nothing before its caller gives up.
type stuck struct{ hear.Store }

func (stuck) Commit(ctx context.Context, _ bot.Change) (bot.Receipt, error) {
	<-ctx.Done()
	return bot.Receipt{}, context.Cause(ctx)
}

type nobody struct{}

func (nobody) ByIdentity(context.Context, bot.Identity) (bot.Person, bool, error) {
	return bot.Person{}, false, nil
}

func (nobody) Admit(context.Context, bot.Identity, string, ...string) (bot.Person, error) {
	return bot.Person{}, errors.New("nobody")
}

func TestABlockedStoreIsToldWithinTwoSeconds(t *testing.T) {
	t.Parallel()
	h := closed(t)
	synctest.Test(t, func(t *testing.T) {
		leg, err := hear.New(hear.House{Store: stuck{}, Desk: h.desk, Window: h.window, People: nobody{}},
			map[string]hear.Venue{"slack": {Surface: h.slack, Directory: h.roll}}, hear.Options{})
		require.NoError(t, err)
		began := time.Now()
		g := bot.Gesture{Key: "k", Surface: "slack", Kind: bot.GestureSaid, User: bot.ChatUser{ID: "T1/U1"}, Text: "take I-1"}
		require.ErrorContains(t, leg.Hear(t.Context(), g), "did not answer in time")
		require.LessOrEqual(t, time.Since(began), 2*time.Second)
	})
}
