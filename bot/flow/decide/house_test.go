package decide_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/flow/decide"
	"salve/storage/sqlite"
)

var t0 = time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC)

// house is the leg on a real store, at a time of its own.
type house struct {
	t     *testing.T
	store *crossed
	leg   *decide.Leg
	brake *brake
	now   time.Time
}

// crossed is the store with something that happens just before a close.
type crossed struct {
	*sqlite.Store
	cross func()
	fail  error
	tries atomic.Int64
}

func (c *crossed) Commit(ctx context.Context, change bot.Change) (bot.Receipt, error) {
	if c.cross != nil && len(change.Incidents) == 1 && !change.Incidents[0].ClosedAt.IsZero() {
		c.cross()
	}
	if len(change.Observed) == 0 && c.fail != nil {
		c.tries.Add(1)
		return bot.Receipt{}, c.fail
	}
	return c.Store.Commit(ctx, change)
}

// brake can be told to fail.
type brake struct {
	halts []bot.Halt
	err   error
}

func (b *brake) Halts(context.Context) ([]bot.Halt, error) { return b.halts, b.err }

var actions = map[string]bot.ActionInfo{"http": {
	Name: "http", Effect: bot.EffectChanges,
	Args: map[string]bot.ArgInfo{"url": {Kind: bot.ArgURL, Required: true}, "body": {Kind: bot.ArgJSON}},
}}

func playbook(change ...func(*bot.Playbook)) bot.Playbook {
	p := bot.Playbook{
		Name: "restart", Owner: "team-shop", Risk: bot.RiskLow, Hash: "abc", File: "restart.yaml",
		Match: `alert.labels["service"] == "shop"`, Target: `alert.labels["instance"]`,
		Mode: bot.ModeAuto, AutoBelow: bot.SeverityMedium, Approvers: []string{"oncall"}, Quorum: 1,
		ExpiresIn: bot.Duration(10 * time.Minute), Cooldown: bot.Duration(15 * time.Minute), UndoUntil: bot.Duration(24 * time.Hour),
		Steps: []bot.StepSpec{{
			ID: "restart", Uses: "http", Timeout: bot.Duration(5 * time.Second), Repeat: bot.RepeatNever,
			With: map[string]any{"url": "http://127.0.0.1:9/restart", "body": map[string]any{"release": `${{ alert.labels["release"] }}`}},
			Undo: &bot.StepSpec{ID: "start", Uses: "http", Timeout: bot.Duration(5 * time.Second), Repeat: bot.RepeatNever, With: map[string]any{"url": "http://127.0.0.1:9/start"}},
		}},
	}
	for _, c := range change {
		c(&p)
	}
	return p
}

func library(t *testing.T, playbooks ...bot.Playbook) *decide.Library {
	t.Helper()
	if playbooks == nil {
		playbooks = []bot.Playbook{playbook()}
	}
	lib, err := decide.NewLibrary(playbooks, actions)
	require.NoError(t, err)
	return lib
}

func newHouse(t *testing.T, playbooks ...bot.Playbook) *house {
	t.Helper()
	t.Parallel()
	disk, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, disk.Close()) })
	store := &crossed{Store: disk}
	h := &house{t: t, store: store, brake: &brake{}, now: t0}
	h.leg, err = decide.New(store, h.brake, library(t, playbooks...), decide.Options{})
	require.NoError(t, err)
	h.leg.SetClock(func() time.Time { return h.now })
	return h
}

func (h *house) settle() { h.leg.Settle(h.t.Context()) }

// after lets time pass and looks at what has become due.
func (h *house) after(d time.Duration) {
	h.now = h.now.Add(d)
	h.settle()
}

func (h *house) commit(c bot.Change) bot.Receipt {
	h.t.Helper()
	r, err := h.store.Commit(h.t.Context(), c)
	require.NoError(h.t, err)
	return r
}

type alertOf struct {
	name     string // fingerprint
	group    string
	instance string
	service  string
	release  string
	severity bot.Severity
	ended    bool
	starts   time.Time
}

func (h *house) alert(a alertOf) bot.Alert {
	labels := map[string]string{"service": "shop", "instance": "web-1", "release": "r1"}
	for k, v := range map[string]string{"service": a.service, "instance": a.instance, "release": a.release} {
		if v != "" {
			labels[k] = v
		}
	}
	out := bot.Alert{
		AlertKey: bot.AlertKey{Source: "prom", Fingerprint: "f" + a.name + a.instance, StartsAt: t0}, GroupKey: "g" + a.group,
		State: bot.AlertFiring, Severity: a.severity, Title: "Slow", Labels: labels, ReceivedAt: h.now,
	}
	if !a.starts.IsZero() {
		out.StartsAt = a.starts
	}
	if a.severity == 0 {
		out.Severity = bot.SeverityLow
	}
	if a.ended {
		out.State, out.EndsAt = bot.AlertResolved, h.now
	}
	return out
}

// receive takes alerts in and decides.
func (h *house) receive(alerts ...alertOf) bot.IncidentID {
	h.t.Helper()
	var observed []bot.Alert
	for _, a := range alerts {
		observed = append(observed, h.alert(a))
	}
	r := h.commit(bot.Change{Observed: observed, By: bot.Actor{Name: "prom"}})
	h.settle()
	return r.Observed[0].Incident
}

func (h *house) incident(id bot.IncidentID) bot.Incident {
	h.t.Helper()
	inc, err := h.store.Incident(h.t.Context(), id)
	require.NoError(h.t, err)
	return inc
}

// person changes the Incident as the command leg does, and decides.
func (h *house) person(id bot.IncidentID, change func(*bot.Incident)) {
	h.t.Helper()
	inc := h.incident(id)
	change(&inc)
	inc.DueAt = h.now
	h.commit(bot.Change{Incidents: []bot.Incident{inc}})
	h.settle()
}

func (h *house) approvals(id bot.IncidentID) []bot.Approval {
	h.t.Helper()
	out, err := h.store.Approvals(h.t.Context(), bot.ApprovalQuery{Incident: id})
	require.NoError(h.t, err)
	return out
}

func (h *house) runs(id bot.IncidentID) []bot.Run {
	h.t.Helper()
	out, err := h.store.Runs(h.t.Context(), bot.RunQuery{Incident: id})
	require.NoError(h.t, err)
	return out
}

// end ends a Run as the act leg does.
func (h *house) end(r bot.Run, s bot.RunState, change ...func(*bot.Run)) {
	h.t.Helper()
	r.State, r.EndedAt, r.DueAt = s, h.now, time.Time{}
	if s != bot.RunCancelled {
		r.Steps[0].State = bot.StepSucceeded
		r.UndoUntil = h.now.Add(24 * time.Hour)
	}
	for _, c := range change {
		c(&r)
	}
	h.commit(bot.Change{Runs: []bot.Run{r}})
	h.settle()
}

func (h *house) kinds(id bot.IncidentID) []bot.EventKind {
	h.t.Helper()
	events, err := h.store.Events(h.t.Context(), bot.EventQuery{Incident: id})
	require.NoError(h.t, err)
	var out []bot.EventKind
	for _, e := range events {
		require.NotEmpty(h.t, e.Text)
		if e.Kind != bot.EventAlerts {
			out = append(out, e.Kind)
		}
	}
	return out
}

func child(t *testing.T, v bot.Verdict, rule string) bot.Verdict {
	t.Helper()
	for _, c := range v.Children {
		if c.Rule == rule {
			return c
		}
	}
	require.Failf(t, "no such rule", "%s in %+v", rule, v)
	return bot.Verdict{}
}

var errBroken = errors.New("the flag file cannot be read")
