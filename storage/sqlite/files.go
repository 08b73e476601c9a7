package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"salve/bot"
)

// prepareFile makes an empty database file for its owner alone, whatever the
// umask; SQLite gives its log the same mode.
func prepareFile(path string) error {
	if err := refuseOrphan(path); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return checkFile(path)
	case err != nil:
		return fmt.Errorf("%w: make database file: %w", bot.ErrUnavailable, err)
	}
	return errors.Join(f.Close(), syncDir(filepath.Dir(path)))
}

// refuseOrphan refuses to make a database beside the log of one that is missing:
// SQLite would throw the log away.
func refuseOrphan(path string) error {
	_, err := os.Lstat(path)
	log, logErr := os.Lstat(path + "-wal")
	if errors.Is(err, fs.ErrNotExist) && logErr == nil && log.Size() > 0 {
		return fmt.Errorf("%w: %s is missing and its log %s-wal is there: put it back, or restore a backup; "+
			"to begin anew, move the log away", bot.ErrUnavailable, path, path)
	}
	return nil
}

// checkFile refuses a database, or its log, that others can read.
func checkFile(path string) error {
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		if errors.Is(err, fs.ErrNotExist) && name != path {
			continue
		}
		if err != nil {
			return fmt.Errorf("look at database file: %w", err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			return fmt.Errorf("others can read %s (mode %04o); run: chmod 600 %s", name, info.Mode().Perm(), name)
		}
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
