package plan

import (
	"cmp"
	"fmt"
	"time"

	"salve/bot"
	"salve/bot/expr"
)

// resolvedProbe is the check that asks whether the alerts are over; it has no
// action behind it.
const resolvedProbe = "resolved"

const defaultTimeout = bot.Duration(30 * time.Second)

// step is a StepSpec with its arguments compiled.
type step struct {
	spec   bot.StepSpec
	effect bot.Effect
	args   arguments
	undo   *step
}

func (sc scope) compileStep(s bot.StepSpec) (step, error) {
	info, ok := sc.actions[s.Uses]
	if !ok {
		return step{}, fmt.Errorf("there is no action %q", s.Uses)
	}
	args, err := sc.compileArguments(s.With, info)
	if err != nil {
		return step{}, err
	}
	out := step{spec: s, effect: cmp.Or(info.Effect, bot.EffectUnknown), args: args}
	if s.Undo == nil {
		return out, nil
	}
	if s.Undo.Undo != nil {
		return step{}, fmt.Errorf("undo: an undo has no undo of its own")
	}
	u, err := sc.compileStep(*s.Undo)
	if err != nil {
		return step{}, fmt.Errorf("undo: %w", err)
	}
	u.spec.ID = cmp.Or(u.spec.ID, s.ID)
	out.undo = &u
	return out, nil
}

func (s step) render(vars expr.Vars) (bot.PlanStep, error) {
	args, err := s.args.render(vars)
	if err != nil {
		return bot.PlanStep{}, err
	}
	p := bot.PlanStep{
		ID: s.spec.ID, Title: cmp.Or(s.spec.Title, s.spec.ID), Action: s.spec.Uses, Args: args, Effect: s.effect,
		Timeout: cmp.Or(s.spec.Timeout, defaultTimeout), Repeat: cmp.Or(s.spec.Repeat, bot.RepeatNever),
		ShareOutput: s.spec.ShareOutput,
	}
	if s.undo != nil {
		u, err := s.undo.render(vars)
		if err != nil {
			return bot.PlanStep{}, fmt.Errorf("undo: %w", err)
		}
		p.Undo = &u
	}
	return p, nil
}

// check is a CheckSpec with its arguments compiled.
type check struct {
	spec bot.CheckSpec
	args arguments
}

func (sc scope) compileCheck(c bot.CheckSpec) (check, error) {
	if c.Uses == resolvedProbe {
		return check{spec: c}, nil
	}
	info, ok := sc.actions[c.Uses]
	if !ok || !info.Probe {
		return check{}, fmt.Errorf("there is no probe %q", c.Uses)
	}
	args, err := sc.compileArguments(c.With, info)
	if err != nil {
		return check{}, err
	}
	if c.Expect != "" {
		if _, err := expr.CompileBool(expr.ProbeEnv, c.Expect); err != nil {
			return check{}, fmt.Errorf("expect: %w", err)
		}
	}
	return check{spec: c, args: args}, nil
}
