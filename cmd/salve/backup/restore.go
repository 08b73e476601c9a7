package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"salve/bot"
	"salve/bot/audit"
	"salve/storage/datadir"
	"salve/storage/sqlite"
)

// Restoring is what a restore is done with.
type Restoring struct {
	File    string
	DataDir string
	NoHalt  bool // automation goes on by itself at the next start
	Now     time.Time
	Tell    func(doing string) // nil: nobody listens
}

// Restored is what was restored.
type Restored struct {
	DataDir   string     `json:"data_dir"`
	File      string     `json:"file"`
	Manifest  Manifest   `json:"manifest"` // of what was put in; made anew when there was none
	Proved    bool       `json:"manifest_found"`
	Head      audit.Head `json:"head"` // of the audit log now, the restore included
	Schema    int64      `json:"schema"`
	Halted    bool       `json:"halted"`
	Kept      string     `json:"kept,omitempty"`      // the database that was replaced
	Lost      int64      `json:"lost"`                // events of the replaced one that the backup has not; -1: that cannot be told
	LostUntil time.Time  `json:"lost_until,omitzero"` // its last event
	Aside     int        `json:"put_aside,omitempty"` // what people asked for in chat, and nobody had worked on
}

// Restore puts a backup into the place of the database.
func Restore(ctx context.Context, r Restoring) (out Restored, err error) {
	if r.Tell == nil {
		r.Tell = func(string) {}
	}
	lock, err := sqlite.Hold(r.DataDir)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := sweep(r.DataDir, stagePrefix, r.Now); err != nil { // nobody else is at work, the lock says
		return out, err
	}
	temp, err := os.MkdirTemp(r.DataDir, stagePrefix)
	if err != nil {
		return out, fmt.Errorf("make room for the restore: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	out = Restored{DataDir: r.DataDir, File: r.File, Halted: !r.NoHalt}
	if err := r.stage(ctx, temp, &out); err != nil {
		return out, fmt.Errorf("%s cannot be restored, and nothing was changed: %w", r.File, err)
	}
	r.Tell("looking at the database that is replaced")
	out.Lost, out.LostUntil = lost(ctx, r.DataDir, out.Manifest)
	if err := r.adopt(ctx, temp, &out); err != nil {
		return out, fmt.Errorf("%s cannot be restored, and nothing was changed: %w", r.File, err)
	}
	aside := "salve.db.replaced-" + r.Now.UTC().Format("20060102T150405.000Z")
	if out.Kept, err = sqlite.Replace(ctx, temp, r.DataDir, aside); err != nil {
		return out, fmt.Errorf("put the backup into place: %w", err)
	}
	return out, sameOwner(r.DataDir, filepath.Join(r.DataDir, sqlite.FileName), filepath.Join(r.DataDir, datadir.LockName))
}

// stage copies the backup beside the database and proves the copy, so that what
// was proved is what is put in.
func (r *Restoring) stage(ctx context.Context, temp string, out *Restored) error {
	noted, found, err := readManifest(r.File)
	if err != nil {
		return err
	}
	r.Tell("copying the backup")
	sum, size, err := copyFile(r.File, filepath.Join(temp, sqlite.FileName))
	if err != nil {
		return err
	}
	var heads []audit.Head
	if found {
		if sum != noted.SHA256 {
			return fmt.Errorf("it is damaged, or another file than the one that %s tells of (SHA-256 %s, not %s); take another backup",
				manifestPath(r.File), sum, noted.SHA256)
		}
		heads = append(heads, noted.Audit)
	}
	r.Tell("proving the backup")
	p, err := prove(ctx, filepath.Join(temp, sqlite.FileName), heads...)
	if err != nil {
		return err
	}
	out.Proved, out.Manifest = found, noted
	if !found {
		out.Manifest = manifestOf(p)
		out.Manifest.File, out.Manifest.SHA256, out.Manifest.Bytes = filepath.Base(r.File), sum, size
	}
	return nil
}

func copyFile(from, to string) (sum string, size int64, err error) {
	in, err := os.Open(from)
	if err != nil {
		return "", 0, err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return "", 0, errors.Join(err, errors.New("it is not a file"))
	}
	if wal, err := os.Stat(from + "-wal"); err == nil && wal.Size() > 0 {
		return "", 0, fmt.Errorf("%s-wal lies beside it, so it is a database that was not closed and no backup; make one of it: salve backup --data-dir DIR", from)
	}
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", 0, err
	}
	h := sha256.New()
	size, err = io.Copy(io.MultiWriter(f, h), in)
	return hex.EncodeToString(h.Sum(nil)), size, errors.Join(err, f.Sync(), f.Close())
}

// adopt opens the staged copy as Salve does, which brings it up to date and ends
// the epoch of the process that was at work, and writes into it that it was
// restored and that everything is halted, and what that means for chat.
func (r *Restoring) adopt(ctx context.Context, temp string, out *Restored) error {
	r.Tell("bringing the backup up to date")
	store, err := sqlite.Open(ctx, temp, sqlite.Options{})
	if err != nil {
		return err
	}
	if out.Aside, err = putAside(ctx, store); err == nil {
		err = doubtPosts(ctx, store)
	}
	if err == nil {
		_, err = store.Commit(ctx, r.change(out))
	}
	var last []bot.Event
	if err == nil {
		last, err = store.Events(ctx, bot.EventQuery{Last: true, Limit: 1})
	}
	if err := errors.Join(err, store.Close()); err != nil {
		return err
	}
	if len(last) == 1 {
		out.Head = audit.Head{Chain: last[0].Chain, Seq: last[0].Seq, Hash: last[0].Hash}
	}
	out.Schema, err = sqlite.NeedsSchema()
	return err
}

func (r *Restoring) change(out *Restored) bot.Change {
	m := out.Manifest
	c := bot.Change{Events: []bot.Event{{
		At: r.Now, Kind: bot.EventRestored, Actor: bot.Salve,
		Text: fmt.Sprintf("restored from a backup that ends with event %d; what happened after %s is not known", m.Audit.Seq, m.LastEvent.UTC().Format(time.RFC3339)),
		Data: map[string]string{"file": m.File, "sha256": m.SHA256},
	}}}
	if out.Aside > 0 {
		c.Events[0].Data["put_aside"] = strconv.Itoa(out.Aside)
	}
	if r.NoHalt {
		return c
	}
	reason := "restored from a backup: what was done after " + m.LastEvent.UTC().Format(time.RFC3339) + " is not known here; look at what waits, then lift this"
	c.Halts = []bot.Halt{{Scope: bot.HaltAll, By: bot.Salve, Reason: reason, At: r.Now}}
	c.Events = append(c.Events, bot.Event{At: r.Now, Kind: bot.EventHalted, Actor: bot.Salve, Text: "everything is halted: " + reason})
	return c
}

// lost says what the database that is replaced has beyond the backup. It may be
// damaged, or not be there.
func lost(ctx context.Context, dir string, m Manifest) (int64, time.Time) {
	if _, err := os.Stat(filepath.Join(dir, sqlite.FileName)); err != nil {
		return 0, time.Time{}
	}
	store, err := sqlite.OpenReadOnly(ctx, dir)
	if err != nil {
		return -1, time.Time{}
	}
	defer store.Close()
	last, err := store.Events(ctx, bot.EventQuery{Last: true, Limit: 1})
	if err != nil || len(last) == 0 {
		return -1, time.Time{}
	}
	same, err := store.Events(ctx, bot.EventQuery{After: m.Audit.Seq - 1, Limit: 1})
	if err != nil || len(same) == 0 || same[0].Hash != m.Audit.Hash {
		return -1, last[0].At // the log of another installation, or it went another way
	}
	return last[0].Seq - m.Audit.Seq, last[0].At
}
