package serve

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"salve/bot"
)

// flagFile halts everything while it is in the data directory.
const flagFile = "HALT"

// haltRows is the part of the store that the brake reads.
type haltRows interface {
	Halts(ctx context.Context) ([]bot.Halt, error)
}

// Brake tells what is halted: the rows in the store, and the flag file that
// works without it. Rows are kept in memory until a commit touches them.
type Brake struct {
	dir  string
	rows haltRows
	kept atomic.Pointer[[]bot.Halt]
}

// Halts lists what is halted now. An error means that it cannot be told, and
// callers then let nothing run.
func (b *Brake) Halts(ctx context.Context) ([]bot.Halt, error) {
	flag, err := b.flag()
	if err != nil {
		return nil, err
	}
	kept := b.kept.Load()
	if kept == nil {
		rows, err := b.rows.Halts(ctx)
		if err != nil {
			return flag, fmt.Errorf("read halts: %w", err)
		}
		kept = &rows
		b.kept.Store(kept)
	}
	if len(flag) == 0 {
		return *kept, nil
	}
	return append(flag, *kept...), nil
}

// Forget makes the next look read the rows again.
func (b *Brake) Forget() { b.kept.Store(nil) }

func (b *Brake) flag() ([]bot.Halt, error) {
	path := filepath.Join(b.dir, flagFile)
	st, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for the halt flag: %w", err)
	}
	h := bot.Halt{Scope: bot.HaltAll, By: bot.Actor{Name: "flag file", Surface: "file"}, At: st.ModTime().UTC(), Reason: "the file " + path + " exists"}
	if text, err := os.ReadFile(path); err == nil && len(text) < 1000 {
		if s := strings.TrimSpace(string(text)); s != "" {
			h.Reason = s
		}
	}
	return []bot.Halt{h}, nil
}

// SetFlag writes the flag file: everything is halted, whatever the store does.
func (b *Brake) SetFlag(reason string) error {
	path := filepath.Join(b.dir, flagFile)
	text := strings.ToValidUTF8(reason, "?") + "\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write the halt flag: %w", err)
	}
	return nil
}

// ClearFlag removes the flag file, if it is there.
func (b *Brake) ClearFlag() error {
	err := os.Remove(filepath.Join(b.dir, flagFile))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the halt flag: %w", err)
	}
	return nil
}

// haltBySignal is what a signal does: it needs nothing but the disk.
func (b *Brake) haltBySignal(name string, at time.Time) error {
	return b.SetFlag(fmt.Sprintf("signal %s at %s", name, at.UTC().Format(time.RFC3339)))
}
