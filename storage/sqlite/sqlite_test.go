package sqlite_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"salve/storage/sqlite"
	"salve/storage/storagetest"
)

func TestSQLiteIsAStore(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, func(t *testing.T, dir string) storagetest.Store {
		return open(t, dir, sqlite.Options{})
	})
}

func open(t testing.TB, dir string, opts sqlite.Options) *sqlite.Store {
	s, err := sqlite.Open(t.Context(), dir, opts)
	require.NoError(t, err)
	return s
}

func TestOldVersionsOfSQLiteAreTold(t *testing.T) {
	t.Parallel()
	for have, want := range map[string]bool{
		"3.51.3": true, "3.51.2": false, "3.54.1": true, "3.6.99": false, "4.0.0": true, "3.51": false, "": false, "x.y.z": false,
	} {
		require.Equal(t, want, sqlite.AtLeast(have, "3.51.3"), have)
	}
}
