package runner

import (
	"slices"
	"strings"
	"time"

	"salve/bot"
)

// minVerifyEvery keeps a plan that says "every 0s" from asking without pause.
const minVerifyEvery = 100 * time.Millisecond

// Pending gives the checks that have not held yet.
func Pending(run bot.Run, plan bot.Plan) []bot.PlanCheck {
	if plan.Verify == nil {
		return nil
	}
	var out []bot.PlanCheck
	for _, c := range plan.Verify.Checks {
		if fixOf(run.Checks, c.ID) != bot.FixYes {
			out = append(out, c)
		}
	}
	return out
}

func fixOf(checks []bot.CheckResult, id string) bot.Fix {
	for _, c := range checks {
		if c.ID == id {
			return c.Fix
		}
	}
	return bot.FixPending
}

// Verified takes results of checks while the Run verifies; in another state it
// changes nothing. A check that held once has held. When all have, the Run is
// fixed. At VerifyBy a check that says no makes it not fixed, and what was done
// is undone; when none says no but some could not tell, it ends unverified and
// nothing is undone.
func Verified(run bot.Run, plan bot.Plan, results []bot.CheckResult, now time.Time) bot.Run {
	if run.State != bot.RunVerifying {
		return run
	}
	run = own(run)
	if plan.Verify == nil {
		run.Fix, run.Reason = bot.FixUnknown, "the plan has no verification, although the run verifies"
		return over(run, plan, bot.RunUnverified, now)
	}
	for _, r := range results {
		run.Checks = keep(run.Checks, r)
	}
	pending := Pending(run, plan)
	switch {
	case len(pending) == 0:
		run.Fix, run.Reason = bot.FixYes, ""
		return over(run, plan, bot.RunFixed, now)
	case now.Before(run.VerifyBy):
		run.DueAt = earlier(now.Add(max(plan.Verify.Every.Std(), minVerifyEvery)), run.VerifyBy)
		return run
	default:
		return expired(run, plan, pending, now)
	}
}

// keep puts a result in the place of the last one of the same check, unless that
// one held.
func keep(have []bot.CheckResult, r bot.CheckResult) []bot.CheckResult {
	i := slices.IndexFunc(have, func(c bot.CheckResult) bool { return c.ID == r.ID })
	switch {
	case i < 0:
		return append(have, r)
	case have[i].Fix != bot.FixYes:
		have[i] = r
	}
	return have
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// expired ends verification at its deadline.
func expired(run bot.Run, plan bot.Plan, pending []bot.PlanCheck, now time.Time) bot.Run {
	run.Fix = bot.FixUnknown
	var why []string
	for _, c := range pending {
		r := bot.CheckResult{ID: c.ID, Fix: bot.FixUnknown, Reason: "was never asked"}
		for _, have := range run.Checks {
			if have.ID == c.ID {
				r = have
			}
		}
		if r.Fix == bot.FixNo {
			run.Fix = bot.FixNo
		}
		why = append(why, r.ID+": "+r.Reason)
	}
	reasons := strings.Join(why, "; ")
	if run.Fix == bot.FixNo {
		run.Reason = "verification says that it did not help: " + reasons
		return giveUp(run, plan, bot.RunNotFixed, now)
	}
	run.Reason = "verification could not tell whether it helped: " + reasons
	return over(run, plan, bot.RunUnverified, now)
}
