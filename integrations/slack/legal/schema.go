package legal

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

//go:generate generate/run

//go:embed schema.json
var schemaJSON []byte

// schemas are compiled when first asked for; the embedded file is ours, so that
// one which does not compile is a programmer's mistake.
var schemas = sync.OnceValue(func() map[Kind]*jsonschema.Schema {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemaJSON))
	if err != nil {
		panic("legal: read the embedded schema: " + err.Error())
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("slack.json", doc); err != nil {
		panic("legal: add the embedded schema: " + err.Error())
	}
	message := c.MustCompile("slack.json#/definitions/Message")
	return map[Kind]*jsonschema.Schema{
		Message: message, Update: message, Ephemeral: message, Response: message,
		Modal: c.MustCompile("slack.json#/definitions/Modal"),
		Home:  c.MustCompile("slack.json#/definitions/Home"),
	}
})

// checkSchema reports false when there is no schema for the kind.
func (c *checker) checkSchema(root map[string]any) bool {
	schema := schemas()[c.kind]
	if schema == nil {
		return false
	}
	if failed, ok := errors.AsType[*jsonschema.ValidationError](schema.Validate(root)); ok {
		c.addLeaves(failed)
	}
	return true
}

// addLeaves adds the errors that have no cause of their own: those above only
// repeat that something below is wrong.
func (c *checker) addLeaves(e *jsonschema.ValidationError) {
	if len(e.Causes) > 0 {
		for _, cause := range e.Causes {
			c.addLeaves(cause)
		}
		return
	}
	c.add(pointer(e.InstanceLocation), rule(e.ErrorKind), "%s", tell(e.ErrorKind))
}

func rule(k jsonschema.ErrorKind) string {
	if path := k.KeywordPath(); len(path) > 0 {
		return path[0]
	}
	return "schema"
}

// tell says what is wrong without quoting what was sent.
func tell(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.MaxLength:
		return fmt.Sprintf("%d characters, %d are allowed", k.Got, k.Want)
	case *kind.MinLength:
		return fmt.Sprintf("%d characters, at least %d are needed", k.Got, k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("%d entries, %d are allowed", k.Got, k.Want)
	case *kind.MinItems:
		return fmt.Sprintf("%d entries, at least %d are needed", k.Got, k.Want)
	case *kind.Maximum:
		return fmt.Sprintf("more than %s", k.Want.RatString())
	case *kind.Minimum:
		return fmt.Sprintf("less than %s", k.Want.RatString())
	case *kind.Required:
		return "lacks " + strings.Join(k.Missing, ", ")
	case *kind.AdditionalProperties:
		return fmt.Sprintf("has %d fields that Slack does not know here", len(k.Properties))
	case *kind.Type:
		return fmt.Sprintf("is a %s where %s is needed", k.Got, strings.Join(k.Want, " or "))
	case *kind.Enum:
		return fmt.Sprintf("is none of %v", k.Want)
	case *kind.Const:
		return fmt.Sprintf("is not %v", k.Want)
	default:
		return "is not as Slack's types want it"
	}
}

var escape = strings.NewReplacer("~", "~0", "/", "~1")

func pointer(path []string) string {
	var b strings.Builder
	for _, p := range path {
		b.WriteString("/" + escape.Replace(p))
	}
	return b.String()
}

func at(parent string, index int) string { return parent + "/" + strconv.Itoa(index) }

func under(parent, name string) string { return parent + "/" + escape.Replace(name) }
