// Package strict reads one YAML document into Go structs and accepts nothing
// that it does not know.
//
// It promises that every unknown or repeated key, wrong type, anchor, alias,
// tag, merge key and second document is a Fault with line, column, what is wrong
// and what to write instead; that all Faults of keys and types are reported at
// once; and that it does not work long on a small hostile file. It assumes
// structs with yaml tags on every field. A document that cannot be decoded
// leaves out untouched as far as the caller is concerned: use it only when there
// are no Faults.
package strict

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
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
	lines  []string
	body   ast.Node // nil: empty
	faults []Fault
}

const (
	maxDepth  = 40     // of brackets in brackets, and of dashes in one line
	maxTokens = 50_000 // words and signs; the parser slows down beyond
)

// Parse reads the bytes of a file.
func Parse(src []byte) (*Document, *Fault) {
	switch {
	case bytes.IndexByte(src, 0) >= 0:
		return nil, &Fault{What: "has a NUL byte; it is not a text file"}
	case !utf8.Valid(src):
		return nil, &Fault{What: "is not valid UTF-8", Fix: "save it as UTF-8"}
	}
	if f := bareReturn(src); f != nil {
		return nil, f
	}
	tokens := lexer.Tokenize(string(src))
	if f := bounded(tokens); f != nil {
		return nil, f
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		f := fromError(err)
		return nil, &f
	}
	d := &Document{lines: strings.Split(string(src), "\n")}
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil || doc.Body.Type() == ast.CommentType || doc.Body.Type() == ast.NullType:
		case d.body != nil:
			f := at(doc.Body.GetToken(), "a second document begins", "keep one document in a file")
			return nil, &f
		default:
			d.body = doc.Body
		}
	}
	return d, nil
}

// bareReturn refuses a carriage return that no line feed follows. YAML ends a
// line there and most editors and diffs do not, so a key could hide behind a
// comment from whoever reviews the file.
func bareReturn(src []byte) *Fault {
	line, from := 1, 0
	for i, c := range src {
		switch {
		case c == '\n':
			line, from = line+1, i+1
		case c == '\r' && (i+1 == len(src) || src[i+1] != '\n'):
			return &Fault{
				Line: line, Column: utf8.RuneCount(src[from:i]) + 1,
				What: "a carriage return stands without a line feed", Fix: "end lines with a line feed",
			}
		}
	}
	return nil
}

// bounded refuses bombs before anything recurses over them.
func bounded(tokens token.Tokens) *Fault {
	depth, dashes, line := 0, 0, 0
	if len(tokens) > maxTokens {
		f := at(tokens[maxTokens], fmt.Sprintf("has more than %d words and signs", maxTokens), "split it")
		return &f
	}
	for _, t := range tokens {
		if t.Position.Line != line {
			line, dashes = t.Position.Line, 0
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.SequenceEntryType, token.MappingKeyType:
			dashes++
		default:
		}
		if depth > maxDepth || dashes > maxDepth {
			f := at(t, fmt.Sprintf("is nested deeper than %d levels", maxDepth), "")
			return &f
		}
	}
	return nil
}

// Empty reports whether the document says nothing.
func (d *Document) Empty() bool { return d.body == nil }

// Decode fills out, a pointer to a struct, after it has held keys and values
// against it.
func (d *Document) Decode(out any) []Fault {
	if d.Empty() {
		return nil
	}
	if !isMapping(d.body) {
		return []Fault{at(d.body.GetToken(), "is not a list of keys", "begin with a key and a colon")}
	}
	d.faults = nil
	d.hold(d.body, out)
	if len(d.faults) > 0 {
		return d.faults
	}
	if err := yaml.NodeToValue(d.body, out, yaml.Strict()); err != nil {
		return []Fault{fromError(err)}
	}
	return nil
}

func at(t *token.Token, what, fix string) Fault {
	f := Fault{What: what, Fix: fix}
	if t != nil && t.Position != nil {
		f.Line, f.Column = t.Position.Line, t.Position.Column
	}
	return f
}

// fromError turns an error of the YAML library into a Fault. The library's own
// text is not asked for unless there is nothing else: it draws the whole file.
func fromError(err error) Fault {
	ye, ok := errors.AsType[yaml.Error](err)
	if !ok {
		return Fault{What: strings.SplitN(err.Error(), "\n", 2)[0]}
	}
	if strings.Contains(ye.GetMessage(), "\t") {
		return at(ye.GetToken(), "a tab stands where YAML wants none", "indent with spaces")
	}
	return at(ye.GetToken(), ye.GetMessage(), "look at quotes, brackets and indentation here and just above")
}
