package expr

import (
	"strconv"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"salve/bot"
)

// Term says that a value of the alert equals a text: the `==` terms that all
// must hold. Path is `title`, `severity`, `source`, `state`, `fingerprint`, or
// `labels["name"]`, `annotations["name"]`.
type Term struct {
	Path  string
	Value string
}

// Value is what an alert has at a Path; false when it has nothing there.
func Value(a bot.Alert, path string) (string, bool) {
	read, ok := Reader(path)
	if !ok {
		return "", false
	}
	return read(&a)
}

// Reader reads one Path of alerts; false when there is no such Path. Make it
// once for many alerts.
func Reader(path string) (func(*bot.Alert) (string, bool), bool) {
	field := func(get func(*bot.Alert) string) (func(*bot.Alert) (string, bool), bool) {
		return func(a *bot.Alert) (string, bool) { return get(a), true }, true
	}
	switch path {
	case "title":
		return field(func(a *bot.Alert) string { return a.Title })
	case "severity":
		return field(func(a *bot.Alert) string { return a.Severity.String() })
	case "source":
		return field(func(a *bot.Alert) string { return a.Source })
	case "state":
		return field(func(a *bot.Alert) string { return string(a.State) })
	case "fingerprint":
		return field(func(a *bot.Alert) string { return a.Fingerprint })
	}
	of, quoted, ok := strings.Cut(strings.TrimSuffix(path, "]"), "[")
	name, err := strconv.Unquote(quoted)
	if !ok || err != nil {
		return nil, false
	}
	switch of {
	case "labels":
		return func(a *bot.Alert) (string, bool) { v, ok := a.Labels[name]; return v, ok }, true
	case "annotations":
		return func(a *bot.Alert) (string, bool) { v, ok := a.Annotations[name]; return v, ok }, true
	default:
		return nil, false
	}
}

// Equalities are the terms, joined by && at the top, that say that something of
// the alert equals a literal text. If one of them does not hold, the expression
// is false.
func (b *Bool) Equalities() []Term {
	var out []Term
	for _, c := range conjuncts(b.c.ast.Expr()) {
		if t, ok := equality(c); ok {
			out = append(out, t)
		}
	}
	return out
}

// Clauses is how many terms are joined by && at the top; a measure of how
// specific the expression is.
func (b *Bool) Clauses() int { return len(conjuncts(b.c.ast.Expr())) }

func conjuncts(e ast.Expr) []ast.Expr {
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.LogicalAnd {
		var out []ast.Expr
		for _, a := range e.AsCall().Args() {
			out = append(out, conjuncts(a)...)
		}
		return out
	}
	return []ast.Expr{e}
}

func equality(e ast.Expr) (Term, bool) {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != operators.Equals {
		return Term{}, false
	}
	args := e.AsCall().Args()
	for i := range args {
		path, ok := alertPath(args[i])
		value, isText := textLiteral(args[1-i])
		if ok && isText {
			return Term{Path: path, Value: value}, true
		}
	}
	return Term{}, false
}

func textLiteral(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().(types.String)
	return string(s), ok
}

// alertPath is the Path that an expression reads, if it reads just that.
func alertPath(e ast.Expr) (string, bool) {
	if e.Kind() == ast.CallKind && e.AsCall().FunctionName() == operators.Index {
		args := e.AsCall().Args()
		name, isText := textLiteral(args[1])
		if of := dotted(args[0]); isText && (of == "alert.labels" || of == "alert.annotations") {
			return of[len("alert."):] + "[" + strconv.Quote(name) + "]", true
		}
		return "", false
	}
	switch d := dotted(e); d {
	case "alert.title", "alert.severity", "alert.source", "alert.state", "alert.fingerprint":
		return d[len("alert."):], true
	}
	if e.Kind() != ast.SelectKind || e.AsSelect().IsTestOnly() {
		return "", false
	}
	sel := e.AsSelect()
	if of := dotted(sel.Operand()); of == "alert.labels" || of == "alert.annotations" {
		return of[len("alert."):] + "[" + strconv.Quote(sel.FieldName()) + "]", true
	}
	return "", false
}

// dotted is the name of an identifier or of a chain of fields; "" for others.
func dotted(e ast.Expr) string {
	switch e.Kind() {
	case ast.IdentKind:
		return e.AsIdent()
	case ast.SelectKind:
		if of := dotted(e.AsSelect().Operand()); of != "" && !e.AsSelect().IsTestOnly() {
			return of + "." + e.AsSelect().FieldName()
		}
	}
	return ""
}
