// Package backup makes backups of the embedded database, puts them back, and
// brings a database up to date.
//
// It promises that a backup is the database as it was at one moment, whether or
// not Salve runs; that nothing has the name of a backup before it was proved:
// every page and index, the rows of each table against those of the source, and
// the whole audit chain; that an existing file is replaced only when that was
// asked for. A restore proves what it puts in before it touches what is there,
// deletes nothing, says so in the audit log, and halts automation, since nobody
// knows what was done after the backup.
//
// It assumes that the file system of the target renames within a directory in
// one step. On failure what was half made is removed, and what was there stays.
package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"salve/storage/sqlite"
)

// Options are what a backup is made with.
type Options struct {
	DataDir string
	To      string // a file if it ends in .db, else a directory; "": backups in the data directory
	Force   bool   // replace a file that is there
	Keep    int    // in a directory: remove older backups beyond so many; 0: none
	Version string // of this build, for the manifest
	Now     time.Time
	Tell    func(doing string) // called with what is going on; nil: nobody listens
	Gently  func()             // called when what follows may take its time: the copy is made; nil: nothing
}

// Made is a backup that was made.
type Made struct {
	Path     string `json:"path"`
	Manifest `json:"manifest"`
	Removed  []string `json:"removed,omitempty"` // older backups
}

// Make makes a backup.
func Make(ctx context.Context, o Options) (Made, error) {
	if o.Tell == nil {
		o.Tell = func(string) {}
	}
	path, err := o.target()
	if err != nil {
		return Made{}, err
	}
	if err := free(path, o.Force); err != nil {
		return Made{}, err
	}
	dir := filepath.Dir(path)
	if err := sweep(dir, tempPrefix, o.Now.Add(-leftAfter)); err != nil {
		return Made{}, err
	}
	temp, err := os.MkdirTemp(dir, tempPrefix)
	if err != nil {
		return Made{}, fmt.Errorf("make room for the backup: %w", err)
	}
	defer func() { _ = os.RemoveAll(temp) }() // what is left there is swept by a later backup
	made := Made{Path: path}
	if made.Manifest, err = o.make(ctx, filepath.Join(temp, sqlite.FileName)); err != nil {
		return Made{}, err
	}
	made.File = filepath.Base(path)
	if err := o.publish(temp, made); err != nil {
		return Made{}, err
	}
	made.Removed, err = prune(dir, o.Keep, made.File)
	return made, err
}

// target is where the backup goes; its directory is there afterwards.
func (o *Options) target() (string, error) {
	to := o.To
	if to == "" {
		to = filepath.Join(o.DataDir, "backups")
	}
	if info, err := os.Stat(to); strings.HasSuffix(to, ".db") && (err != nil || !info.IsDir()) {
		if o.Keep > 0 {
			return "", errors.New("--keep removes older backups of a directory; give --to a directory")
		}
		return filepath.Abs(to)
	}
	if _, err := os.Stat(filepath.Join(o.DataDir, sqlite.FileName)); err != nil {
		return "", fmt.Errorf("there is no database: %w", err) // before anything is made
	}
	if err := os.MkdirAll(to, 0o700); err != nil {
		return "", fmt.Errorf("make the directory for backups: %w", err)
	}
	if err := sameOwner(o.DataDir, to); o.To == "" && err != nil {
		return "", err
	}
	return filepath.Abs(filepath.Join(to, nameAt(o.Now)))
}

// free refuses a name that is taken.
func free(path string, force bool) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a file; name another", path)
	case !force:
		return fmt.Errorf("%s is there already; name another, or replace it with --force", path)
	}
	return nil
}

// make copies and proves.
func (o *Options) make(ctx context.Context, temp string) (Manifest, error) {
	began := time.Now()
	held, err := sqlite.Backup(ctx, o.DataDir, temp, func(done, total int) {
		o.Tell(fmt.Sprintf("copied %d of %d pages", done, total))
	})
	if err != nil {
		return Manifest{}, err
	}
	if o.Gently != nil {
		o.Gently()
	}
	o.Tell("proving the copy")
	proof, err := prove(ctx, temp)
	if err != nil {
		return Manifest{}, fmt.Errorf("the copy does not prove, and was thrown away: %w", err)
	}
	if !maps.Equal(held.Rows, proof.held.Rows) || held.Head != proof.held.Head || held.HeadHash != proof.held.HeadHash {
		return Manifest{}, fmt.Errorf("the copy holds %v and the database held %v: it was thrown away; try again", proof.held.Rows, held.Rows)
	}
	m := manifestOf(proof)
	m.SHA256, m.Bytes, err = sumOf(temp)
	m.MadeAt, m.Salve, m.TookMS = o.Now.UTC().Truncate(time.Second), o.Version, time.Since(began).Milliseconds()
	return m, err
}

func sumOf(path string) (sum string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	size, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), size, err
}

// publish gives the backup its name, then its manifest. A manifest of what is
// replaced goes first: a backup without one is good, one with another's is not.
func (o *Options) publish(temp string, made Made) error {
	if o.Force {
		if err := os.Remove(manifestPath(made.Path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := place(filepath.Join(temp, sqlite.FileName), made.Path, o.Force); err != nil {
		return err
	}
	return made.write(temp, made.Path)
}
