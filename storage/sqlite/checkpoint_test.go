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

// logGeneration is what SQLite writes into the head of the log each time that it
// begins anew.
func logGeneration(t *testing.T, dir string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "salve.db-wal"))
	require.NoError(t, err)
	require.Greater(t, len(b), 32)
	return string(b[12:24])
}

func TestTheLogBeginsAnewWhileMuchIsWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	s.KeepLogShort(50)
	written := int64(0)
	write := func() {
		written++
		_, err := s.Commit(context.Background(), bot.Change{Observed: benchBatch(written, 64), By: bot.Salve, Delivery: benchDelivery(64)})
		require.NoError(t, err)
	}
	for range 3 {
		write()
		for before := logGeneration(t, dir); before == logGeneration(t, dir); {
			write()
		}
	}
	require.NoError(t, s.Close())

	s = open(t, dir, sqlite.Options{})
	found, err := s.Incidents(context.Background(), bot.IncidentQuery{Limit: 1_000_000})
	require.NoError(t, err)
	alerts := 0
	for _, i := range found {
		alerts += i.Total
	}
	require.Equal(t, int(written)*64, alerts)
	require.NoError(t, s.Close())
}
