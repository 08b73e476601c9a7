package sqlite_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/storage/sqlite"
)

// What is written into a file that has no name any more is gone with the process.
func TestADatabaseThatIsTakenAwayTakesNothingMore(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"salve.db", "salve.db-wal"} {
		dir := t.TempDir()
		s := open(t, dir, sqlite.Options{})
		_, err := s.Commit(t.Context(), note("kept"))
		require.NoError(t, err)
		path := filepath.Join(dir, name)
		require.NoError(t, os.Rename(path, path+".moved"))
		_, err = s.Commit(t.Context(), note("lost"))
		require.ErrorIs(t, err, bot.ErrUnavailable)
		require.ErrorContains(t, err, path+" was removed or replaced")
		require.NoError(t, os.WriteFile(path, []byte("something else of the same name, and not too short"), 0o600))
		_, err = s.Commit(t.Context(), note("lost"))
		require.ErrorContains(t, err, "move it back", "another file of that name is not it")
		require.Error(t, s.TryWrite(t.Context()))
		require.NoError(t, os.Rename(path+".moved", path))
		_, err = s.Commit(t.Context(), note("kept again"))
		require.NoError(t, err)
		require.Equal(t, []string{"kept", "kept again"}, texts(t, s))
		require.NoError(t, s.Close())
	}
}

func TestALogWithoutItsDatabaseIsNotThrownAway(t *testing.T) {
	t.Parallel()
	dir, killed := t.TempDir(), t.TempDir()
	s := closing(t, open(t, dir, sqlite.Options{}))
	_, err := s.Commit(context.Background(), note("kept"))
	require.NoError(t, err)
	copyDatabase(t, dir, killed)
	path := filepath.Join(killed, "salve.db")
	require.NoError(t, os.Rename(path, path+".moved"))
	_, err = sqlite.Open(t.Context(), killed, sqlite.Options{})
	require.ErrorIs(t, err, bot.ErrUnavailable)
	require.ErrorContains(t, err, "put it back, or restore a backup")
	require.NoFileExists(t, path)
	require.NoError(t, os.Rename(path+".moved", path))
	require.Equal(t, []string{"kept"}, texts(t, closing(t, open(t, killed, sqlite.Options{}))))
}
