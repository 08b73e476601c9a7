package playbooks

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"salve/bot"
	"salve/bot/expr"
	"salve/bot/secret"
	"salve/playbooks/strict"
)

// checkWith holds the arguments of a step or check against its action.
func (c *checker) checkWith(path string, with map[string]any, info bot.ActionInfo) {
	for name, arg := range info.Args {
		if _, given := with[name]; arg.Required && !given {
			c.bad(strings.TrimSuffix(path, ".with"), fmt.Sprintf("%s needs the argument %s", info.Name, name), "add it under with: "+arg.Docs)
		}
	}
	for name, v := range with {
		arg, ok := info.Args[name]
		if !ok {
			known := make([]string, 0, len(info.Args))
			for k := range info.Args {
				known = append(known, k)
			}
			c.bad(path+"."+name, fmt.Sprintf("%s has no argument %q", info.Name, name), strict.Suggest(name, known))
			continue
		}
		c.checkArg(path+"."+name, v, arg)
	}
}

func (c *checker) checkArg(path string, v any, arg bot.ArgInfo) {
	switch arg.Kind {
	case bot.ArgURL:
		c.checkURL(path, v)
	case bot.ArgArgv:
		c.checkArgv(path, v)
	case bot.ArgMap:
		m, ok := v.(map[string]any)
		if !ok {
			c.bad(path, "it is a map of names to text", "")
			return
		}
		for k, e := range m {
			c.template(path+"."+k, e)
		}
	case bot.ArgJSON:
		c.checkJSON(path, v)
	case bot.ArgSecret:
		s, _ := v.(string)
		if _, err := secret.ParseRef(s); err != nil {
			c.bad(path, "is not a secret reference", "write env:NAME or file:/path; the secret itself never stands in a playbook")
		}
	case bot.ArgDuration:
		t := c.template(path, v)
		if lit, isLit := literal(t); isLit {
			var d bot.Duration
			if err := d.UnmarshalText([]byte(lit)); err != nil {
				c.bad(path, err.Error(), "")
			}
		}
	case bot.ArgString, bot.ArgInt:
		t := c.template(path, v)
		if lit, isLit := literal(t); isLit && len(arg.Values) > 0 && !slices.Contains(arg.Values, lit) {
			c.oneOf(path, "value", lit, arg.Values...)
		}
	default:
		c.bad(path, fmt.Sprintf("its kind %q is not known", arg.Kind), "")
	}
}

// scalar writes a YAML scalar as text.
func scalar(v any) string { return fmt.Sprint(v) }

// template compiles a scalar as a template; nil when it is none.
func (c *checker) template(path string, v any) *expr.Template {
	switch v.(type) {
	case string, bool, int, int64, uint64, float64:
	default:
		c.bad(path, "it is text or a number, not a list or map", "")
		return nil
	}
	t, err := expr.CompileTemplate(expr.AlertEnv, scalar(v))
	if !c.compiled(path, err) {
		return nil
	}
	return t
}

func literal(t *expr.Template) (string, bool) {
	if t == nil {
		return "", false
	}
	return t.Literal()
}

func (c *checker) checkURL(path string, v any) {
	t := c.template(path, v)
	if t == nil {
		return
	}
	shape, err := t.EvalShape("x")
	if err != nil {
		c.bad(path, err.Error(), "")
		return
	}
	u, err := url.Parse(shape)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.Fragment != "" {
		c.bad(path, "is not an address", "write http:// or https://, a host, and a path; no user and no fragment")
		return
	}
	origin := u.Scheme + "://" + u.Host
	if t.Parts() > 0 && !strings.HasPrefix(t.Prefix(), origin+"/") && !strings.HasPrefix(t.Prefix(), origin+"?") {
		c.bad(path, "scheme and host must be literal", "use ${{ }} in the path and in query values only")
	}
}

func (c *checker) checkArgv(path string, v any) {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		c.bad(path, "it is a list: the program, then one entry an argument", "write argv: [/usr/bin/systemctl, restart, nginx]; there is no shell")
		return
	}
	for i, e := range list {
		t := c.template(fmt.Sprintf("%s[%d]", path, i), e)
		if _, isLit := literal(t); i == 0 && t != nil && !isLit {
			c.bad(path+"[0]", "the program must be literal", "choose between playbooks instead of between programs")
		}
	}
}

func (c *checker) checkJSON(path string, v any) {
	switch x := v.(type) {
	case []any:
		for i, e := range x {
			c.checkJSON(fmt.Sprintf("%s[%d]", path, i), e)
		}
	case map[string]any:
		for k, e := range x {
			c.checkJSON(path+"."+k, e)
		}
	case string:
		c.template(path, x)
	}
}
