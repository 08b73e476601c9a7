package expr

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"time"
)

const (
	openMark  = "${{"
	closeMark = "}}"
	maxText   = 64 << 10 // bytes of a rendered text
)

// Template is text with ${{ CEL }} parts. A template that is one such part and
// nothing else gives typed data; else the parts are put into the text.
type Template struct {
	texts []string // one more than parts: before, between and after them
	parts []*compiled
}

// CompileTemplate compiles the parts of a template. Positions in an *Error count
// in src.
func CompileTemplate(e Env, src string) (*Template, error) {
	t := &Template{}
	rest, offset := src, 0
	for {
		before, after, found := strings.Cut(rest, openMark)
		t.texts = append(t.texts, before)
		if !found {
			return t, nil
		}
		start := offset + len(before) + len(openMark)
		end, ok := endOfPart(after)
		if !ok {
			line, col := position(src, start-len(openMark))
			return nil, &Error{Line: line, Column: col, Message: "${{ is not closed", Hint: "write }} after the expression"}
		}
		part, err := compilePart(e, src, after[:end], start)
		if err != nil {
			return nil, err
		}
		t.parts = append(t.parts, part)
		rest = after[end+len(closeMark):]
		offset = start + end + len(closeMark)
	}
}

func compilePart(e Env, src, part string, start int) (*compiled, error) {
	lead := len(part) - len(strings.TrimLeft(part, " \t\n"))
	c, err := compile(e, strings.TrimSpace(part))
	if ee, ok := errors.AsType[*Error](err); ok {
		line, col := position(src, start+lead)
		if ee.Line == 1 {
			ee.Column += col - 1
		}
		ee.Line += line - 1
	}
	return c, err
}

// endOfPart finds the }} that closes a part, past strings and braces.
func endOfPart(s string) (int, bool) {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '"', '\'':
			n, ok := endOfString(s[i:], c)
			if !ok {
				return 0, false
			}
			i += n
		case '{':
			depth++
		case '}':
			if depth == 0 && strings.HasPrefix(s[i:], closeMark) {
				return i, true
			}
			depth--
		}
	}
	return 0, false
}

// endOfString is the index of the quote that ends the string that s begins with.
func endOfString(s string, quote byte) (int, bool) {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case quote:
			return i, true
		case '\n':
			return 0, false
		}
	}
	return 0, false
}

func position(src string, offset int) (line, col int) {
	before := src[:offset]
	line = strings.Count(before, "\n") + 1
	return line, utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
}

// Literal is the text of a template without parts.
func (t *Template) Literal() (string, bool) {
	if len(t.parts) > 0 {
		return "", false
	}
	return t.texts[0], true
}

// Prefix is the literal text before the first part.
func (t *Template) Prefix() string { return t.texts[0] }

// Parts is how many ${{ }} the template has.
func (t *Template) Parts() int { return len(t.parts) }

// Whole reports whether the template is one part and nothing else.
func (t *Template) Whole() bool {
	return len(t.parts) == 1 && t.texts[0] == "" && t.texts[1] == ""
}

// Eval renders: typed data (string, bool, int64, float64, []any,
// map[string]any) for a whole part, else text.
func (t *Template) Eval(v Vars) (any, error) {
	if !t.Whole() {
		return t.EvalEscaped(v, func(_ int, s string) (string, error) { return s, nil })
	}
	out, err := t.parts[0].eval(v)
	if err != nil {
		return nil, err
	}
	data, err := native(out, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.parts[0].brief(), err)
	}
	return data, nil
}

// EvalEscaped renders text, with each part's value passed through escape, which
// gets the part's number from 0. Values are scalars without control characters;
// a line break or a tab counts as one.
func (t *Template) EvalEscaped(v Vars, escape func(part int, s string) (string, error)) (string, error) {
	var b strings.Builder
	b.WriteString(t.texts[0])
	for i, p := range t.parts {
		out, err := p.eval(v)
		if err != nil {
			return "", err
		}
		s, err := scalar(out)
		if err != nil {
			return "", fmt.Errorf("%s: %w", p.brief(), err)
		}
		if s, err = escape(i, s); err != nil {
			return "", fmt.Errorf("%s: %w", p.brief(), err)
		}
		b.WriteString(s)
		b.WriteString(t.texts[i+1])
		if b.Len() > maxText {
			return "", fmt.Errorf("%s: the text is longer than %d bytes", p.brief(), maxText)
		}
	}
	return b.String(), nil
}

// scalar is a value as text for an argument: one line, nothing invisible.
func scalar(v ref.Val) (string, error) {
	s, err := text(v)
	if err != nil {
		return "", err
	}
	if !utf8.ValidString(s) {
		return "", errors.New("the value is not valid UTF-8")
	}
	if i := strings.IndexFunc(s, unicode.IsControl); i >= 0 {
		return "", fmt.Errorf("the value has a control character at byte %d", i)
	}
	return s, nil
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
	default:
		s, err := text(v)
		if err == nil && !utf8.ValidString(s) {
			return nil, errors.New("the value is not valid UTF-8")
		}
		return s, err
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
		v, err := native(m.Get(k), depth+1)
		if err != nil {
			return nil, err
		}
		out[string(name)] = v
	}
	return out, nil
}

// EvalShape is the text with every part replaced by the same stand-in, for
// whoever checks the form of a text before there are values.
func (t *Template) EvalShape(standIn string) (string, error) {
	var b strings.Builder
	for i, text := range t.texts {
		if i > 0 {
			b.WriteString(standIn)
		}
		b.WriteString(text)
	}
	if b.Len() > maxText {
		return "", fmt.Errorf("the text is longer than %d bytes", maxText)
	}
	return b.String(), nil
}

// TextBefore is all literal text before a part, counted from 0.
func (t *Template) TextBefore(part int) string {
	return strings.Join(t.texts[:min(part+1, len(t.texts))], "")
}
