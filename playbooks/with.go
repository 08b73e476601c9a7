package playbooks

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"salve/bot"
	"salve/bot/expr"
	"salve/bot/secret"
	"salve/playbooks/strict"
)

const (
	maxNesting = 16      // of lists and keys in JSON
	maxExact   = 1 << 53 // whole numbers beyond it do not survive JSON everywhere
)

// credentials are headers whose values are secrets.
var credentials = []string{"authorization", "proxy-authorization", "cookie"}

// checkWith holds the arguments of a step or check against its action.
func (c *checker) checkWith(path string, with map[string]any, info bot.ActionInfo) {
	for _, name := range slices.Sorted(maps.Keys(info.Args)) {
		if _, given := with[name]; info.Args[name].Required && !given {
			c.bad(strings.TrimSuffix(path, ".with"), fmt.Sprintf("%s needs the argument %s", info.Name, name), "add it under with:")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(with)) {
		arg, ok := info.Args[name]
		if !ok {
			c.badKey(path+"."+name, fmt.Sprintf("%s has no argument %q", info.Name, name), strict.Suggest(name, slices.Collect(maps.Keys(info.Args))))
			continue
		}
		c.checkArg(path+"."+name, with[name], arg)
	}
}

func (c *checker) checkArg(path string, v any, arg bot.ArgInfo) {
	switch arg.Kind {
	case bot.ArgURL:
		c.checkURL(path, v)
	case bot.ArgArgv:
		c.checkArgv(path, v)
	case bot.ArgMap:
		c.checkMap(path, v)
	case bot.ArgJSON:
		c.checkJSON(path, v, 0)
	case bot.ArgSecret:
		s, _ := v.(string)
		if _, err := secret.ParseRef(s); err != nil {
			c.badKey(path, "is not a secret reference", "write env:NAME or file:/path; the secret itself never stands in a playbook")
		}
	case bot.ArgDuration:
		if lit, isLit := literal(c.text(path, v)); isLit {
			c.duration(path, lit)
		}
	case bot.ArgInt:
		lit, isLit := literal(c.scalar(path, v))
		if n, err := strconv.ParseInt(lit, 10, 64); isLit && (err != nil || n > maxExact || n < -maxExact) {
			c.bad(path, fmt.Sprintf("%q is not a whole number", lit), "write for example 204")
		}
	case bot.ArgString:
		if lit, isLit := literal(c.text(path, v)); isLit && len(arg.Values) > 0 {
			c.oneOf(path, "value that it takes", lit, arg.Values...)
		}
	default:
		c.bad(path, fmt.Sprintf("its kind %q is not known", arg.Kind), "")
	}
}

// text compiles a template that must be written as text; nil when it is none.
func (c *checker) text(path string, v any) *expr.Template {
	s, ok := v.(string)
	if !ok {
		c.bad(path, "text is wanted here", "write it in quotes")
		return nil
	}
	t, err := expr.CompileTemplate(expr.AlertEnv, s)
	if !c.compiled(path, err) {
		return nil
	}
	c.declared(path, s, t.Params(), c.book.Params, "")
	if i := strings.IndexFunc(s, func(r rune) bool { return unicode.IsControl(r) && !strings.ContainsRune("\t\n\r", r) }); i >= 0 {
		c.bad(path, "it has a control character", "write what people can see")
	}
	return t
}

// scalar is text that may also be written as a number or as true and false, if
// the text stays what stands in the file.
func (c *checker) scalar(path string, v any) *expr.Template {
	switch v.(type) {
	case bool, int64, uint64, float64:
	default:
		return c.text(path, v)
	}
	got := fmt.Sprint(v)
	if said, ok := c.doc.Text(path); ok && said != got {
		c.bad(path, fmt.Sprintf("%s would be read as %s", said, got), "write it in quotes")
		return nil
	}
	return c.text(path, got)
}

func literal(t *expr.Template) (string, bool) {
	if t == nil {
		return "", false
	}
	return t.Literal()
}

func (c *checker) checkMap(path string, v any) {
	m, ok := v.(map[string]any)
	if !ok {
		c.bad(path, "names with text are wanted here", "write each as name: text")
		return
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if k == "" || strings.Contains(k, "${{") || strings.ContainsFunc(k, unicode.IsControl) {
			c.badKey(path+"."+k, "a name is literal and not empty", "use ${{ }} in the values only")
		}
		if slices.Contains(credentials, strings.ToLower(k)) {
			c.badKey(path+"."+k, k+" carries a credential, and that never stands in a playbook", "give it as a reference: bearer: env:NAME")
			continue
		}
		c.scalar(path+"."+k, m[k])
	}
}

func (c *checker) checkJSON(path string, v any, depth int) {
	if depth > maxNesting {
		c.bad(path, fmt.Sprintf("it is nested deeper than %d levels", maxNesting), "")
		return
	}
	switch x := v.(type) {
	case []any:
		for i, e := range x {
			c.checkJSON(fmt.Sprintf("%s[%d]", path, i), e, depth+1)
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(x)) {
			c.checkJSON(path+"."+k, x[k], depth+1)
		}
	case string:
		c.text(path, x)
	case int64:
		c.exact(path, x <= maxExact && x >= -maxExact)
	case uint64:
		c.exact(path, false)
	case float64:
		c.exact(path, !math.IsNaN(x) && !math.IsInf(x, 0))
	case nil, bool:
	default:
		c.bad(path, fmt.Sprintf("%v cannot stand in JSON", v), "write it in quotes")
	}
}

func (c *checker) exact(path string, ok bool) {
	if !ok {
		c.bad(path, "JSON cannot hold this number exactly", "write it in quotes")
	}
}
