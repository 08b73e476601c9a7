package plan

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"salve/bot"
	"salve/bot/expr"
)

const maxParam = 1024 // bytes of a value

// param is a Param with its pattern and default compiled.
type param struct {
	bot.Param
	name     string
	pattern  *regexp.Regexp
	fallback *expr.Template
}

func compileParam(name string, p bot.Param) (param, error) {
	out := param{Param: p, name: name}
	if err := out.declaration(); err != nil {
		return out, err
	}
	var err error
	if p.Pattern != "" {
		if out.pattern, err = anchored(p.Pattern); err != nil {
			return out, fmt.Errorf("pattern: %w", err)
		}
	}
	if p.Default == "" {
		return out, nil
	}
	if out.fallback, err = (scope{}).text(p.Default); err != nil {
		return out, fmt.Errorf("default: %w", err)
	}
	if lit, ok := out.fallback.Literal(); ok {
		if _, err := out.check(lit); err != nil {
			return out, fmt.Errorf("default: %w", err)
		}
	}
	return out, nil
}

// declaration tells whether any value could be one of the param's.
func (p param) declaration() error {
	switch p.Type {
	case bot.ParamString:
		if p.Pattern == "" {
			return errors.New("a string needs a pattern")
		}
	case bot.ParamEnum:
		if len(p.Values) == 0 {
			return errors.New("an enum needs its values")
		}
	case bot.ParamInteger:
		if p.Min != nil && p.Max != nil && *p.Min > *p.Max {
			return fmt.Errorf("no number is from %d to %d", *p.Min, *p.Max)
		}
	case bot.ParamDuration:
	default:
		return fmt.Errorf("there is no type %q; write string, enum, integer or duration", p.Type)
	}
	return nil
}

// fill gives every param its value: what a person said, else the default.
func (b *book) fill(in Input) (map[string]string, error) {
	for name := range in.Params {
		if _, ok := b.Params[name]; !ok {
			return nil, fmt.Errorf("there is no param %q; it has: %s", name, listed(b.Params))
		}
	}
	if len(b.params) == 0 {
		return nil, nil
	}
	vars := expr.AlertVars(in.Alert, in.Incident, nil)
	out := make(map[string]string, len(b.params))
	for _, p := range b.params {
		v, given := in.Params[p.name]
		if !given {
			var err error
			if v, err = p.byDefault(vars); err != nil {
				return nil, fmt.Errorf("param %s: %w; give it: -p %s=VALUE", p.name, err, p.name)
			}
		}
		v, err := p.check(v)
		if err != nil {
			return nil, fmt.Errorf("param %s: %w", p.name, err)
		}
		out[p.name] = v
	}
	return out, nil
}

func (p param) byDefault(vars expr.Vars) (string, error) {
	if p.fallback == nil {
		return "", errors.New("it has no value and no default")
	}
	return p.fallback.EvalEscaped(vars, asIs)
}

// check holds a value against type and bounds and gives its canonical form.
func (p param) check(v string) (string, error) {
	if len(v) > maxParam {
		return "", fmt.Errorf("it is longer than %d bytes", maxParam)
	}
	if !utf8.ValidString(v) || strings.ContainsFunc(v, unicode.IsControl) {
		return "", errors.New("it has control characters or is not valid UTF-8")
	}
	switch p.Type {
	case bot.ParamEnum:
		if !slices.Contains(p.Values, v) {
			return "", fmt.Errorf("%q is not one of %s; write one of them", v, strings.Join(p.Values, ", "))
		}
	case bot.ParamInteger:
		return p.checkInteger(v)
	case bot.ParamDuration:
		var d bot.Duration
		if err := d.UnmarshalText([]byte(v)); err != nil {
			return "", err
		}
		v = d.String()
	case bot.ParamString:
	default:
		return "", fmt.Errorf("there is no type %q", p.Type)
	}
	if p.pattern != nil && !p.pattern.MatchString(v) {
		return "", fmt.Errorf("%q does not match %s as a whole; write a value that does", v, p.Pattern)
	}
	return v, nil
}

func (p param) checkInteger(v string) (string, error) {
	n, err := strconv.ParseInt(v, 10, 64)
	switch {
	case err != nil:
		return "", fmt.Errorf("%q is not a whole number; write for example 3", v)
	case p.Min != nil && n < *p.Min:
		return "", fmt.Errorf("%d is below %d; write that or more", n, *p.Min)
	case p.Max != nil && n > *p.Max:
		return "", fmt.Errorf("%d is above %d; write that or less", n, *p.Max)
	}
	return strconv.FormatInt(n, 10), nil
}
