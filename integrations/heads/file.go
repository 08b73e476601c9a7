package heads

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"salve/bot"
)

// File is a file to which heads are appended.
type File struct{ path string }

// NewFile names the file; it is made, for its owner alone, when first written.
// Its directory must be there.
func NewFile(path string) (*File, error) {
	if !filepath.IsAbs(path) || filepath.Clean(path) != path {
		return nil, fmt.Errorf("%q is not an absolute path", path)
	}
	return &File{path: path}, nil
}

// Name is the path.
func (f *File) Name() string { return f.path }

// Newest reads the last whole head; nil if there is none, or no file.
func (f *File) Newest(context.Context, int64) ([]byte, error) {
	file, err := open(f.path, os.O_RDONLY)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	note, _, err := last(file)
	return note, err
}

// Put appends the head and flushes it to the disk. Others that append at the
// same time wait for each other.
func (f *File) Put(_ context.Context, size int64, note []byte) (err error) {
	file, err := open(f.path, os.O_RDWR|os.O_APPEND|os.O_CREATE)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", f.path, err)
	}
	have, clean, err := last(file)
	if err != nil {
		return err
	}
	switch there := sizeOf(have); {
	case there > size, bytes.Equal(have, note):
		return nil
	case there == size && have != nil && !sameText(have, note):
		return fmt.Errorf("%w: %s has another head of %d events", bot.ErrConflict, f.path, size)
	}
	return f.add(file, note, clean)
}

// add writes the head with an empty line behind it, in one piece. What a write
// that was cut off left before it is closed off.
func (f *File) add(file *os.File, note []byte, clean bool) error {
	entry := append(bytes.Clone(note), '\n')
	if !clean {
		entry = append([]byte("\n\n"), entry...)
	}
	if _, err := file.Write(entry); err != nil {
		return fmt.Errorf("append to %s: %w", f.path, err)
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("flush %s: %w", f.path, err)
	}
	dir, err := os.Open(filepath.Dir(f.path)) // the file may be new
	if err != nil {
		return fmt.Errorf("flush the directory of %s: %w", f.path, err)
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// open refuses what is no regular file, and what others can write.
func open(path string, how int) (*os.File, error) {
	file, err := os.OpenFile(path, how|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, err
	}
	st, err := file.Stat()
	switch {
	case err != nil:
	case !st.Mode().IsRegular():
		err = fmt.Errorf("%s is not a regular file", path)
	case st.Mode().Perm()&0o022 != 0:
		err = fmt.Errorf("%s can be written by others; run: chmod 600 %s", path, path)
	default:
		return file, nil
	}
	return nil, errors.Join(err, file.Close())
}

// last finds the newest whole head in the tail of the file. clean reports that
// what is appended next stands by itself.
func last(file *os.File) (note []byte, clean bool, err error) {
	st, err := file.Stat()
	if err != nil {
		return nil, false, err
	}
	tail := make([]byte, min(st.Size(), maxTail))
	if _, err := file.ReadAt(tail, st.Size()-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return nil, false, fmt.Errorf("read %s: %w", file.Name(), err)
	}
	entries := bytes.Split(tail, []byte("\n\n"))
	for i := len(entries) - 1; i > 0; i-- { // a head is a text, an empty line, and signatures
		if sigs := entries[i]; bytes.HasPrefix(sigs, []byte("\u2014 ")) && (i < len(entries)-1 || bytes.HasSuffix(sigs, []byte("\n"))) {
			sigs = append(bytes.TrimSuffix(bytes.Clone(sigs), []byte("\n")), '\n')
			return bytes.Join([][]byte{bytes.TrimLeft(entries[i-1], "\n"), sigs}, []byte("\n\n")), len(tail) == 0 || bytes.HasSuffix(tail, []byte("\n\n")), nil
		}
	}
	return nil, len(tail) == 0 || bytes.HasSuffix(tail, []byte("\n\n")), nil
}

// sameText reports whether two heads say the same, whoever signed them.
func sameText(a, b []byte) bool {
	x, _, _ := bytes.Cut(a, []byte("\n\n"))
	y, _, _ := bytes.Cut(b, []byte("\n\n"))
	return bytes.Equal(x, y)
}
