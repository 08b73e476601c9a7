package main

import (
	"fmt"
	"go/ast"
	"strings"
)

// The sizes of docs/architecture.md: what a person can hold in mind.
const (
	maxFileLines     = 400
	maxFuncLines     = 60
	maxMethods       = 5
	maxParams        = 5 // four after ctx
	minPackageDocLen = 80
)

// impure are the calls that a pure package may not make, by package and name;
// "*" means any.
var impure = map[string][]string{
	"time":         {"Now", "Since", "Until", "Sleep", "After", "Tick", "NewTimer", "NewTicker", "AfterFunc", "LoadLocation"},
	"os":           {"*"},
	"net":          {"*"},
	"net/http":     {"*"},
	"math/rand":    {"*"},
	"crypto/rand":  {"*"},
	"os/exec":      {"*"},
	"database/sql": {"*"},
}

// Check applies all rules to the tree.
func Check(tree []Package) []string {
	var out []string
	for _, p := range tree {
		if onlyTests(p) {
			continue
		}
		out = append(out, checkImports(p)...)
		out = append(out, checkDoc(p)...)
		for _, f := range p.Files {
			if !f.Test {
				out = append(out, checkFile(p, f)...)
				out = append(out, checkEgress(p, f)...)
			}
		}
	}
	return out
}

func onlyTests(p Package) bool {
	for _, f := range p.Files {
		if !f.Test {
			return false
		}
	}
	return true
}

func checkDoc(p Package) []string {
	var docs []string
	for _, f := range p.Files {
		if !f.Test && f.AST.Doc != nil {
			docs = append(docs, f.AST.Doc.Text())
		}
	}
	switch {
	case len(docs) == 0:
		return []string{p.Path + ": no package comment; say what it promises, assumes, and does on failure"}
	case len(docs) > 1:
		return []string{p.Path + ": more than one file has a package comment"}
	case len(docs[0]) < minPackageDocLen:
		return []string{p.Path + ": the package comment is too short to say what it promises"}
	}
	return nil
}

func checkFile(p Package, f File) []string {
	var out []string
	if f.Lines > maxFileLines {
		out = append(out, fmt.Sprintf("%s: %d lines, at most %d; split it along the domain", f.Name, f.Lines, maxFileLines))
	}
	pure := p.Path == "bot" || stages[p.Path]
	ast.Inspect(f.AST, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			out = append(out, checkFunc(f, n)...)
		case *ast.InterfaceType:
			if m := methods(n); m > maxMethods {
				out = append(out, fmt.Sprintf("%s: an interface of %d methods, at most %d", f.at(n), m, maxMethods))
			}
		case *ast.SelectorExpr:
			if pure {
				out = append(out, checkPure(f, n)...)
			}
		}
		return true
	})
	return out
}

func (f File) at(n ast.Node) string {
	return fmt.Sprintf("%s:%d", f.Name, f.Fset.Position(n.Pos()).Line)
}

func checkFunc(f File, fn *ast.FuncDecl) []string {
	var out []string
	lines := f.Fset.Position(fn.End()).Line - f.Fset.Position(fn.Pos()).Line + 1
	if lines > maxFuncLines {
		out = append(out, fmt.Sprintf("%s: func %s has %d lines, at most %d", f.at(fn), fn.Name.Name, lines, maxFuncLines))
	}
	params := 0
	for _, p := range fn.Type.Params.List {
		params += max(1, len(p.Names))
	}
	if params > maxParams {
		out = append(out, fmt.Sprintf("%s: func %s takes %d parameters, at most 4 after ctx; use a struct", f.at(fn), fn.Name.Name, params))
	}
	return out
}

func methods(t *ast.InterfaceType) int {
	n := 0
	for _, m := range t.Methods.List {
		if _, ok := m.Type.(*ast.FuncType); ok {
			n++
		}
	}
	return n
}

func checkPure(f File, sel *ast.SelectorExpr) []string {
	id, ok := sel.X.(*ast.Ident)
	if !ok {
		return nil
	}
	for _, imp := range f.AST.Imports {
		ip := strings.Trim(imp.Path.Value, `"`)
		name := ip[strings.LastIndex(ip, "/")+1:]
		if imp.Name != nil {
			name = imp.Name.Name
		}
		if name != id.Name {
			continue
		}
		for _, bad := range impure[ip] {
			if bad == "*" || bad == sel.Sel.Name {
				return []string{fmt.Sprintf("%s: %s.%s in a pure package; take it as a parameter", f.at(sel), id.Name, sel.Sel.Name)}
			}
		}
	}
	return nil
}
