package runner_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/runner"
)

var (
	now   = time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC)
	alice = bot.Actor{Person: "alice", Name: "Alice", Surface: "cli"}
)

// twoSteps is a plan of steps a and b, both undoable, with one check.
func twoSteps(change ...func(*bot.Plan)) bot.Plan {
	step := func(id string) bot.PlanStep {
		return bot.PlanStep{
			ID: id, Action: "do", Effect: bot.EffectChanges, Repeat: bot.RepeatNever,
			Undo: &bot.PlanStep{ID: "undo-" + id, Action: "undo", Effect: bot.EffectChanges, Repeat: bot.RepeatNever},
		}
	}
	p := bot.Plan{
		ID: 3, Incident: 142, Kind: bot.PlanRespond, Playbook: "restart", Target: "web-1", Digest: "3fa9c1d2",
		Steps: []bot.PlanStep{step("a"), step("b")}, UndoUntil: bot.Duration(24 * time.Hour),
		Verify: &bot.PlanVerify{
			Within: bot.Duration(time.Minute), Every: bot.Duration(10 * time.Second),
			Checks: []bot.PlanCheck{{ID: "health"}},
		},
	}
	for _, c := range change {
		c(&p)
	}
	return p
}

func safe(p *bot.Plan) {
	for i := range p.Steps {
		p.Steps[i].Repeat = bot.RepeatSafe
	}
}

func noVerify(p *bot.Plan) { p.Verify = nil }

func noUndo(p *bot.Plan) {
	for i := range p.Steps {
		p.Steps[i].Undo = nil
	}
}

func fresh(p bot.Plan) bot.Run { return runner.New(88, p, bot.Salve, 0, now) }

// start makes the next step start.
func start(r bot.Run, p bot.Plan) bot.Run {
	return runner.Started(r, runner.Next(r, p, r.DueAt), 7, r.DueAt)
}

func end(r bot.Run, p bot.Plan, err error) bot.Run {
	return runner.Ended(r, p, runner.Result{Err: err}, now)
}

var (
	errPlain     = errors.New("exit status 1")
	errUncertain = fmt.Errorf("no answer: %w", bot.ErrUncertain)
	errUntouched = fmt.Errorf("connection refused: %w", bot.ErrUntouched)
)

// places are Runs in every state that there is, by name.
func places(p bot.Plan) map[string]bot.Run {
	running := end(start(fresh(p), p), p, nil)
	verifying := end(start(running, p), p, nil)
	undoing := end(start(running, p), p, errPlain)
	out := map[string]bot.Run{
		"planned":          fresh(p),
		"running":          running,
		"in flight":        start(running, p),
		"verifying":        verifying,
		"undoing":          undoing,
		"undo in flight":   start(undoing, p),
		"unknown":          end(start(running, p), p, errUncertain),
		"undo failed":      end(start(undoing, p), p, errPlain),
		"halted":           runner.Stop(running, "halt", now),
		"cancel in flight": cancelled(start(running, p)),
	}
	for _, s := range []bot.RunState{bot.RunFixed, bot.RunNotFixed, bot.RunUnverified, bot.RunFailed, bot.RunCancelled} {
		r := verifying
		r.State, r.EndedAt, r.DueAt = s, now, time.Time{}
		out[string(s)] = r
	}
	return out
}

func cancelled(r bot.Run) bot.Run {
	r, err := runner.Cancel(r, alice, now)
	if err != nil {
		panic(err)
	}
	return r
}

func results(fix bot.Fix) []bot.CheckResult {
	return []bot.CheckResult{{ID: "health", Fix: fix, Reason: "because", At: now}}
}

type event struct {
	name string
	do   func(bot.Run, bot.Plan) (bot.Run, error)
}

func plainly(f func(bot.Run, bot.Plan) bot.Run) func(bot.Run, bot.Plan) (bot.Run, error) {
	return func(r bot.Run, p bot.Plan) (bot.Run, error) { return f(r, p), nil }
}

func events() []event {
	late := now.Add(time.Hour)
	settle := func(s bot.Settlement) func(bot.Run, bot.Plan) (bot.Run, error) {
		return func(r bot.Run, p bot.Plan) (bot.Run, error) { return runner.Settle(r, p, s, alice, now) }
	}
	return []event{
		{"start", plainly(func(r bot.Run, p bot.Plan) bot.Run {
			return runner.Started(r, runner.Next(r, p, now), 7, now)
		})},
		{"ok", plainly(func(r bot.Run, p bot.Plan) bot.Run { return end(r, p, nil) })},
		{"fail", plainly(func(r bot.Run, p bot.Plan) bot.Run { return end(r, p, errPlain) })},
		{"lost", plainly(func(r bot.Run, p bot.Plan) bot.Run { return end(r, p, errUncertain) })},
		{"crash", plainly(func(r bot.Run, p bot.Plan) bot.Run { return runner.Recovered(r, p, now) })},
		{"yes", plainly(func(r bot.Run, p bot.Plan) bot.Run { return runner.Verified(r, p, results(bot.FixYes), now) })},
		{"no", plainly(func(r bot.Run, p bot.Plan) bot.Run { return runner.Verified(r, p, results(bot.FixNo), late) })},
		{"cannot tell", plainly(func(r bot.Run, p bot.Plan) bot.Run { return runner.Verified(r, p, results(bot.FixUnknown), late) })},
		{"done", settle(bot.SettleDone)},
		{"not-done", settle(bot.SettleNotDone)},
		{"retry", settle(bot.SettleRetry)},
		{"undo", settle(bot.SettleUndo)},
		{"abandon", settle(bot.SettleAbandon)},
		{"continue", settle(bot.SettleContinue)},
		{"nonsense", settle("perhaps")},
		{"cancel", func(r bot.Run, _ bot.Plan) (bot.Run, error) { return runner.Cancel(r, alice, now) }},
		{"stop", plainly(func(r bot.Run, _ bot.Plan) bot.Run { return runner.Stop(r, "halt", now) })},
		{"refuse", plainly(func(r bot.Run, _ bot.Plan) bot.Run { return runner.Refuse(r, "too hot", now) })},
		{"finish", plainly(func(r bot.Run, p bot.Plan) bot.Run { return runner.Finish(r, p, now) })},
	}
}

// matrix says what becomes of each place by each event: a state, "=" when
// nothing changes, "!" when it is refused.
var matrix = map[string]map[string]string{
	"planned": {
		"start": "running", "ok": "=", "fail": "=", "lost": "=", "crash": "=", "yes": "=", "no": "=", "cannot tell": "=",
		"done": "!", "not-done": "!", "retry": "!", "undo": "!", "abandon": "!", "continue": "!", "nonsense": "!",
		"cancel": "cancelled", "stop": "waiting", "refuse": "cancelled", "finish": "=",
	},
	"running": {
		"start": "running", "ok": "=", "fail": "=", "lost": "=", "crash": "=", "yes": "=", "no": "=", "cannot tell": "=",
		"done": "!", "not-done": "!", "retry": "!", "undo": "!", "abandon": "!", "continue": "!", "nonsense": "!",
		"cancel": "undoing", "stop": "waiting", "refuse": "waiting", "finish": "=",
	},
	"in flight": {
		"start": "=", "ok": "verifying", "fail": "undoing", "lost": "waiting", "crash": "waiting", "yes": "=", "no": "=", "cannot tell": "=",
		"done": "!", "not-done": "!", "retry": "!", "undo": "!", "abandon": "!", "continue": "!", "nonsense": "!",
		"cancel": "running", "stop": "=", "refuse": "=", "finish": "=",
	},
	"cancel in flight": {
		"start": "=", "ok": "undoing", "fail": "undoing", "lost": "waiting", "crash": "waiting", "yes": "=", "no": "=", "cannot tell": "=",
		"done": "!", "not-done": "!", "retry": "!", "undo": "!", "abandon": "!", "continue": "!", "nonsense": "!",
		"cancel": "!", "stop": "=", "refuse": "=", "finish": "=",
	},
	"verifying": {
		"start": "=", "ok": "=", "fail": "=", "lost": "=", "crash": "=", "yes": "fixed", "no": "undoing", "cannot tell": "unverified",
		"done": "!", "not-done": "!", "retry": "!", "undo": "!", "abandon": "!", "continue": "!", "nonsense": "!",
		"cancel": "undoing", "stop": "=", "refuse": "=", "finish": "=",
	},
	"undoing": {
		"start": "undoing", "ok": "=", "fail": "=", "lost": "=", "crash": "=", "yes": "=", "no": "=", "cannot tell": "=",
		"done": "!", "not-done": "!", "retry": "!", "undo": "!", "abandon": "!", "continue": "!", "nonsense": "!",
		"cancel": "!", "stop": "waiting", "refuse": "waiting", "finish": "=",
	},
	"undo in flight": {
		"start": "=", "ok": "undoing", "fail": "waiting", "lost": "waiting", "crash": "waiting", "yes": "=", "no": "=", "cannot tell": "=",
		"done": "!", "not-done": "!", "retry": "!", "undo": "!", "abandon": "!", "continue": "!", "nonsense": "!",
		"cancel": "!", "stop": "=", "refuse": "=", "finish": "=",
	},
	"unknown": {
		"start": "=", "ok": "=", "fail": "=", "lost": "=", "crash": "=", "yes": "=", "no": "=", "cannot tell": "=",
		"done": "verifying", "not-done": "undoing", "retry": "running", "undo": "undoing", "abandon": "failed", "continue": "!", "nonsense": "!",
		"cancel": "undoing", "stop": "=", "refuse": "=", "finish": "=",
	},
	"undo failed": {
		"start": "=", "ok": "=", "fail": "=", "lost": "=", "crash": "=", "yes": "=", "no": "=", "cannot tell": "=",
		"done": "undoing", "not-done": "undoing", "retry": "undoing", "undo": "!", "abandon": "failed", "continue": "!", "nonsense": "!",
		"cancel": "!", "stop": "=", "refuse": "=", "finish": "=",
	},
	"halted": {
		"start": "=", "ok": "=", "fail": "=", "lost": "=", "crash": "=", "yes": "=", "no": "=", "cannot tell": "=",
		"done": "!", "not-done": "!", "retry": "!", "undo": "undoing", "abandon": "cancelled", "continue": "running", "nonsense": "!",
		"cancel": "undoing", "stop": "=", "refuse": "=", "finish": "=",
	},
	"fixed": final, "not_fixed": final, "unverified": final, "failed": final, "cancelled": final,
}

var final = map[string]string{
	"start": "=", "ok": "=", "fail": "=", "lost": "=", "crash": "=", "yes": "=", "no": "=", "cannot tell": "=",
	"done": "!", "not-done": "!", "retry": "!", "undo": "!", "abandon": "!", "continue": "!", "nonsense": "!",
	"cancel": "!", "stop": "=", "refuse": "=", "finish": "=",
}

func TestEveryStateMeetsEveryEvent(t *testing.T) {
	t.Parallel()
	p := twoSteps()
	for place, r := range places(p) {
		for _, e := range events() {
			t.Run(place+" meets "+e.name, func(t *testing.T) {
				t.Parallel()
				want, ok := matrix[place][e.name]
				require.True(t, ok, "the matrix has no cell for it")
				got, err := e.do(r, p)
				switch want {
				case "!":
					_, refused := errors.AsType[*bot.Refusal](err)
					require.True(t, refused, "want a refusal, got %v", err)
					require.Equal(t, r, got)
				case "=":
					require.NoError(t, err)
					require.Equal(t, r, got)
				default:
					require.NoError(t, err)
					require.Equal(t, want, string(got.State))
					require.NotEqual(t, r, got)
				}
				require.Equal(t, places(p)[place], r, "the run that was passed in has changed")
			})
		}
	}
}

func TestNextInEveryState(t *testing.T) {
	t.Parallel()
	p := twoSteps()
	want := map[string]runner.MoveKind{
		"planned": runner.MoveStart, "running": runner.MoveStart, "in flight": runner.MoveFlight,
		"cancel in flight": runner.MoveFlight, "verifying": runner.MoveVerify, "undoing": runner.MoveUndo,
		"undo in flight": runner.MoveFlight, "unknown": runner.MovePerson, "undo failed": runner.MovePerson,
		"halted": runner.MovePerson, "fixed": runner.MoveOver, "not_fixed": runner.MoveOver,
		"unverified": runner.MoveOver, "failed": runner.MoveOver, "cancelled": runner.MoveOver,
	}
	for place, r := range places(p) {
		require.Equal(t, want[place], runner.Next(r, p, now).Kind, place)
	}
}
