// Package playbooks is everything that people write for Salve to carry out: one
// strict loader over a file system, and the playbooks in the binary.
//
// It promises that what it loads compiles: every key is known, every expression
// and template type-checks, every action, argument and param exists, and scheme
// and host of a URL, the program of a command and every secret are literal. All
// that is wrong with all files is reported at once, with file, line, column and
// what to write instead, and then nothing is loaded. A line that may hold a
// secret is not shown.
//
// It assumes that the operator owns the files: symlinks and files that others
// may write are refused where the file system tells. On failure the error is
// Problems.
package playbooks

import (
	"cmp"
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
	maxTold      = 100 // problems that an error's text lists
)

// Problem is one thing wrong with a file, or, with Warning, allowed but probably
// not meant.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Message string `json:"message"`
	Fix     string `json:"fix,omitempty"`
	Excerpt string `json:"excerpt,omitempty"` // the line of the file and a mark below the place
	Warning bool   `json:"warning,omitempty"`
}

// String is the problem on one line, without the excerpt.

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
	var b strings.Builder
	for i, p := range ps {
		if i == maxTold {
			fmt.Fprintf(&b, "\nand %d more", len(ps)-maxTold)
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(p.String())
		if p.Excerpt != "" {
			b.WriteString("\n" + p.Excerpt)
		}
	}
	return b.String()
}

// Load reads every .yaml and .yml file below dir. actions are the ones that
// steps and checks may use.
func Load(fsys fs.FS, dir string, actions map[string]bot.ActionInfo) ([]bot.Playbook, error) {
	l := loader{actions: actions, names: map[string]string{}}
	files, err := l.find(fsys, dir)
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
			return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, a.Column-b.Column, strings.Compare(a.Message, b.Message))
		})
		return nil, l.problems
	}
	return books, nil
}

// find lists the files, sorted. Hidden ones are passed over; a folder in it that
// cannot be read is a problem like others.
func (l *loader) find(fsys fs.FS, dir string) ([]string, error) {
	var files []string
	err := fs.WalkDir(fsys, dir, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && p == dir:
			return fmt.Errorf("read playbooks: %w", err)
		case err != nil:
			l.problems = append(l.problems, Problem{File: p, Message: "cannot be read"})
			return nil
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
	lines := strings.Split(string(src), "\n")
	doc, fault := strict.Parse(src)
	if fault != nil {
		l.fault(file, lines, *fault)
		return bot.Playbook{}, false
	}
	if doc.Empty() {
		l.problems = append(l.problems, Problem{File: file, Message: "is empty", Fix: "write a playbook, or remove the file"})
		return bot.Playbook{}, false
	}
	var raw rawBook
	if faults := doc.Decode(&raw); len(faults) > 0 {
		for _, f := range faults {
			l.fault(file, lines, f)
		}
		return bot.Playbook{}, false
	}
	b := raw.book()
	sum := sha256.Sum256(src)
	b.Hash, b.File = hex.EncodeToString(sum[:]), file
	c := checker{loader: l, doc: doc, file: file, book: b}
	c.check()
	return b, len(l.problems) == before
}

func (l *loader) fault(file string, lines []string, f strict.Fault) {
	p := Problem{File: file, Line: f.Line, Column: f.Column, Message: f.What, Fix: f.Fix}
	if f.Line > 0 && f.Line <= len(lines) {
		p.Excerpt = excerpt(lines[f.Line-1], f.Line, f.Column)
	}
	l.problems = append(l.problems, p)
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
