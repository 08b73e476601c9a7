// Package expr is the expressions of playbooks: CEL, compiled once, typed,
// limited in cost, without I/O.
//
// It promises that what is evaluated is what the playbook's file says: data are
// variables and never source; that a name, field, type or time zone that does
// not exist is an *Error with line and column when it is compiled, not later;
// that an evaluation ends within its cost limit, reads no clock, disk or
// network, and is safe for use by many at once.
//
// It assumes that variables were limited in size by whoever took them in. On
// failure an evaluation returns an error in words of the expression; a label
// that is missing makes a match false instead, since "labels that it does not
// have" is what most alerts look like to most playbooks. So it is for a rule
// that is negated: what reads a missing label never matches; has() asks first.
package expr

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"

	"salve/bot"
)

const (
	maxSource = 4096  // bytes of one expression
	costLimit = 10000 // CEL's units; a match of five clauses costs about 20
)

// Env is the set of variables that an expression may use.
type Env int

// The environments. AlertEnv: alert.title, alert.severity, alert.labels,
// alert.annotations, alert.source, alert.state, alert.fingerprint,
// alert.starts_at, incident.id, incident.title, incident.severity,
// incident.labels, incident.firing, incident.total, params. ProbeEnv: status,
// body, json, fields, took. RouteEnv: as AlertEnv without params, and
// service.name, service.title, service.owner, service.system, service.tier,
// service.labels.
const (
	AlertEnv Env = iota
	ProbeEnv
	RouteEnv
)

// Error is an expression that cannot be compiled. Line and Column begin at 1 and
// count in the given source.
type Error struct {
	Line    int
	Column  int
	Message string
	Hint    string // what to write instead; may be empty
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Message)
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

var stringMap = cel.MapType(cel.StringType, cel.StringType)

// variables of each environment, by name.
var variables = map[Env]map[string]*cel.Type{
	AlertEnv: with(aboutAlert, map[string]*cel.Type{"params": stringMap}),
	ProbeEnv: {
		"status": cel.IntType, "body": cel.StringType, "json": cel.DynType, "fields": stringMap, "took": cel.DurationType,
	},
	RouteEnv: with(aboutAlert, map[string]*cel.Type{
		"service.name": cel.StringType, "service.title": cel.StringType, "service.owner": cel.StringType,
		"service.system": cel.StringType, "service.tier": cel.StringType, "service.labels": stringMap,
	}),
}

// aboutAlert are the variables that tell of an alert and its incident.
var aboutAlert = map[string]*cel.Type{
	"alert.title": cel.StringType, "alert.severity": cel.StringType, "alert.labels": stringMap, "alert.annotations": stringMap,
	"alert.source": cel.StringType, "alert.state": cel.StringType, "alert.fingerprint": cel.StringType, "alert.starts_at": cel.TimestampType,
	"incident.id": cel.StringType, "incident.title": cel.StringType, "incident.severity": cel.StringType, "incident.labels": stringMap,
	"incident.firing": cel.IntType, "incident.total": cel.IntType,
}

func with(a, b map[string]*cel.Type) map[string]*cel.Type {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

var environments = map[Env]func() (*cel.Env, error){
	AlertEnv: sync.OnceValues(func() (*cel.Env, error) { return newEnv(AlertEnv) }),
	ProbeEnv: sync.OnceValues(func() (*cel.Env, error) { return newEnv(ProbeEnv) }),
	RouteEnv: sync.OnceValues(func() (*cel.Env, error) { return newEnv(RouteEnv) }),
}

func newEnv(e Env) (*cel.Env, error) {
	opts := []cel.EnvOption{
		ext.Strings(),
		cel.ParserExpressionSizeLimit(maxSource),
		cel.ParserRecursionLimit(32),
		cel.EnableMacroCallTracking(), // so that a clause can be written out again
		cel.Function("severity", cel.Overload("severity_string", []*cel.Type{cel.StringType}, cel.IntType,
			cel.UnaryBinding(severityRank))),
	}
	for name, t := range variables[e] {
		opts = append(opts, cel.Variable(name, t))
	}
	return cel.NewEnv(opts...)
}

// severityRank is the place of a severity in the order, 1 to 5; what is no
// severity ranks as the worst.
func severityRank(v ref.Val) ref.Val {
	s, ok := v.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(v)
	}
	sev, err := bot.ParseSeverity(string(s))
	if err != nil {
		sev = bot.SeverityUnknown
	}
	return types.Int(sev.Rank())
}

// compiled is a checked expression with its program.
type compiled struct {
	env     Env
	src     string
	ast     *ast.AST
	program cel.Program
}

func compile(e Env, src string, wants ...*cel.Type) (*compiled, error) {
	if strings.TrimSpace(src) == "" {
		return nil, &Error{Line: 1, Column: 1, Message: "the expression is empty"}
	}
	if len(src) > maxSource {
		return nil, &Error{Line: 1, Column: 1, Message: fmt.Sprintf("the expression is longer than %d bytes", maxSource)}
	}
	open, ok := environments[e]
	if !ok {
		return nil, fmt.Errorf("there is no environment %d", e)
	}
	env, err := open()
	if err != nil {
		return nil, fmt.Errorf("make the expression environment: %w", err)
	}
	tree, iss := env.Compile(src)
	if iss.Err() != nil {
		return nil, explain(e, iss)
	}
	if len(wants) > 0 && !slices.ContainsFunc(wants, tree.OutputType().IsExactType) {
		return nil, &Error{Line: 1, Column: 1, Message: fmt.Sprintf("the expression gives %s, not %s", tree.OutputType(), wants[0])}
	}
	if err := lint(tree.NativeRep()); err != nil {
		return nil, err
	}
	prog, err := env.Program(tree, programOptions(env, tree)...)
	if err != nil {
		return nil, &Error{Line: 1, Column: 1, Message: err.Error()}
	}
	return &compiled{env: e, src: src, ast: tree.NativeRep(), program: prog}, nil
}

// explain turns CEL's issues into one Error, with a hint for misspelt names.
func explain(e Env, iss *cel.Issues) error {
	first := iss.Errors()[0]
	out := &Error{Line: max(first.Location.Line(), 1), Column: max(first.Location.Column()+1, 1), Message: first.Message}
	out.Message = strings.ReplaceAll(out.Message, " (in container '')", "")
	if strings.Contains(out.Message, "undeclared reference") && !strings.Contains(out.Message, "did you mean") {
		names := make([]string, 0, len(variables[e]))
		for n := range variables[e] {
			names = append(names, n)
		}
		slices.Sort(names)
		out.Hint = "known: " + strings.Join(names, ", ") + ", severity()"
	}
	return out
}

// ErrCost tells that an evaluation was stopped at its cost limit.
var ErrCost = errors.New("the expression costs too much; make it simpler")

// noKey tells that a label or field that was read is not there.
type noKey struct{ src, key string }

func (e *noKey) Error() string { return fmt.Sprintf("%s reads %q: it is not there", e.src, e.key) }

func (c *compiled) eval(v Vars) (ref.Val, error) {
	out, _, err := c.program.Eval(v.activation())
	if err == nil {
		return out, nil
	}
	msg := err.Error()
	switch {
	case strings.Contains(msg, "actual cost limit exceeded"):
		return nil, fmt.Errorf("%s: %w", c.brief(), ErrCost)
	case strings.HasPrefix(msg, "no such key: "):
		return nil, &noKey{src: c.brief(), key: strings.TrimPrefix(msg, "no such key: ")}
	default:
		return nil, fmt.Errorf("%s: %s", c.brief(), msg)
	}
}

func (c *compiled) brief() string {
	const most = 80
	if r := []rune(c.src); len(r) > most {
		return string(r[:most]) + "…"
	}
	return c.src
}

// Bool is an expression that gives true or false.
type Bool struct {
	c       *compiled
	clauses func() ([]clause, error) // made when they are first asked for
}

// CompileBool compiles an expression that must give a bool. In ProbeEnv one that
// gives what json holds is taken too and must be a bool when it is evaluated.
func CompileBool(e Env, src string) (*Bool, error) {
	wants := []*cel.Type{cel.BoolType}
	if e == ProbeEnv {
		wants = append(wants, cel.DynType)
	}
	c, err := compile(e, src, wants...)
	if err != nil {
		return nil, err
	}
	return &Bool{c: c, clauses: sync.OnceValues(c.clauses)}, nil
}

// Eval evaluates. A key that is missing makes it false, without an error.
func (b *Bool) Eval(v Vars) (bool, error) {
	ok, err := b.strict(v)
	if err == nil {
		return ok, nil
	}
	if _, missing := errors.AsType[*noKey](err); missing {
		return false, nil
	}
	return false, err
}

// strict evaluates with an error for a key that is missing.
func (b *Bool) strict(v Vars) (bool, error) {
	out, err := b.c.eval(v)
	if err != nil {
		return false, err
	}
	t, ok := out.(types.Bool)
	if !ok {
		return false, fmt.Errorf("%s gives %s, not true or false", b.c.brief(), out.Type().TypeName())
	}
	return bool(t), nil
}

// Source is the expression as written.
func (b *Bool) Source() string { return b.c.src }

// String is an expression that gives text.
type String struct{ c *compiled }

// CompileString compiles an expression that must give a string.
func CompileString(e Env, src string) (*String, error) {
	c, err := compile(e, src, cel.StringType)
	if err != nil {
		return nil, err
	}
	return &String{c: c}, nil
}

// Eval evaluates. A key that is missing is an error that names it.
func (s *String) Eval(v Vars) (string, error) {
	out, err := s.c.eval(v)
	if err != nil {
		return "", err
	}
	t, ok := out.(types.String)
	if !ok {
		return "", fmt.Errorf("%s gives %s, not text", s.c.brief(), out.Type().TypeName())
	}
	return string(t), nil
}
