package act

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"salve/bot"
	"salve/bot/runner"
)

// What is kept of an action's answer.
const (
	maxOutput = 8 << 10
	maxError  = 1 << 10
	maxField  = 1 << 10
	maxFields = 32
)

// defaultTimeout is for a step whose plan gives none.
const defaultTimeout = time.Minute

// do carries out the step in flight, within its timeout, and gives its outcome
// masked and capped. It returns even if the action does not.
func (l *Leg) do(hard context.Context, e *errand) runner.Result {
	order, spec, ok := runner.Order(e.run, e.plan)
	action := l.actions[spec.Action]
	if !ok || action == nil {
		return runner.Result{Err: fmt.Errorf("there is no action %q here: %w", spec.Action, bot.ErrUntouched)}
	}
	timeout := cmp.Or(spec.Timeout.Std(), defaultTimeout)
	ctx, cancel := context.WithTimeoutCause(hard, timeout, fmt.Errorf("the step took longer than %s", timeout))
	defer cancel()
	// The goroutine is waited for as long as the action keeps to its context. One
	// that does not is left behind, so that its lane goes on.
	done := make(chan runner.Result, 1)
	go func() { done <- perform(ctx, action, order) }()
	select {
	case res := <-done:
		return l.told(ctx, res)
	case <-ctx.Done():
	}
	timer := time.NewTimer(l.opts.Patience)
	defer timer.Stop()
	select {
	case res := <-done:
		return l.told(ctx, res)
	case <-timer.C:
		l.opts.Log.ErrorContext(ctx, "action does not end when its time is up", "action", spec.Action, "run", order.Run, "step", order.Step)
		return runner.Result{Err: fmt.Errorf("%w, and the action did not end: %w", context.Cause(ctx), bot.ErrUncertain)}
	}
}

// perform takes a panic for an outcome that nobody knows.
func perform(ctx context.Context, action runner.Action, order bot.StepOrder) (res runner.Result) {
	defer func() {
		if p := recover(); p != nil {
			res = runner.Result{Err: fmt.Errorf("the action broke down: %w", bot.ErrUncertain)}
		}
	}()
	out, err := action.Do(ctx, order)
	return runner.Result{Outcome: out, Err: err}
}

// told masks and caps what an action said. An error that came after its time was
// up, and does not say what it means, is uncertain.
func (l *Leg) told(ctx context.Context, res runner.Result) runner.Result {
	res.Outcome.Output = l.text(res.Outcome.Output, maxOutput)
	res.Outcome.Fields = l.fields(res.Outcome.Fields)
	if res.Err == nil {
		return res
	}
	var as error
	switch {
	case errors.Is(res.Err, bot.ErrUncertain):
		as = bot.ErrUncertain
	case errors.Is(res.Err, bot.ErrUntouched):
		as = bot.ErrUntouched
	case ctx.Err() != nil:
		as = bot.ErrUncertain
	}
	res.Err = said{text: l.text(res.Err.Error(), maxError), as: as}
	return res
}

// said is an action's error with its text made fit for the record.
type said struct {
	text string
	as   error
}

func (s said) Error() string { return s.text }
func (s said) Unwrap() error { return s.as }

func (l *Leg) text(s string, most int) string {
	s = strings.ToValidUTF8(l.opts.Mask(s), "\uFFFD")
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + " [cut]"
}

func (l *Leg) fields(in map[string]string) map[string]string {
	if len(in) == 0 {
		return nil
	}
	out := make(map[string]string, min(len(in), maxFields))
	for _, k := range slices.Sorted(maps.Keys(in)) {
		if len(out) == maxFields {
			break
		}
		out[l.text(k, 100)] = l.text(in[k], maxField)
	}
	return out
}
