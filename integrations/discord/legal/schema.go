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

//go:generate sh -c "go run ./generate \"$DISCORD_OPENAPI\" >schema.new && mv schema.new schema.json"

//go:embed schema.json
var schemaJSON []byte

// schemas are compiled when first asked for; the embedded file is ours, so that
// one which does not compile is a programmer's mistake.
var schemas = sync.OnceValue(func() map[string]*jsonschema.Schema {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemaJSON))
	if err != nil {
		panic("legal: read the embedded schema: " + err.Error())
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("discord.json", doc); err != nil {
		panic("legal: add the embedded schema: " + err.Error())
	}
	out := map[string]*jsonschema.Schema{}
	for _, name := range []string{"Message", "Edit", "Followup", "Reply", "Replacement", "Suggestions", "ModalAnswer", "Pong",
		"Modal", "Command", "Thread"} {
		out[name] = c.MustCompile("discord.json#/$defs/" + name)
	}
	return out
})

// checkSchema judges the value at the place by a definition of the schema.
func (c *checker) checkSchema(name string, value any, where string) {
	if failed, ok := errors.AsType[*jsonschema.ValidationError](schemas()[name].Validate(value)); ok {
		c.addLeaves(failed, where)
	}
}

// addLeaves adds the errors that have no cause of their own: those above only
// repeat that something below is wrong.
func (c *checker) addLeaves(e *jsonschema.ValidationError, where string) {
	if len(e.Causes) > 0 {
		for _, cause := range e.Causes {
			c.addLeaves(cause, where)
		}
		return
	}
	c.add(where+pointer(e.InstanceLocation), rule(e.ErrorKind), "%s", tell(e.ErrorKind))
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
		return fmt.Sprintf("has %d fields that Discord does not know here", len(k.Properties))
	case *kind.Type:
		return fmt.Sprintf("is a %s where %s is needed", k.Got, strings.Join(k.Want, " or "))
	case *kind.Enum:
		return fmt.Sprintf("is none of %v", k.Want)
	case *kind.Const:
		return fmt.Sprintf("is not %v", k.Want)
	default:
		return "is not as Discord's document wants it"
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
