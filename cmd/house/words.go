package main

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// leftover finds what does not belong in a finished tree.
var leftover = regexp.MustCompile(`(?i)\b(todo|fixme)\b|not (yet )?implemented`)

// machinePath finds paths of somebody's machine.
var machinePath = regexp.MustCompile(`(^|[\s"'(=])/(root|home|Users)/[a-z]`)

// CheckWords reads the text files below root and reports what was left for
// later and paths of a machine. Binary and generated data are passed over.
func CheckWords(root string) ([]string, error) {
	var out []string
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if p != root && (d.Name() == "testdata" || d.Name() == ".git") {
				return filepath.SkipDir
			}
			return nil
		}
		switch filepath.Ext(p) {
		case ".go", ".md", ".yaml", ".yml", ".html", ".css", ".js", ".sh", "":
			lines, err := readWords(root, p)
			out = append(out, lines...)
			return err
		}
		return nil
	})
	return out, err
}

func readWords(root, p string) ([]string, error) {
	rel, err := filepath.Rel(root, p)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(filepath.ToSlash(rel), "cmd/house/") {
		return nil, nil // it names what it looks for
	}
	f, err := os.Open(p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []string
	sc := bufio.NewScanner(f)
	sc.Buffer(make([]byte, 0, 64*1024), 1<<20)
	for n := 1; sc.Scan(); n++ {
		switch line := sc.Text(); {
		case leftover.MatchString(line):
			out = append(out, fmt.Sprintf("%s:%d: left for later: %s", rel, n, strings.TrimSpace(line)))
		case machinePath.MatchString(line):
			out = append(out, fmt.Sprintf("%s:%d: a path of somebody's machine: %s", rel, n, strings.TrimSpace(line)))
		}
	}
	return out, sc.Err()
}
