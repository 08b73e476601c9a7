package plan

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"salve/bot"
	"salve/bot/expr"
)

const (
	maxNesting = 16
	maxExact   = 1 << 53 // whole numbers beyond it do not survive JSON everywhere
)

// compileJSON makes typed data: a text that is one ${{ }} becomes its value.
func (sc scope) compileJSON(v any, depth int) (renderer, error) {
	if depth > maxNesting {
		return nil, errors.New("it is nested too deeply")
	}
	switch x := v.(type) {
	case string:
		t, err := sc.text(x)
		if err != nil {
			return nil, err
		}
		return func(vars expr.Vars) (any, error) {
			out, err := t.Eval(vars)
			if err != nil {
				return nil, err
			}
			return out, exact(out)
		}, nil
	case []any:
		return sc.compileList(x, depth)
	case map[string]any:
		return sc.compileObject(x, depth)
	case nil, bool, int, int64, uint64, float64:
		if err := exact(x); err != nil {
			return nil, err
		}
		return func(expr.Vars) (any, error) { return x, nil }, nil
	default:
		return nil, fmt.Errorf("%v (%T) cannot stand in JSON", v, v)
	}
}

func (sc scope) compileList(list []any, depth int) (renderer, error) {
	parts := make([]renderer, 0, len(list))
	for i, e := range list {
		r, err := sc.compileJSON(e, depth+1)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", i, err)
		}
		parts = append(parts, r)
	}
	return func(vars expr.Vars) (any, error) {
		out := make([]any, 0, len(parts))
		for i, r := range parts {
			v, err := r(vars)
			if err != nil {
				return nil, fmt.Errorf("entry %d: %w", i, err)
			}
			out = append(out, v)
		}
		return out, nil
	}, nil
}

func (sc scope) compileObject(m map[string]any, depth int) (renderer, error) {
	parts := make(map[string]renderer, len(m))
	for k, e := range m {
		r, err := sc.compileJSON(e, depth+1)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k, err)
		}
		parts[k] = r
	}
	return func(vars expr.Vars) (any, error) {
		out := make(map[string]any, len(parts))
		for k, r := range parts {
			v, err := r(vars)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", k, err)
			}
			out[k] = v
		}
		return out, nil
	}, nil
}

// exact refuses numbers that would change on their way through JSON.
func exact(v any) error {
	switch x := v.(type) {
	case int:
		return exact(int64(x))
	case int64:
		if x > maxExact || x < -maxExact {
			return fmt.Errorf("%d is too large to be exact; write it as text", x)
		}
	case uint64:
		if x > maxExact {
			return fmt.Errorf("%d is too large to be exact; write it as text", x)
		}
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return errors.New("it is not a number that JSON can hold")
		}
	case []any:
		for _, e := range x {
			if err := exact(e); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, e := range x {
			if err := exact(e); err != nil {
				return err
			}
		}
	}
	return nil
}

func (sc scope) compileInt(v any) (renderer, error) {
	s, err := literalText(v)
	if err != nil {
		return nil, err
	}
	return sc.compileScalar(s, func(text string) (any, error) {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is not a whole number", text)
		}
		return n, exact(n)
	})
}

func (sc scope) compileDuration(v any) (renderer, error) {
	s, ok := v.(string)
	if !ok {
		return nil, fmt.Errorf("%v is not a duration; write for example 30s", v)
	}
	return sc.compileScalar(s, func(text string) (any, error) {
		var d bot.Duration
		if err := d.UnmarshalText([]byte(text)); err != nil {
			return nil, err
		}
		return d.String(), nil
	})
}

// compileScalar checks a literal at once and a template when it is rendered.
func (sc scope) compileScalar(s string, parse func(string) (any, error)) (renderer, error) {
	t, err := sc.text(s)
	if err != nil {
		return nil, err
	}
	if lit, isLit := t.Literal(); isLit {
		v, err := parse(lit)
		return func(expr.Vars) (any, error) { return v, nil }, err
	}
	return func(vars expr.Vars) (any, error) {
		text, err := t.EvalEscaped(vars, asIs)
		if err != nil {
			return nil, err
		}
		return parse(text)
	}, nil
}
