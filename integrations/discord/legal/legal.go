// Package legal tells whether Discord will take a payload, before it is sent.
//
// It judges by what Discord publishes itself: a JSON Schema cut from its OpenAPI
// document (NOTICE, generate), and by the rules of Discord's documents that no
// schema states. It is pure and safe for concurrent use. It promises to be
// strict, not complete: what Discord says nowhere is not known here.
//
// Some of what Discord would take is a Problem all the same, and its Rule says
// so by beginning with "our-": a message that may mention people whom nobody
// chose, a post that would be made twice when its answer is lost.
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

// The kinds of payload. Of a request with files it is the part payload_json.
const (
	Message  Kind = "message"  // a new message by the bot's token
	Edit     Kind = "edit"     // a change of a message, by either token
	Callback Kind = "callback" // the first answer to an interaction, in either transport
	Followup Kind = "followup" // a message by an interaction's token
	Modal    Kind = "modal"    // the data of a callback that opens a modal
	Thread   Kind = "thread"   // a thread on a message
	Commands Kind = "commands" // the list that replaces all commands
)

// Problem is one reason why Discord would refuse a payload, or we do.
type Problem struct {
	Pointer string // where, as a JSON pointer; "": the whole
	Rule    string // which rule, in one word; "our-…": Discord would take it
	Text    string // what is wrong, for people
}

func (p Problem) String() string {
	return fmt.Sprintf("%s: %s [%s]", cmp.Or(p.Pointer, "/"), p.Text, p.Rule)
}

// Ours tells that Discord would take it, and only we do not send it.
func (p Problem) Ours() bool { return strings.HasPrefix(p.Rule, "our-") }

const (
	maxPayload  = 1 << 20 // bytes; what is legal needs a tenth of it
	maxDepth    = 30      // of nesting; embeds and commands need a third of it
	maxProblems = 20
)

// Check returns why Discord would refuse the payload; nil if it would not, as far
// as is known. It never returns more than 20 Problems.
func Check(kind Kind, payload []byte) []Problem {
	root, problem := decode(payload)
	if problem != nil {
		return []Problem{*problem}
	}
	c := &checker{kind: kind, ids: map[string]bool{}}
	switch rules := c.rules(); {
	case rules == nil:
		return []Problem{{Rule: "kind", Text: fmt.Sprintf("%q is no kind of payload", string(kind))}}
	default:
		rules(root)
	}
	return c.sorted()
}

// rules are those of the kind; nil when there is no such kind.
func (c *checker) rules() func(any) {
	switch c.kind {
	case Message, Edit, Followup:
		return c.checkMessage
	case Callback:
		return c.checkCallback
	case Modal:
		return c.checkModal
	case Thread:
		return c.checkThread
	case Commands:
		return c.checkCommands
	default:
		return nil
	}
}

func decode(payload []byte) (any, *Problem) {
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
	return value, nil
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
	ids      map[string]bool // custom_ids so far
}

func (c *checker) add(pointer, rule, format string, args ...any) {
	if len(c.problems) < maxProblems {
		c.problems = append(c.problems, Problem{Pointer: pointer, Rule: rule, Text: fmt.Sprintf(format, args...)})
	}
}

// sorted puts the Problems in the order of their places, each once.
func (c *checker) sorted() []Problem {
	slices.SortStableFunc(c.problems, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.Pointer, b.Pointer), strings.Compare(a.Rule, b.Rule), strings.Compare(a.Text, b.Text))
	})
	return slices.Compact(c.problems)
}
