package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// module is the path of the module whose house this is.
const module = "salve"

// File is one parsed Go file. Name is relative to the root, with slashes.
type File struct {
	Name    string
	Test    bool
	Lines   int
	Imports []string
	AST     *ast.File
	Fset    *token.FileSet
}

// Package is one folder of Go files. Path is relative to the module: "bot/guard".
type Package struct {
	Path  string
	Files []File
}

// Read parses every Go file below root, except in testdata and hidden folders.
func Read(root string) ([]Package, error) {
	byPath := map[string]*Package{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if p != root && (name == "testdata" || strings.HasPrefix(name, ".")) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		return readFile(root, p, byPath)
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", root, err)
	}
	var out []Package
	for _, p := range byPath {
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b Package) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}

func readFile(root, p string, byPath map[string]*Package) error {
	rel, err := filepath.Rel(root, p)
	if err != nil {
		return err
	}
	rel = filepath.ToSlash(rel)
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, p, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	file := File{
		Name: rel, Test: strings.HasSuffix(rel, "_test.go"), AST: f, Fset: fset,
		Lines: fset.File(f.Pos()).LineCount(),
	}
	for _, imp := range f.Imports {
		s, err := strconv.Unquote(imp.Path.Value)
		if err != nil {
			return err
		}
		file.Imports = append(file.Imports, s)
	}
	dir := path.Dir(rel)
	if byPath[dir] == nil {
		byPath[dir] = &Package{Path: dir}
	}
	byPath[dir].Files = append(byPath[dir].Files, file)
	return nil
}
