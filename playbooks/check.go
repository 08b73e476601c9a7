package playbooks

import (
	"errors"
	"fmt"
	"maps"
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
	groupPattern = regexp.MustCompile(`^[^\s,]{1,64}$`)
)

// checker holds one file against what it means.
type checker struct {
	loader *loader
	doc    *strict.Document
	file   string
	book   bot.Playbook
}

// bad reports a problem at a path of the file.
func (c *checker) bad(path, what, fix string) {
	line, col := c.doc.At(path, [2]int{})
	c.report(line, col, what, fix)
}

// badKey reports a problem with a key.
func (c *checker) badKey(path, what, fix string) {
	line, col := c.doc.KeyAt(path)
	c.report(line, col, what, fix)
}

// badInside reports a problem at a byte of a text value.
func (c *checker) badInside(path, text string, at int, what, fix string) {
	before := text[:max(at, 0)]
	lines := strings.Count(before, "\n")
	inLine := []rune(before[strings.LastIndexByte(before, '\n')+1:])
	line, col := c.doc.At(path, [2]int{lines + 1, len(inLine) + 1})
	c.report(line, col, what, fix)
}

func (c *checker) report(line, col int, what, fix string) {
	c.loader.problems = append(c.loader.problems, Problem{
		File: c.file, Line: line, Column: col, Message: what, Fix: fix, Excerpt: excerpt(c.doc.Line(line), line, col),
	})
}

// oneOf reports a value that is none of those known.
func (c *checker) oneOf(path, what, got string, known ...string) bool {
	if slices.Contains(known, got) {
		return true
	}
	article := "a"
	if strings.ContainsRune("aeiou", rune(what[0])) {
		article = "an"
	}
	c.bad(path, fmt.Sprintf("%q is not %s %s", got, article, what), strict.Suggest(got, known))
	return false
}

func (c *checker) check() {
	b := c.book
	switch other := c.loader.names[b.Name]; {
	case !namePattern.MatchString(b.Name):
		c.bad("$.name", fmt.Sprintf("%q is not a playbook name", b.Name), "write name: with a-z, 0-9 and dashes, at most 64")
	case other != "":
		c.bad("$.name", fmt.Sprintf("%s has a playbook %q already", other, b.Name), "give each its own name")
	default:
		c.loader.names[b.Name] = c.file
	}
	if strings.TrimSpace(b.Owner) == "" {
		c.bad("$.owner", "nobody owns it", "write owner: with a team or person")
	}
	c.link("$.runbook", b.Runbook)
	c.oneOf("$.risk", "risk", string(b.Risk), "low", "medium", "high")
	c.checkRule()
	c.checkMatch()
	c.checkTarget()
	for _, name := range slices.Sorted(maps.Keys(b.Params)) {
		c.checkParam(name, b.Params[name])
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
		c.badKey("$.auto_below", "auto_below means nothing without mode: auto", "remove it, or write mode: auto")
	}
	if b.Mode != bot.ModeObserve && len(b.Approvers) == 0 {
		c.bad("$.approvers", "there are no approvers: nobody could ever agree to it", "add approvers: [oncall], or use mode: observe")
	}
	c.groups("$.approvers", b.Approvers)
	c.checkAlso()
	if b.Quorum < 1 || b.Quorum > 10 {
		c.bad("$.quorum", fmt.Sprintf("%d is not a quorum", b.Quorum), "write 1 to 10")
	}
	c.within("$.expires_in", b.ExpiresIn, time.Minute, 7*24*time.Hour)
	c.within("$.cooldown", b.Cooldown, 0, 7*24*time.Hour)
	c.within("$.undo_until", b.UndoUntil, 0, 30*24*time.Hour)
}

func (c *checker) groups(path string, list []string) {
	for i, g := range list {
		if !groupPattern.MatchString(g) || slices.Index(list, g) != i {
			c.bad(fmt.Sprintf("%s[%d]", path, i), fmt.Sprintf("%q is not a group, or stands here twice", g), "write each group once, as one word")
		}
	}
}

// maxAlso bounds the groups that must agree beside the approvers.
const maxAlso = 5

// checkAlso is about the groups that must agree beside the approvers.
func (c *checker) checkAlso() {
	b := c.book
	c.groups("$.also", b.Also)
	switch {
	case b.SecondFactor && len(b.Approvers) == 0:
		c.badKey("$.second_factor", "a second factor means nothing without approvers", "name the group that decides: approvers: [oncall]")
	case len(b.Also) == 0:
	case len(b.Approvers) == 0:
		c.badKey("$.also", "also means nothing without approvers", "name the group that decides first: approvers: [oncall]")
	case len(b.Also) > maxAlso:
		c.badKey("$.also", fmt.Sprintf("%d groups would have to agree beside the approvers", len(b.Also)), fmt.Sprintf("name at most %d", maxAlso))
	case len(b.Approvers) == 1 && slices.Equal(b.Also, b.Approvers):
		c.bad("$.also[0]", fmt.Sprintf("%s is the group of approvers already, so this only asks for one more of them", b.Also[0]),
			fmt.Sprintf("write quorum: %d instead of also:, or name another group", b.Quorum+1))
	}
}

func (c *checker) within(path string, d bot.Duration, least, most time.Duration) {
	if d.Std() < least || d.Std() > most {
		c.bad(path, fmt.Sprintf("%s is out of bounds", d), fmt.Sprintf("write %s to %s", bot.Duration(least), bot.Duration(most)))
	}
}

const needsExpression = `write an expression over alert, for example alert.labels["service"] == "shop"`

func (c *checker) checkMatch() {
	src := c.book.Match
	if strings.TrimSpace(src) == "" {
		c.bad("$.match", "match is missing", needsExpression)
		return
	}
	b, err := expr.CompileBool(expr.AlertEnv, src)
	if c.compiled("$.match", err) {
		c.declared("$.match", src, b.Params(), nil, "match is decided before params have values")
	}
}

func (c *checker) checkTarget() {
	src := c.book.Target
	if strings.TrimSpace(src) == "" {
		c.bad("$.target", "target is missing", `write an expression that names what it touches, for example alert.labels["instance"]`)
	} else if t, err := expr.CompileString(expr.AlertEnv, src); c.compiled("$.target", err) {
		c.declared("$.target", src, t.Params(), c.book.Params, "")
	}
	for i, t := range c.book.Targets {
		if _, err := regexp.Compile(t); err != nil {
			c.bad(fmt.Sprintf("$.targets[%d]", i), "is not a regular expression: "+reason(err), "it is held against the whole target")
		}
	}
}

// compiled reports an expression that does not compile, where it stands.
func (c *checker) compiled(path string, err error) bool {
	if err == nil {
		return true
	}
	if ee, ok := errors.AsType[*expr.Error](err); ok {
		line, col := c.doc.At(path, [2]int{ee.Line, ee.Column})
		c.report(line, col, ee.Message, ee.Hint)
	} else {
		c.bad(path, err.Error(), "")
	}
	return false
}

// declared reports params that an expression reads and the playbook has not.
// why is why it may read none; empty: it may read what is in known.
func (c *checker) declared(path, src string, used []string, known map[string]bot.Param, why string) {
	for _, name := range used {
		if _, ok := known[name]; ok {
			continue
		}
		at := strings.Index(src, "params."+name)
		if at < 0 {
			at = strings.Index(src, "params[")
		}
		what, fix := fmt.Sprintf("there is no param %q", name), strict.Suggest(name, slices.Collect(maps.Keys(known)))
		if fix == "" {
			fix = fmt.Sprintf("declare it: params: {%s: {type: ...}}", name)
		}
		if why != "" {
			what, fix = why, "use alert and incident here"
		}
		c.badInside(path, src, at, what, fix)
	}
}
