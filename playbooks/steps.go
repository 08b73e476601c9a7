package playbooks

import (
	"fmt"
	"time"

	"salve/bot"
	"salve/bot/expr"
)

const (
	maxSteps  = 50
	maxChecks = 50
)

func (c *checker) checkSteps() {
	steps := c.book.Steps
	if len(steps) == 0 && c.book.Mode != bot.ModeObserve {
		c.badKey("$.steps", "there are no steps", "add steps:, or use mode: observe")
	}
	if len(steps) > maxSteps {
		c.badKey("$.steps", fmt.Sprintf("there are %d steps", len(steps)), fmt.Sprintf("at most %d; split the playbook", maxSteps))
		return
	}
	seen := map[string]bool{}
	for i, s := range steps {
		path := fmt.Sprintf("$.steps[%d]", i)
		c.id(path, "step", s.ID, seen)
		c.checkStep(path, s)
		if s.Undo != nil {
			c.checkStep(path+".undo", *s.Undo)
		}
	}
}

// id reports one that is none, or that an earlier one has.
func (c *checker) id(path, what, id string, seen map[string]bool) {
	switch {
	case id == "":
		c.bad(path+".id", fmt.Sprintf("the %s has no id", what), "add id: with a-z, 0-9, dashes and underscores")
	case !idPattern.MatchString(id):
		c.bad(path+".id", fmt.Sprintf("%q is not a %s id", id, what), "write id: with a-z, 0-9, dashes and underscores, at most 64")
	case seen[id]:
		c.bad(path+".id", fmt.Sprintf("there are two %ss %q", what, id), "give each its own id")
	}
	seen[id] = true
}

func (c *checker) checkStep(path string, s bot.StepSpec) {
	c.within(path+".timeout", s.Timeout, time.Second, time.Hour)
	c.oneOf(path+".repeat", "way to repeat", string(s.Repeat), "never", "safe", "keyed")
	info, ok := c.loader.actions[s.Uses]
	switch {
	case s.Uses == "":
		c.bad(path+".uses", "it does not say what it uses", "add uses: with an action")
	case !ok:
		c.oneOf(path+".uses", "action", s.Uses, c.actionNames(false)...)
	default:
		c.checkWith(path+".with", s.With, info)
	}
}

func (c *checker) actionNames(probes bool) []string {
	var out []string
	for name, info := range c.loader.actions {
		if info.Probe || !probes {
			out = append(out, name)
		}
	}
	return out
}

// resolved is the check that asks whether the alerts are over.
const resolved = "resolved"

func (c *checker) checkVerify() {
	v := c.book.Verify
	if v == nil {
		return
	}
	c.within("$.verify.within", v.Within, time.Second, 24*time.Hour)
	c.within("$.verify.every", v.Every, time.Second, time.Hour)
	if len(v.Checks) == 0 {
		c.badKey("$.verify", "there are no checks", "add checks:, for example - {id: over, uses: resolved}")
	}
	if len(v.Checks) > maxChecks {
		c.badKey("$.verify.checks", fmt.Sprintf("there are %d checks", len(v.Checks)), fmt.Sprintf("at most %d", maxChecks))
		return
	}
	seen := map[string]bool{}
	for i, ch := range v.Checks {
		path := fmt.Sprintf("$.verify.checks[%d]", i)
		c.id(path, "check", ch.ID, seen)
		c.checkCheck(path, ch)
	}
}

func (c *checker) checkCheck(path string, ch bot.CheckSpec) {
	if ch.Uses == resolved {
		if len(ch.With) > 0 {
			c.badKey(path+".with", "resolved takes no arguments", "remove with:")
		}
		if ch.Expect != "" {
			c.badKey(path+".expect", "resolved says by itself what it expects", "remove expect:")
		}
		return
	}
	info, ok := c.loader.actions[ch.Uses]
	if !ok || !info.Probe {
		c.oneOf(path+".uses", "check", ch.Uses, append(c.actionNames(true), resolved)...)
		return
	}
	c.checkWith(path+".with", ch.With, info)
	if ch.Expect == "" {
		c.bad(path+".expect", "it does not say what to expect", "add expect: status == 200")
		return
	}
	_, err := expr.CompileBool(expr.ProbeEnv, ch.Expect)
	c.compiled(path+".expect", err)
}
