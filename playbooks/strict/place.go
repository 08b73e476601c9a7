package strict

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// At is where a value stands: a path such as $.sources[0].name, or the nearest
// thing around it that is in the file. inside is a line and column, from 1,
// within a text value, in which quotes, indentation and folded lines do not
// count; 0, 0 is its beginning.
func (d *Document) At(path string, inside [2]int) (line, column int) {
	n, key, whole := d.find(path)
	if n == nil {
		return 1, 1
	}
	if _, null := n.(*ast.NullNode); null && key != nil {
		return position(key.GetToken())
	}
	if whole && inside != [2]int{} {
		return d.within(n, inside)
	}
	return start(n)
}

// KeyAt is where the key of a value stands; At for what has none.
func (d *Document) KeyAt(path string) (line, column int) {
	if _, key, whole := d.find(path); whole && key != nil {
		return position(key.GetToken())
	}
	return d.At(path, [2]int{})
}

// Text is a scalar as the file says it: 007, not 7.
func (d *Document) Text(path string) (string, bool) {
	n, _, whole := d.find(path)
	if _, scalar := n.(ast.ScalarNode); !whole || !scalar {
		return "", false
	}
	return textOf(n), true
}

// Line is one line of the file, counted from 1; empty beyond.
func (d *Document) Line(n int) string {
	if n < 1 || n > len(d.lines) {
		return ""
	}
	return strings.TrimRight(d.lines[n-1], "\r")
}

// find follows a path as far as it goes. key is the key of the node found, if it
// has one; whole tells that the path was followed to its end.
func (d *Document) find(path string) (n, key ast.Node, whole bool) {
	n, rest := d.body, strings.TrimPrefix(path, "$")
	for rest != "" && n != nil {
		next, nextKey, after, ok := child(n, rest)
		if !ok {
			return n, key, false
		}
		n, key, rest = next, nextKey, after
	}
	return n, key, true
}

// child takes one step: .key or [number]. A key may have dots in it, so the
// longest key that fits is taken.
func child(n ast.Node, path string) (val, key ast.Node, rest string, ok bool) {
	if list, isList := n.(*ast.SequenceNode); isList {
		number, after, _ := strings.Cut(strings.TrimPrefix(path, "["), "]")
		i, err := strconv.Atoi(number)
		if err != nil || i < 0 || i >= len(list.Values) {
			return nil, nil, "", false
		}
		return list.Values[i], nil, after, true
	}
	path, found := strings.CutPrefix(path, ".")
	if !found {
		return nil, nil, "", false
	}
	best := -1
	for _, e := range entries(n) {
		name := textOf(e.Key)
		after, fits := strings.CutPrefix(path, name)
		if fits && len(name) > best && (after == "" || after[0] == '.' || after[0] == '[') {
			best, val, key, rest, ok = len(name), e.Value, e.Key, after, true
		}
	}
	return val, key, rest, ok
}

func entries(n ast.Node) []*ast.MappingValueNode {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	default:
		return nil
	}
}

func isMapping(n ast.Node) bool {
	t := n.Type()
	return t == ast.MappingType || t == ast.MappingValueType
}

// start is where a node begins; for a mapping, its first key.
func start(n ast.Node) (int, int) {
	if e := entries(n); len(e) > 0 {
		return position(e[0].Key.GetToken())
	}
	return position(n.GetToken())
}

func position(t *token.Token) (int, int) {
	if t == nil || t.Position == nil {
		return 1, 1
	}
	return t.Position.Line, t.Position.Column
}

// within finds a place of a text in the file. YAML folds lines, takes away
// indentation and quotes, but keeps the order of what can be seen: the tenth
// visible character of the text is the tenth in the file.
func (d *Document) within(n ast.Node, inside [2]int) (int, int) {
	line, column := start(n)
	quote := n.GetToken().Type
	switch n.(type) {
	case *ast.LiteralNode:
		line, column = line+1, 1
	case *ast.StringNode:
		if quote == token.DoubleQuoteType || quote == token.SingleQuoteType {
			column++
		}
	default:
		return line, column
	}
	text := textOf(n)
	visible := visibleBefore(text, inside)
	for ; line <= len(d.lines); line, column = line+1, 1 {
		src := []rune(d.Line(line))
		for i := column - 1; i < len(src); i++ {
			if quote == token.DoubleQuoteType && src[i] == '\\' && i+1 < len(src) {
				i++
				if strings.ContainsRune("ntr", src[i]) {
					continue
				}
			} else if quote == token.SingleQuoteType && src[i] == '\'' {
				i++
			}
			if i < len(src) && unicode.IsSpace(src[i]) {
				continue
			}
			if visible == 0 {
				return line, i + 1
			}
			visible--
		}
	}
	return start(n)
}

// visibleBefore counts the characters of a text, spaces left out, before a line
// and column of it.
func visibleBefore(text string, inside [2]int) int {
	n := 0
	for i, l := range strings.Split(text, "\n") {
		if i+1 > inside[0] {
			break
		}
		if i+1 == inside[0] {
			l = firstRunes(l, inside[1]-1)
		}
		for _, r := range l {
			if !unicode.IsSpace(r) {
				n++
			}
		}
	}
	return n
}

func firstRunes(s string, n int) string {
	r := []rune(s)
	return string(r[:max(0, min(n, len(r)))])
}
