// Package wait is the action that lets time pass between two steps.
//
// It promises to return as soon as the context ends and to touch nothing, so
// that it may be repeated freely. It assumes that the step's timeout is longer
// than the wait; otherwise the step fails, and says so.
package wait

import (
	"context"
	"fmt"
	"time"

	"salve/bot"
)

// Action waits.
type Action struct{}

// New makes the action.
func New() *Action { return &Action{} }

// Info describes the action to the loader and to people.
func (*Action) Info() bot.ActionInfo {
	return bot.ActionInfo{
		Name: "wait",
		Docs: "Lets time pass before the next step. It touches nothing. The step's timeout must be longer than the wait.",
		Args: map[string]bot.ArgInfo{
			"for": {Kind: bot.ArgDuration, Required: true, Docs: "How long, for example 30s."},
		},
		Effect:  bot.EffectReads,
		Rights:  []string{"none"},
		Outputs: map[string]string{"waited": "how long it waited"},
	}
}

// Do waits for the argument "for".
func (*Action) Do(ctx context.Context, order bot.StepOrder) (bot.StepOutcome, error) {
	d, err := length(order.Args)
	if err != nil {
		return bot.StepOutcome{}, err
	}
	if at, ok := ctx.Deadline(); ok && time.Until(at) < d {
		return bot.StepOutcome{}, fmt.Errorf("wait: the step's timeout ends before %s have passed; raise the timeout: %w", d, bot.ErrUntouched)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return bot.StepOutcome{Output: "waited " + d.String(), Fields: map[string]string{"waited": d.String()}}, nil
	case <-ctx.Done():
		return bot.StepOutcome{}, fmt.Errorf("wait: %w: %w", context.Cause(ctx), bot.ErrUntouched)
	}
}

func length(args map[string]any) (time.Duration, error) {
	for k := range args {
		if k != "for" {
			return 0, fmt.Errorf("wait: there is no argument %q; write for: %w", k, bot.ErrUntouched)
		}
	}
	text, ok := args["for"].(string)
	if !ok {
		return 0, fmt.Errorf("wait: the argument for is missing; write for example 30s: %w", bot.ErrUntouched)
	}
	var d bot.Duration
	if err := d.UnmarshalText([]byte(text)); err != nil {
		return 0, fmt.Errorf("wait: %w: %w", err, bot.ErrUntouched)
	}
	return d.Std(), nil
}
