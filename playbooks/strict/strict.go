// Package strict reads one YAML document into Go structs and accepts nothing
// that it does not know.
//
// It promises that every unknown or repeated key, wrong type, anchor, alias,
// merge key and second document is a Fault with line, column, what is wrong and
// what to write instead, and that unknown keys are all reported at once. It
// assumes structs with yaml tags on every field. A document that cannot be
// decoded leaves out untouched as far as the caller is concerned: use it only
// when there are no Faults.
package strict

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Fault is one thing wrong in a document. Line and Column begin at 1; 0: nowhere
// in particular.
type Fault struct {
	Line   int
	Column int
	What   string
	Fix    string // what to write instead; may be empty
}

// Document is a parsed YAML document.
type Document struct {
	file   *ast.File
	body   ast.Node // nil: empty
	faults []Fault
}

const maxDepth = 40 // of nested brackets and indentation that is worth parsing

// Parse reads the bytes of a file.
func Parse(src []byte) (*Document, *Fault) {
	if i := bytes.IndexByte(src, 0); i >= 0 {
		return nil, &Fault{What: "has a NUL byte; it is not a text file"}
	}
	if deep(src) {
		return nil, &Fault{What: fmt.Sprintf("is nested deeper than %d levels", maxDepth)}
	}
	file, err := parser.ParseBytes(src, 0)
	if err != nil {
		f := fromError(err)
		return nil, &f
	}
	if len(file.Docs) > 1 {
		f := at(file.Docs[1].GetToken(), "a second document begins", "keep one document in a file")
		return nil, &f
	}
	d := &Document{file: file}
	if len(file.Docs) == 1 {
		d.body = file.Docs[0].Body
	}
	return d, nil
}

// deep looks for bracket bombs before anything recurses over them.
func deep(src []byte) bool {
	depth := 0
	for _, c := range src {
		switch c {
		case '[', '{':
			if depth++; depth > maxDepth {
				return true
			}
		case ']', '}', '\n':
			depth = max(depth-1, 0)
		}
	}
	return false
}

// Empty reports whether the document says nothing.
func (d *Document) Empty() bool {
	return d.body == nil || d.body.Type() == ast.NullType || d.body.Type() == ast.CommentType
}

// Decode fills out, a pointer to a struct, after it has held the keys against it.
func (d *Document) Decode(out any) []Fault {
	if d.Empty() {
		return nil
	}
	if t := d.body.Type(); t != ast.MappingType && t != ast.MappingValueType {
		return []Fault{at(d.body.GetToken(), "is not a list of keys", "begin with a key and a colon")}
	}
	d.faults = nil
	d.walk(d.body, reflect.TypeOf(out), "")
	if len(d.faults) > 0 {
		return d.faults
	}
	if err := yaml.NodeToValue(d.body, out, yaml.Strict()); err != nil {
		return []Fault{fromError(err)}
	}
	return nil
}

// walk holds a node against the Go type that it fills.
func (d *Document) walk(n ast.Node, t reflect.Type, path string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch n := n.(type) {
	case *ast.AliasNode, *ast.AnchorNode, *ast.MergeKeyNode, *ast.TagNode:
		d.faults = append(d.faults, at(n.GetToken(), "anchors, aliases and tags are not used here", "write the value out"))
	case *ast.SequenceNode:
		elem := t
		if t.Kind() == reflect.Slice {
			elem = t.Elem()
		}
		for _, v := range n.Values {
			d.walk(v, elem, path)
		}
	case *ast.MappingValueNode:
		d.key(n, t, path)
	case *ast.MappingNode:
		for _, v := range n.Values {
			d.key(v, t, path)
		}
	}
}

func (d *Document) key(n *ast.MappingValueNode, t reflect.Type, path string) {
	tok := n.Key.GetToken()
	if _, merge := n.Key.(*ast.MergeKeyNode); merge {
		d.faults = append(d.faults, at(tok, "merge keys are not used here", "write the values out"))
		return
	}
	switch t.Kind() {
	case reflect.Struct:
		known := fields(t)
		ft, ok := known[tok.Value]
		if !ok {
			where := "here"
			if path != "" {
				where = "in " + path
			}
			d.faults = append(d.faults, at(tok, fmt.Sprintf("%q is not a key %s", tok.Value, where), Suggest(tok.Value, names(known))))
			return
		}
		d.walk(n.Value, ft, strings.TrimPrefix(path+"."+tok.Value, "."))
	case reflect.Map:
		d.walk(n.Value, t.Elem(), strings.TrimPrefix(path+"."+tok.Value, "."))
	default:
		d.walk(n.Value, t, path)
	}
}

func fields(t reflect.Type) map[string]reflect.Type {
	out := map[string]reflect.Type{}
	for i := range t.NumField() {
		f := t.Field(i)
		name := strings.Split(f.Tag.Get("yaml"), ",")[0]
		if name != "" && name != "-" {
			out[name] = f.Type
		}
	}
	return out
}

func names(m map[string]reflect.Type) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	return out
}

// At is where a value stands: a YAML path such as $.sources[0].name, or the
// nearest thing around it that is in the file. inside counts lines and columns,
// from 1, within a text value; 0, 0 is its beginning.
func (d *Document) At(path string, inside [2]int) (line, column int) {
	for p := path; p != "" && p != "$"; p = parent(p) {
		yp, err := yaml.PathString(p)
		if err != nil {
			continue
		}
		n, err := yp.FilterFile(d.file)
		if err != nil || n == nil {
			continue
		}
		line, column = start(n)
		if p == path && inside != [2]int{} {
			return within(n, line, column, inside)
		}
		return line, column
	}
	return 1, 1
}

// start is where a node begins; for a mapping, its first key.
func start(n ast.Node) (int, int) {
	t := n.GetToken()
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
		t = m.Values[0].Key.GetToken()
	}
	if m, ok := n.(*ast.MappingValueNode); ok {
		t = m.Key.GetToken()
	}
	if t == nil || t.Position == nil {
		return 1, 1
	}
	return t.Position.Line, t.Position.Column
}

// within adds a place in a text to the place of the text. In a block (| or >)
// lines count from the one after its mark; how far they are indented is not
// known, so the column there counts from the text's own beginning.
func within(n ast.Node, line, column int, inside [2]int) (int, int) {
	if _, block := n.(*ast.LiteralNode); block {
		return line + inside[0], inside[1]
	}
	if inside[0] > 1 {
		return line + inside[0] - 1, inside[1]
	}
	if s, ok := n.(*ast.StringNode); ok && (s.Token.Type == token.DoubleQuoteType || s.Token.Type == token.SingleQuoteType) {
		column++
	}
	return line, column + inside[1] - 1
}

func parent(p string) string {
	i := max(strings.LastIndexByte(p, '.'), strings.LastIndexByte(p, '['))
	if i < 0 {
		return ""
	}
	return p[:i]
}

func at(t *token.Token, what, fix string) Fault {
	f := Fault{What: what, Fix: fix}
	if t != nil && t.Position != nil {
		f.Line, f.Column = t.Position.Line, t.Position.Column
	}
	return f
}

// fromError turns an error of the YAML library into a Fault.
func fromError(err error) Fault {
	f := Fault{What: strings.SplitN(err.Error(), "\n", 2)[0]}
	if ye, ok := errors.AsType[yaml.Error](err); ok {
		f.What = ye.GetMessage()
		if t := ye.GetToken(); t != nil && t.Position != nil {
			f.Line, f.Column = t.Position.Line, t.Position.Column
		}
	}
	return f
}

// Suggest names what was probably meant, else all there is.
func Suggest(got string, known []string) string {
	slices.Sort(known)
	best, bestDist := "", 3
	for _, k := range known {
		if d := distance(got, k); d < bestDist {
			best, bestDist = k, d
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	if len(known) == 0 {
		return ""
	}
	return "known: " + strings.Join(known, ", ")
}

// distance is the Levenshtein distance, by bytes; long words are far from all.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	prev := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := range len(a) {
		cur := make([]int, len(b)+1)
		cur[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			cur[j+1] = min(prev[j+1]+1, cur[j]+1, prev[j]+cost)
		}
		prev = cur
	}
	return prev[len(b)]
}
