package playbooks

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/url"
	"path"
	"slices"
	"time"
)

//go:embed library demo
var embedded embed.FS

// Library is the playbooks in the binary.
func Library() fs.FS {
	sub, err := fs.Sub(embedded, "library")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}

// Demo is the demo's playbooks for a shop and its supervisor at these addresses:
// a playbook's host is literal, and the demo's ports are new at every start.
func Demo(serviceURL, supervisorURL string) (fs.FS, error) {
	for _, raw := range []string{serviceURL, supervisorURL} {
		u, err := url.Parse(raw)
		if err != nil || u.Scheme != "http" || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.User != nil {
			return nil, fmt.Errorf("%q is not an address of the form http://host:port", raw)
		}
	}
	entries, err := embedded.ReadDir("demo")
	if err != nil {
		return nil, err
	}
	out := texts{}
	for _, e := range entries {
		src, err := embedded.ReadFile(path.Join("demo", e.Name()))
		if err != nil {
			return nil, err
		}
		src = bytes.ReplaceAll(src, []byte("http://service.invalid"), []byte(serviceURL))
		out[e.Name()] = bytes.ReplaceAll(src, []byte("http://supervisor.invalid"), []byte(supervisorURL))
	}
	return out, nil
}

// texts is a file system of one folder in memory.
type texts map[string][]byte

// Open opens a file, or the folder itself.
func (t texts) Open(name string) (fs.File, error) {
	if name == "." {
		return &folder{texts: t}, nil
	}
	src, ok := t[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &textFile{info: info{name: name, size: int64(len(src))}, Reader: bytes.NewReader(src)}, nil
}

// info describes a file or the folder.
type info struct {
	name string
	size int64
	dir  bool
}

func (i info) Name() string               { return i.name }
func (i info) Size() int64                { return i.size }
func (i info) ModTime() time.Time         { return time.Time{} }
func (i info) IsDir() bool                { return i.dir }
func (i info) Sys() any                   { return nil }
func (i info) Type() fs.FileMode          { return i.Mode().Type() }
func (i info) Info() (fs.FileInfo, error) { return i, nil }

func (i info) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o500
	}
	return 0o400
}

type textFile struct {
	info
	*bytes.Reader
}

// Size is of the text; both parts have one.
func (f *textFile) Size() int64                { return f.info.size }
func (f *textFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *textFile) Close() error               { return nil }

type folder struct {
	texts texts
	given int // entries that were read
}

func (d *folder) Stat() (fs.FileInfo, error) { return info{name: ".", dir: true}, nil }
func (d *folder) Close() error               { return nil }
func (d *folder) Read([]byte) (int, error)   { return 0, errors.New("it is a folder") }

// ReadDir lists the files by name, at most n more of them if n is positive.
func (d *folder) ReadDir(n int) ([]fs.DirEntry, error) {
	left := slices.Sorted(maps.Keys(d.texts))[d.given:]
	if n > 0 && len(left) == 0 {
		return nil, io.EOF
	}
	if n > 0 {
		left = left[:min(n, len(left))]
	}
	d.given += len(left)
	out := make([]fs.DirEntry, 0, len(left))
	for _, name := range left {
		out = append(out, info{name: name, size: int64(len(d.texts[name]))})
	}
	return out, nil
}
