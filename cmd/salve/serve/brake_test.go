package serve_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/cmd/salve/serve"
)

// rows is a store of halts that can fail and be held up.
type rows struct {
	mu    sync.Mutex
	halts []bot.Halt
	err   error
	reads int
	held  func()
}

func (r *rows) Halts(context.Context) ([]bot.Halt, error) {
	r.mu.Lock()
	halts, err, held := r.halts, r.err, r.held
	r.reads++
	r.mu.Unlock()
	if held != nil {
		held()
	}
	return halts, err
}

func (r *rows) set(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

var everything = bot.Halt{Scope: bot.HaltAll, Reason: "smoke"}

func TestTheBrakeTellsRowsAndFlagFile(t *testing.T) {
	t.Parallel()
	dir, store := t.TempDir(), &rows{halts: []bot.Halt{everything}}
	b := serve.NewBrake(dir, store, true)
	for range 3 {
		halts, err := b.Halts(t.Context())
		require.NoError(t, err)
		require.Equal(t, []bot.Halt{everything}, halts)
		halts[0].Scope = "spoilt by a caller"
	}
	require.Equal(t, 1, store.reads, "rows are kept")

	require.NoError(t, b.SetFlag("deploy \xff goes on"))
	halts, err := b.Halts(t.Context())
	require.NoError(t, err)
	require.Len(t, halts, 2)
	require.Equal(t, bot.HaltAll, halts[0].Scope)
	require.Equal(t, "deploy ? goes on", halts[0].Reason)
	st, err := os.Stat(filepath.Join(dir, "HALT"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), st.Mode().Perm())
	require.NoError(t, b.SetFlag("again"))
	require.ErrorIs(t, b.ClearFlag(halts[0].At.Add(-time.Second)), bot.ErrConflict, "it was set again since")
	halts, err = b.Halts(t.Context())
	require.NoError(t, err)
	require.True(t, halts[0].Flag)
	require.NoError(t, b.ClearFlag(halts[0].At))
	require.NoError(t, b.ClearFlag(halts[0].At), "it is gone already")
	halts, err = b.Halts(t.Context())
	require.NoError(t, err)
	require.Len(t, halts, 1)
}

func TestAnythingNamedHALTHalts(t *testing.T) {
	t.Parallel()
	for name, put := range map[string]func(path string) error{
		"an empty file":     func(p string) error { return os.WriteFile(p, nil, 0o600) },
		"a directory":       func(p string) error { return os.Mkdir(p, 0o700) },
		"a dangling link":   func(p string) error { return os.Symlink("nowhere", p) },
		"a large file":      func(p string) error { return os.WriteFile(p, make([]byte, 4096), 0o600) },
		"an unreadable one": func(p string) error { return os.WriteFile(p, []byte("x"), 0) },
	} {
		dir := t.TempDir()
		require.NoError(t, put(filepath.Join(dir, "HALT")))
		b := serve.NewBrake(dir, &rows{}, true)
		halts, err := b.Halts(t.Context())
		require.NoError(t, err, name)
		require.Len(t, halts, 1, name)
		require.NotEmpty(t, halts[0].Reason, name)
		require.NoError(t, b.SetFlag("more"), name)
	}
}

func TestWhatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	store := &rows{err: errRows}
	b := serve.NewBrake(t.TempDir(), store, true)
	_, err := b.Halts(t.Context())
	require.ErrorIs(t, err, errRows)
	store.set(func() { store.err = nil })
	halts, err := b.Halts(t.Context())
	require.NoError(t, err, "an error is not kept")
	require.Empty(t, halts)

	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	gone := serve.NewBrake(file, &rows{}, true) // not a directory
	_, err = gone.Halts(t.Context())
	require.Error(t, err)
	require.Error(t, gone.SetFlag("x"))
}

// A halt that is committed while somebody reads must not be covered by what they
// have read.
func TestAHaltIsSeenThoughAReadWasUnderWay(t *testing.T) {
	t.Parallel()
	store := &rows{}
	b := serve.NewBrake(t.TempDir(), store, true)
	store.held = func() { // the old rows are in hand, and now comes the commit
		store.set(func() { store.halts, store.held = []bot.Halt{everything}, nil })
		b.Forget()
	}
	_, err := b.Halts(t.Context())
	require.NoError(t, err)
	halts, err := b.Halts(t.Context())
	require.NoError(t, err)
	require.Equal(t, []bot.Halt{everything}, halts)
}

func TestAHaltOfEachKindStopsEverything(t *testing.T) {
	shop := newShop(t) // not parallel: a signal goes to the whole process
	for name, pull := range map[string]func(r *running) error{
		"flag file": func(r *running) error {
			return os.WriteFile(filepath.Join(filepath.Dir(r.Socket()), "HALT"), []byte("by hand"), 0o600)
		},
		"signal": func(*running) error { return syscall.Kill(os.Getpid(), syscall.SIGUSR1) },
		"command": func(r *running) error {
			_, err := r.Do(t.Context(), bot.Command{Verb: bot.VerbHalt, Reason: "by command"})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := setUp(t, shop)
			r := run(t, cfg)
			require.NoError(t, r.Get(t.Context(), "/v1/whoami", nil, nil)) // it runs
			require.NoError(t, pull(r))
			r.untilHalted(t)
			code, body := alert(t, r.URL(), "ShopIll", "low")
			require.Equal(t, 200, code, body)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			for {
				var card bot.Card
				require.NoError(t, r.Get(ctx, "/v1/incidents/I-1", nil, &card))
				if card.Phase != bot.PhaseLooking {
					require.Empty(t, card.Runs)
					break
				}
				require.NoError(t, r.WaitForChange(ctx))
			}
			require.NoError(t, r.end())
			again := run(t, cfg)
			require.NotEmpty(t, again.untilHalted(t), "a halt outlives a restart")
			require.NoError(t, again.end())
		})
	}
	require.Zero(t, shop.healed.Load())
}
