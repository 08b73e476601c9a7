package runner_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"salve/bot"
	"salve/bot/runner"
)

// world carries a Run through random events and counts what leaves the process.
type world struct {
	run     bot.Run
	plan    bot.Plan
	now     time.Time
	starts  map[string]int
	retries map[string]int // what a person asked for again
}

func anyPlan(t *rapid.T) bot.Plan {
	p := twoSteps(noVerify)
	p.Steps = nil
	for _, id := range []string{"a", "b", "c"}[:rapid.IntRange(0, 3).Draw(t, "steps")] {
		s := bot.PlanStep{ID: id, Action: "do", Effect: bot.EffectChanges, Repeat: anyRepeat(t)}
		if rapid.Bool().Draw(t, "undoable") {
			s.Undo = &bot.PlanStep{ID: id, Action: "undo", Effect: bot.EffectChanges, Repeat: anyRepeat(t)}
		}
		p.Steps = append(p.Steps, s)
	}
	if rapid.Bool().Draw(t, "verified") {
		p.Verify = &bot.PlanVerify{Within: bot.Duration(20 * time.Second), Every: bot.Duration(time.Second), Checks: []bot.PlanCheck{{ID: "health"}}}
	}
	return p
}

func anyRepeat(t *rapid.T) bot.Repeat {
	return rapid.SampledFrom([]bot.Repeat{bot.RepeatNever, bot.RepeatSafe, bot.RepeatKeyed}).Draw(t, "repeat")
}

func (w *world) step(t *rapid.T) {
	w.now = w.now.Add(time.Duration(rapid.IntRange(0, 12).Draw(t, "seconds")) * time.Second)
	switch rapid.IntRange(0, 9).Draw(t, "event") {
	case 0, 1, 2, 3:
		w.goOn(t)
	case 4:
		w.run = runner.Recovered(w.run, w.plan, w.now)
	case 5:
		w.run, _ = runner.Cancel(w.run, alice, w.now)
	case 6:
		w.run = runner.Stop(w.run, "halt", w.now)
	case 7:
		w.run = runner.Refuse(w.run, "no", w.now)
	default:
		w.settle(t)
	}
}

func (w *world) goOn(t *rapid.T) {
	m := runner.Next(w.run, w.plan, w.now)
	switch m.Kind {
	case runner.MoveStart, runner.MoveUndo:
		w.run = runner.Started(w.run, m, 7, w.now)
		order, _, ok := runner.Order(w.run, w.plan)
		require.True(t, ok, "a start or undo move starts")
		w.starts[order.Key]++
	case runner.MoveFlight:
		err := rapid.SampledFrom([]error{nil, nil, errPlain, errUncertain, errUntouched}).Draw(t, "outcome")
		w.run = runner.Ended(w.run, w.plan, runner.Result{Err: err}, w.now)
	case runner.MoveVerify:
		fix := rapid.SampledFrom([]bot.Fix{bot.FixYes, bot.FixNo, bot.FixUnknown}).Draw(t, "fix")
		w.run = runner.Verified(w.run, w.plan, results(fix), w.now)
	case runner.MoveFinish:
		before := w.run
		w.run = runner.Finish(w.run, w.plan, w.now)
		require.NotEqual(t, before, w.run, "a finish move finishes")
	}
}

func (w *world) settle(t *rapid.T) {
	say := rapid.SampledFrom([]bot.Settlement{
		bot.SettleDone, bot.SettleNotDone, bot.SettleRetry, bot.SettleUndo, bot.SettleAbandon, bot.SettleContinue,
	}).Draw(t, "settlement")
	before := w.run
	after, err := runner.Settle(w.run, w.plan, say, alice, w.now)
	w.run = after
	if err != nil || say != bot.SettleRetry {
		return
	}
	for i, s := range after.Steps {
		if s.State == bot.StepPlanned && before.Steps[i].State != bot.StepPlanned {
			w.retries[s.Key]++
		}
	}
}

func TestNothingIsDoneTwiceAndFinalIsFinal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		plan := anyPlan(t)
		w := &world{plan: plan, run: fresh(plan), now: now, starts: map[string]int{}, retries: map[string]int{}}
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			before := w.run
			w.step(t)
			if !before.Active() {
				require.Equal(t, before, w.run, "final states are final")
			}
			w.check(t)
		}
	})
}

func (w *world) check(t *rapid.T) {
	harmless := map[string]bool{}
	for _, s := range w.plan.Steps {
		harmless[runner.Key(w.run, s.ID, false)] = s.Repeat != bot.RepeatNever
		if s.Undo != nil {
			harmless[runner.Key(w.run, s.ID, true)] = s.Undo.Repeat != bot.RepeatNever
		}
	}
	for key, n := range w.starts {
		limit := 1
		if harmless[key] {
			limit = runner.MaxAttempts
		}
		require.LessOrEqual(t, n, limit+w.retries[key], "started too often")
	}
	flying, undone := 0, map[string]int{}
	for _, s := range w.run.Steps {
		if s.State == bot.StepStarted {
			flying++
		}
		if s.Undo {
			undone[s.ID]++
			require.Equal(t, 1, undone[s.ID], "undone twice")
		}
	}
	require.LessOrEqual(t, flying, 1)
	resting := flying > 0 || w.run.State == bot.RunWaiting || !w.run.Active()
	require.Equal(t, resting, w.run.DueAt.IsZero(), "due exactly when it goes on by itself: %s", w.run.State)
	require.Equal(t, !w.run.Active(), !w.run.EndedAt.IsZero())
}
