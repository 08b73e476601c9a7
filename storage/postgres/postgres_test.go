package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/storage/postgres"
	"salve/storage/postgres/cluster"
	"salve/storage/storagetest"
)

var shared *cluster.Cluster // nil: there is no PostgreSQL here

func TestMain(m *testing.M) {
	os.Exit(with(m))
}

func with(m *testing.M) int {
	dir, err := os.MkdirTemp("", "salve-postgres")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	c, err := cluster.Start(context.Background(), filepath.Join(dir, "data"), cluster.Options{Careless: true})
	switch {
	case errors.Is(err, cluster.ErrMissing) && os.Getenv("SALVE_REQUIRE_TOOLS") == "":
	case err != nil:
		fmt.Fprintln(os.Stderr, err)
		return 1
	default:
		shared = c
		defer c.Stop()
	}
	return m.Run()
}

var databases atomic.Int64

// database is the URL of a new, empty database.
func database(t testing.TB) string {
	t.Helper()
	if shared == nil {
		t.Skip(cluster.ErrMissing)
	}
	url, err := shared.Create(t.Context(), fmt.Sprintf("test%d", databases.Add(1)))
	require.NoError(t, err)
	return url
}

// name is that of the database in a URL of database.
func name(url string) string {
	name, _, _ := strings.Cut(url[strings.LastIndex(url, "/")+1:], "?")
	return name
}

func open(t testing.TB, url string, opts postgres.Options) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), url, opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestPostgresIsAStore(t *testing.T) {
	t.Parallel()
	if shared == nil {
		t.Skip(cluster.ErrMissing)
	}
	storagetest.Run(t, func(t *testing.T, dir string) storagetest.Store {
		s, err := postgres.Open(t.Context(), databaseOf(t, dir), postgres.Options{Readers: 2})
		require.NoError(t, err)
		return s
	})
}

// databaseOf is the database that belongs to a directory.
func databaseOf(t *testing.T, dir string) string {
	t.Helper()
	note := filepath.Join(dir, "url")
	if url, err := os.ReadFile(note); err == nil {
		return string(url)
	}
	url := database(t)
	require.NoError(t, os.WriteFile(note, []byte(url), 0o600))
	return url
}
