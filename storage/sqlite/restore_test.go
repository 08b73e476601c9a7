package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/storage/sqlite"
)

// staged is a closed database with one note, in a directory of its own.
func staged(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	_, err := s.Commit(t.Context(), note(text))
	require.NoError(t, err)
	require.NoError(t, s.Close())
	return dir
}

func TestADatabaseIsReplacedAndKept(t *testing.T) {
	t.Parallel()
	living, killed := t.TempDir(), t.TempDir()
	s := open(t, living, sqlite.Options{})
	_, err := s.Commit(t.Context(), note("old"))
	require.NoError(t, err)
	copyDatabase(t, living, killed)
	require.NoError(t, s.Close())

	kept, err := sqlite.Replace(t.Context(), staged(t, "new"), killed, "aside.db")
	require.NoError(t, err)
	require.Equal(t, filepath.Join(killed, "aside.db"), kept)
	require.NoFileExists(t, filepath.Join(killed, "salve.db-wal"), "what was in the log of the old one is in the old one")
	require.Equal(t, []string{"new"}, texts(t, closing(t, open(t, killed, sqlite.Options{}))))
	require.Equal(t, int64(2), proven(t, kept).Head, "nothing of the old one is lost")

	_, err = sqlite.Replace(t.Context(), staged(t, "newer"), killed, "aside.db")
	require.ErrorIs(t, err, os.ErrExist, "what is kept is kept")
}

func TestADamagedDatabaseIsKeptWithItsLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const dirt = "these are not the pages of a database, but it is long enough"
	for _, name := range []string{"salve.db", "salve.db-wal"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(dirt), 0o600))
	}
	kept, err := sqlite.Replace(t.Context(), staged(t, "new"), dir, "aside.db")
	require.NoError(t, err)
	for _, end := range []string{"", "-wal"} {
		b, err := os.ReadFile(kept + end)
		require.NoError(t, err)
		require.Equal(t, dirt, string(b))
	}
	require.Equal(t, []string{"new"}, texts(t, closing(t, open(t, dir, sqlite.Options{}))))
}

func TestWhereNothingWasNothingIsKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	kept, err := sqlite.Replace(t.Context(), staged(t, "new"), dir, "aside.db")
	require.NoError(t, err)
	require.Empty(t, kept)
	require.Equal(t, []string{"new"}, texts(t, closing(t, open(t, dir, sqlite.Options{}))))

	elsewhere := t.TempDir()
	require.NoError(t, os.Symlink(filepath.Join(dir, "salve.db"), filepath.Join(elsewhere, "salve.db")))
	_, err = sqlite.Replace(t.Context(), staged(t, "newer"), elsewhere, "aside.db")
	require.ErrorContains(t, err, "leads elsewhere")
}

func TestADirectoryThatIsHeldTakesNoSalve(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	held, err := sqlite.Hold(dir)
	require.NoError(t, err)
	_, err = sqlite.Open(t.Context(), dir, sqlite.Options{})
	require.ErrorIs(t, err, bot.ErrUnavailable)
	require.ErrorContains(t, err, "in use by process")
	require.NoError(t, held.Close())
	closing(t, open(t, dir, sqlite.Options{}))
	_, err = sqlite.Hold(dir)
	require.ErrorContains(t, err, "in use by process")
}
