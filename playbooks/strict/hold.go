package strict

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

func (d *Document) hold(n ast.Node, out any) { d.walk(n, reflect.TypeOf(out), "") }

func (d *Document) fault(n ast.Node, what, fix string) {
	d.faults = append(d.faults, at(n.GetToken(), what, fix))
}

var reader = reflect.TypeFor[encoding.TextUnmarshaler]()

// walk holds a node against the Go type that it fills. path is for people: the
// keys above, without numbers.
func (d *Document) walk(n ast.Node, t reflect.Type, path string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch n := n.(type) {
	case *ast.AliasNode, *ast.AnchorNode, *ast.MergeKeyNode, *ast.TagNode:
		d.fault(n, "anchors, aliases and tags are not used here", "write the value out")
	case *ast.NullNode:
	case *ast.SequenceNode:
		if !d.fits(n, t, reflect.Slice) {
			return
		}
		for _, v := range n.Values {
			d.walk(v, elem(t), path)
		}
	case *ast.MappingValueNode:
		d.keys([]*ast.MappingValueNode{n}, n, t, path)
	case *ast.MappingNode:
		d.keys(n.Values, n, t, path)
	default:
		d.scalar(n, t)
	}
}

// elem is what a list or map of type t holds; any holds anything.
func elem(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Interface {
		return t
	}
	return t.Elem()
}

// fits reports whether a value of this kind may stand where t is wanted.
func (d *Document) fits(n ast.Node, t reflect.Type, kinds ...reflect.Kind) bool {
	for _, k := range append(kinds, reflect.Interface) {
		if t.Kind() == k && (k == reflect.Interface || !reflect.PointerTo(t).Implements(reader)) {
			return true
		}
	}
	line, column := start(n)
	f := Fault{Line: line, Column: column}
	f.What, f.Fix = wanted(t)
	d.faults = append(d.faults, f)
	return false
}

// wanted says what should stand where something else does.
func wanted(t reflect.Type) (what, fix string) {
	switch {
	case reflect.PointerTo(t).Implements(reader), t.Kind() == reflect.String:
		return "one value is wanted here, not a list and not keys", "write it on the line of its key"
	case t.Kind() == reflect.Slice:
		return "a list is wanted here", "write [one, other], or a line with a dash for each"
	case t.Kind() == reflect.Map, t.Kind() == reflect.Struct:
		return "keys with values are wanted here", "write each as key: value, indented, on a line of its own"
	case t.Kind() == reflect.Bool:
		return "it is neither true nor false", "write true or false"
	default:
		return "a whole number is wanted here", "write for example 3"
	}
}

func (d *Document) scalar(n ast.Node, t reflect.Type) {
	switch {
	case reflect.PointerTo(t).Implements(reader):
		value, ok := reflect.New(t).Interface().(encoding.TextUnmarshaler)
		if !ok {
			return
		}
		if err := value.UnmarshalText([]byte(textOf(n))); err != nil {
			d.fault(n, err.Error(), "")
		}
	case t.Kind() == reflect.String:
		if got := changed(n); got != "" {
			d.fault(n, fmt.Sprintf("%s would be read as %s", textOf(n), got), "write it in quotes")
		}
	case t.Kind() == reflect.Bool:
		if _, ok := n.(*ast.BoolNode); !ok {
			d.fits(n, t)
		}
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64:
		if _, ok := n.(*ast.IntegerNode); !ok {
			d.fits(n, t)
		}
	default:
		d.fits(n, t, reflect.Float32, reflect.Float64)
	}
}

// changed is what a number or word becomes when it is read as one and written as
// text again; empty when it stays as it stands in the file.
func changed(n ast.Node) string {
	switch v := n.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		if s, ok := v.(ast.ScalarNode); ok {
			if got := fmt.Sprint(s.GetValue()); got != textOf(n) {
				return got
			}
		}
	case *ast.InfinityNode, *ast.NanNode:
		return "a number"
	}
	return ""
}

// textOf is a scalar as the file says it, without quotes.
func textOf(n ast.Node) string {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	default:
		return n.GetToken().Value
	}
}

// keys holds the keys of a mapping against a struct or a map.
func (d *Document) keys(entries []*ast.MappingValueNode, n ast.Node, t reflect.Type, path string) {
	if !d.fits(n, t, reflect.Struct, reflect.Map) {
		return
	}
	first := map[string]int{} // key -> line
	var known map[string]reflect.Type
	if t.Kind() == reflect.Struct {
		known = fields(t)
	}
	for _, e := range entries {
		name, ok := d.keyName(e)
		if !ok {
			continue
		}
		if line, twice := first[name]; twice {
			d.fault(e.Key, fmt.Sprintf("%q stands here a second time, first on line %d", name, line), "keep one of them")
			continue
		}
		first[name] = e.Key.GetToken().Position.Line
		below := strings.TrimPrefix(path+"."+name, ".")
		if known == nil {
			d.walk(e.Value, elem(t), below)
			continue
		}
		ft, ok := known[name]
		if !ok {
			d.fault(e.Key, fmt.Sprintf("%q is not a key %s", name, where(path)), Suggest(name, names(known)))
			continue
		}
		d.walk(e.Value, ft, below)
	}
}

func where(path string) string {
	if path == "" {
		return "here"
	}
	return "in " + path
}

// keyName is the name of a key, which must be a plain one.
func (d *Document) keyName(e *ast.MappingValueNode) (string, bool) {
	switch k := e.Key.(type) {
	case *ast.StringNode:
		return k.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		d.fault(e.Key, fmt.Sprintf("%s is not text, and keys are", textOf(e.Key)), "write it in quotes")
	case *ast.MergeKeyNode:
		d.fault(e.Key, "merge keys are not used here", "write the values out")
	default:
		d.fault(e.Key, "this is not a plain key", "write a name and a colon")
	}
	return "", false
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
