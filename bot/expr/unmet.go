package expr

import (
	"errors"

	"cel.dev/cel-go/cel"
)

// Clause is one of the terms, joined by && at the top, of an expression.
type Clause struct {
	Source  string // written out again, in CEL's own spacing
	Equal   *Term  // what it wants to be equal, if that is all that it says
	Missing string // the label or field that it reads and that is not there
	Err     error  // why it cannot be evaluated, if that is so
}

// clause is a Clause that can be evaluated, unless Err says why not.
type clause struct {
	Clause
	b Bool
}

// clauses compiles the terms one by one.
func (c *compiled) clauses() ([]clause, error) {
	var out []clause
	for _, e := range conjuncts(c.ast.Expr()) {
		src, err := cel.ExprToString(e, c.ast.SourceInfo())
		if err != nil {
			return nil, err
		}
		one := clause{Clause: Clause{Source: src}}
		if t, ok := equality(e); ok {
			one.Equal = &t
		}
		one.b.c, one.Err = compile(c.env, src)
		out = append(out, one)
	}
	return out, nil
}

// Unmet are the clauses that do not hold, for whoever explains a no. They are
// compiled when they are first asked for, and kept.
func (b *Bool) Unmet(v Vars) []Clause {
	all, err := b.clauses()
	if err != nil {
		return []Clause{{Source: b.c.src, Err: err}}
	}
	var out []Clause
	for _, c := range all {
		if !c.holds(v) {
			out = append(out, c.Clause)
		}
	}
	return out
}

// holds evaluates a copy of a clause and notes in it why not.
func (c *clause) holds(v Vars) bool {
	if c.Err != nil {
		return false
	}
	ok, err := c.b.strict(v)
	if missing, is := errors.AsType[*noKey](err); is {
		c.Missing, err = missing.key, nil
	}
	c.Err = err
	return ok && err == nil
}
