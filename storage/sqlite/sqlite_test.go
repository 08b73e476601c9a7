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
