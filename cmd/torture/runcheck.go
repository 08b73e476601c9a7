package main

import (
	"fmt"
	"slices"

	"salve/bot"
)

// checkRuns wants of each run that it is over or waits for a person, that it ran
// the plan that was allowed, and that each step was allowed and on record before
// it was taken.
func checkRuns(ev evidence) (broken []error) {
	known := map[bot.RunID]bool{}
	for _, r := range ev.runs {
		known[r.ID] = true
		for _, err := range []error{checkState(r), checkDigest(r, ev), checkLeave(r, ev), checkCalls(r, ev)} {
			if err != nil {
				broken = append(broken, fmt.Errorf("%s on %s: %w", r.ID, r.Target, err))
			}
		}
	}
	for id := range ev.audit.started {
		if !known[id] {
			broken = append(broken, fmt.Errorf("the audit tells of a step of %s, which is not there", id))
		}
	}
	return broken
}

func checkState(r bot.Run) error {
	if r.Active() && r.State != bot.RunWaiting {
		return fmt.Errorf("it is stuck: %s, due %s, of epoch %d", r.State, r.DueAt, r.Epoch)
	}
	return nil
}

// checkDigest wants one digest: of what ran, of the plan as it is kept, of what
// people voted on.
func checkDigest(r bot.Run, ev evidence) error {
	plan := ev.plans[r.Plan]
	of, err := plan.ComputeDigest()
	switch a := ev.approvals[r.Approval]; {
	case err != nil:
		return err
	case of != plan.Digest || of != r.Digest:
		return fmt.Errorf("the plan is %s, says of itself %s, and %s ran", of, plan.Digest, r.Digest)
	case r.Approval != 0 && (a.Digest != of || a.Plan != r.Plan || a.State != bot.ApprovalApproved):
		return fmt.Errorf("%s is %s, about plan %s with digest %s; %s with digest %s ran", r.Approval, a.State, a.Plan, a.Digest, r.Plan, of)
	}
	return nil
}

// checkLeave wants of each started step an Event of its own, and before it those
// that allow it, about the same plan.
func checkLeave(r bot.Run, ev evidence) error {
	started, attempts := ev.audit.started[r.ID], 0
	for _, s := range r.Steps {
		attempts += s.Attempt
	}
	if attempts != len(started) {
		return fmt.Errorf("%d steps were started, and the audit tells of %d", attempts, len(started))
	}
	wantsAsking := ev.sent[r.Target] == asked
	if wantsAsking != (r.Approval != 0) {
		return fmt.Errorf("of kind %s, and its approval is %q", ev.sent[r.Target], r.Approval)
	}
	approved, planned := ev.audit.approved[r.Approval], ev.audit.planned[r.ID]
	for _, e := range started {
		if !before(planned, e.Seq) {
			return fmt.Errorf("event %d starts a step, and no earlier one plans the run", e.Seq)
		}
		if wantsAsking && !before(approved, e.Seq) {
			return fmt.Errorf("event %d starts a step, and no earlier one approves it", e.Seq)
		}
	}
	for _, e := range slices.Concat(approved, planned, started) {
		if d, told := e.Data["digest"]; told && d != string(r.Digest) {
			return fmt.Errorf("event %d (%s) is about digest %s, not %s", e.Seq, e.Kind, d, r.Digest)
		}
	}
	if wantsAsking && (len(approved) == 0 || approved[0].Data["digest"] == "") {
		return fmt.Errorf("the event that approves %s names no digest", r.Approval)
	}
	return nil
}

// checkCalls wants a started step on record for each call, before it.
func checkCalls(r bot.Run, ev evidence) error {
	calls, started := ev.calls[r.Target], ev.audit.started[r.ID]
	if len(calls) > len(started) {
		return fmt.Errorf("%d calls for %d started steps", len(calls), len(started))
	}
	for i, c := range calls {
		if !notBefore(c.at, started[i]) {
			return fmt.Errorf("call %d came at %s, before its step was started at %s", i+1, c.at, started[i].At)
		}
		if c.key != started[i].Data["key"] {
			return fmt.Errorf("call %d bore key %q instead of %q", i+1, c.key, started[i].Data["key"])
		}
	}
	return nil
}
