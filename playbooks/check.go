package playbooks

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"salve/bot"
	"salve/bot/expr"
	"salve/playbooks/strict"
)

var (
	namePattern  = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)
	idPattern    = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)
	paramPattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
)

const maxSteps = 50

// checker holds one file against what it means.
type checker struct {
	loader *loader
	doc    *strict.Document
	file   string
	book   bot.Playbook
}

// bad reports a problem at a path of the file.
func (c *checker) bad(path, what, fix string) { c.badAt(path, [2]int{}, what, fix) }

func (c *checker) badAt(path string, inside [2]int, what, fix string) {
	line, col := c.doc.At(path, inside)
	c.loader.problems = append(c.loader.problems, Problem{File: c.file, Line: line, Column: col, Message: what, Fix: fix})
}

// oneOf reports a value that is none of those known.
func (c *checker) oneOf(path, what, got string, known ...string) bool {
	if slices.Contains(known, got) {
		return true
	}
	c.bad(path, fmt.Sprintf("%q is not a %s", got, what), strict.Suggest(got, known))
	return false
}

func (c *checker) check() {
	b := c.book
	switch other := c.loader.names[b.Name]; {
	case !namePattern.MatchString(b.Name):
		c.bad("$.name", fmt.Sprintf("%q is not a playbook name", b.Name), "write name: with a-z, 0-9 and dashes")
	case other != "":
		c.bad("$.name", fmt.Sprintf("%s has a playbook %q already", other, b.Name), "give each its own name")
	default:
		c.loader.names[b.Name] = c.file
	}
	if b.Owner == "" {
		c.bad("$.owner", "nobody owns it", "write owner: with a team or person")
	}
	c.link("$.runbook", b.Runbook)
	c.oneOf("$.risk", "risk", string(b.Risk), "low", "medium", "high")
	c.checkRule()
	c.expression("$.match", b.Match, true)
	c.expression("$.target", b.Target, false)
	for i, t := range b.Targets {
		if _, err := regexp.Compile(t); err != nil {
			c.bad(fmt.Sprintf("$.targets[%d]", i), "is not a regular expression: "+err.Error(), "")
		}
	}
	for name, p := range b.Params {
		c.checkParam(name, p)
	}
	c.checkSteps()
	c.checkVerify()
}

func (c *checker) link(path, link string) {
	if link == "" {
		return
	}
	if u, err := url.Parse(link); err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		c.bad(path, fmt.Sprintf("%q is not a link", link), "write https://...")
	}
}

// checkRule is about how far it may go and who must agree.
func (c *checker) checkRule() {
	b := c.book
	if !c.oneOf("$.mode", "mode", string(b.Mode), "observe", "propose", "auto") {
		return
	}
	if b.Mode == bot.ModeAuto && b.AutoBelow == bot.SeverityUnknown {
		c.bad("$.mode", "mode auto needs a threshold", "add auto_below: medium, or use mode: propose")
	}
	if b.Mode != bot.ModeAuto && b.AutoBelow != bot.SeverityUnknown {
		c.bad("$.auto_below", "auto_below means nothing without mode: auto", "remove it, or write mode: auto")
	}
	if b.Mode != bot.ModeObserve && len(b.Approvers) == 0 {
		c.bad("$.approvers", "there are no approvers: nobody could ever agree to it", "add approvers: [oncall], or use mode: observe")
	}
	if b.Quorum < 1 || b.Quorum > 10 {
		c.bad("$.quorum", fmt.Sprintf("%d is not a quorum", b.Quorum), "write 1 to 10")
	}
	c.within("$.expires_in", b.ExpiresIn, time.Minute, 7*24*time.Hour)
	c.within("$.cooldown", b.Cooldown, 0, 7*24*time.Hour)
	c.within("$.undo_until", b.UndoUntil, 0, 30*24*time.Hour)
}

func (c *checker) within(path string, d bot.Duration, least, most time.Duration) {
	if d.Std() < least || d.Std() > most {
		c.bad(path, fmt.Sprintf("%s is out of bounds", d), fmt.Sprintf("write %s to %s", bot.Duration(least), bot.Duration(most)))
	}
}

// expression compiles match (a bool) or target (text).
func (c *checker) expression(path, src string, isBool bool) {
	if strings.TrimSpace(src) == "" {
		c.bad(path, "is missing", "write an expression over alert, for example alert.labels[\"service\"] == \"shop\"")
		return
	}
	var err error
	if isBool {
		_, err = expr.CompileBool(expr.AlertEnv, src)
	} else {
		_, err = expr.CompileString(expr.AlertEnv, src)
	}
	c.compiled(path, err)
}

// compiled reports an expression that does not compile, where it stands.
func (c *checker) compiled(path string, err error) bool {
	if err == nil {
		return true
	}
	if ee, ok := errors.AsType[*expr.Error](err); ok {
		c.badAt(path, [2]int{ee.Line, ee.Column}, ee.Message, ee.Hint)
	} else {
		c.bad(path, err.Error(), "")
	}
	return false
}

func (c *checker) checkParam(name string, p bot.Param) {
	path := "$.params." + name
	if !paramPattern.MatchString(name) {
		c.bad(path, fmt.Sprintf("%q is not a param name", name), "use a-z, 0-9 and underscores")
	}
	if !c.oneOf(path+".type", "type", string(p.Type), "string", "enum", "integer", "duration") {
		return
	}
	switch {
	case p.Type == bot.ParamString && p.Pattern == "":
		c.bad(path, "a string needs a pattern", `add pattern: "^[a-z0-9-]+$"`)
	case p.Type == bot.ParamEnum && len(p.Values) == 0:
		c.bad(path, "an enum needs values", "add values: [one, other]")
	case p.Type == bot.ParamInteger && (p.Min == nil || p.Max == nil || *p.Min > *p.Max):
		c.bad(path, "an integer needs bounds", "add min: 1 and max: 10")
	}
	if p.Pattern != "" {
		if _, err := regexp.Compile(p.Pattern); err != nil {
			c.bad(path+".pattern", "is not a regular expression: "+err.Error(), "")
		} else if !strings.HasPrefix(p.Pattern, "^") || !strings.HasSuffix(p.Pattern, "$") {
			c.bad(path+".pattern", "the pattern is not anchored", "begin it with ^ and end it with $")
		}
	}
	if p.Default != "" {
		_, err := expr.CompileTemplate(expr.AlertEnv, p.Default)
		c.compiled(path+".default", err)
	}
}

func (c *checker) checkSteps() {
	steps := c.book.Steps
	if len(steps) == 0 && c.book.Mode != bot.ModeObserve {
		c.bad("$.steps", "there are no steps", "add steps:, or use mode: observe")
	}
	if len(steps) > maxSteps {
		c.bad("$.steps", fmt.Sprintf("there are %d steps", len(steps)), fmt.Sprintf("at most %d; split the playbook", maxSteps))
	}
	seen := map[string]bool{}
	for i, s := range steps {
		path := fmt.Sprintf("$.steps[%d]", i)
		if !idPattern.MatchString(s.ID) {
			c.bad(path+".id", fmt.Sprintf("%q is not a step id", s.ID), "write id: with a-z, 0-9, dashes and underscores")
		} else if seen[s.ID] {
			c.bad(path+".id", fmt.Sprintf("there are two steps %q", s.ID), "give each its own id")
		}
		seen[s.ID] = true
		c.checkStep(path, s)
		if s.Undo != nil {
			c.checkStep(path+".undo", *s.Undo)
		}
	}
}

func (c *checker) checkStep(path string, s bot.StepSpec) {
	c.within(path+".timeout", s.Timeout, time.Second, time.Hour)
	c.oneOf(path+".repeat", "way to repeat", string(s.Repeat), "never", "safe", "keyed")
	info, ok := c.loader.actions[s.Uses]
	if !ok {
		c.oneOf(path+".uses", "action", s.Uses, c.actionNames(false)...)
		return
	}
	c.checkWith(path+".with", s.With, info)
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
		c.bad("$.verify", "there are no checks", "add checks:, for example - {id: over, uses: resolved}")
	}
	seen := map[string]bool{}
	for i, ch := range v.Checks {
		path := fmt.Sprintf("$.verify.checks[%d]", i)
		if !idPattern.MatchString(ch.ID) || seen[ch.ID] {
			c.bad(path+".id", fmt.Sprintf("%q is not an id of its own", ch.ID), "write id: with a-z, 0-9 and dashes, different for each check")
		}
		seen[ch.ID] = true
		c.checkCheck(path, ch)
	}
}

func (c *checker) checkCheck(path string, ch bot.CheckSpec) {
	if ch.Uses == resolved {
		if len(ch.With) > 0 || ch.Expect != "" {
			c.bad(path, "resolved takes neither with nor expect", "remove them")
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
