// Command generate cuts from Discord's OpenAPI document what the operations that
// Salve uses may be sent, and prints it as a JSON Schema:
//
//	generate openapi.json.gz >schema.json
//
// A choice between kinds of component becomes the kind that its type names, so
// that a refusal says what is wrong with that component. What Salve never sends
// (components v2, polls, stickers, themes) is left out, and therefore refused.
// The same document makes the same bytes. It fails when the document no longer
// has what it looks for.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

const prefix = "#/components/schemas/"

// roots are what is sent, by the name that package legal knows it by.
var roots = map[string]string{
	"Message":     "MessageCreateRequest",
	"Edit":        "MessageEditRequestPartial",
	"Followup":    "IncomingWebhookRequestPartial",
	"Reply":       "CreateMessageInteractionCallbackRequest",
	"Replacement": "UpdateMessageInteractionCallbackRequest",
	"Suggestions": "ApplicationCommandAutocompleteCallbackRequest",
	"ModalAnswer": "ModalInteractionCallbackRequest",
	"Pong":        "PongInteractionCallbackRequest",
	"Modal":       "ModalInteractionCallbackRequestData",
	"Command":     "ApplicationCommandUpdateRequest",
	"Thread":      "CreateTextThreadWithMessageRequest",
}

// dropped are fields of which Salve never sends one.
var dropped = []string{"poll", "sticker_ids", "shared_client_theme", "thread_name", "applied_tags", "username", "avatar_url"}

// unsent are the kinds of component that Salve never sends: no choice has them. A
// text stands in a form alone.
var unsent = []string{"ContainerComponent", "FileComponent", "MediaGalleryComponent", "SectionComponent", "SeparatorComponent",
	"TextDisplayComponentForMessage", "ThumbnailComponent", "CheckboxComponent", "CheckboxGroupComponent", "FileUploadComponent", "RadioGroupComponent",
	"InteractionApplicationCommandAutocompleteCallbackIntegerData", "InteractionApplicationCommandAutocompleteCallbackNumberData"}

// tolerated are fields that discordgo sends beside those of the document, which
// Discord does not look at.
var tolerated = map[string][]string{
	"MessageEditRequestPartial":              {"ID", "Channel"},
	"CreateTextThreadWithMessageRequest":     {"invitable"},
	"ComponentEmojiForRequest":               {"animated"},
	"RichEmbedAuthor":                        {"proxy_icon_url"},
	"RichEmbedFooter":                        {"proxy_icon_url"},
	"RichEmbedImage":                         {"proxy_url", "width", "height"},
	"RichEmbedThumbnail":                     {"proxy_url", "width", "height"},
	"StringSelectComponentForMessageRequest": {"default_values", "channel_types"},
}

// hollow are fields that it sends there with nothing in them.
var hollow = map[string][]string{
	"MessageCreateRequest": {"sticker_ids"},
	"IncomingWebhookUpdateForInteractionCallbackRequestPartial":   {"tts"},
	"ModalInteractionCallbackRequestData":                         {"tts", "content", "embeds"},
	"InteractionApplicationCommandAutocompleteCallbackStringData": {"tts", "content", "embeds", "components"},
}

// isOpen tells the objects of which Discord takes more than the document tells.
func isOpen(name string) bool {
	return strings.HasPrefix(name, "ApplicationCommand") || name == "MessageAttachmentRequest" || strings.HasSuffix(name, "DefaultValue")
}

type schema = map[string]any

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: generate openapi.json.gz")
		os.Exit(2)
	}
	out, err := cut(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
	fmt.Print(out)
}

// cut reads the document and writes each definition on a line of its own.
func cut(file string) (string, error) {
	all, err := read(file)
	if err != nil {
		return "", err
	}
	s := &scissors{all: all, defs: map[string]json.RawMessage{}}
	for _, name := range slices.Sorted(maps.Keys(roots)) {
		s.take(roots[name])
		s.put(name, schema{"$ref": "#/$defs/" + roots[name]})
	}
	if s.err != nil {
		return "", s.err
	}
	var b strings.Builder
	b.WriteString("{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\",\n\"$defs\":{\n")
	for i, name := range slices.Sorted(maps.Keys(s.defs)) {
		if i > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(&b, "%q:%s", name, s.defs[name])
	}
	b.WriteString("\n}}\n")
	return b.String(), nil
}

func read(file string) (map[string]schema, error) {
	packed, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the document: %w", err)
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack %s: %w", file, err)
	}
	raw, err := io.ReadAll(io.LimitReader(unpacked, 64<<20))
	if err != nil {
		return nil, fmt.Errorf("unpack %s: %w", file, err)
	}
	var doc struct {
		Components struct{ Schemas map[string]schema }
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&doc); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return doc.Components.Schemas, nil
}

// scissors gather what is cut, with all that it refers to.
type scissors struct {
	all  map[string]schema
	defs map[string]json.RawMessage
	err  error
}

func (s *scissors) put(name string, value any) {
	raw, err := json.Marshal(value)
	if err != nil && s.err == nil {
		s.err = fmt.Errorf("write %s: %w", name, err)
	}
	s.defs[name] = raw
}

func (s *scissors) take(name string) {
	if _, have := s.defs[name]; have {
		return
	}
	def, ok := s.all[name]
	if !ok {
		s.err = fmt.Errorf("the document has no %s", name)
		return
	}
	s.defs[name] = nil // so that what refers to itself ends
	made, _ := s.shape(def).(schema)
	if fields, ok := made["properties"].(schema); ok && !isOpen(name) {
		for _, extra := range tolerated[name] {
			fields[extra] = true
		}
		for _, extra := range hollow[name] {
			fields[extra] = schema{"enum": []any{nil, "", false}}
		}
		made["additionalProperties"] = false
	}
	if name == "ApplicationCommandUpdateRequest" {
		fields, _ := made["properties"].(schema)
		fields["default_member_permissions"] = schema{"type": []string{"string", "null"}, "pattern": "^[0-9]{1,19}$"}
	}
	s.put(name, made)
}

// shape makes of a piece of the document what a schema says.
func (s *scissors) shape(value any) any {
	switch node := value.(type) {
	case []any:
		out := make([]any, len(node))
		for i, v := range node {
			out[i] = s.shape(v)
		}
		return out
	case schema:
		if name, ok := node["$ref"].(string); ok {
			return s.refer(strings.TrimPrefix(name, prefix))
		}
		if values := constants(node); values != nil {
			return schema{"enum": values}
		}
		if choice, ok := s.choice(node); ok {
			return choice
		}
		return s.object(node)
	default:
		return value
	}
}

func (s *scissors) refer(name string) any {
	s.take(name)
	return schema{"$ref": "#/$defs/" + name}
}

// object leaves out what tells people something, and the fields that are dropped.
func (s *scissors) object(node schema) any {
	out := schema{}
	for key, v := range node {
		switch key {
		case "description", "title", "format", "x-discord-union", "contentEncoding":
			if _, isText := v.(string); isText {
				continue
			}
		case "properties":
			out[key] = s.properties(v)
			continue
		}
		out[key] = s.shape(v)
	}
	return out
}

func (s *scissors) properties(value any) any {
	fields, _ := value.(schema)
	out := schema{}
	for name, field := range fields {
		if !slices.Contains(dropped, name) {
			out[name] = s.shape(field)
		}
	}
	return out
}
