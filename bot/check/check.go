// Package check finds out whether something is so: a probe looks, and an
// expectation, CEL over what it saw, judges.
//
// It promises one of three results: fixed, not fixed, or unknown with a reason.
// What could not be asked, did not answer in time, or could not be judged is
// unknown; it is never taken for a yes or a no. Reasons are short and hold
// nothing that the far end wrote.
//
// It assumes that a Prober masks secrets in its errors and touches nothing. A
// check without an expectation is judged by the probe itself, through its field
// "holds": "true" or "false".
package check

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"salve/bot"
	"salve/bot/expr"
)

// Prober looks at the world for a check. An error means that it could not.
type Prober interface {
	Probe(ctx context.Context, check bot.PlanCheck, of bot.Run) (bot.Probe, error)
}

// Timeout is how long a probe may take.
const Timeout = 10 * time.Second

// Checker evaluates checks. It is safe for concurrent use.
type Checker struct {
	probers map[string]Prober

	mu       sync.Mutex
	compiled map[string]expectation
}

// maxCompiled bounds the expectations that are kept; they come from playbooks,
// so that there are few.
const maxCompiled = 4096

// New makes a Checker over probers by name.
func New(probers map[string]Prober) (*Checker, error) {
	for name, p := range probers {
		if name == "" || p == nil {
			return nil, fmt.Errorf("check: the probe %q has no prober", name)
		}
	}
	return &Checker{probers: probers, compiled: map[string]expectation{}}, nil
}

// Check asks the probe and judges what it saw.
func (c *Checker) Check(ctx context.Context, check bot.PlanCheck, of bot.Run, now time.Time) bot.CheckResult {
	fix, reason := c.judge(ctx, check, of)
	return bot.CheckResult{ID: check.ID, Fix: fix, Reason: short(reason), At: now}
}

func (c *Checker) judge(ctx context.Context, check bot.PlanCheck, of bot.Run) (bot.Fix, string) {
	prober, ok := c.probers[check.Probe]
	if !ok {
		return bot.FixUnknown, fmt.Sprintf("there is no probe %q here", check.Probe)
	}
	probe, err := ask(ctx, prober, check, of)
	if err != nil {
		return bot.FixUnknown, "could not be asked: " + err.Error()
	}
	if strings.TrimSpace(check.Expect) == "" {
		return byItself(probe)
	}
	return c.expect(check.Expect, probe)
}

// ask gives the probe a deadline, and takes a panic for an error.
func ask(ctx context.Context, prober Prober, check bot.PlanCheck, of bot.Run) (probe bot.Probe, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, Timeout, fmt.Errorf("no answer within %s", Timeout))
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("the probe broke down")
		}
	}()
	probe, err = prober.Probe(ctx, check, of)
	if err != nil && ctx.Err() != nil {
		return bot.Probe{}, context.Cause(ctx)
	}
	return probe, err
}

func byItself(p bot.Probe) (bot.Fix, string) {
	switch p.Fields["holds"] {
	case "true":
		return bot.FixYes, "it holds"
	case "false":
		return bot.FixNo, fmt.Sprintf("it does not hold (status %d)", p.Status)
	default:
		return bot.FixUnknown, "the check has no expectation and its probe does not judge"
	}
}

func (c *Checker) expect(src string, p bot.Probe) (bot.Fix, string) {
	prog, err := c.program(src)
	if err != nil {
		return bot.FixUnknown, "its expectation cannot be understood: " + err.Error()
	}
	vars := expr.ProbeVars(p)
	ok, err := prog.yes.Eval(vars)
	if ok && err == nil {
		return bot.FixYes, "holds: " + src
	}
	no := false
	if err == nil {
		no, err = prog.no.Eval(vars)
	}
	switch {
	case err != nil:
		return bot.FixUnknown, fmt.Sprintf("could not be judged (status %d): %s", p.Status, err)
	case !no:
		return bot.FixUnknown, fmt.Sprintf("could not be judged (status %d): the answer lacks something that is asked for in %s", p.Status, src)
	default:
		return bot.FixNo, fmt.Sprintf("status %d after %s; expected %s", p.Status, p.Took.Std().Round(time.Millisecond), src)
	}
}

// expectation is an expression and its opposite. Where a key is missing both
// are false, and that is how a no is told from an answer that lacks the thing.
type expectation struct{ yes, no *expr.Bool }

func (c *Checker) program(src string) (expectation, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p, ok := c.compiled[src]; ok {
		return p, nil
	}
	yes, err := expr.CompileBool(expr.ProbeEnv, src)
	if err != nil {
		return expectation{}, err
	}
	no, err := expr.CompileBool(expr.ProbeEnv, "!("+src+"\n)") // a new line, should it end in a comment
	if err != nil {
		return expectation{}, err
	}
	p := expectation{yes: yes, no: no}
	if len(c.compiled) >= maxCompiled {
		clear(c.compiled)
	}
	c.compiled[src] = p
	return p, nil
}

func short(s string) string {
	const most = 300
	s = strings.ToValidUTF8(strings.Join(strings.Fields(s), " "), "")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}
