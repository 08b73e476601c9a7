// Package storagetest holds the one suite that every store must pass.
//
// It promises to test what the rest of the program rests on, through the
// exported face only: what a Change does, what it never does, who wins a race,
// and what is there after the store was closed and opened again. It assumes that
// open gives a store over a directory of its own, which is empty the first time.
// A failure names the rule that was broken.
package storagetest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

// Store is what a store offers, by what it is about.
type Store interface {
	Lifetime
	Writing
	Incidents
	Deciding
	Running
	Holding
	Recording
	Pruning
	People
	Waiting
	Posting
	Hearing
}

// Lifetime is from opening to closing.
type Lifetime interface {
	Close() error
	Epoch() int64
	Ping(ctx context.Context) error
}

// Writing is all that changes something.
type Writing interface {
	NextID(kind bot.Kind) int64
	Commit(ctx context.Context, change bot.Change) (bot.Receipt, error)
	Prune(ctx context.Context, now time.Time, age time.Duration, maxBytes int64) (int, error)
	Tick(ctx context.Context, name string, at time.Time, every time.Duration) (bool, error)
}

// Incidents reads Incidents and their alerts.
type Incidents interface {
	Incident(ctx context.Context, id bot.IncidentID) (bot.Incident, error)
	Incidents(ctx context.Context, q bot.IncidentQuery) ([]bot.Incident, error)
	DueIncidents(ctx context.Context, now time.Time, limit int) ([]bot.Incident, error)
	Alerts(ctx context.Context, id bot.IncidentID, limit int) ([]bot.Alert, error)
	AlertsOfMany(ctx context.Context, ids []bot.IncidentID) (map[bot.IncidentID][]bot.Alert, error)
}

// Deciding reads Plans and Approvals.
type Deciding interface {
	Plan(ctx context.Context, id bot.PlanID) (bot.Plan, error)
	Plans(ctx context.Context, id bot.IncidentID) ([]bot.Plan, error)
	Approval(ctx context.Context, id bot.ApprovalID) (bot.Approval, error)
	Approvals(ctx context.Context, q bot.ApprovalQuery) ([]bot.Approval, error)
}

// Running reads Runs.
type Running interface {
	Run(ctx context.Context, id bot.RunID) (bot.Run, error)
	Runs(ctx context.Context, q bot.RunQuery) ([]bot.Run, error)
	DueRuns(ctx context.Context, now time.Time, limit int) ([]bot.Run, error)
	Interrupted(ctx context.Context) ([]bot.Run, error)
	History(ctx context.Context, playbook, target string) (bot.History, error)
}

// Holding reads what stops automation.
type Holding interface {
	Halts(ctx context.Context) ([]bot.Halt, error)
	ClaimsOf(ctx context.Context, id bot.IncidentID) ([]bot.Claim, error)
}

// Recording reads the audit log and the quarantine.
type Recording interface {
	Events(ctx context.Context, q bot.EventQuery) ([]bot.Event, error)
	EachEvent(ctx context.Context, f func(bot.Event) error) error
	QuarantineList(ctx context.Context, q bot.QuarantineQuery) ([]bot.Quarantined, error)
	QuarantineItem(ctx context.Context, id bot.QuarantineID) (bot.Quarantined, error)
}

// People reads who may do what.
type People interface {
	People(ctx context.Context) ([]bot.Person, error)
	Person(ctx context.Context, id bot.PersonID) (bot.Person, error)
	PersonBy(ctx context.Context, id bot.Identity) (bot.Person, error)
	Token(ctx context.Context, hash string) (bot.Token, error)
	Tokens(ctx context.Context, person bot.PersonID) ([]bot.Token, error)
}

// Opener opens the store in dir. It may be called again after Close.
type Opener func(t *testing.T, dir string) Store

type part struct {
	name  string
	tests map[string]func(*testing.T, *house)
}

func parts() []part {
	return []part{
		{"alerts", alertTests},
		{"order", orderTests},
		{"incidents", incidentTests},
		{"moves", moveTests},
		{"work", workTests},
		{"people", peopleTests},
		{"events", eventTests},
		{"pruning", pruningTests},
		{"quarantine", quarantineTests},
		{"races", raceTests},
		{"ticks", tickTests},
		{"backlog", backlogTests},
		{"claims", claimTests},
		{"posts", postTests},
		{"gestures", gestureTests},
		{"pruning chat", pruneChatTests},
	}
}

// Run runs the suite.
func Run(t *testing.T, open Opener) {
	runParts(t, open, append(parts(), part{"reopening", reopenTests}))
}

// RunShared runs what of the suite must hold for a Store that writes through
// several processes by turns, as if there were one.
func RunShared(t *testing.T, open Opener) { runParts(t, open, parts()) }

func runParts(t *testing.T, open Opener, all []part) {
	for _, p := range all {
		for name, test := range p.tests {
			t.Run(p.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				test(t, newHouse(t, open))
			})
		}
	}
}

// house is a store with what tests want of it.
type house struct {
	Store
	t    *testing.T
	dir  string
	open Opener
}

func newHouse(t *testing.T, open Opener) *house {
	h := &house{t: t, dir: t.TempDir(), open: open}
	h.Store = open(t, h.dir)
	t.Cleanup(func() { require.NoError(t, h.Close()) })
	return h
}

// reopen closes the store and opens it again.
func (h *house) reopen() {
	h.t.Helper()
	require.NoError(h.t, h.Close())
	h.Store = h.open(h.t, h.dir)
}

// must commits a Change that has nothing against it.
func (h *house) must(change bot.Change) bot.Receipt {
	h.t.Helper()
	r, err := h.Commit(h.t.Context(), change)
	require.NoError(h.t, err)
	return r
}

// refused commits a Change that must fail like this and change nothing.
func (h *house) refused(want error, change bot.Change) {
	h.t.Helper()
	before := h.events()
	_, err := h.Commit(h.t.Context(), change)
	require.ErrorIs(h.t, err, want)
	require.Equal(h.t, before, h.events(), "a refused change left something in the log")
}

// observe commits alerts as a source sends them.
func (h *house) observe(alerts ...bot.Alert) []bot.Observation {
	h.t.Helper()
	return h.must(bot.Change{Observed: alerts, By: sender}).Observed
}

func (h *house) incident(id bot.IncidentID) bot.Incident {
	h.t.Helper()
	i, err := h.Incident(h.t.Context(), id)
	require.NoError(h.t, err)
	return i
}

// work changes the Work of an Incident as decide and command do.
func (h *house) work(id bot.IncidentID, f func(*bot.Incident)) bot.Incident {
	h.t.Helper()
	i := h.incident(id)
	f(&i)
	h.must(bot.Change{Incidents: []bot.Incident{i}, Events: []bot.Event{event(bot.EventNoted, id)}})
	return h.incident(id)
}

func (h *house) alerts(id bot.IncidentID) []bot.Alert {
	h.t.Helper()
	alerts, err := h.Alerts(h.t.Context(), id, 10_000)
	require.NoError(h.t, err)
	return alerts
}

func (h *house) events() []bot.Event {
	h.t.Helper()
	var all []bot.Event
	require.NoError(h.t, h.EachEvent(h.t.Context(), func(e bot.Event) error {
		all = append(all, e)
		return nil
	}))
	return all
}

// sound checks what must hold of every Incident at every time.
func (h *house) sound() {
	h.t.Helper()
	all, err := h.Incidents(h.t.Context(), bot.IncidentQuery{Limit: 10_000})
	require.NoError(h.t, err)
	byState := make(map[bot.IncidentState][]bot.IncidentID)
	for _, state := range []bot.IncidentState{bot.IncidentOpen, bot.IncidentResolved, bot.IncidentClosed, bot.IncidentMerged} {
		found, err := h.Incidents(h.t.Context(), bot.IncidentQuery{States: []bot.IncidentState{state}, Limit: 10_000})
		require.NoError(h.t, err)
		byState[state] = ids(found)
	}
	for _, i := range all {
		require.Contains(h.t, byState[i.State()], i.ID, "%s is not found by its state", i.ID)
		alerts := h.alerts(i.ID)
		if len(alerts) == 0 {
			require.Zero(h.t, i.Total, "%s has no alerts", i.ID)
			continue
		}
		require.True(h.t, bot.FoldAlerts(alerts).Same(i.Fold), "%s: its fold is %+v, its alerts give %+v", i.ID, i.Fold, bot.FoldAlerts(alerts))
	}
}

func ids(all []bot.Incident) []bot.IncidentID {
	var found []bot.IncidentID
	for _, i := range all {
		found = append(found, i.ID)
	}
	return found
}
