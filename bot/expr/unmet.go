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

// Unmet are the clauses that do not hold, for whoever explains a no. It compiles
// each clause anew and is not for every alert.
func (b *Bool) Unmet(v Vars) []Clause {
	var out []Clause
	for _, e := range conjuncts(b.c.ast.Expr()) {
		src, err := cel.ExprToString(e, b.c.ast.SourceInfo())
		if err != nil {
			return []Clause{{Source: b.c.src, Err: err}}
		}
		c := Clause{Source: src}
		if t, ok := equality(e); ok {
			c.Equal = &t
		}
		if !c.holds(b.c.env, v) {
			out = append(out, c)
		}
	}
	return out
}

func (c *Clause) holds(e Env, v Vars) bool {
	clause, err := compile(e, c.Source)
	if err != nil {
		c.Err = err
		return false
	}
	b := Bool{c: clause}
	ok, err := b.strict(v)
	if missing, is := errors.AsType[*noKey](err); is {
		c.Missing, err = missing.key, nil
	}
	c.Err = err
	return ok && err == nil
}
