package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	tempPrefix  = ".salve-backup-"
	stagePrefix = ".salve-restore-"
	leftAfter   = 24 * time.Hour // a backup that takes longer than this was broken off
)

var backupName = regexp.MustCompile(`^salve-backup-\d{8}T\d{6}Z\.db$`)

// nameAt is the name of a backup that is made now.
func nameAt(now time.Time) string {
	return "salve-backup-" + now.UTC().Format("20060102T150405Z") + ".db"
}

// place gives a finished file its name in one step, on disk. Without force the
// name must be free.
func place(from, to string, force bool) error {
	if force {
		return named(os.Rename(from, to), to)
	}
	err := os.Link(from, to)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		// Some file systems have no second names: then there is a moment between
		// looking and naming.
		if err = free(to, false); err == nil {
			err = os.Rename(from, to)
		}
	}
	return named(err, to)
}

func named(err error, path string) error {
	if errors.Is(err, fs.ErrExist) {
		return free(path, false)
	}
	if err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// sweep removes what was left in a directory by those who were killed before a
// time.
func sweep(dir, prefix string, before time.Time) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), prefix) {
			continue
		}
		info, err := e.Info()
		if err == nil && !info.ModTime().After(before) {
			err = os.RemoveAll(filepath.Join(dir, e.Name()))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove what was left half made: %w", err)
		}
	}
	return nil
}

// prune removes the oldest backups of a directory, and their manifests, until
// keep are left. The one just made stays, whatever the clock says.
func prune(dir string, keep int, made string) (removed []string, err error) {
	if keep <= 0 {
		return nil, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("look for older backups: %w", err)
	}
	var old []string
	for _, e := range entries {
		if e.Type().IsRegular() && backupName.MatchString(e.Name()) && e.Name() != made {
			old = append(old, e.Name())
		}
	}
	slices.Sort(old)
	for _, name := range old[:max(0, len(old)-(keep-1))] {
		path := filepath.Join(dir, name)
		if err := os.Remove(manifestPath(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return removed, fmt.Errorf("the backup is made; remove an older one: %w", err)
		}
		if err := os.Remove(path); err != nil {
			return removed, fmt.Errorf("the backup is made; remove an older one: %w", err)
		}
		removed = append(removed, path)
	}
	return removed, nil
}

// sameOwner gives files to the user who owns a directory: root makes backups and
// restores for a Salve that runs as somebody else.
func sameOwner(like string, paths ...string) error {
	info, err := os.Stat(like)
	if err != nil {
		return err
	}
	sys, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	for _, path := range paths {
		if err := os.Lchown(path, int(sys.Uid), int(sys.Gid)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
