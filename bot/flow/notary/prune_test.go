package notary_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/audit"
	"salve/bot/flow/notary"
)

// archive is a log that can be pruned.
type archive struct {
	*log
	at     bot.Boundary
	needed int64
	cutoff int // how many Events a pruning drops before it is broken off; 0: all
}

func (a *archive) Boundary(context.Context) (bot.Boundary, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.at, nil
}

func (a *archive) FirstNeeded(context.Context) (int64, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.needed, nil
}

func (a *archive) PruneEvents(_ context.Context, b bot.Boundary, e bot.Event) (int64, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if b.Size > a.at.Size {
		a.at = b
		a.seal(e)
	}
	n := int64(0)
	for a.events[0].Seq <= a.at.Size && (a.cutoff == 0 || n < int64(a.cutoff)) {
		a.events = a.events[1:]
		n++
	}
	return n, nil
}

// prove is what somebody finds who verifies with the heads of place a.
func (o *office) prove(a *archive) audit.Report {
	r, err := audit.ProvePruned(func() (audit.Against, error) {
		return audit.Against{Signed: o.opened(o.a)}.Opened(a.at, o.keys)
	}, audit.From(func(f func(bot.Event) error) error { return o.log.each(f) }))
	require.NoError(o, err)
	return r
}

func TestWhatIsTooOldIsDroppedAtASignedHeadAndTheRestProves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		a := &archive{log: o.log}
		o.log.do(func() {
			o.log.seal(bot.Event{At: time.Now(), Kind: bot.EventPerson, Actor: bot.Salve, Data: map[string]string{"person": "ann", "groups": "old"}})
			o.log.seal(bot.Event{At: time.Now(), Kind: bot.EventPerson, Actor: bot.Salve, Data: map[string]string{"person": "ann", "groups": "new"}})
		})
		opts := notary.Options{LookAt: time.Hour, Keep: 30 * 24 * time.Hour, Pruner: a}
		o.open(opts, func(*notary.Leg) {
			for range 60 {
				o.log.add(3)
				after(24 * time.Hour)
			}
			require.NotZero(t, a.at.Size)
			require.Equal(t, a.at.Size+1, o.log.events[0].Seq)
			require.WithinDuration(t, time.Now().Add(-opts.Keep), o.log.events[0].At, 25*time.Hour)
			require.Len(t, a.at.Carried, 1, "the last word on each person")
			require.Equal(t, "new", a.at.Carried[0].Data["groups"])
		})
		r := o.prove(a)
		require.True(t, r.OK(), r.Faults)
		require.Equal(t, a.at.Size, r.Pruned)
		require.Empty(t, o.log.seen, "nobody is alarmed")

		// A restart goes on from a pruned log.
		o.log.add(1)
		o.open(opts, func(leg *notary.Leg) {
			after(time.Minute)
			require.Empty(t, leg.Status(time.Now()).Wrong)
		})
		last := o.opened(o.a)
		require.Equal(t, o.log.events[len(o.log.events)-1].Seq, last[len(last)-1].Size)
		require.Empty(t, o.prove(a).Faults)

		// What is not told in the log is no pruning.
		i := slices.IndexFunc(o.log.events, func(e bot.Event) bool { return e.Kind == bot.EventPruned })
		require.Positive(t, i)
		o.log.events = o.log.events[20:]
		require.False(t, o.prove(a).OK())
	})
}

func TestWhatAnOpenIncidentNeedsStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		a := &archive{log: o.log, needed: 4}
		o.log.add(9)
		time.Sleep(48 * time.Hour)
		o.log.add(1)
		o.open(notary.Options{LookAt: time.Minute, Keep: 24 * time.Hour, Pruner: a}, func(*notary.Leg) {
			after(time.Minute)
			require.Equal(t, int64(4), o.log.events[0].Seq)
			o.log.do(func() { a.needed = 0 })
			after(25 * time.Hour)
			require.Equal(t, int64(10), o.log.events[0].Seq)
		})
		require.Empty(t, o.prove(a).Faults)
	})
}

func TestAPruningThatWasBrokenOffGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		a := &archive{log: o.log, cutoff: 2}
		o.log.add(9)
		time.Sleep(48 * time.Hour)
		o.log.add(1)
		opts := notary.Options{LookAt: time.Minute, Keep: 24 * time.Hour, Pruner: a}
		o.open(opts, func(*notary.Leg) { after(time.Minute) })
		require.Equal(t, int64(3), o.log.events[0].Seq)
		require.Empty(t, o.prove(a).Faults)
		a.cutoff = 0
		o.open(opts, func(leg *notary.Leg) {
			after(time.Minute)
			require.Empty(t, leg.Status(time.Now()).Wrong)
		})
		require.Equal(t, int64(10), o.log.events[0].Seq)
		require.Empty(t, o.prove(a).Faults)
		require.Empty(t, o.log.seen)
	})
}
