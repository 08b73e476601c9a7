package act_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"salve/bot"
	"salve/bot/flow/act"
	"salve/bot/runner"
	"salve/storage/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// house is a store on disk with one open incident, and what the leg needs
// beside it.
type house struct {
	t       *testing.T
	dir     string
	store   *sqlite.Store
	brake   *brake
	hand    *hand
	checker *checker
	opts    act.Options
	leg     *act.Leg
	stop    func()
}

func newHouse(t *testing.T, change ...func(*act.Options)) *house {
	t.Helper()
	h := &house{t: t, dir: t.TempDir(), brake: &brake{}, hand: newHand(), checker: &checker{fix: bot.FixYes}}
	h.opts = act.Options{Scan: 20 * time.Millisecond, Grace: 5 * time.Second, Patience: 100 * time.Millisecond}
	for _, c := range change {
		c(&h.opts)
	}
	h.open()
	h.brake.store = h.store
	t.Cleanup(func() {
		h.halt()
		require.NoError(t, h.store.Close())
	})
	return h
}

func (h *house) open() {
	h.t.Helper()
	store, err := sqlite.Open(h.t.Context(), h.dir, sqlite.Options{Committed: func(touched bot.Touched) {
		if leg := h.leg; leg != nil {
			leg.Hint(touched.Runs...)
		}
	}})
	require.NoError(h.t, err)
	h.store = store
}

// serve starts the leg; halt stops it and waits for it.
func (h *house) serve() {
	h.t.Helper()
	h.serveOn(h.store)
}

func (h *house) serveOn(store act.Store) {
	h.t.Helper()
	leg, err := act.New(store, h.brake, map[string]runner.Action{"do": h.hand}, h.checker, h.opts)
	require.NoError(h.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- leg.Run(ctx) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(h.t, <-done)
	})
}

func (h *house) halt() {
	if h.stop != nil {
		h.stop()
	}
}

// incident opens an incident and gives it.
func (h *house) incident(group string) bot.Incident {
	h.t.Helper()
	at := time.Now().UTC().Truncate(time.Millisecond)
	a := bot.Alert{
		AlertKey: bot.AlertKey{Source: "test", Fingerprint: group, StartsAt: at}, GroupKey: group, State: bot.AlertFiring,
		Severity: bot.SeverityLow, Title: group + " is down", Labels: map[string]string{"service": group}, ReceivedAt: at,
	}
	receipt, err := h.store.Commit(h.t.Context(), bot.Change{Observed: []bot.Alert{a}, By: bot.Salve})
	require.NoError(h.t, err)
	inc, err := h.store.Incident(h.t.Context(), receipt.Observed[0].Incident)
	require.NoError(h.t, err)
	return inc
}

// step is a step of a plan; how it goes is told to the hand by its id.
func step(id string, repeat bot.Repeat, undo bool) bot.PlanStep {
	s := bot.PlanStep{ID: id, Action: "do", Effect: bot.EffectChanges, Repeat: repeat, Timeout: bot.Duration(5 * time.Second)}
	if undo {
		s.Undo = &bot.PlanStep{ID: id, Action: "do", Effect: bot.EffectChanges, Repeat: repeat, Timeout: bot.Duration(5 * time.Second), Args: map[string]any{"undo": true}}
	}
	return s
}

// run plans a run of these steps, due at once.
func (h *house) run(target string, change func(*bot.Plan), steps ...bot.PlanStep) bot.RunID {
	h.t.Helper()
	inc := h.incident(target)
	p := bot.Plan{
		ID: bot.PlanID(h.store.NextID(bot.KindPlan)), Incident: inc.ID, Kind: bot.PlanRespond, Playbook: "restart",
		Title: "Restart", Target: target, Steps: steps, Mode: bot.ModeAuto, AutoBelow: bot.SeverityHigh,
		UndoUntil: bot.Duration(time.Hour), CreatedAt: inc.FirstAt,
	}
	if change != nil {
		change(&p)
	}
	var err error
	p.Digest, err = p.ComputeDigest()
	require.NoError(h.t, err)
	now := time.Now().UTC().Truncate(time.Millisecond)
	c := bot.Change{Plans: []bot.Plan{p}}
	if p.Kind == bot.PlanUndo {
		c.Approvals = []bot.Approval{{
			ID: bot.ApprovalID(h.store.NextID(bot.KindApproval)), Incident: p.Incident, Plan: p.ID, Digest: p.Digest,
			State: bot.ApprovalApproved, OpenedAt: now, ExpiresAt: now.Add(time.Hour), DecidedBy: bot.Actor{Name: "Alice"},
		}}
	}
	r := runner.New(bot.RunID(h.store.NextID(bot.KindRun)), p, bot.Salve, 0, now)
	if len(c.Approvals) > 0 {
		r.Approval = c.Approvals[0].ID
	}
	c.Runs = []bot.Run{r}
	_, err = h.store.Commit(h.t.Context(), c)
	require.NoError(h.t, err)
	return r.ID
}

func (h *house) read(id bot.RunID) bot.Run {
	h.t.Helper()
	r, err := h.store.Run(h.t.Context(), id)
	require.NoError(h.t, err)
	return r
}

// until waits for the run to satisfy a condition.
func (h *house) until(id bot.RunID, what string, ok func(bot.Run) bool) bot.Run {
	h.t.Helper()
	var r bot.Run
	require.Eventually(h.t, func() bool { r = h.read(id); return ok(r) }, 20*time.Second, 2*time.Millisecond,
		"%s: it never is %s", id, what)
	return r
}

func (h *house) untilState(id bot.RunID, want bot.RunState) bot.Run {
	h.t.Helper()
	return h.until(id, string(want), func(r bot.Run) bool { return r.State == want })
}

func (h *house) kinds(id bot.RunID) []string {
	h.t.Helper()
	events, err := h.store.Events(h.t.Context(), bot.EventQuery{Run: id})
	require.NoError(h.t, err)
	var out []string
	for _, e := range events {
		out = append(out, string(e.Kind))
	}
	return out
}

// brake gives the halts of the store, or fails.
type brake struct {
	store *sqlite.Store
	mu    sync.Mutex
	extra []bot.Halt
	err   error
}

func (b *brake) set(err error, halts ...bot.Halt) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err, b.extra = err, halts
}

func (b *brake) Halts(context.Context) ([]bot.Halt, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.extra), b.err
}

// hand is an action that is told how each step goes and keeps a log.
type hand struct {
	mu    sync.Mutex
	log   []string
	goes  map[string][]how // by "target/step" or "target/undo step"; what is not told succeeds
	reach chan string      // each call, as it begins
}

type how struct {
	err   error
	hang  chan struct{} // until closed, whatever the context says
	wait  bool          // until the context ends
	panic bool
	out   bot.StepOutcome
}

func newHand() *hand {
	return &hand{goes: map[string][]how{}, reach: make(chan string, 4096)}
}

func (h *hand) tell(key string, goes ...how) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.goes[key] = goes
}

func (h *hand) calls(key string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, l := range h.log {
		if l == key {
			n++
		}
	}
	return n
}

func (*hand) Info() bot.ActionInfo { return bot.ActionInfo{Name: "do"} }

func (h *hand) Do(ctx context.Context, o bot.StepOrder) (bot.StepOutcome, error) {
	key := o.Target + "/" + o.Step
	if o.Args["undo"] == true {
		key = o.Target + "/undo " + o.Step
	}
	h.mu.Lock()
	h.log = append(h.log, key)
	var now how
	if goes := h.goes[key]; len(goes) > 0 {
		now, h.goes[key] = goes[0], goes[1:]
	}
	h.mu.Unlock()
	h.reach <- key
	switch {
	case now.panic:
		panic("broken")
	case now.hang != nil:
		<-now.hang
	case now.wait:
		<-ctx.Done()
		return bot.StepOutcome{}, fmt.Errorf("cut: %w: %w", context.Cause(ctx), bot.ErrUncertain)
	}
	return now.out, now.err
}

// reached waits until the step has begun.
func (h *house) reached(key string) {
	h.t.Helper()
	for {
		select {
		case got := <-h.hand.reach:
			if got == key {
				return
			}
		case <-time.After(20 * time.Second):
			require.FailNow(h.t, "it never began: "+key)
		}
	}
}

type checker struct {
	mu  sync.Mutex
	fix bot.Fix
	n   int
}

func (c *checker) set(f bot.Fix) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fix = f
}

func (c *checker) Check(_ context.Context, check bot.PlanCheck, _ bot.Run, now time.Time) bot.CheckResult {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	return bot.CheckResult{ID: check.ID, Fix: c.fix, Reason: "because", At: now}
}

func verified(p *bot.Plan) {
	p.Verify = &bot.PlanVerify{Within: bot.Duration(30 * time.Second), Every: bot.Duration(100 * time.Millisecond), Checks: []bot.PlanCheck{{ID: "health", Probe: "http"}}}
}

var errLost = fmt.Errorf("no answer: %w", bot.ErrUncertain)

func TestARunIsCarriedOutAndVerified(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(o *act.Options) {
		o.Mask = func(s string) string { return strings.ReplaceAll(s, "hunter2", "[secret]") }
	})
	h.hand.tell("web-1/a", how{out: bot.StepOutcome{Output: "password hunter2", Fields: map[string]string{"pw": "hunter2"}}})
	h.checker.set(bot.FixNo)
	h.serve()
	id := h.run("web-1", verified, step("a", bot.RepeatNever, true), step("b", bot.RepeatNever, true))
	h.until(id, "verifying", func(r bot.Run) bool { return r.State == bot.RunVerifying && len(r.Checks) == 1 })
	h.checker.set(bot.FixYes)
	r := h.untilState(id, bot.RunFixed)

	require.Equal(t, "password [secret]", r.Steps[0].Output)
	require.Equal(t, "[secret]", r.Steps[0].Fields["pw"])
	require.False(t, r.UndoUntil.IsZero())
	require.Equal(t, h.store.Epoch(), r.Epoch)
	require.Equal(t, []string{
		"step.started", "step.ended", "step.started", "step.ended", "run.verifying", "run.ended",
	}, h.kinds(id))
	events, err := h.store.Events(t.Context(), bot.EventQuery{Run: id, Limit: 1})
	require.NoError(t, err)
	require.Contains(t, events[0].Data["verdict"], `"ruling":"allow"`)
	inc, err := h.store.Incident(t.Context(), r.Incident)
	require.NoError(t, err)
	require.False(t, inc.DueAt.IsZero(), "the decide leg looks again")
}

func TestAFailureUndoesAndAnUndoThatFailsWaits(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.hand.tell("web-1/b", how{err: errors.New("exit status 1")})
	h.hand.tell("web-2/b", how{err: errors.New("exit status 1")})
	h.hand.tell("web-2/undo b", how{err: errors.New("exit status 2")})
	h.serve()
	good := h.run("web-1", nil, step("a", bot.RepeatNever, true), step("b", bot.RepeatNever, true))
	bad := h.run("web-2", nil, step("a", bot.RepeatNever, true), step("b", bot.RepeatNever, true))
	h.untilState(good, bot.RunFailed)
	require.Equal(t, 1, h.hand.calls("web-1/undo a"))
	require.Equal(t, 1, h.hand.calls("web-1/undo b"))
	r := h.untilState(bad, bot.RunWaiting)
	require.Contains(t, r.Reason, "UNDO FAILED")
	require.Zero(t, h.hand.calls("web-2/undo a"))
	require.Equal(t, "run.waiting", h.kinds(bad)[len(h.kinds(bad))-1])
}

func TestWhatNobodyKnowsWaitsForAPerson(t *testing.T) {
	t.Parallel()
	for name, goes := range map[string]how{"an uncertain answer": {err: errLost}, "a panic": {panic: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.hand.tell("web-1/a", goes)
			h.serve()
			id := h.run("web-1", nil, step("a", bot.RepeatNever, true))
			r := h.untilState(id, bot.RunWaiting)
			require.Equal(t, bot.StepUnknown, r.Steps[0].State)
			require.Equal(t, 1, h.hand.calls("web-1/a"))
			inc, err := h.store.Incident(t.Context(), r.Incident)
			require.NoError(t, err)
			require.False(t, inc.DueAt.IsZero())
		})
	}
}

func TestAnActionThatIgnoresItsDeadlineIsLeftBehind(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	h.hand.tell("web-1/a", how{hang: hang})
	h.serve()
	s := step("a", bot.RepeatNever, false)
	s.Timeout = bot.Duration(50 * time.Millisecond)
	r := h.untilState(h.run("web-1", nil, s), bot.RunWaiting)
	require.Contains(t, r.Steps[0].Error, "the step took longer than 50ms")
}

func TestTheGuardIsAskedAgainBeforeTheFirstStep(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*bot.Plan)
		halt   bool
		says   string
	}{
		{"a halt", nil, true, "halt"},
		{"a severity that asks", func(p *bot.Plan) { p.AutoBelow = bot.SeverityInfo }, false, "low"},
		{"a playbook that only observes", func(p *bot.Plan) { p.Mode = bot.ModeObserve }, false, "observe"},
		{"an action that is not here", func(p *bot.Plan) { p.Steps[0].Action = "gone" }, false, "gone"},
	}
	for _, tt := range tests {
		t.Run(tt.name+" cancels the run", func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			if tt.halt {
				h.brake.set(nil, bot.Halt{Scope: bot.HaltAll, By: bot.Actor{Name: "Alice"}})
			}
			h.serve()
			r := h.untilState(h.run("web-1", tt.change, step("a", bot.RepeatSafe, true)), bot.RunCancelled)
			require.Contains(t, r.Reason, tt.says)
			require.Zero(t, h.hand.calls("web-1/a"))
			inc, err := h.store.Incident(t.Context(), r.Incident)
			require.NoError(t, err)
			require.False(t, inc.DueAt.IsZero())
		})
	}
}

func TestAPlanThatIsNotTheApprovedOneDoesNotRun(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	inc := h.incident("web-1")
	p := bot.Plan{ID: 1, Incident: inc.ID, Playbook: "restart", Target: "web-1", Steps: []bot.PlanStep{step("a", bot.RepeatSafe, false)}, Mode: bot.ModeAuto, AutoBelow: bot.SeverityHigh, Digest: "3fa9c1d2"}
	r := runner.New(1, p, bot.Salve, 0, time.Now().UTC())
	_, err := h.store.Commit(t.Context(), bot.Change{Plans: []bot.Plan{p}, Runs: []bot.Run{r}})
	require.NoError(t, err)
	h.serve()
	require.Contains(t, h.untilState(1, bot.RunCancelled).Reason, "not the one")
	require.Zero(t, h.hand.calls("web-1/a"))
}

func TestAHaltStopsARunBetweenStepsUntilAPersonContinues(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	hold := make(chan struct{})
	h.hand.tell("web-1/a", how{hang: hold})
	h.serve()
	id := h.run("web-1", nil, step("a", bot.RepeatNever, true), step("b", bot.RepeatNever, true))
	h.reached("web-1/a")
	h.brake.set(nil, bot.Halt{Scope: bot.HaltTarget, Name: "web-1", By: bot.Actor{Name: "Alice"}, Reason: "wait"})
	close(hold)
	r := h.untilState(id, bot.RunWaiting)
	require.Contains(t, r.Reason, "Alice halted target web-1: wait")
	require.Equal(t, bot.StepSucceeded, r.Steps[0].State)
	h.brake.set(nil)
	require.Zero(t, h.hand.calls("web-1/b"))

	p, err := h.store.Plan(t.Context(), r.Plan)
	require.NoError(t, err)
	r, err = runner.Settle(r, p, bot.SettleContinue, bot.Actor{Name: "Bob"}, time.Now().UTC())
	require.NoError(t, err)
	_, err = h.store.Commit(t.Context(), bot.Change{Runs: []bot.Run{r}})
	require.NoError(t, err)
	h.untilState(id, bot.RunUnverified)
	require.Equal(t, 1, h.hand.calls("web-1/b"))
}

func TestNothingStartsWhileTheHaltsCannotBeRead(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.brake.set(errors.New("no such file"))
	h.serve()
	id := h.run("web-1", nil, step("a", bot.RepeatNever, false))
	other := h.run("web-2", nil)
	h.untilState(other, bot.RunUnverified) // the leg has been there
	require.Equal(t, bot.RunPlanned, h.read(id).State)
	h.brake.set(nil)
	h.untilState(id, bot.RunUnverified)
}

func TestACancelIsSeenBeforeTheNextStep(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	hold := make(chan struct{})
	h.hand.tell("web-1/a", how{hang: hold})
	h.serve()
	id := h.run("web-1", nil, step("a", bot.RepeatNever, true), step("b", bot.RepeatNever, true))
	h.reached("web-1/a")
	r, err := runner.Cancel(h.read(id), bot.Actor{Name: "Alice"}, time.Now().UTC())
	require.NoError(t, err)
	_, err = h.store.Commit(t.Context(), bot.Change{Runs: []bot.Run{r}})
	require.NoError(t, err)
	close(hold)
	h.untilState(id, bot.RunCancelled)
	require.Equal(t, 1, h.hand.calls("web-1/undo a"))
	require.Zero(t, h.hand.calls("web-1/b"))
}

func TestAnUndoRunMarksTheRunThatItUndid(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.serve()
	first := h.untilState(h.run("web-1", nil, step("a", bot.RepeatNever, true)), bot.RunUnverified)
	undo := h.run("web-1", func(p *bot.Plan) {
		p.Kind, p.Undoes, p.Incident = bot.PlanUndo, first.ID, first.Incident
	}, step("a", bot.RepeatNever, false))
	h.untilState(undo, bot.RunUnverified)
	require.Equal(t, undo, h.read(first.ID).UndoneBy)
}
