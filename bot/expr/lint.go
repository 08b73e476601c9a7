package expr

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"

	"salve/bot"
)

// linter holds the first mistake that CEL's types do not see.
type linter struct {
	ast   *ast.AST
	found *Error
}

// lint refuses what would read a disk, what would take text from outside for a
// pattern, and comparisons that can never be meant.
func lint(a *ast.AST) error {
	l := &linter{ast: a}
	ast.PreOrderVisit(a.Expr(), ast.NewExprVisitor(func(x ast.Expr) {
		if l.found == nil && x.Kind() == ast.CallKind {
			l.call(x)
		}
	}))
	if l.found == nil {
		return nil
	}
	return l.found
}

func (l *linter) fail(at ast.Expr, msg, hint string) {
	place := l.ast.SourceInfo().GetStartLocation(at.ID())
	l.found = &Error{Line: max(place.Line(), 1), Column: max(place.Column()+1, 1), Message: msg, Hint: hint}
}

// zoned are the functions on timestamps whose second form reads the time zone
// database.
var zoned = []string{
	"getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear",
	"getHours", "getMinutes", "getSeconds", "getMilliseconds",
}

func (l *linter) call(x ast.Expr) {
	call := x.AsCall()
	args := call.Args()
	switch name := call.FunctionName(); name {
	case "severity":
		if s, ok := textLiteral(args[0]); ok {
			if _, err := bot.ParseSeverity(s); err != nil {
				l.fail(x, err.Error(), "")
			}
		}
	case "matches":
		l.pattern(args[len(args)-1])
	case operators.Equals, operators.NotEquals:
		l.oneOf(args[0], args[1])
		l.oneOf(args[1], args[0])
	case operators.In:
		if args[1].Kind() == ast.ListKind {
			for _, e := range args[1].AsList().Elements() {
				l.oneOf(args[0], e)
			}
		}
	case operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		for _, a := range args {
			if isSeverity(a) {
				l.fail(x, "severities compare as text here", fmt.Sprintf(`write severity(%s) and severity("high")`, dotted(a)))
			}
		}
	default:
		if slices.Contains(zoned, name) && len(args) > 0 {
			l.fail(x, name+" takes no time zone here", "times are UTC")
		}
	}
}

// pattern holds a regular expression to be written out, and valid.
func (l *linter) pattern(arg ast.Expr) {
	s, ok := textLiteral(arg)
	if !ok {
		l.fail(arg, "a pattern is written out as one text", "text from an alert is never a pattern; == and contains compare it")
		return
	}
	if _, err := regexp.Compile(s); err != nil {
		l.fail(arg, err.Error(), "")
	}
}

func isSeverity(e ast.Expr) bool {
	d := dotted(e)
	return d == "alert.severity" || d == "incident.severity"
}

// choices are the values that a variable can have, where they are few.
func choices(e ast.Expr) []string {
	switch {
	case isSeverity(e):
		return []string{"info", "low", "medium", "high", "critical", "unknown"}
	case dotted(e) == "alert.state":
		return []string{string(bot.AlertFiring), string(bot.AlertResolved)}
	default:
		return nil
	}
}

// oneOf refuses a literal that the variable never equals.
func (l *linter) oneOf(variable, value ast.Expr) {
	s, isText := textLiteral(value)
	names := choices(variable)
	if !isText || names == nil || slices.Contains(names, s) || l.found != nil {
		return
	}
	l.fail(value, fmt.Sprintf("%s is never %q", dotted(variable), s), "it is one of "+strings.Join(names, ", "))
}

// params are the names that an expression reads from params, sorted.
func (c *compiled) params() []string {
	var out []string
	ast.PreOrderVisit(c.ast.Expr(), ast.NewExprVisitor(func(x ast.Expr) {
		switch {
		case x.Kind() == ast.SelectKind && dotted(x.AsSelect().Operand()) == "params":
			out = append(out, x.AsSelect().FieldName())
		case x.Kind() == ast.CallKind && x.AsCall().FunctionName() == operators.Index && dotted(x.AsCall().Args()[0]) == "params":
			if s, ok := textLiteral(x.AsCall().Args()[1]); ok {
				out = append(out, s)
			}
		}
	}))
	slices.Sort(out)
	return slices.Compact(out)
}

// Params are the names that the expression reads from params, sorted.
func (b *Bool) Params() []string { return b.c.params() }

// Params are the names that the expression reads from params, sorted.
func (s *String) Params() []string { return s.c.params() }

// Params are the names that the template reads from params, sorted.
func (t *Template) Params() []string {
	var out []string
	for _, p := range t.parts {
		out = append(out, p.params()...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
