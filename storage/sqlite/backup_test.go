package sqlite_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/storage/sqlite"
)

// proven opens a file, checks it and its chain, and says what it holds.
func proven(t *testing.T, path string) sqlite.Contents {
	t.Helper()
	f, err := sqlite.OpenFile(t.Context(), path)
	require.NoError(t, err)
	require.NoError(t, f.Check())
	prev := bot.Event{}
	require.NoError(t, f.EachEvent(func(e bot.Event) error {
		again, err := e.Seal(e.Chain, prev.Seq+1, prev.Hash)
		require.NoError(t, err)
		require.Equal(t, again, e)
		prev = e
		return nil
	}))
	held, err := f.Contents()
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.Equal(t, held.Head, prev.Seq)
	require.Equal(t, held.HeadHash, prev.Hash)
	return held
}

func TestABackupIsOneMomentOfADatabaseThatIsBeingWritten(t *testing.T) {
	t.Parallel()
	dir, to := t.TempDir(), t.TempDir()
	s := closing(t, open(t, dir, sqlite.Options{}))
	s.KeepLogShort(200)
	stop, beyond := make(chan struct{}), make(chan int64, 1)
	var writing sync.WaitGroup
	writing.Go(func() {
		for n := int64(0); ; n++ {
			select {
			case <-stop:
				beyond <- n
				return
			default:
			}
			if _, err := s.Commit(context.Background(), bot.Change{Observed: benchBatch(n, 64), By: bot.Salve, Delivery: benchDelivery(64)}); err != nil {
				t.Error(err)
			}
		}
	})
	var last int64
	for _, name := range []string{"one.db", "two.db", "three.db"} {
		path, steps := filepath.Join(to, name), 0
		held, err := sqlite.Backup(t.Context(), dir, path, func(done, total int) {
			steps++
			require.LessOrEqual(t, done, total)
		})
		require.NoError(t, err)
		require.Positive(t, steps)
		require.Equal(t, held, proven(t, path))
		require.Zero(t, held.Rows["alerts"]%64, "no half delivery")
		require.Equal(t, held.Rows["alerts"], 64*held.Rows["incidents"])
		require.GreaterOrEqual(t, held.Head, last)
		last = held.Head
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
	close(stop)
	writing.Wait()
	require.Positive(t, <-beyond)
	entries, err := os.ReadDir(to)
	require.NoError(t, err)
	require.Len(t, entries, 3, "nothing lies beside a backup")
}

func TestABackupOfADatabaseThatWasKilledHasWhatWasAnswered(t *testing.T) {
	t.Parallel()
	dir, killed := t.TempDir(), t.TempDir()
	s := closing(t, open(t, dir, sqlite.Options{}))
	_, err := s.Commit(t.Context(), note("kept"))
	require.NoError(t, err)
	copyDatabase(t, dir, killed)
	path := filepath.Join(t.TempDir(), "x.db")
	_, err = sqlite.Backup(t.Context(), killed, path, nil)
	require.NoError(t, err)
	require.Equal(t, int64(2), proven(t, path).Head)
}

// copyDatabase copies database and log, as a killed process leaves them.
func copyDatabase(t *testing.T, from, to string) {
	t.Helper()
	for _, name := range []string{"salve.db", "salve.db-wal"} {
		b, err := os.ReadFile(filepath.Join(from, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(to, name), b, 0o600))
	}
}

func TestABackupThatIsBrokenOffSaysSo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := closing(t, open(t, dir, sqlite.Options{}))
	for n := range int64(8) {
		_, err := s.Commit(t.Context(), bot.Change{Observed: benchBatch(n, 512), By: bot.Salve})
		require.NoError(t, err)
	}
	ctx, leave := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	_, err := sqlite.Backup(ctx, dir, filepath.Join(t.TempDir(), "x.db"), func(int, int) { leave(enough) })
	require.ErrorIs(t, err, enough)

	there := filepath.Join(t.TempDir(), "x.db")
	require.NoError(t, os.WriteFile(there, []byte("mine"), 0o600))
	_, err = sqlite.Backup(t.Context(), dir, there, nil)
	require.ErrorIs(t, err, os.ErrExist)
	_, err = sqlite.Backup(t.Context(), t.TempDir(), filepath.Join(t.TempDir(), "x.db"), nil)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestAFileThatIsNoBackupIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	for n := range int64(4) {
		_, err := s.Commit(t.Context(), bot.Change{Observed: benchBatch(n, 64), By: bot.Salve})
		require.NoError(t, err)
	}
	_, err := sqlite.OpenFile(t.Context(), filepath.Join(dir, "salve.db"))
	require.ErrorContains(t, err, "a database in use")
	require.NoError(t, s.Close())
	require.Equal(t, int64(256), proven(t, filepath.Join(dir, "salve.db")).Rows["alerts"], "a copy of one that was closed will do")

	whole, err := os.ReadFile(filepath.Join(dir, "salve.db"))
	require.NoError(t, err)
	broken := filepath.Join(t.TempDir(), "broken.db")
	for name, damage := range map[string]func([]byte) []byte{
		"cut off":        func(b []byte) []byte { return b[:len(b)/2] },
		"a page of dirt": func(b []byte) []byte { copy(b[8*4096:9*4096], make([]byte, 4096)); return b },
		"something else": func([]byte) []byte { return []byte("not a database, and longer than a short one would be") },
	} {
		require.NoError(t, os.WriteFile(broken, damage(append([]byte(nil), whole...)), 0o600))
		f, err := sqlite.OpenFile(t.Context(), broken)
		require.NoError(t, err, name)
		require.Error(t, f.Check(), name)
		require.NoError(t, f.Close(), name)
	}
	_, err = sqlite.OpenFile(t.Context(), dir)
	require.ErrorContains(t, err, "is not a file")
}
