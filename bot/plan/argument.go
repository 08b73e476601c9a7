package plan

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"salve/bot"
	"salve/bot/expr"
	"salve/bot/secret"
)

// renderer gives the value of one argument.
type renderer func(expr.Vars) (any, error)

// arguments are the compiled arguments of an action, by name.
type arguments map[string]renderer

func (sc scope) compileArguments(with map[string]any, info bot.ActionInfo) (arguments, error) {
	for _, name := range slices.Sorted(maps.Keys(info.Args)) {
		if _, given := with[name]; info.Args[name].Required && !given {
			return nil, fmt.Errorf("%s needs the argument %s", info.Name, name)
		}
	}
	out := arguments{}
	for _, name := range slices.Sorted(maps.Keys(with)) {
		arg, ok := info.Args[name]
		if !ok {
			return nil, fmt.Errorf("%s has no argument %q", info.Name, name)
		}
		r, err := sc.compileArgument(with[name], arg)
		if err != nil {
			return nil, fmt.Errorf("argument %s: %w", name, err)
		}
		out[name] = r
	}
	return out, nil
}

func (a arguments) render(vars expr.Vars) (map[string]any, error) {
	out := make(map[string]any, len(a))
	for _, name := range slices.Sorted(maps.Keys(a)) {
		v, err := a[name](vars)
		if err != nil {
			return nil, fmt.Errorf("argument %s: %w", name, err)
		}
		out[name] = v
	}
	return out, nil
}

func (sc scope) compileArgument(v any, info bot.ArgInfo) (renderer, error) {
	switch info.Kind {
	case bot.ArgString:
		return sc.compileText(v, info)
	case bot.ArgURL:
		return sc.compileURL(v)
	case bot.ArgArgv:
		return sc.compileArgv(v)
	case bot.ArgMap:
		return sc.compileMap(v)
	case bot.ArgJSON:
		return sc.compileJSON(v, 0)
	case bot.ArgInt:
		return sc.compileInt(v)
	case bot.ArgDuration:
		return sc.compileDuration(v)
	case bot.ArgSecret:
		return compileSecret(v)
	default:
		return nil, fmt.Errorf("there is no kind of argument %q", info.Kind)
	}
}

func asIs(_ int, s string) (string, error) { return s, nil }

// template compiles a text value.
func (sc scope) template(v any) (*expr.Template, error) {
	s, ok := v.(string)
	if !ok {
		return nil, fmt.Errorf("%v is not text", v)
	}
	return sc.text(s)
}

func (sc scope) compileText(v any, info bot.ArgInfo) (renderer, error) {
	t, err := sc.template(v)
	if err != nil {
		return nil, err
	}
	allowed := func(s string) error {
		if len(info.Values) > 0 && !slices.Contains(info.Values, s) {
			return fmt.Errorf("%q is not one of %s", s, strings.Join(info.Values, ", "))
		}
		return nil
	}
	if lit, ok := t.Literal(); ok {
		if err := errors.Join(checkLiteral(lit, "\t\n\r"), allowed(lit)); err != nil {
			return nil, err
		}
	}
	return func(vars expr.Vars) (any, error) {
		s, err := t.EvalEscaped(vars, asIs)
		if err != nil {
			return nil, err
		}
		return s, allowed(s)
	}, nil
}

// compileArgv makes a list in which one template is one element. The program is
// literal; an element that came from outside cannot become an option.
func (sc scope) compileArgv(v any) (renderer, error) {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return nil, errors.New("it is a list: the program, then one entry an argument")
	}
	parts := make([]*expr.Template, 0, len(list))
	for i, e := range list {
		s, err := literalText(e)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", i, err)
		}
		t, err := sc.text(s)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", i, err)
		}
		if err := checkLiteral(s, "\t\n\r"); err != nil {
			return nil, fmt.Errorf("entry %d: %w", i, err)
		}
		parts = append(parts, t)
	}
	if _, err := parts[0].Program(); err != nil {
		return nil, err
	}
	return func(vars expr.Vars) (any, error) { return renderArgv(parts, vars) }, nil
}

func renderArgv(parts []*expr.Template, vars expr.Vars) (any, error) {
	out := make([]any, 0, len(parts))
	for i, t := range parts {
		s, err := t.EvalEscaped(vars, asIs)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", i, err)
		}
		if t.Parts() > 0 && t.Prefix() == "" && strings.HasPrefix(s, "-") {
			return nil, fmt.Errorf("entry %d: %q begins with a dash and would be an option", i, s)
		}
		out = append(out, s)
	}
	return out, nil
}

// literalText takes text and plain scalars of YAML.
func literalText(v any) (string, error) {
	switch x := v.(type) {
	case string:
		return x, nil
	case bool, int, int64, uint64, float64:
		return fmt.Sprint(x), nil
	default:
		return "", fmt.Errorf("%v is not text", v)
	}
}

func (sc scope) compileMap(v any) (renderer, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("it is a map of names to text")
	}
	parts := map[string]*expr.Template{}
	for k, e := range m {
		if k == "" || strings.Contains(k, "${{") || checkLiteral(k, "") != nil {
			return nil, fmt.Errorf("the name %q is literal, not empty, and has no control characters", k)
		}
		s, err := literalText(e)
		if err == nil {
			err = checkLiteral(s, "\t")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k, err)
		}
		if parts[k], err = sc.text(s); err != nil {
			return nil, fmt.Errorf("%s: %w", k, err)
		}
	}
	return func(vars expr.Vars) (any, error) {
		out := make(map[string]any, len(parts))
		for k, t := range parts {
			s, err := t.EvalEscaped(vars, asIs)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", k, err)
			}
			out[k] = s
		}
		return out, nil
	}, nil
}

func compileSecret(v any) (renderer, error) {
	s, ok := v.(string)
	if !ok || strings.Contains(s, "${{") {
		return nil, errors.New("it is a literal reference: env:NAME or file:/path")
	}
	ref, err := secret.ParseRef(s)
	if err != nil {
		return nil, err
	}
	return func(expr.Vars) (any, error) { return ref.String(), nil }, nil
}
