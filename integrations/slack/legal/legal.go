// Package legal tells whether Slack will take a payload, before it is sent.
//
// It judges by Slack's own types: a JSON Schema derived from the npm package
// @slack/types with the limits lifted from its comments (NOTICE, generate), and
// by the rules of Slack's documents that no schema states. It is pure and safe
// for concurrent use. It promises to be strict, not complete: what Slack says
// nowhere is not known here, and some of what it would still take (a link that
// is not http, a text beyond what an edit may hold) is a Problem.
//
// A payload that cannot be read is a Problem too. No Problem tells what stood in
// the payload, only where.
package legal

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Kind is what a payload is sent as.
type Kind string

// The kinds of payload. The payload of a message is the JSON object of its
// method's arguments without the token; that of a view is the view itself.
const (
	Message   Kind = "message"   // chat.postMessage
	Update    Kind = "update"    // chat.update
	Ephemeral Kind = "ephemeral" // chat.postEphemeral
	Response  Kind = "response"  // to a response_url
	Modal     Kind = "modal"     // views.open, views.push, views.update
	Home      Kind = "home"      // views.publish
)

// Problem is one reason why Slack would refuse a payload.
type Problem struct {
	Pointer string // where, as a JSON pointer; "": the whole
	Rule    string // which rule, in one word
	Text    string // what is wrong, for people
}

func (p Problem) String() string {
	return fmt.Sprintf("%s: %s [%s]", cmp.Or(p.Pointer, "/"), p.Text, p.Rule)
}

const (
	maxPayload  = 250_000 // bytes, of a view by Slack's own word
	maxDepth    = 30      // of nesting; blocks need a third of it
	maxProblems = 20
)

// Check returns why Slack would refuse the payload; nil if it would not, as far
// as is known. It never returns more than 20 Problems.
func Check(kind Kind, payload []byte) []Problem {
	root, problem := decode(payload)
	if problem != nil {
		return []Problem{*problem}
	}
	c := &checker{kind: kind, blockIDs: map[string]bool{}}
	if !c.checkSchema(root) {
		return []Problem{{Rule: "kind", Text: fmt.Sprintf("%q is no kind of payload", string(kind))}}
	}
	c.checkRules(root)
	return c.sorted()
}

func decode(payload []byte) (map[string]any, *Problem) {
	if len(payload) > maxPayload {
		return nil, &Problem{Rule: "size", Text: fmt.Sprintf("%d bytes, %d are allowed", len(payload), maxPayload)}
	}
	if !utf8.Valid(payload) {
		return nil, &Problem{Rule: "json", Text: "not UTF-8"}
	}
	if deeper(payload, maxDepth) {
		return nil, &Problem{Rule: "json", Text: fmt.Sprintf("nested deeper than %d", maxDepth)}
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(payload))
	if err != nil {
		return nil, &Problem{Rule: "json", Text: "not one JSON value"}
	}
	root, ok := value.(map[string]any)
	if !ok {
		return nil, &Problem{Rule: "json", Text: "not a JSON object"}
	}
	return root, nil
}

// deeper tells whether brackets outside of strings nest deeper than limit.
func deeper(payload []byte, limit int) bool {
	depth, quoted := 0, false
	for i := 0; i < len(payload); i++ {
		switch b := payload[i]; {
		case quoted && b == '\\':
			i++
		case b == '"':
			quoted = !quoted
		case quoted:
		case b == '{' || b == '[':
			if depth++; depth > limit {
				return true
			}
		case b == '}' || b == ']':
			depth--
		}
	}
	return false
}

// checker gathers what is wrong with one payload.
type checker struct {
	kind     Kind
	problems []Problem
	blockIDs map[string]bool
	tables   int
	runes    int
}

func (c *checker) add(pointer, rule, format string, args ...any) {
	if len(c.problems) < maxProblems {
		c.problems = append(c.problems, Problem{Pointer: pointer, Rule: rule, Text: fmt.Sprintf(format, args...)})
	}
}

func (c *checker) isView() bool { return c.kind == Modal || c.kind == Home }

// sorted puts the Problems in the order of their places, each once.
func (c *checker) sorted() []Problem {
	slices.SortStableFunc(c.problems, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.Pointer, b.Pointer), strings.Compare(a.Rule, b.Rule), strings.Compare(a.Text, b.Text))
	})
	return slices.Compact(c.problems)
}
