package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

const maxFileBytes = 1 << 20

// Mistake is one thing wrong with the file, with its place and its cure.
type Mistake struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	What   string `json:"what"`
	Fix    string `json:"fix"`
}

func (m Mistake) String() string {
	at := m.File
	if m.Line > 0 {
		at = fmt.Sprintf("%s:%d:%d", m.File, m.Line, m.Column)
	}
	if m.Fix == "" {
		return at + ": " + m.What
	}
	return at + ": " + m.What + "; " + m.Fix
}

// Mistakes is everything wrong with a file, in its order.
type Mistakes []Mistake

func (ms Mistakes) Error() string {
	var b strings.Builder
	for i, m := range ms {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(m.String())
	}
	return b.String()
}

// Load reads and checks a file.
func Load(path string) (Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return Config{}, Mistakes{{File: path, What: "cannot be read: " + reason(err), Fix: "name an existing file with --config"}}
	}
	defer f.Close()
	src, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return Config{}, Mistakes{{File: path, What: "cannot be read: " + reason(err)}}
	}
	return Parse(path, src)
}

func reason(err error) string {
	if pe, ok := errors.AsType[*os.PathError](err); ok {
		return pe.Err.Error()
	}
	return err.Error()
}

// Parse checks the bytes of a file; name is for the messages.
func Parse(name string, src []byte) (Config, error) {
	if len(src) > maxFileBytes {
		return Config{}, Mistakes{{File: name, What: "is larger than 1 MiB", Fix: "a configuration is a page"}}
	}
	file, err := parser.ParseBytes(src, 0)
	if err != nil {
		return Config{}, Mistakes{syntax(name, err)}
	}
	r := reader{name: name, file: file}
	if r.shape(); len(r.mistakes) > 0 {
		return Config{}, r.mistakes
	}
	cfg := Default()
	if len(bytes.TrimSpace(src)) > 0 && len(file.Docs) > 0 && file.Docs[0].Body != nil {
		if err := yaml.NodeToValue(file.Docs[0].Body, &cfg, yaml.Strict()); err != nil {
			return Config{}, Mistakes{syntax(name, err)}
		}
	}
	r.check(&cfg)
	if len(r.mistakes) > 0 {
		return Config{}, r.mistakes
	}
	return cfg, nil
}

// reader collects mistakes over one parsed file.
type reader struct {
	name     string
	file     *ast.File
	mistakes Mistakes
}

// shape refuses what would be ambiguous and reports every unknown key.
func (r *reader) shape() {
	if len(r.file.Docs) > 1 {
		r.at(r.file.Docs[1].GetToken(), "a second document", "keep one document in the file")
		return
	}
	for _, doc := range r.file.Docs {
		if doc.Body == nil {
			continue
		}
		if doc.Body.Type() != ast.MappingType && doc.Body.Type() != ast.MappingValueType && doc.Body.Type() != ast.NullType && doc.Body.Type() != ast.CommentType {
			r.at(doc.Body.GetToken(), "is not a list of keys", "begin with a key such as listen: 127.0.0.1:8080")
			return
		}
		r.keys(doc.Body, reflect.TypeFor[Config](), "")
	}
}

// keys walks a mapping beside the Go type that it fills.
func (r *reader) keys(n ast.Node, t reflect.Type, path string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch n := n.(type) {
	case *ast.AliasNode, *ast.AnchorNode:
		r.at(n.GetToken(), "anchors and aliases are not used here", "write the value out")
	case *ast.SequenceNode:
		if t.Kind() == reflect.Slice {
			for _, v := range n.Values {
				r.keys(v, t.Elem(), path)
			}
		}
	case *ast.MappingValueNode:
		r.key(n, t, path)
	case *ast.MappingNode:
		for _, v := range n.Values {
			r.key(v, t, path)
		}
	}
}

func (r *reader) key(n *ast.MappingValueNode, t reflect.Type, path string) {
	if t.Kind() != reflect.Struct {
		return
	}
	key := n.Key.GetToken().Value
	known := fields(t)
	ft, ok := known[key]
	if !ok {
		names := make([]string, 0, len(known))
		for k := range known {
			names = append(names, k)
		}
		where := "here"
		if path != "" {
			where = "in " + path
		}
		r.at(n.Key.GetToken(), fmt.Sprintf("%q is not a key %s", key, where), suggest(key, names))
		return
	}
	r.keys(n.Value, ft, strings.TrimPrefix(path+"."+key, "."))
}

func fields(t reflect.Type) map[string]reflect.Type {
	out := map[string]reflect.Type{}
	for i := range t.NumField() {
		f := t.Field(i)
		out[strings.Split(f.Tag.Get("yaml"), ",")[0]] = f.Type
	}
	return out
}

func (r *reader) at(t *token.Token, what, fix string) {
	m := Mistake{File: r.name, What: what, Fix: fix}
	if t != nil && t.Position != nil {
		m.Line, m.Column = t.Position.Line, t.Position.Column
	}
	r.mistakes = append(r.mistakes, m)
}

// atPath reports a mistake at the value of a YAML path such as $.sources[0].name,
// or at the nearest parent that is in the file.
func (r *reader) atPath(path, what, fix string) {
	for p := path; p != "$" && p != ""; p = parent(p) {
		yp, err := yaml.PathString(p)
		if err != nil {
			continue
		}
		if n, err := yp.FilterFile(r.file); err == nil && n != nil {
			r.at(n.GetToken(), what, fix)
			return
		}
	}
	r.mistakes = append(r.mistakes, Mistake{File: r.name, What: what, Fix: fix})
}

func parent(p string) string {
	i := max(strings.LastIndexByte(p, '.'), strings.LastIndexByte(p, '['))
	if i < 0 {
		return ""
	}
	return p[:i]
}

// syntax turns an error of the YAML library into a Mistake.
func syntax(name string, err error) Mistake {
	m := Mistake{File: name, What: strings.SplitN(err.Error(), "\n", 2)[0]}
	if ye, ok := errors.AsType[yaml.Error](err); ok {
		m.What = ye.GetMessage()
		if t := ye.GetToken(); t != nil && t.Position != nil {
			m.Line, m.Column = t.Position.Line, t.Position.Column
		}
	}
	return m
}

// suggest names the key that was probably meant, else all of them.
func suggest(got string, known []string) string {
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
	return "known keys: " + strings.Join(known, ", ")
}

// distance is the Levenshtein distance.
func distance(a, b string) int {
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
