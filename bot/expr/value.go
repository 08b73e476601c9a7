package expr

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// checkText refuses what no text may hold.
func checkText(s string) error {
	if !utf8.ValidString(s) {
		return errors.New("the value is not valid UTF-8")
	}
	if i := strings.IndexByte(s, 0); i >= 0 {
		return fmt.Errorf("the value has a control character (NUL) at byte %d", i)
	}
	return nil
}

// checkLine refuses what an argument may not hold: it is one line, and nothing
// in it steers a terminal.
func checkLine(s string) error {
	if err := checkText(s); err != nil {
		return err
	}
	steers := func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }
	if i := strings.IndexFunc(s, steers); i >= 0 {
		return fmt.Errorf("the value has a control character at byte %d", i)
	}
	return nil
}

func text(v ref.Val) (string, error) {
	switch x := v.(type) {
	case types.String:
		return string(x), nil
	case types.Bool, types.Int, types.Uint, types.Double:
		return fmt.Sprint(x.Value()), nil
	case types.Timestamp:
		return x.Time.UTC().Format(time.RFC3339Nano), nil
	case types.Duration:
		return x.Duration.String(), nil
	default:
		return "", fmt.Errorf("the value is %s; only text, numbers, booleans and times can stand in text", v.Type().TypeName())
	}
}

const maxDepth = 16

// native turns a value into JSON-like Go data.
func native(v ref.Val, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errors.New("the value is nested too deeply")
	}
	switch x := v.(type) {
	case types.Bool:
		return bool(x), nil
	case types.Int:
		return int64(x), nil
	case types.Uint:
		if uint64(x) > 1<<62 {
			return nil, errors.New("the number is too large")
		}
		return int64(x), nil
	case types.Double:
		return float64(x), nil
	case traits.Lister:
		return nativeList(x, depth)
	case traits.Mapper:
		return nativeMap(x, depth)
	case types.Null:
		return nil, nil
	default:
		s, err := text(v)
		if err != nil {
			return nil, err
		}
		return s, checkText(s)
	}
}

func nativeList(l traits.Lister, depth int) (any, error) {
	out := []any{}
	for it := l.Iterator(); it.HasNext() == types.True; {
		v, err := native(it.Next(), depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func nativeMap(m traits.Mapper, depth int) (any, error) {
	out := map[string]any{}
	for it := m.Iterator(); it.HasNext() == types.True; {
		k := it.Next()
		name, ok := k.(types.String)
		if !ok {
			return nil, fmt.Errorf("a key is %s, not text", k.Type().TypeName())
		}
		if err := checkText(string(name)); err != nil {
			return nil, err
		}
		v, err := native(m.Get(k), depth+1)
		if err != nil {
			return nil, err
		}
		out[string(name)] = v
	}
	return out, nil
}
