package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"salve/playbooks/strict"
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
		return Config{}, Mistakes{{File: path, What: "cannot be read: " + reason(err), Fix: "name a file that exists"}}
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
	doc, fault := strict.Parse(src)
	if fault != nil {
		return Config{}, Mistakes{mistake(name, *fault)}
	}
	cfg := Default()
	if faults := doc.Decode(&cfg); len(faults) > 0 {
		ms := make(Mistakes, 0, len(faults))
		for _, f := range faults {
			ms = append(ms, mistake(name, f))
		}
		return Config{}, ms
	}
	r := reader{name: name, doc: doc}
	r.check(&cfg)
	if len(r.mistakes) > 0 {
		return Config{}, r.mistakes
	}
	return cfg, nil
}

func mistake(name string, f strict.Fault) Mistake {
	return Mistake{File: name, Line: f.Line, Column: f.Column, What: f.What, Fix: f.Fix}
}

// reader collects mistakes over one parsed file.
type reader struct {
	name     string
	doc      *strict.Document
	mistakes Mistakes
}

// atPath reports a mistake at the value of a YAML path such as $.sources[0].name,
// or at the nearest thing around it that is in the file.
func (r *reader) atPath(path, what, fix string) {
	line, col := r.doc.At(path, [2]int{})
	r.mistakes = append(r.mistakes, Mistake{File: r.name, Line: line, Column: col, What: what, Fix: fix})
}
