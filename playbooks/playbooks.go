// Package playbooks is everything that people write for Salve to carry out: one
// strict loader over a file system, and the playbooks in the binary.
//
// It promises that what it loads compiles: every key is known, every expression
// and template type-checks, every action, argument and param exists, and scheme
// and host of a URL, the program of a command and every secret are literal. All
// that is wrong with all files is reported at once, with file, line, column and
// what to write instead, and then nothing is loaded.
//
// It assumes that the operator owns the files: symlinks and files that others
// may write are refused where the file system tells. On failure the error is
// Problems.
package playbooks

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"salve/bot"
	"salve/playbooks/strict"
)

const (
	maxFileBytes = 256 << 10
	maxFiles     = 20000
)

// Problem is one thing wrong with a file, or, with Warning, allowed but probably
// not meant.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Message string `json:"message"`
	Fix     string `json:"fix,omitempty"`
	Warning bool   `json:"warning,omitempty"`
}

func (p Problem) String() string {
	s := p.File
	if p.Line > 0 {
		s = fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
	}
	s += ": " + p.Message
	if p.Fix != "" {
		s += "; " + p.Fix
	}
	return s
}

// Problems is an error that lists what is wrong, in the order of files and lines.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Load reads every .yaml and .yml file below dir. actions are the ones that
// steps and checks may use.
func Load(fsys fs.FS, dir string, actions map[string]bot.ActionInfo) ([]bot.Playbook, error) {
	l := loader{actions: actions, names: map[string]string{}}
	files, err := find(fsys, dir)
	if err != nil {
		return nil, err
	}
	var books []bot.Playbook
	for _, file := range files {
		if b, ok := l.load(fsys, file); ok {
			books = append(books, b)
		}
	}
	if len(l.problems) > 0 {
		slices.SortStableFunc(l.problems, func(a, b Problem) int {
			if a.File != b.File {
				return strings.Compare(a.File, b.File)
			}
			return a.Line*1000 + a.Column - b.Line*1000 - b.Column
		})
		return nil, l.problems
	}
	return books, nil
}

// find lists the files, sorted. Hidden ones are passed over.
func find(fsys fs.FS, dir string) ([]string, error) {
	var files []string
	err := fs.WalkDir(fsys, dir, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("read playbooks: %w", err)
		case p != dir && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir() || (path.Ext(p) != ".yaml" && path.Ext(p) != ".yml"):
			return nil
		case len(files) >= maxFiles:
			return fmt.Errorf("there are more than %d playbook files", maxFiles)
		}
		files = append(files, p)
		return nil
	})
	slices.Sort(files)
	return files, err
}

// loader collects problems over all files.
type loader struct {
	actions  map[string]bot.ActionInfo
	names    map[string]string // playbook -> file
	problems Problems
}

func (l *loader) load(fsys fs.FS, file string) (bot.Playbook, bool) {
	before := len(l.problems)
	src, err := read(fsys, file)
	if err != nil {
		l.problems = append(l.problems, Problem{File: file, Message: err.Error()})
		return bot.Playbook{}, false
	}
	doc, fault := strict.Parse(src)
	if fault != nil {
		l.fault(file, *fault)
		return bot.Playbook{}, false
	}
	var raw rawBook
	if faults := doc.Decode(&raw); len(faults) > 0 {
		for _, f := range faults {
			l.fault(file, f)
		}
		return bot.Playbook{}, false
	}
	if doc.Empty() {
		l.problems = append(l.problems, Problem{File: file, Message: "is empty", Fix: "write a playbook, or remove the file"})
		return bot.Playbook{}, false
	}
	b := raw.book()
	sum := sha256.Sum256(src)
	b.Hash, b.File = hex.EncodeToString(sum[:]), file
	c := checker{loader: l, doc: doc, file: file, book: b}
	c.check()
	return b, len(l.problems) == before
}

func (l *loader) fault(file string, f strict.Fault) {
	l.problems = append(l.problems, Problem{File: file, Line: f.Line, Column: f.Column, Message: f.What, Fix: f.Fix})
}

// read reads one file that only its owner can have changed.
func read(fsys fs.FS, file string) ([]byte, error) {
	f, err := fsys.Open(file)
	if err != nil {
		return nil, errors.New("cannot be opened")
	}
	defer f.Close()
	if st, err := fs.Stat(fsys, file); err != nil || !st.Mode().IsRegular() {
		return nil, errors.New("is not a regular file; symlinks are refused")
	}
	if l, err := lstat(fsys, file); err == nil && l.Mode()&fs.ModeSymlink != 0 {
		return nil, errors.New("is a symlink; put the file itself here")
	}
	st, err := f.Stat()
	if err != nil {
		return nil, errors.New("cannot be read")
	}
	if st.Mode().Perm()&0o002 != 0 {
		return nil, errors.New("can be written by everybody; chmod o-w it")
	}
	src, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, errors.New("cannot be read")
	}
	if len(src) > maxFileBytes {
		return nil, fmt.Errorf("is larger than %d KiB", maxFileBytes>>10)
	}
	return src, nil
}

// lstat looks at a file without following it, where the file system can.
func lstat(fsys fs.FS, file string) (fs.FileInfo, error) {
	if rl, ok := fsys.(fs.ReadLinkFS); ok {
		return rl.Lstat(file)
	}
	entries, err := fs.ReadDir(fsys, path.Dir(file))
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.Name() == path.Base(file) {
			return e.Info()
		}
	}
	return nil, fs.ErrNotExist
}
