package act

import (
	"context"
	"errors"
	"fmt"

	"salve/bot"
	"salve/bot/guard"
	"salve/bot/runner"
)

// leave is the answer to the question whether a step may start.
type leave struct {
	granted bool
	reason  string
	verdict *bot.Verdict // of the guard, before the first step
}

// ask puts the whole question to the guard before the first step, and looks at
// the halts before every other. An error means that the facts could not be
// read; then nothing starts, and the question is asked again later.
func (e *errand) ask(ctx context.Context, m runner.Move) (leave, error) {
	halts, err := e.leg.brake.Halts(ctx)
	if err != nil {
		return leave{}, fmt.Errorf("read the halts: %w", err)
	}
	if _, ok := e.leg.actions[m.Spec.Action]; !ok {
		return leave{reason: fmt.Sprintf("there is no action %q here, which step %s uses", m.Spec.Action, m.ID)}, nil
	}
	if runner.Begun(e.run) {
		return standing(halts, e.run), nil
	}
	if digest, err := e.plan.ComputeDigest(); err != nil || digest != e.run.Digest {
		return leave{reason: "the plan in the store is not the one that this run was made for"}, nil
	}
	facts, err := e.facts(ctx)
	if err != nil {
		return leave{}, err
	}
	facts.Halts = halts
	v := guard.Evaluate(e.plan, facts)
	return leave{granted: v.Ruling == bot.Allow, reason: v.Reason, verdict: &v}, nil
}

// standing finds the halt that stops the Run.
func standing(halts []bot.Halt, run bot.Run) leave {
	for _, h := range halts {
		if !h.Stops(run.Playbook, run.Target) {
			continue
		}
		what := "everything"
		if h.Scope != bot.HaltAll {
			what = string(h.Scope) + " " + h.Name
		}
		reason := fmt.Sprintf("%s halted %s", h.By.Name, what)
		if h.Reason != "" {
			reason += ": " + h.Reason
		}
		return leave{reason: reason}
	}
	return leave{granted: true}
}

// facts gathers what the guard looks at, but for the halts.
func (e *errand) facts(ctx context.Context) (guard.Facts, error) {
	s, run := e.leg.store, e.run
	inc, err := s.Incident(ctx, run.Incident)
	if err != nil {
		return guard.Facts{}, fmt.Errorf("read %s: %w", run.Incident, err)
	}
	history, err := s.History(ctx, run.Playbook, run.Target)
	if err != nil {
		return guard.Facts{}, fmt.Errorf("read the history of %s: %w", run.Target, err)
	}
	attempts, err := s.Runs(ctx, bot.RunQuery{Incident: run.Incident, Target: run.Target, Before: run.ID})
	if err != nil {
		return guard.Facts{}, fmt.Errorf("read the runs of %s: %w", run.Incident, err)
	}
	e.inc = &inc
	f := guard.Facts{
		Now: e.leg.now(), Incident: inc, Severity: inc.Severity, History: history, Run: run.ID, Attempts: attempts,
	}
	if run.Approval == 0 {
		return f, nil
	}
	approved, err := s.Approval(ctx, run.Approval)
	switch {
	case errors.Is(err, bot.ErrNotFound):
		f.Missing = append(f.Missing, "the approval "+run.Approval.String())
	case err != nil:
		return guard.Facts{}, fmt.Errorf("read %s: %w", run.Approval, err)
	default:
		f.Approved = &approved
	}
	return f, nil
}
