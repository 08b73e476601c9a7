package act_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/flow/act"
)

// shareLease is what a shared store gives; tests end it.
type shareLease struct {
	mu   sync.Mutex
	over context.Context
	end  context.CancelCauseFunc
}

func newLease() *shareLease {
	l := &shareLease{}
	l.over, l.end = context.WithCancelCause(context.Background())
	return l
}

func (l *shareLease) Held(ctx context.Context) (context.Context, context.CancelFunc) {
	l.mu.Lock()
	over := l.over
	l.mu.Unlock()
	held, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(over, func() { cancel(context.Cause(over)) })
	if over.Err() != nil {
		cancel(context.Cause(over))
	}
	return held, func() { stop(); cancel(context.Canceled) }
}

func (l *shareLease) renew() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over, l.end = context.WithCancelCause(context.Background())
}

func TestAStepIsCutWhenTheLeaseEndsAndIsUnknown(t *testing.T) {
	t.Parallel()
	l := newLease()
	h := newHouse(t, func(o *act.Options) { o.Lease = l })
	h.hand.tell("web-1/a", how{wait: true})
	h.serve()
	id := h.run("web-1", nil, step("a", bot.RepeatNever, false), step("b", bot.RepeatNever, false))
	require.Equal(t, "web-1/a", <-h.hand.reach)
	l.end(errors.New("the lease could not be renewed"))
	r := h.untilState(id, bot.RunWaiting)
	require.Equal(t, bot.StepUnknown, r.Steps[0].State)
	require.Zero(t, h.hand.calls("web-1/b"))
}

func TestAStepThatMayBeRepeatedIsTakenUpAgainAfterALease(t *testing.T) {
	t.Parallel()
	l := newLease()
	h := newHouse(t, func(o *act.Options) { o.Lease = l })
	h.hand.tell("web-1/a", how{wait: true})
	h.serve()
	id := h.run("web-1", nil, step("a", bot.RepeatSafe, false))
	require.Equal(t, "web-1/a", <-h.hand.reach)
	end := l.end
	l.renew()
	end(errors.New("the lease could not be renewed"))
	r := h.untilState(id, bot.RunUnverified)
	require.Equal(t, 2, r.Steps[0].Attempt)
}

func TestNothingIsDoneWithoutALease(t *testing.T) {
	t.Parallel()
	l := newLease()
	l.end(errors.New("the lease could not be renewed"))
	h := newHouse(t, func(o *act.Options) { o.Lease = l })
	h.serve()
	id := h.run("web-1", nil, step("a", bot.RepeatNever, false))
	time.Sleep(200 * time.Millisecond)
	require.Zero(t, h.hand.calls("web-1/a"))
	require.Equal(t, bot.RunPlanned, h.read(id).State, "nothing is written about it either")
	l.renew()
	h.untilState(id, bot.RunUnverified)
	require.Equal(t, 1, h.hand.calls("web-1/a"))
}

func TestWhatAnotherProcessLeftIsTakenUpByAScan(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(o *act.Options) { o.Lease = newLease() })
	left := &leaver{Store: h.store}
	h.serveOn(left)
	time.Sleep(50 * time.Millisecond)
	id := h.run("web-1", nil, step("a", bot.RepeatNever, false))
	require.Equal(t, "web-1/a", <-h.hand.reach)
	h.untilState(id, bot.RunUnverified)

	// Another process has a step in flight and is gone.
	other := h.run("web-2", nil, step("a", bot.RepeatNever, false))
	h.hand.tell("web-2/a", how{wait: true})
	require.Equal(t, "web-2/a", <-h.hand.reach)
	left.leave(other)
	r := h.untilState(other, bot.RunWaiting)
	require.Equal(t, bot.StepUnknown, r.Steps[0].State)
}

// leaver is a store on which some other process is gone.
type leaver struct {
	act.Store
	mu   sync.Mutex
	gone []bot.RunID
}

func (l *leaver) leave(id bot.RunID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gone = append(l.gone, id)
}

func (l *leaver) Interrupted(ctx context.Context) ([]bot.Run, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var runs []bot.Run
	for _, id := range l.gone {
		r, err := l.Run(ctx, id)
		if err != nil {
			return nil, err
		}
		runs = append(runs, r)
	}
	l.gone = nil
	return runs, nil
}
