// Package backstage reads a service catalogue as Backstage keeps it:
// catalog-info.yaml files, of several documents each.
//
// It promises that Component, API, Resource and System become services with
// owner, system, tier, labels, runbook and what they depend on; that User, Group
// and Domain are passed over in silence, and any other kind with a note; that a
// document which cannot be read is left out with a note of file and line while
// the others count; and that Load reads again only what has changed.
//
// It assumes files that people keep, and treats them as hostile: their number,
// size and nesting are bounded, and anchors and aliases are refused. On failure
// Load keeps what it had of a file that cannot be read.
package backstage

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"salve/bot"
)

// The limits of a catalogue.
const (
	maxFiles    = 2000
	maxEntries  = 50000 // looked at in folders
	maxBytes    = 2 << 20
	maxServices = 10000
	maxNotes    = 100
)

// Note tells what was left out and why.
type Note struct {
	File string `json:"file"`
	Line int    `json:"line,omitempty"`
	Text string `json:"text"`
}

func (n Note) String() string {
	if n.Line > 0 {
		return fmt.Sprintf("%s:%d: %s", n.File, n.Line, n.Text)
	}
	return n.File + ": " + n.Text
}

// file is one that was read.
type file struct {
	at       time.Time // its modification
	size     int64
	services []bot.Service
	notes    []Note
}

// Catalog is the services of some files. It is safe for concurrent use.
type Catalog struct {
	patterns []string

	turn sync.Mutex // one at a time loads

	mu       sync.Mutex
	files    map[string]file
	services []bot.Service
	notes    []Note
}

// New takes files, patterns of files (*.yaml), and folders, in which everything
// called catalog-info.yaml, or .yml, counts. Load reads them.
func New(patterns []string) (*Catalog, error) {
	for _, p := range patterns {
		if _, err := filepath.Match(p, ""); err != nil || p == "" {
			return nil, fmt.Errorf("backstage: %q is not a file, folder or pattern", p)
		}
	}
	return &Catalog{patterns: slices.Clone(patterns), files: map[string]file{}}, nil
}

// Services are those that were read last, by name. The slice is never changed.
func (c *Catalog) Services() []bot.Service {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.services
}

// Notes tell what was left out and why, the first of them.
func (c *Catalog) Notes() []Note {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.notes)
}

// Load reads what is new or has changed by its time of modification or size, and
// forgets what is gone. The error tells what of the patterns cannot be read at
// all; what can be is there all the same.
func (c *Catalog) Load(ctx context.Context) error {
	c.turn.Lock()
	defer c.turn.Unlock()
	paths, errs := c.find(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	old := c.files
	files := make(map[string]file, len(paths))
	for _, path := range paths {
		was, known := old[path]
		now, err := read(path, was, known)
		switch {
		case err == nil:
			files[path] = now
		case errors.Is(err, fs.ErrNotExist):
		case known:
			files[path] = was
			errs = append(errs, err)
		default:
			errs = append(errs, err)
		}
	}
	c.set(files)
	return errors.Join(errs...)
}

// set puts the files together; of services with one name the first counts.
func (c *Catalog) set(files map[string]file) {
	var services []bot.Service
	var notes []Note
	seen := map[string]bool{}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		notes = append(notes, files[path].notes...)
		for _, s := range files[path].services {
			key := strings.ToLower(s.Name)
			switch {
			case seen[key]:
				notes = append(notes, Note{File: path, Text: fmt.Sprintf("%q is there already; the first of that name counts", s.Name)})
			case len(services) == maxServices:
				notes = append(notes, Note{File: path, Text: fmt.Sprintf("there are more than %d services; %q is left out", maxServices, s.Name)})
			default:
				seen[key] = true
				services = append(services, s)
			}
		}
	}
	slices.SortFunc(services, func(a, b bot.Service) int { return cmp.Compare(a.Name, b.Name) })
	c.mu.Lock()
	defer c.mu.Unlock()
	c.files, c.services, c.notes = files, services, notes[:min(len(notes), maxNotes)]
}

// find lists the files that the patterns mean.
func (c *Catalog) find(ctx context.Context) (paths []string, errs []error) {
	for _, pattern := range c.patterns {
		found, err := filepath.Glob(pattern)
		if err == nil && len(found) == 0 && !strings.ContainsAny(pattern, `*?[`) {
			err = fmt.Errorf("%s is not there", pattern)
		}
		if err != nil {
			errs = append(errs, err)
		}
		for _, path := range found {
			if st, err := os.Stat(path); err != nil || !st.IsDir() {
				paths = append(paths, path)
				continue
			}
			below, err := walk(ctx, path)
			if err != nil {
				errs = append(errs, err)
			}
			paths = append(paths, below...)
		}
	}
	slices.Sort(paths)
	paths = slices.Compact(paths)
	if len(paths) > maxFiles {
		errs = append(errs, fmt.Errorf("the catalogue has more than %d files; the rest is left out", maxFiles))
		paths = paths[:maxFiles]
	}
	return paths, errs
}

func walk(ctx context.Context, root string) (paths []string, err error) {
	n := 0
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		n++
		switch {
		case err != nil && path == root:
			return err
		case err != nil:
			return nil // a folder that cannot be read hides none of the others
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case n > maxEntries:
			return fmt.Errorf("%s holds more than %d files and folders; name the catalogue's own", root, maxEntries)
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules"):
			return fs.SkipDir
		case d.Type().IsRegular() && (d.Name() == "catalog-info.yaml" || d.Name() == "catalog-info.yml"):
			paths = append(paths, path)
		}
		return nil
	})
	return paths, err
}

// read reads a file unless it is as it was.
func read(path string, was file, known bool) (file, error) {
	f, err := os.Open(path)
	if err != nil {
		return file{}, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return file{}, err
	}
	switch {
	case !st.Mode().IsRegular():
		return file{}, fmt.Errorf("%s is not a file", path)
	case known && st.ModTime().Equal(was.at) && st.Size() == was.size:
		return was, nil
	case st.Size() > maxBytes:
		return file{}, fmt.Errorf("%s is larger than %d MiB", path, maxBytes>>20)
	}
	src, err := io.ReadAll(io.LimitReader(f, maxBytes))
	if err != nil {
		return file{}, fmt.Errorf("read %s: %w", path, err)
	}
	services, notes := Parse(path, src)
	return file{at: st.ModTime(), size: st.Size(), services: services, notes: notes}, nil
}
