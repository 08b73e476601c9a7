package postgres_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/storage/postgres"
	"salve/storage/postgres/cluster"
	"salve/storage/storagetest"
)

func TestPostgresCanBeWatched(t *testing.T) {
	t.Parallel()
	if shared == nil {
		t.Skip(cluster.ErrMissing)
	}
	storagetest.RunWatch(t, func(t *testing.T, dir string) storagetest.Watched {
		note := filepath.Join(dir, "url") // which database belongs to the directory
		url, err := os.ReadFile(note)
		if err != nil {
			url = []byte(database(t))
			require.NoError(t, os.WriteFile(note, url, 0o600))
		}
		s, err := postgres.Open(t.Context(), strings.TrimSpace(string(url)), postgres.Options{Readers: 2})
		require.NoError(t, err)
		return s
	})
}

func TestATryIsGoodBesideOtherReplicas(t *testing.T) {
	t.Parallel()
	url := database(t)
	one, two := open(t, url, postgres.Options{}), open(t, url, postgres.Options{})
	for range 3 { // each begins where the other has left the log
		require.NoError(t, one.TryWrite(t.Context()))
		require.NoError(t, two.TryWrite(t.Context()))
	}
}
