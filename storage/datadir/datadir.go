// Package datadir is the directory that a Salve process calls its own: for the
// embedded database, the socket, and the flag file.
//
// It promises that one process at a time has it, and that not everybody may put
// files into it. It assumes a local disk, where locks hold. Errors say what to
// change; the lock is gone with the process.
package datadir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"salve/bot"
)

// LockName is the file that is locked, and says who holds the directory.
const LockName = "salve.lock"

// Prepare makes the data directory for its owner alone, and refuses one in
// which everybody may put files.
func Prepare(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("look at data directory: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a directory; name another data directory", dir)
	}
	if info.Mode().Perm()&0o002 != 0 {
		return fmt.Errorf("everybody can write to %s; run: chmod 700 %s", dir, dir)
	}
	return nil
}

// Lock holds the lock file until the process ends or the file is closed. It
// says in the file who holds it, for the message that others get.
func Lock(dir string) (*os.File, error) {
	path := filepath.Join(dir, LockName)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w: open lock file: %w", bot.ErrUnavailable, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		holder := lockHolder(f)
		f.Close()
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w: lock %s: %w", bot.ErrUnavailable, path, err)
		}
		return nil, fmt.Errorf("%w: %s is in use by %s; stop it or name another data directory", bot.ErrUnavailable, dir, holder)
	}
	if err := writeHolder(f); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: write lock file: %w", bot.ErrUnavailable, err), f.Close())
	}
	return f, nil
}

func writeHolder(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+" "+filepath.Base(os.Args[0])+"\n"), 0)
	return err
}

func lockHolder(f *os.File) string {
	b := make([]byte, 256)
	n, _ := f.ReadAt(b, 0) // a short read is the usual case; an empty one is told below
	pid, name, ok := strings.Cut(strings.TrimSpace(string(b[:n])), " ")
	if _, err := strconv.Atoi(pid); err != nil || !ok {
		return "another process"
	}
	return fmt.Sprintf("process %s (%q)", pid, name)
}
