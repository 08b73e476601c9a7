package playbooks

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"

	"salve/bot"
	"salve/bot/expr"
)

var paramPattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

func (c *checker) checkParam(name string, p bot.Param) {
	path := "$.params." + name
	if !paramPattern.MatchString(name) {
		c.badKey(path, fmt.Sprintf("%q is not a param name", name), "use a-z, 0-9 and underscores, with a letter first")
	}
	if !c.oneOf(path+".type", "type", string(p.Type), "string", "enum", "integer", "duration") {
		return
	}
	before := len(c.loader.problems)
	switch {
	case p.Type == bot.ParamString && p.Pattern == "":
		c.badKey(path, "a string needs a pattern", `add pattern: "^[a-z0-9-]+$"`)
	case p.Type == bot.ParamEnum && len(p.Values) == 0:
		c.badKey(path, "an enum needs values", "add values: [one, other]")
	case p.Type == bot.ParamInteger && (p.Min == nil || p.Max == nil):
		c.badKey(path, "an integer needs bounds", "add min: 1 and max: 10")
	case p.Type == bot.ParamInteger && *p.Min > *p.Max:
		c.bad(path+".min", fmt.Sprintf("no number is from %d to %d", *p.Min, *p.Max), "write the lower bound as min")
	}
	c.bounds(path, p)
	if p.Pattern != "" {
		c.pattern(path+".pattern", p.Pattern)
	}
	if p.Default != "" && len(c.loader.problems) == before {
		c.checkDefault(path+".default", p)
	}
}

// bounds reports those of another type: they would bound nothing.
func (c *checker) bounds(path string, p bot.Param) {
	for _, b := range []struct {
		key   string
		given bool
		of    bot.ParamType
	}{
		{"pattern", p.Pattern != "", bot.ParamString}, {"values", len(p.Values) > 0, bot.ParamEnum},
		{"min", p.Min != nil, bot.ParamInteger}, {"max", p.Max != nil, bot.ParamInteger},
	} {
		if b.given && p.Type != b.of {
			c.badKey(path+"."+b.key, fmt.Sprintf("%s means nothing for type %s", b.key, p.Type), "remove it, or write type: "+string(b.of))
		}
	}
	for i, v := range p.Values {
		if v == "" || slices.Index(p.Values, v) != i {
			c.bad(fmt.Sprintf("%s.values[%d]", path, i), fmt.Sprintf("%q is empty or stands here twice", v), "write each value once")
		}
	}
}

// pattern holds a regular expression to say what a whole text may be: ^a|b$ does
// not.
func (c *checker) pattern(path, src string) {
	re, err := syntax.Parse(src, syntax.Perl)
	if err != nil {
		c.bad(path, "is not a regular expression: "+reason(err), "")
		return
	}
	anchored := re.Op == syntax.OpConcat && re.Sub[0].Op == syntax.OpBeginText && re.Sub[len(re.Sub)-1].Op == syntax.OpEndText
	if !anchored {
		c.bad(path, "the pattern is not anchored", "begin it with ^ and end it with $; put alternatives in brackets: ^(a|b)$")
	}
}

// reason is what a regular expression lacks, in the library's words.
func reason(err error) string { return strings.TrimPrefix(err.Error(), "error parsing regexp: ") }

// checkDefault compiles a default, and holds a literal one against the bounds.
func (c *checker) checkDefault(path string, p bot.Param) {
	t, err := expr.CompileTemplate(expr.AlertEnv, p.Default)
	if !c.compiled(path, err) {
		return
	}
	c.declared(path, p.Default, t.Params(), nil, "a default is filled in before params have values")
	lit, isLit := t.Literal()
	if !isLit {
		return
	}
	switch p.Type {
	case bot.ParamEnum:
		c.oneOf(path, "value of this param", lit, p.Values...)
	case bot.ParamInteger:
		if n, err := strconv.ParseInt(lit, 10, 64); err != nil || n < *p.Min || n > *p.Max {
			c.bad(path, fmt.Sprintf("%q is out of bounds", lit), fmt.Sprintf("write %d to %d", *p.Min, *p.Max))
		}
	case bot.ParamDuration:
		c.duration(path, lit)
	case bot.ParamString:
		if re, err := regexp.Compile(p.Pattern); err == nil && !re.MatchString(lit) {
			c.bad(path, fmt.Sprintf("%q does not match the param's pattern", lit), "write one that does, or leave the default out")
		}
	}
}

func (c *checker) duration(path, text string) {
	var d bot.Duration
	if err := d.UnmarshalText([]byte(text)); err != nil {
		c.bad(path, err.Error(), "")
	}
}
