package tell_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/flow/tell"
)

// rows is a store in memory, as far as this leg needs one.
type rows struct {
	mu        sync.Mutex
	incidents []bot.Incident
	alerts    []bot.Alert
	plans     []bot.Plan
	approvals []bot.Approval
	runs      []bot.Run
	events    []bot.Event
	people    []bot.Person
	halts     []bot.Halt
	down      error
}

func (r *rows) Incident(_ context.Context, id bot.IncidentID) (bot.Incident, error) {
	for _, inc := range r.incidents {
		if inc.ID == id {
			return inc, r.down
		}
	}
	return bot.Incident{}, fmt.Errorf("incident %s: %w", id, bot.ErrNotFound)
}

func (r *rows) Incidents(_ context.Context, q bot.IncidentQuery) ([]bot.Incident, error) {
	var out []bot.Incident
	for _, inc := range r.incidents {
		if (len(q.States) == 0 || slices.Contains(q.States, inc.State())) && (q.Owner == "" || q.Owner == inc.Owner) {
			out = append(out, inc)
		}
	}
	if q.Limit > 0 && len(out) > q.Limit {
		out = out[:q.Limit]
	}
	return out, r.down
}

func (r *rows) Alerts(context.Context, bot.IncidentID, int) ([]bot.Alert, error) {
	return r.alerts, r.down
}

func (r *rows) Plans(context.Context, bot.IncidentID) ([]bot.Plan, error) { return r.plans, r.down }

func (r *rows) Plan(_ context.Context, id bot.PlanID) (bot.Plan, error) {
	for _, p := range r.plans {
		if p.ID == id {
			return p, r.down
		}
	}
	return bot.Plan{}, bot.ErrNotFound
}

func (r *rows) Approvals(_ context.Context, q bot.ApprovalQuery) ([]bot.Approval, error) {
	var out []bot.Approval
	for _, a := range r.approvals {
		if (q.Incident == 0 || q.Incident == a.Incident) && (len(q.States) == 0 || slices.Contains(q.States, a.State)) {
			out = append(out, a)
		}
	}
	return out, r.down
}

func (r *rows) Runs(_ context.Context, q bot.RunQuery) ([]bot.Run, error) {
	var out []bot.Run
	for _, run := range r.runs {
		if (q.Incident == 0 || q.Incident == run.Incident) && (!q.Active || run.Active()) {
			out = append(out, run)
		}
	}
	return out, r.down
}

func (r *rows) Events(_ context.Context, q bot.EventQuery) ([]bot.Event, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []bot.Event
	for _, e := range r.events {
		if e.Incident == q.Incident && e.Seq > q.After {
			out = append(out, e)
		}
	}
	if q.Last && len(out) > q.Limit {
		out = out[len(out)-q.Limit:]
	}
	return out[:min(len(out), q.Limit)], r.down
}

func (r *rows) Halts(context.Context) ([]bot.Halt, error)    { return r.halts, r.down }
func (r *rows) People(context.Context) ([]bot.Person, error) { return r.people, r.down }

func (r *rows) Commit(_ context.Context, c bot.Change) (bot.Receipt, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range c.Events {
		e.Seq = int64(len(r.events) + 1)
		r.events = append(r.events, e)
	}
	return bot.Receipt{}, r.down
}

func (r *rows) reminders() []bot.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []bot.Event
	for _, e := range r.events {
		if e.Kind == bot.EventReminded {
			out = append(out, e)
		}
	}
	return out
}

func open(t *testing.T, store tell.Store, opts tell.Options) *tell.Leg {
	t.Helper()
	leg, err := tell.New(store, opts)
	require.NoError(t, err)
	return leg
}

func incident(id bot.IncidentID, firing int) bot.Incident {
	return bot.Incident{ID: id, Fold: bot.Fold{Title: "it hangs", Firing: firing, Total: 1, FirstAt: time.Now().Add(-time.Hour)}}
}

func TestALegNeedsAStore(t *testing.T) {
	t.Parallel()
	_, err := tell.New(nil, tell.Options{})
	require.ErrorContains(t, err, "store")
}

func TestACardIsMadeFromTheRows(t *testing.T) {
	t.Parallel()
	store := &rows{incidents: []bot.Incident{incident(142, 1)}, alerts: []bot.Alert{{Title: "it hangs"}}}
	store.incidents[0].Decision.At = time.Now()
	leg := open(t, store, tell.Options{Nearest: func(a bot.Alert, inc bot.Incident) *bot.CardNearest {
		return &bot.CardNearest{Playbook: "restart", WhyNot: a.Title + " " + inc.ID.String()}
	}})
	card, err := leg.Card(t.Context(), 142, bot.Person{})
	require.NoError(t, err)
	require.Equal(t, bot.PhaseNeedsPerson, card.Phase)
	require.Equal(t, "it hangs I-142", card.Nearest.WhyNot)

	_, err = leg.Card(t.Context(), 7, bot.Person{})
	require.ErrorIs(t, err, bot.ErrNotFound)
	_, err = leg.Timeline(t.Context(), 7)
	require.ErrorIs(t, err, bot.ErrNotFound)
}

func TestAStoreThatDoesNotAnswerIsAnError(t *testing.T) {
	t.Parallel()
	store := &rows{incidents: []bot.Incident{incident(142, 1)}, down: bot.ErrUnavailable}
	leg := open(t, store, tell.Options{})
	_, err := leg.Card(t.Context(), 142, bot.Person{})
	require.ErrorIs(t, err, bot.ErrUnavailable)
	_, err = leg.Board(t.Context(), bot.IncidentQuery{}, bot.Person{})
	require.ErrorIs(t, err, bot.ErrUnavailable)
	_, err = leg.Proposals(t.Context(), bot.Person{})
	require.ErrorIs(t, err, bot.ErrUnavailable)
	_, err = leg.Timeline(t.Context(), 142)
	require.ErrorIs(t, err, bot.ErrUnavailable)
}

func TestTheBoardShowsFirstWhatNeedsPeopleWhateverItsAge(t *testing.T) {
	t.Parallel()
	store := &rows{
		incidents: []bot.Incident{incident(9, 0), incident(8, 1), incident(2, 1), incident(1, 1)},
		approvals: []bot.Approval{{ID: 1, Incident: 2, State: bot.ApprovalPending, ExpiresAt: time.Now().Add(time.Hour)}},
		runs:      []bot.Run{{ID: 1, Incident: 1, State: bot.RunWaiting}},
	}
	leg := open(t, store, tell.Options{})
	ids := func(q bot.IncidentQuery) []bot.IncidentID {
		cards, err := leg.Board(t.Context(), q, bot.Person{})
		require.NoError(t, err)
		var out []bot.IncidentID
		for _, c := range cards {
			require.Empty(t, c.Actions)
			out = append(out, c.Incident)
		}
		return out
	}
	require.Equal(t, []bot.IncidentID{1, 2, 8, 9}, ids(bot.IncidentQuery{Limit: 2}))
	require.Equal(t, []bot.IncidentID{8, 9}, ids(bot.IncidentQuery{Limit: 2, Before: 100}), "later pages add nothing")
	require.Equal(t, []bot.IncidentID{9}, ids(bot.IncidentQuery{States: []bot.IncidentState{bot.IncidentResolved}}))
}

func TestProposalsPutFirstWhatTheViewerCanAnswer(t *testing.T) {
	t.Parallel()
	soon, late := time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
	rule := func(group string) bot.ApprovalRule { return bot.ApprovalRule{Approvers: []string{group}, Quorum: 1} }
	store := &rows{
		plans: []bot.Plan{{ID: 1}},
		approvals: []bot.Approval{
			{ID: 1, Plan: 1, State: bot.ApprovalPending, Rule: rule("dba"), ExpiresAt: soon},
			{ID: 2, Plan: 1, State: bot.ApprovalPending, Rule: rule("oncall"), ExpiresAt: late},
			{ID: 3, Plan: 1, State: bot.ApprovalPending, Rule: rule("oncall"), ExpiresAt: soon},
			{ID: 4, Plan: 1, State: bot.ApprovalDenied},
		},
	}
	got, err := open(t, store, tell.Options{}).Proposals(t.Context(), bot.Person{ID: "alice", Groups: []string{"oncall"}})
	require.NoError(t, err)
	require.Len(t, got, 3)
	require.Equal(t, []bot.ApprovalID{3, 2, 1}, []bot.ApprovalID{got[0].Approval.ID, got[1].Approval.ID, got[2].Approval.ID})
}

func TestATimelineHasAllEventsOverManyPages(t *testing.T) {
	t.Parallel()
	store := &rows{incidents: []bot.Incident{incident(142, 1)}}
	for i := range 2500 {
		store.events = append(store.events, bot.Event{Seq: int64(i + 1), Incident: 142, Kind: bot.EventNoted, Text: fmt.Sprintf("event %d.", i+1)})
	}
	text, err := open(t, store, tell.Options{}).Timeline(t.Context(), 142)
	require.NoError(t, err)
	require.Contains(t, text, "event 2500.")
}

func TestHintsAreMergedForWhoeverDoesNotRead(t *testing.T) {
	t.Parallel()
	leg := open(t, &rows{}, tell.Options{})
	slow, quick := leg.Subscribe(t.Context()), leg.Subscribe(t.Context())
	leg.Publish(bot.Touched{}) // nothing changed: no hint
	leg.Publish(bot.Touched{Incidents: []bot.IncidentID{1}})
	require.Equal(t, bot.Touched{Incidents: []bot.IncidentID{1}}, <-quick)
	leg.Publish(bot.Touched{Incidents: []bot.IncidentID{2, 1}, Runs: []bot.RunID{7}})
	leg.Publish(bot.Touched{Approvals: []bot.ApprovalID{3}, Halts: true})
	want := bot.Touched{Incidents: []bot.IncidentID{1, 2}, Runs: []bot.RunID{7}, Approvals: []bot.ApprovalID{3}, Halts: true}
	require.Equal(t, want, <-slow)
}

func TestTooMuchAtOnceBecomesAnything(t *testing.T) {
	t.Parallel()
	leg := open(t, &rows{}, tell.Options{})
	ch := leg.Subscribe(t.Context())
	for i := range 5000 {
		leg.Publish(bot.Touched{Incidents: []bot.IncidentID{bot.IncidentID(i + 1)}})
	}
	leg.Publish(bot.Touched{Halts: true})
	require.Equal(t, bot.Touched{}, <-ch)
	leg.Publish(bot.Touched{Halts: true})
	require.Equal(t, bot.Touched{Halts: true}, <-ch)
}

func TestPublishingNeverWaitsAndALeavingSubscriberIsForgotten(t *testing.T) {
	t.Parallel()
	leg := open(t, &rows{}, tell.Options{})
	var all sync.WaitGroup
	for range 20 {
		ctx, leave := context.WithCancel(t.Context())
		ch := leg.Subscribe(ctx)
		all.Go(func() {
			<-ch // one hint, then it leaves
			leave()
			for range ch { // closed after what was waiting
			}
		})
	}
	all.Go(func() {
		for i := range 1000 {
			leg.Publish(bot.Touched{Runs: []bot.RunID{bot.RunID(i + 1)}})
		}
	})
	all.Wait()
}

func TestAnOwnerIsRemindedOnceInEachInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		alice := bot.Person{ID: "alice", Name: "Alice"}
		mine, free, quiet, over := incident(1, 1), incident(2, 1), incident(3, 1), incident(4, 0)
		for _, inc := range []*bot.Incident{&mine, &quiet, &over} {
			inc.Owner, inc.OwnerName = "alice", "Alice"
		}
		quiet.SnoozedUntil = time.Now().Add(1000 * time.Hour)
		store := &rows{incidents: []bot.Incident{mine, free, quiet, over}, people: []bot.Person{alice}}
		store.events = []bot.Event{{Seq: 1, At: time.Now(), Kind: bot.EventTaken, Incident: 1}}

		ctx, stop := context.WithCancel(t.Context())
		leg := open(t, store, tell.Options{ReminderEvery: time.Hour})
		done := make(chan error)
		go func() { done <- leg.Run(ctx) }()
		time.Sleep(59 * time.Minute)
		synctest.Wait()
		require.Empty(t, store.reminders())
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		require.Len(t, store.reminders(), 1)
		require.Equal(t, bot.IncidentID(1), store.reminders()[0].Incident)
		require.Contains(t, store.reminders()[0].Text, "Alice holds I-1")
		stop()
		require.NoError(t, <-done)

		again := open(t, store, tell.Options{ReminderEvery: time.Hour}) // after a restart
		ctx, stop = context.WithCancel(t.Context())
		go func() { done <- again.Run(ctx) }()
		time.Sleep(50 * time.Minute)
		synctest.Wait()
		require.Len(t, store.reminders(), 1, "a restart reminds of nothing twice")
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		require.Len(t, store.reminders(), 4)
		stop()
		require.NoError(t, <-done)
	})
}

func TestAStormDoesNotHideTheLastReminder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		mine := incident(1, 1)
		mine.Owner, mine.OwnerName = "alice", "Alice"
		store := &rows{incidents: []bot.Incident{mine}, people: []bot.Person{{ID: "alice"}}}
		for i := range 5000 {
			store.events = append(store.events, bot.Event{Seq: int64(i + 1), At: time.Now(), Kind: bot.EventAlerts, Incident: 1})
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		leg := open(t, store, tell.Options{ReminderEvery: time.Hour})
		go func() { done <- leg.Run(ctx) }()
		time.Sleep(30 * time.Minute)
		synctest.Wait()
		require.Empty(t, store.reminders())
		time.Sleep(31 * time.Minute)
		synctest.Wait()
		require.Len(t, store.reminders(), 1)
		stop()
		require.NoError(t, <-done)
	})
}

func TestRunCopesWithAStoreThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &rows{down: errors.New("disk")}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		leg := open(t, store, tell.Options{})
		go func() { done <- leg.Run(ctx) }()
		time.Sleep(time.Hour)
		stop()
		require.NoError(t, <-done)
	})
}
