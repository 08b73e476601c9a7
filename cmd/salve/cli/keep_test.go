package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/cmd/salve/backup"
	"salve/storage/sqlite"
)

// dataDir is one with an empty Salve's database.
func dataDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	return dir
}

func TestABackupIsMadeAndPutBackWithoutASalve(t *testing.T) {
	t.Parallel()
	dir, to := dataDir(t), filepath.Join(t.TempDir(), "b.db")
	made := typed(t, nil, "backup", "--data-dir", dir, "--to", to)
	require.Equal(t, 0, made.code, made.err)
	require.Contains(t, made.out, to+"\n")
	require.Contains(t, made.out, "0 incidents, 0 alerts, 0 runs, 1 event until ")
	require.Contains(t, made.out, "audit head: chain main 1 ")
	again := typed(t, nil, "backup", "--data-dir", dir, "--to", to)
	require.Equal(t, 1, again.code)
	require.Contains(t, again.err, "--force")
	forced := typed(t, nil, "backup", "--data-dir", dir, "--to", to, "--force", "--json")
	var told backup.Made
	require.NoError(t, json.Unmarshal([]byte(forced.out), &told))
	require.EqualValues(t, 1, told.Audit.Seq)

	put := typed(t, nil, "restore", to, "--data-dir", dir)
	require.Equal(t, 0, put.code, put.err)
	require.Contains(t, put.out, dir+" is restored from "+to)
	require.Contains(t, put.out, "it has nothing beyond the backup")
	require.Contains(t, put.out, "everything is halted")
	aside := func() { // the clock stands still here, so that what is kept would have one name
		kept, err := filepath.Glob(filepath.Join(dir, "*.replaced-*"))
		require.NoError(t, err)
		require.Len(t, kept, 1)
		require.NoError(t, os.Remove(kept[0]))
	}
	aside()
	require.NoError(t, os.Remove(filepath.Join(filepath.Dir(to), "b.json")))
	put = typed(t, nil, "restore", to, "--data-dir", dir, "--no-halt")
	require.Contains(t, put.out, "no manifest lay beside it")
	require.Contains(t, put.out, "it has 2 events beyond the backup, until ")
	require.NotContains(t, put.out, "halted")
	aside()
	put = typed(t, nil, "restore", to, "--data-dir", dir, "--json")
	var restored backup.Restored
	require.NoError(t, json.Unmarshal([]byte(put.out), &restored))
	require.True(t, restored.Halted)
}

func TestAMigrationThatIsPendingExitsWithThree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	none := typed(t, nil, "migrate", "--data-dir", dir, "--check")
	require.Equal(t, 1, none.code)
	require.Contains(t, none.err, "there is no database")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "salve.db"), nil, 0o600))
	pending := typed(t, nil, "migrate", "--data-dir", dir, "--check")
	require.Equal(t, 3, pending.code)
	require.Contains(t, pending.out, "schema version 0; this build needs ")
	require.Equal(t, 3, typed(t, nil, "migrate", "--data-dir", dir, "--check", "--json").code)
	done := typed(t, nil, "migrate", "--data-dir", dir)
	require.Equal(t, 0, done.code, done.err)
	require.Contains(t, done.out, "was brought from schema version 0 to ")
	require.Contains(t, typed(t, nil, "migrate", "--data-dir", dir).out, "up to date")
	require.Equal(t, 0, typed(t, nil, "migrate", "--data-dir", dir, "--check").code)
}

func TestWhereTheDatabaseIsMustBeKnown(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "salve.yaml")
	for _, args := range [][]string{{"backup"}, {"restore", "x.db"}, {"migrate"}, {"migrate", "--check"}} {
		none := typed(t, nil, append(args, "--config", file+".none")...)
		require.Equal(t, 1, none.code)
		require.Contains(t, none.err, "--data-dir DIR", args)
	}
	require.NoError(t, os.WriteFile(file, []byte("storage: env:DATABASE\n"), 0o600))
	shared := typed(t, nil, "backup", "--config", file)
	require.Equal(t, 1, shared.code)
	require.Contains(t, shared.err, "pg_dump")
	require.NoError(t, os.WriteFile(file, []byte("data_dir: "+dataDir(t)+"\n"), 0o600))
	require.Equal(t, 0, typed(t, nil, "backup", "--config", file).code)
	require.Equal(t, 2, typed(t, nil, "backup", "--keep", "-1", "--config", file).code)
}
