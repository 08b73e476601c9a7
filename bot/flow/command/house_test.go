package command_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/approval"
	"salve/bot/flow/command"
	"salve/bot/flow/receive"
	"salve/bot/runner"
	"salve/storage/sqlite"
)

var (
	stranger = bot.Person{}
	vera     = bot.Person{ID: "vera", Name: "Vera", Roles: []bot.Role{bot.RoleViewer}}
	rita     = bot.Person{ID: "rita", Name: "Rita", Roles: []bot.Role{bot.RoleResponder}}
	rob      = bot.Person{ID: "rob", Name: "Rob", Roles: []bot.Role{bot.RoleResponder}}
	olga     = bot.Person{ID: "olga", Name: "Olga", Roles: []bot.Role{bot.RoleViewer}, Groups: []string{"oncall"}}
	omar     = bot.Person{ID: "omar", Name: "Omar", Roles: []bot.Role{bot.RoleViewer}, Groups: []string{"oncall"}}
	rosa     = bot.Person{ID: "rosa", Name: "Rosa", Roles: []bot.Role{bot.RoleViewer}, Groups: []string{"resumers"}}
	adam     = bot.Person{ID: "adam", Name: "Adam", Roles: []bot.Role{bot.RoleAdmin}}
	dora     = bot.Person{ID: "dora", Name: "Dora", Roles: []bot.Role{bot.RoleResponder}, Groups: []string{"oncall", "resumers"}, Disabled: true}
)

// house is a desk over a real store.
type house struct {
	*testing.T
	store *faulty
	brake *brake
	desk  *command.Desk
	start time.Time
	n     int
}

// brake is the halts of the store and a flag in memory.
type brake struct {
	store *faulty
	mu    sync.Mutex
	flag  string
	set   time.Time
	then  func() // happens once, after the halts were looked at
	fail  error
	stuck error // the flag cannot be cleared
}

func (b *brake) Halts(ctx context.Context) ([]bot.Halt, error) {
	b.mu.Lock()
	halts, err := b.store.Halts(ctx)
	if b.flag != "" {
		halts = append(halts, bot.Halt{Scope: bot.HaltAll, Reason: b.flag, At: b.set, Flag: true})
	}
	then := b.then
	b.then = nil
	b.mu.Unlock()
	if then != nil {
		then()
	}
	return halts, err
}

func (b *brake) SetFlag(reason string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail == nil {
		b.flag, b.set = reason, time.Now()
	}
	return b.fail
}

func (b *brake) ClearFlag(at time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.flag != "" && !b.set.Equal(at) {
		return bot.ErrConflict
	}
	if b.stuck == nil {
		b.flag = ""
	}
	return b.stuck
}

// shelf is a quarantine of one payload, Q-1.
type shelf struct{}

func (shelf) Replay(_ context.Context, id bot.QuarantineID, _ bot.Actor) (bot.Answer, error) {
	if id != 1 {
		return bot.Answer{}, bot.Refuse(bot.RefusedUnknown, "There is no such payload.", "List them.")
	}
	return bot.Answer{Quarantine: id, Text: "Taken in."}, nil
}

func (s shelf) Discard(ctx context.Context, id bot.QuarantineID, by bot.Actor) (bot.Answer, error) {
	return s.Replay(ctx, id, by)
}

// books is one playbook, restart, with a param "count" of one digit and a param
// "host" that the target is made of.
type books struct{}

func (books) Check(_ string, params map[string]string) error {
	if v, ok := params["count"]; ok && len(v) != 1 {
		return fmt.Errorf("param count: %s is above 9; write that or less", v)
	}
	return nil
}

func (books) TargetOf(_ string, _ bot.Alert, inc bot.Incident, params map[string]string) (string, error) {
	return cmp.Or(params["host"], "host-"+inc.ID.String()), nil
}

func open(t *testing.T) *house {
	t.Helper()
	store, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	h := &house{T: t, store: &faulty{Store: store, calls: -1}, start: time.Now().UTC().Add(-time.Hour).Truncate(time.Millisecond)}
	h.brake = &brake{store: h.store}
	door, err := receive.New(h.store, receive.Options{})
	require.NoError(t, err)
	h.desk, err = command.New(h.store, h.brake, shelf{}, command.Options{Door: door, Known: func(name string) bool { return name == "restart" }, Playbooks: books{}})
	require.NoError(t, err)
	h.commit(bot.Change{People: []bot.Person{vera, rita, rob, olga, omar, rosa, adam, dora}})
	return h
}

func (h *house) commit(c bot.Change) bot.Receipt {
	h.Helper()
	receipt, err := h.store.Commit(h.Context(), c)
	require.NoError(h, err)
	return receipt
}

// incident makes one with so many firing alerts, which aims at a target of its
// own.
func (h *house) incident(alerts int) bot.Incident {
	h.Helper()
	h.n++
	var c bot.Change
	for i := range alerts {
		c.Observed = append(c.Observed, h.alert(h.n, i))
	}
	c.By = bot.Actor{Name: "prod", Surface: "webhook"}
	inc := h.read(h.commit(c).Observed[0].Incident)
	inc.Decision.Targets = []string{h.target(inc.ID)}
	h.commit(bot.Change{Incidents: []bot.Incident{inc}})
	return h.read(inc.ID)
}

func (h *house) alert(group, i int) bot.Alert {
	return bot.Alert{
		AlertKey: bot.AlertKey{Source: "prod", Fingerprint: fmt.Sprintf("f%d-%d", group, i), StartsAt: h.start},
		GroupKey: fmt.Sprint(group), State: bot.AlertFiring, Severity: bot.SeverityHigh, Title: "Down",
		Labels: map[string]string{"instance": fmt.Sprint(i)}, ReceivedAt: h.start,
	}
}

func (h *house) resolve(group int) {
	h.Helper()
	a := h.alert(group, 0)
	a.State, a.EndsAt = bot.AlertResolved, h.start.Add(time.Minute)
	h.commit(bot.Change{Observed: []bot.Alert{a}, By: bot.Actor{Name: "prod"}})
}

func (h *house) target(id bot.IncidentID) string { return "host-" + id.String() }

func (h *house) read(id bot.IncidentID) bot.Incident {
	h.Helper()
	inc, err := h.store.Incident(h.Context(), id)
	require.NoError(h, err)
	return inc
}

func (h *house) run(id bot.RunID) bot.Run {
	h.Helper()
	r, err := h.store.Run(h.Context(), id)
	require.NoError(h, err)
	return r
}

func (h *house) approval(id bot.ApprovalID) bot.Approval {
	h.Helper()
	a, err := h.store.Approval(h.Context(), id)
	require.NoError(h, err)
	return a
}

// plan writes a frozen plan of restart for the incident.
func (h *house) plan(inc bot.Incident, change ...func(*bot.Plan)) bot.Plan {
	h.Helper()
	p := bot.Plan{
		ID: bot.PlanID(h.store.NextID(bot.KindPlan)), Incident: inc.ID, Kind: bot.PlanRespond, Playbook: "restart", Title: "Restart",
		Target: h.target(inc.ID), UndoUntil: bot.Duration(24 * time.Hour), CreatedAt: h.start,
		Steps: []bot.PlanStep{{ID: "go", Action: "wait", Args: map[string]any{"for": "1s"}, Effect: bot.EffectChanges, Undo: &bot.PlanStep{ID: "go", Action: "wait"}}},
		Rule:  bot.ApprovalRule{Approvers: []string{"oncall"}, Quorum: 1, ExpiresIn: bot.Duration(24 * time.Hour)},
	}
	for _, c := range change {
		c(&p)
	}
	digest, err := p.ComputeDigest()
	require.NoError(h, err)
	p.Digest = digest
	h.commit(bot.Change{Plans: []bot.Plan{p}})
	return p
}

// asks opens the question about a plan of restart.
func (h *house) asks(inc bot.Incident, change ...func(*bot.Plan)) bot.Approval {
	h.Helper()
	p := h.plan(inc, change...)
	a := approval.Open(bot.ApprovalID(h.store.NextID(bot.KindApproval)), p, bot.Verdict{Ruling: bot.AskPerson, Reason: "high"}, h.start)
	h.commit(bot.Change{Approvals: []bot.Approval{a}})
	return h.approval(a.ID)
}

// runs writes a run of restart in the state that change makes of it.
func (h *house) runs(inc bot.Incident, change func(*bot.Run)) bot.Run {
	h.Helper()
	r := runner.New(bot.RunID(h.store.NextID(bot.KindRun)), h.plan(inc), bot.Salve, 0, h.start)
	change(&r)
	h.commit(bot.Change{Runs: []bot.Run{r}})
	return h.run(r.ID)
}

func planned(*bot.Run) {}

func waiting(r *bot.Run) {
	r.State, r.DueAt, r.Reason = bot.RunWaiting, time.Time{}, "nobody knows whether step go took effect"
	r.Steps[0].State, r.Steps[0].Attempt = bot.StepUnknown, 1
}

func over(r *bot.Run) {
	r.State, r.DueAt, r.EndedAt = bot.RunUnverified, time.Time{}, time.Now().UTC()
	r.Steps[0].State, r.Steps[0].Attempt, r.UndoUntil = bot.StepSucceeded, 1, r.EndedAt.Add(time.Hour)
}

// says gives a command that must be carried out.
func (h *house) says(who bot.Person, c bot.Command) bot.Answer {
	h.Helper()
	answer, err := h.tries(who, c)
	require.NoError(h, err)
	require.NotEmpty(h, answer.Text)
	return answer
}

func (h *house) tries(who bot.Person, c bot.Command) (bot.Answer, error) {
	c.By, c.Surface, c.Caller = who, "cli", "uid 1000"
	return h.desk.Do(h.Context(), c)
}

// refused gives a command that must be refused with a code and words.
func (h *house) refused(who bot.Person, c bot.Command, code bot.RefusalCode, words ...string) {
	h.Helper()
	before := h.events()
	_, err := h.tries(who, c)
	r, ok := errors.AsType[*bot.Refusal](err)
	require.True(h, ok, "%v", err)
	require.Equal(h, code, r.Code, r.Error())
	for _, w := range words {
		require.Contains(h, r.Error(), w)
	}
	require.Len(h, without(h.events(), bot.EventRefused), len(without(before, bot.EventRefused)), "a refusal changes nothing")
}

func without(events []bot.Event, kind bot.EventKind) []bot.Event {
	return slices.DeleteFunc(events, func(e bot.Event) bool { return e.Kind == kind })
}

func (h *house) events() []bot.Event {
	h.Helper()
	list, err := h.store.Store.Events(h.Context(), bot.EventQuery{Last: true, Limit: 100_000})
	require.NoError(h, err)
	return list
}

// last is the newest event of that kind.
func (h *house) last(kind bot.EventKind) bot.Event {
	h.Helper()
	var found bot.Event
	for _, e := range h.events() {
		if e.Kind == kind {
			found = e
		}
	}
	require.NotEmpty(h, found.Text, "there is no event %s", kind)
	return found
}
