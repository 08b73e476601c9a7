package serve

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"salve/bot"
	"salve/cmd/salve/config"
)

// haltRows is the part of the store that the brake reads.
type haltRows interface {
	Halts(ctx context.Context) ([]bot.Halt, error)
}

// Brake tells what is halted: the rows in the store, and the flag file that
// works without it. Where one process alone writes, rows are kept in memory until
// a commit touches them.
type Brake struct {
	dir    string
	rows   haltRows
	keep   bool
	clocks *clocks // nil: nobody watches the clock

	file sync.Mutex // held by who writes or removes the flag file

	mu    sync.Mutex
	known bool       // kept holds the rows
	kept  []bot.Halt // as they were read last
	seen  uint64     // how often Forget was called
}

// NewBrake makes the brake of a data directory. keep says that nobody else writes
// the rows.
func NewBrake(dir string, rows haltRows, keep bool) *Brake {
	return &Brake{dir: dir, rows: rows, keep: keep}
}

// Halts lists what is halted now. An error means that it cannot be told, and
// callers then let nothing run.
func (b *Brake) Halts(ctx context.Context) ([]bot.Halt, error) {
	flag, err := b.flag()
	if err != nil {
		return nil, err
	}
	if b.clocks != nil {
		if h := b.clocks.look(); h != nil {
			flag = append(flag, *h)
		}
	}
	rows, err := b.read(ctx)
	if err != nil {
		return flag, fmt.Errorf("read halts: %w", err)
	}
	return append(flag, rows...), nil
}

// read gives the rows, from memory if nothing touched them since. What was read
// while a commit came between is not kept: it may be older than that commit.
func (b *Brake) read(ctx context.Context) ([]bot.Halt, error) {
	b.mu.Lock()
	known, kept, seen := b.known, b.kept, b.seen
	b.mu.Unlock()
	if known {
		return slices.Clone(kept), nil
	}
	rows, err := b.rows.Halts(ctx)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.keep && b.seen == seen {
		b.known, b.kept = true, slices.Clone(rows)
	}
	return rows, nil
}

// Forget makes the next look read the rows again.
func (b *Brake) Forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.known, b.kept, b.seen = false, nil, b.seen+1
}

func (b *Brake) flag() ([]bot.Halt, error) {
	path := filepath.Join(b.dir, config.HaltFile)
	st, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for the halt flag: %w", err)
	}
	h := bot.Halt{Scope: bot.HaltAll, Flag: true, By: bot.Actor{Name: "flag file", Surface: "file"}, At: st.ModTime().UTC(), Reason: "the file " + path + " exists"}
	if text, err := os.ReadFile(path); err == nil && len(text) < 1000 {
		if s := strings.TrimSpace(string(text)); s != "" {
			h.Reason = s
		}
	}
	return []bot.Halt{h}, nil
}

// SetFlag writes the flag file: everything is halted, whatever the store does.
// The file halts by being there; the reason in it is a courtesy, which a full
// disk may not take.
func (b *Brake) SetFlag(reason string) error {
	b.file.Lock()
	defer b.file.Unlock()
	f, err := os.OpenFile(filepath.Join(b.dir, config.HaltFile), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		if _, there := os.Lstat(filepath.Join(b.dir, config.HaltFile)); there == nil {
			return nil // it halts already
		}
		return fmt.Errorf("write the halt flag: %w", err)
	}
	_, _ = f.WriteString(strings.ToValidUTF8(reason, "?") + "\n")
	_ = f.Sync()
	_ = f.Close()
	return nil
}

// ClearFlag removes the flag file that was written at that time, if it is there.
// One that was written since stays, whoever wrote it: bot.ErrConflict.
func (b *Brake) ClearFlag(at time.Time) error {
	b.file.Lock()
	defer b.file.Unlock()
	path := filepath.Join(b.dir, config.HaltFile)
	st, err := os.Lstat(path)
	if err == nil && !st.ModTime().Equal(at) {
		return fmt.Errorf("remove the halt flag: it was set again: %w", bot.ErrConflict)
	}
	if err == nil {
		err = os.Remove(path)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the halt flag: %w", err)
	}
	return nil
}

// raiseFlag writes the flag file, unless somebody's is there.
func (b *Brake) raiseFlag(reason string) error {
	if flag, err := b.flag(); err != nil || len(flag) > 0 {
		return err
	}
	return b.SetFlag(reason)
}

// uncontained reports whether a jump of the clock halts in memory only.
func (b *Brake) uncontained() bool { return b.clocks != nil && b.clocks.look() != nil }

// haltBySignal is what a signal does: it needs nothing but the disk.
func (b *Brake) haltBySignal(name string, at time.Time) error {
	return b.SetFlag(fmt.Sprintf("signal %s at %s", name, at.UTC().Format(time.RFC3339)))
}
