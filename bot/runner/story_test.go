package runner_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/runner"
)

func states(r bot.Run) []string {
	out := make([]string, 0, len(r.Steps))
	for _, s := range r.Steps {
		id := s.ID
		if s.Undo {
			id = "undo " + id
		}
		out = append(out, id+" "+string(s.State))
	}
	return out
}

func TestARunThatHelps(t *testing.T) {
	t.Parallel()
	p := twoSteps()
	r := fresh(p)
	require.Equal(t, bot.RunPlanned, r.State)
	require.Equal(t, now, r.DueAt)

	r = start(r, p)
	require.True(t, r.DueAt.IsZero(), "in flight, nothing is due")
	require.Equal(t, int64(7), r.Epoch)
	require.Equal(t, now, r.StartedAt)
	require.Equal(t, runner.Key(r, "a", false), r.Steps[0].Key)
	later := r
	later.CreatedAt = r.CreatedAt.Add(time.Second)
	require.NotEqual(t, runner.Key(r, "a", false), runner.Key(later, "a", false), "numbers are given again after a restore")
	order, spec, ok := runner.Order(r, p)
	require.True(t, ok)
	require.Equal(t, bot.StepOrder{Run: 88, Step: "a", Target: "web-1", Action: "do", Key: r.Steps[0].Key, Attempt: 1}, order)
	require.Equal(t, "a", spec.ID)

	r = end(start(end(r, p, nil), p), p, nil)
	require.Equal(t, bot.RunVerifying, r.State)
	require.Equal(t, now.Add(time.Minute), r.VerifyBy)

	r = runner.Verified(r, p, results(bot.FixNo), now.Add(time.Second))
	require.Equal(t, bot.RunVerifying, r.State, "it may still come")
	require.Equal(t, now.Add(11*time.Second), r.DueAt)
	require.Equal(t, runner.MoveWait, runner.Next(r, p, now.Add(5*time.Second)).Kind)

	r = runner.Verified(r, p, results(bot.FixYes), now.Add(11*time.Second))
	require.Equal(t, bot.RunFixed, r.State)
	require.Equal(t, bot.FixYes, r.Fix)
	require.Equal(t, now.Add(11*time.Second+24*time.Hour), r.UndoUntil)
	require.Equal(t, []string{"a succeeded", "b succeeded"}, states(r))
}

func TestAFailureUndoesNewestFirst(t *testing.T) {
	t.Parallel()
	p := twoSteps()
	r := end(start(places(p)["running"], p), p, errPlain)
	require.Equal(t, bot.RunFailed, r.Ending)
	require.Contains(t, r.Reason, "step b failed: exit status 1")
	r = start(r, p)
	require.Equal(t, []string{"a succeeded", "b failed", "undo b started"}, states(r))
	require.NotEqual(t, r.Steps[1].Key, r.Steps[2].Key)
	r = end(r, p, nil)
	r = end(start(r, p), p, nil)
	require.Equal(t, []string{"a succeeded", "b failed", "undo b succeeded", "undo a succeeded"}, states(r))
	require.Equal(t, bot.RunFailed, r.State)
	require.True(t, r.UndoUntil.IsZero(), "nothing is left to undo")
	require.Equal(t, now, r.EndedAt)
}

func TestAStepThatTouchedNothingIsNotUndone(t *testing.T) {
	t.Parallel()
	p := twoSteps()
	r := end(start(fresh(p), p), p, errUntouched)
	require.Equal(t, bot.RunFailed, r.State)
	require.Equal(t, []string{"a failed", "b skipped"}, states(r))

	p = twoSteps(safe)
	r = end(start(fresh(p), p), p, errUncertain)
	r = end(start(r, p), p, errUntouched)
	require.Equal(t, bot.RunUndoing, r.State, "the first attempt may have acted")
}

func TestAnUncertainStepIsRepeatedThreeTimesIfThatIsHarmless(t *testing.T) {
	t.Parallel()
	p := twoSteps(safe)
	r := fresh(p)
	key := ""
	for attempt, wait := range []time.Duration{2 * time.Second, 8 * time.Second} {
		r = start(r, p)
		if key == "" {
			key = r.Steps[0].Key
		}
		require.Equal(t, attempt+1, r.Steps[0].Attempt)
		require.Equal(t, key, r.Steps[0].Key, "the key is the same for every attempt")
		r = end(r, p, errUncertain)
		require.Equal(t, bot.StepPlanned, r.Steps[0].State)
		require.Equal(t, now.Add(wait), r.DueAt)
		require.Equal(t, runner.MoveWait, runner.Next(r, p, now).Kind)
	}
	r = end(start(r, p), p, errUncertain)
	require.Equal(t, bot.RunWaiting, r.State)
	require.Equal(t, []string{"a unknown", "b planned"}, states(r))
	require.Contains(t, r.Reason, "step a may or may not have taken effect on web-1")

	r, err := runner.Settle(r, p, bot.SettleRetry, alice, now)
	require.NoError(t, err)
	r = end(start(r, p), p, nil)
	require.Equal(t, 4, r.Steps[0].Attempt)
	require.Equal(t, []string{"a succeeded", "b planned"}, states(r))
}

func TestACrashRepeatsOnlyWhatIsHarmless(t *testing.T) {
	t.Parallel()
	reads := func(p *bot.Plan) { p.Steps[0].Effect = bot.EffectReads }
	keyed := func(p *bot.Plan) { p.Steps[0].Repeat = bot.RepeatKeyed }
	tests := []struct {
		name   string
		change func(*bot.Plan)
		want   bot.StepState
		state  bot.RunState
	}{
		{"never is unknown", func(*bot.Plan) {}, bot.StepUnknown, bot.RunWaiting},
		{"no answer is never", func(p *bot.Plan) { p.Steps[0].Repeat = "" }, bot.StepUnknown, bot.RunWaiting},
		{"safe is planned again", safe, bot.StepPlanned, bot.RunRunning},
		{"keyed is planned again", keyed, bot.StepPlanned, bot.RunRunning},
		{"reading is planned again", reads, bot.StepPlanned, bot.RunRunning},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := twoSteps(tt.change)
			r := runner.Recovered(start(fresh(p), p), p, now)
			require.Equal(t, tt.want, r.Steps[0].State)
			require.Equal(t, tt.state, r.State)
			require.Equal(t, 1, r.Steps[0].Attempt, "the attempt is kept")
			require.Equal(t, tt.want == bot.StepPlanned, runner.Next(r, p, now).Kind == runner.MoveStart)
		})
	}
	t.Run("a step that crashes every time ends with a person", func(t *testing.T) {
		t.Parallel()
		p := twoSteps(safe)
		r := fresh(p)
		for range runner.MaxAttempts {
			r = runner.Recovered(start(r, p), p, now)
		}
		require.Equal(t, bot.RunWaiting, r.State)
	})
}

func TestHowVerificationEnds(t *testing.T) {
	t.Parallel()
	late := now.Add(time.Minute)
	tests := []struct {
		name   string
		change func(*bot.Plan)
		fixes  []bot.Fix
		want   bot.RunState
		ending bot.RunState
		fix    bot.Fix
	}{
		{"not fixed is undone", func(*bot.Plan) {}, []bot.Fix{bot.FixNo}, bot.RunUndoing, bot.RunNotFixed, bot.FixNo},
		{"not fixed without undo ends", noUndo, []bot.Fix{bot.FixNo}, bot.RunNotFixed, bot.RunNotFixed, bot.FixNo},
		{"could not tell undoes nothing", func(*bot.Plan) {}, []bot.Fix{bot.FixUnknown}, bot.RunUnverified, "", bot.FixUnknown},
		{"one no outweighs one that could not tell", noUndo, []bot.Fix{bot.FixUnknown, bot.FixNo}, bot.RunNotFixed, bot.RunNotFixed, bot.FixNo},
		{"held once and no the other is no", noUndo, []bot.Fix{bot.FixYes, bot.FixNo}, bot.RunNotFixed, bot.RunNotFixed, bot.FixNo},
		{"the last look may still help", func(*bot.Plan) {}, []bot.Fix{bot.FixYes, bot.FixYes}, bot.RunFixed, "", bot.FixYes},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := twoSteps(tt.change)
			p.Verify.Checks = nil
			var res []bot.CheckResult
			for i, f := range tt.fixes {
				id := string(rune('m' + i))
				p.Verify.Checks = append(p.Verify.Checks, bot.PlanCheck{ID: id})
				res = append(res, bot.CheckResult{ID: id, Fix: f, Reason: "because"})
			}
			r := runner.Verified(places(p)["verifying"], p, res, late)
			require.Equal(t, tt.want, r.State)
			require.Equal(t, tt.ending, r.Ending)
			require.Equal(t, tt.fix, r.Fix)
		})
	}
}

func TestACheckThatHeldOnceHasHeld(t *testing.T) {
	t.Parallel()
	p := twoSteps()
	p.Verify.Checks = []bot.PlanCheck{{ID: "x"}, {ID: "y"}}
	r := places(p)["verifying"]
	r = runner.Verified(r, p, []bot.CheckResult{{ID: "x", Fix: bot.FixYes}, {ID: "y", Fix: bot.FixNo}}, now)
	require.Equal(t, []bot.PlanCheck{{ID: "y"}}, runner.Pending(r, p))
	r = runner.Verified(r, p, []bot.CheckResult{{ID: "x", Fix: bot.FixNo}, {ID: "y", Fix: bot.FixYes}}, now)
	require.Equal(t, bot.RunFixed, r.State)
}

func TestAPlanWithoutVerificationEndsUnverified(t *testing.T) {
	t.Parallel()
	p := twoSteps(noVerify)
	r := end(start(places(p)["running"], p), p, nil)
	require.Equal(t, bot.RunUnverified, r.State)
	require.NotEmpty(t, r.Reason)
}

func TestCancelWaitsForTheStepInFlightAndUndoes(t *testing.T) {
	t.Parallel()
	p := twoSteps()
	r := cancelled(start(fresh(p), p))
	require.Equal(t, bot.RunRunning, r.State)
	r = end(r, p, nil)
	require.Equal(t, bot.RunUndoing, r.State)
	r = end(start(r, p), p, nil)
	require.Equal(t, bot.RunCancelled, r.State)
	require.Equal(t, []string{"a succeeded", "b skipped", "undo a succeeded"}, states(r))
	require.Equal(t, alice, r.CancelBy)
}

func TestCancelOfWhatCannotBeUndoneLeavesIt(t *testing.T) {
	t.Parallel()
	p := twoSteps(noUndo)
	r := cancelled(places(p)["running"])
	require.Equal(t, runner.MoveFinish, runner.Next(r, p, now).Kind)
	r = runner.Finish(r, p, now)
	require.Equal(t, bot.RunCancelled, r.State)
}

func TestCancelWhileARetryIsAwaitedUndoesWhatMayHaveActed(t *testing.T) {
	t.Parallel()
	p := twoSteps(safe)
	r := cancelled(end(start(fresh(p), p), p, errUncertain))
	require.Equal(t, runner.MoveUndo, runner.Next(r, p, now).Kind)
	r = end(start(r, p), p, nil)
	require.Equal(t, bot.RunCancelled, r.State)
	require.Equal(t, []string{"a unknown", "b skipped", "undo a succeeded"}, states(r))
}

func TestAFailedUndoLocksTheTargetUntilAPersonSettles(t *testing.T) {
	t.Parallel()
	p := twoSteps()
	r := places(p)["undo failed"]
	require.Equal(t, bot.RunWaiting, r.State)
	require.True(t, r.Active())
	require.Contains(t, r.Reason, "UNDO FAILED")

	for _, say := range []bot.Settlement{bot.SettleDone, bot.SettleNotDone} {
		got, err := runner.Settle(r, p, say, alice, now)
		require.NoError(t, err)
		require.Equal(t, alice, got.Steps[2].SettledBy)
		m := runner.Next(got, p, now)
		require.Equal(t, runner.MoveUndo, m.Kind)
		require.Equal(t, "a", m.ID, "it goes on with the older step, never the same again")
	}
	got, err := runner.Settle(r, p, bot.SettleRetry, alice, now)
	require.NoError(t, err)
	require.Equal(t, "b", runner.Next(got, p, now).ID)
	require.Equal(t, 2, start(got, p).Steps[2].Attempt)
}

func TestSettleSaysWhatBecameOfAnUnknownStep(t *testing.T) {
	t.Parallel()
	p := twoSteps()
	r := places(p)["unknown"]
	done, err := runner.Settle(r, p, bot.SettleDone, alice, now)
	require.NoError(t, err)
	require.Equal(t, []string{"a succeeded", "b succeeded"}, states(done))

	not, err := runner.Settle(r, p, bot.SettleNotDone, alice, now)
	require.NoError(t, err)
	require.Equal(t, "a", runner.Next(not, p, now).ID, "what was not done is not undone")

	undo, err := runner.Settle(r, p, bot.SettleUndo, alice, now)
	require.NoError(t, err)
	require.Equal(t, "b", runner.Next(undo, p, now).ID, "what may have been done is undone")
}

func TestContinueGoesBackToWhereTheHaltCame(t *testing.T) {
	t.Parallel()
	p := twoSteps()
	for place, want := range map[string]bot.RunState{
		"planned": bot.RunPlanned, "running": bot.RunRunning, "undoing": bot.RunUndoing,
	} {
		r := runner.Stop(places(p)[place], "halt", now)
		require.Equal(t, bot.RunWaiting, r.State, place)
		r, err := runner.Settle(r, p, bot.SettleContinue, alice, now)
		require.NoError(t, err, place)
		require.Equal(t, want, r.State, place)
		require.Equal(t, now, r.DueAt, place)
	}
}

func TestARunWhosePlanDoesNotFitWaitsForAPerson(t *testing.T) {
	t.Parallel()
	r := fresh(twoSteps())
	m := runner.Next(r, bot.Plan{}, now)
	require.Equal(t, runner.MovePerson, m.Kind)
	require.Equal(t, bot.RunWaiting, runner.Recovered(start(r, twoSteps()), bot.Plan{}, now).State)
}

func TestVerifyingWithoutItsPlanEndsUnverified(t *testing.T) {
	t.Parallel()
	r := runner.Verified(places(twoSteps())["verifying"], bot.Plan{}, nil, now)
	require.Equal(t, bot.RunUnverified, r.State)
	require.Equal(t, bot.FixUnknown, r.Fix)
}

func TestAnEmptyPlanFinishes(t *testing.T) {
	t.Parallel()
	p := twoSteps(noVerify)
	p.Steps = nil
	r := fresh(p)
	require.Equal(t, runner.MoveFinish, runner.Next(r, p, now).Kind)
	require.Equal(t, bot.RunUnverified, runner.Finish(r, p, now).State)
}
