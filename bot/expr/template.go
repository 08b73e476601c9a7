package expr

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
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
	if len(src) > maxText {
		return nil, &Error{Line: 1, Column: 1, Message: fmt.Sprintf("the text is longer than %d bytes", maxText)}
	}
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

// Eval renders data: typed (string, bool, int64, float64, nil, []any,
// map[string]any) for a whole part, else text. Text is valid UTF-8 without NUL
// and may have line breaks, so it is not for a place where a line break says
// something.
func (t *Template) Eval(v Vars) (any, error) {
	if !t.Whole() {
		return t.render(v, func(_ int, s string) (string, error) { return s, checkText(s) })
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

// EvalEscaped renders text of which each part's value is passed through escape,
// which gets the part's number from 0. Values are scalars without control
// characters; a line break or a tab counts as one.
func (t *Template) EvalEscaped(v Vars, escape func(part int, s string) (string, error)) (string, error) {
	return t.render(v, func(i int, s string) (string, error) {
		if err := checkLine(s); err != nil {
			return "", err
		}
		return escape(i, s)
	})
}

func (t *Template) render(v Vars, put func(part int, s string) (string, error)) (string, error) {
	var b strings.Builder
	b.WriteString(t.texts[0])
	for i, p := range t.parts {
		out, err := p.eval(v)
		if err != nil {
			return "", err
		}
		s, err := text(out)
		if err == nil {
			s, err = put(i, s)
		}
		if err != nil {
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
