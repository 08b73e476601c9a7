package backstage

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"

	"salve/bot"
)

// The limits of a file and of one document.
const (
	maxDocuments = 2000
	maxDocument  = 64 << 10
	maxTokens    = 10000
	maxDepth     = 30
	maxText      = 200 // runes of a name or title
	maxLabels    = 100
)

// entity is a document as Backstage writes it. What may be of several types there
// is any, and made text afterwards.
type entity struct {
	Kind     string `yaml:"kind"`
	Metadata struct {
		Name        string         `yaml:"name"`
		Title       string         `yaml:"title"`
		Annotations map[string]any `yaml:"annotations"`
		Labels      map[string]any `yaml:"labels"`
		Links       []struct {
			URL   string `yaml:"url"`
			Title string `yaml:"title"`
			Type  string `yaml:"type"`
		} `yaml:"links"`
	} `yaml:"metadata"`
	Spec map[string]any `yaml:"spec"`
}

// Parse reads the documents of a file; name is for the notes.
func Parse(name string, src []byte) ([]bot.Service, []Note) {
	var services []bot.Service
	var notes []Note
	if !utf8.Valid(src) || bytes.IndexByte(src, 0) >= 0 {
		return nil, []Note{{File: name, Text: "is not text in UTF-8"}}
	}
	for n, doc := range documents(src) {
		if n == maxDocuments {
			notes = append(notes, Note{File: name, Line: doc.line, Text: fmt.Sprintf("there are more than %d documents; the rest is left out", maxDocuments)})
			break
		}
		s, ok, line, err := one(doc.text)
		switch {
		case err != nil:
			notes = append(notes, Note{File: name, Line: doc.line + line, Text: "this document is left out: " + err.Error()})
		case ok:
			services = append(services, s)
		}
	}
	return services, notes
}

// document is one of a file; line is how many lines are before it.
type document struct {
	line int
	text []byte
}

// documents cuts a file at its lines of three dashes, so that one that is broken
// hides no other.
func documents(src []byte) []document {
	var out []document
	var text []byte
	begin, n := 0, 0
	flush := func() {
		if len(bytes.TrimSpace(text)) > 0 {
			out = append(out, document{line: begin, text: text})
		}
	}
	for line := range bytes.Lines(src) {
		n++
		if rest, ok := bytes.CutPrefix(line, []byte("---")); ok && len(bytes.TrimSpace(rest)) == 0 {
			flush()
			text, begin = nil, n
			continue
		}
		text = append(text, line...)
	}
	flush()
	return out
}

// one reads a document; false for a kind that is no service. line is where in it
// a mistake is.
func one(src []byte) (s bot.Service, ok bool, line int, err error) {
	if len(src) > maxDocument {
		return s, false, 1, fmt.Errorf("it is larger than %d KiB", maxDocument>>10)
	}
	if line, err := bounded(src); err != nil {
		return s, false, line, err
	}
	var e entity
	if err := yaml.Unmarshal(src, &e); err != nil {
		if ye, is := errors.AsType[yaml.Error](err); is && ye.GetToken() != nil {
			return s, false, ye.GetToken().Position.Line, errors.New(clean(ye.GetMessage()))
		}
		return s, false, 1, errors.New("it is not YAML as Backstage writes it")
	}
	switch e.Kind {
	case "Component", "API", "Resource", "System":
	case "User", "Group", "Domain":
		return s, false, 0, nil
	case "":
		if bytes.IndexFunc(src, func(r rune) bool { return !unicode.IsSpace(r) }) < 0 || onlyComments(src) {
			return s, false, 0, nil
		}
		return s, false, 1, errors.New("it has no kind")
	default:
		return s, false, 1, fmt.Errorf("the kind %q is not one that Salve looks at", clean(e.Kind))
	}
	if s = e.service(); s.Name == "" {
		return s, false, 1, errors.New("it has no metadata.name")
	}
	return s, true, 0, nil
}

func onlyComments(src []byte) bool {
	for line := range bytes.Lines(src) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			return false
		}
	}
	return true
}

// bounded refuses what costs more than a catalogue is worth, aliases first: a
// small document can be a huge one by them.
func bounded(src []byte) (int, error) {
	tokens := lexer.Tokenize(string(src))
	if len(tokens) > maxTokens {
		return 1, fmt.Errorf("it has more than %d words and signs", maxTokens)
	}
	depth, dashes, line := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			line, dashes = t.Position.Line, 0
		}
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType, token.TagType:
			return line, errors.New("anchors, aliases and tags are not read; write the value out")
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.SequenceEntryType, token.MappingKeyType:
			dashes++
		default:
		}
		if depth > maxDepth || dashes > maxDepth {
			return line, fmt.Errorf("it is nested deeper than %d levels", maxDepth)
		}
	}
	return 0, nil
}

func (e entity) service() bot.Service {
	s := bot.Service{
		Name: clean(e.Metadata.Name), Title: clean(e.Metadata.Title),
		Owner: name(text(e.Spec["owner"])), System: name(text(e.Spec["system"])), Labels: map[string]string{},
	}
	for _, all := range []map[string]any{e.Metadata.Annotations, e.Metadata.Labels} {
		for k, v := range all {
			if len(s.Labels) < maxLabels && text(v) != "" {
				s.Labels[clean(k)] = text(v)
			}
		}
	}
	if l := text(e.Spec["lifecycle"]); l != "" {
		s.Labels["lifecycle"] = l
	}
	s.Tier = text(e.Spec["tier"])
	for k, v := range s.Labels {
		if s.Tier == "" && (k == "tier" || strings.HasSuffix(k, "/tier")) {
			s.Tier = v
		}
	}
	if needs, ok := e.Spec["dependsOn"].([]any); ok {
		for _, n := range needs[:min(len(needs), maxLabels)] {
			if n := name(text(n)); n != "" {
				s.Needs = append(s.Needs, n)
			}
		}
	}
	s.Runbook = e.runbook(s.Labels)
	return s
}

// runbook is the link that is called one, else the annotation.
func (e entity) runbook(labels map[string]string) string {
	for _, l := range e.Metadata.Links {
		if strings.Contains(strings.ToLower(l.Title+" "+l.Type), "runbook") && address(l.URL) {
			return l.URL
		}
	}
	for _, k := range []string{"salve/runbook", "runbook", "backstage.io/runbook"} {
		if address(labels[k]) {
			return labels[k]
		}
	}
	return ""
}

func address(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && len(s) <= 2000
}

// name is what a reference names, [kind:][namespace/]name.
func name(ref string) string {
	if _, after, ok := strings.Cut(ref, ":"); ok {
		ref = after
	}
	return ref[strings.LastIndexByte(ref, '/')+1:]
}

// text is a scalar; "" for what is none.
func text(v any) string {
	switch v := v.(type) {
	case nil, []any, map[string]any:
		return ""
	case string:
		return clean(v)
	default:
		return clean(fmt.Sprint(v))
	}
}

// clean is text in one line with what cannot be seen written out.
func clean(s string) string {
	var b strings.Builder
	n := 0
	for _, r := range strings.TrimSpace(s) {
		if n++; n > maxText {
			b.WriteString("…")
			break
		}
		switch {
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp):
			fmt.Fprintf(&b, "\\u%04x", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
