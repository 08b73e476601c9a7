package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/storage/postgres"
)

func TestASchemaIsLookedAtAndBroughtUpToDate(t *testing.T) {
	t.Parallel()
	url := database(t)
	have, need, err := postgres.Schema(t.Context(), url)
	require.NoError(t, err)
	require.Zero(t, have)
	require.Positive(t, need)
	from, to, err := postgres.Migrate(t.Context(), url)
	require.NoError(t, err)
	require.Equal(t, []int64{0, need}, []int64{from, to})
	have, _, err = postgres.Schema(t.Context(), url)
	require.NoError(t, err)
	require.Equal(t, need, have)

	s := open(t, url, postgres.Options{})
	_, err = s.Commit(t.Context(), note("kept"))
	require.NoError(t, err)
	records, err := postgres.OpenRecords(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, records.Close()) })
	n := 0
	require.NoError(t, records.EachEvent(t.Context(), func(bot.Event) error { n++; return nil }))
	require.Equal(t, 2, n)
}

func TestANewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	url := database(t)
	_, _, err := postgres.Migrate(t.Context(), url)
	require.NoError(t, err)
	require.NoError(t, shared.Exec(t.Context(), name(url), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, true)"))
	_, err = postgres.Open(t.Context(), url, postgres.Options{})
	require.ErrorIs(t, err, bot.ErrUnavailable)
	require.ErrorContains(t, err, "newer Salve (schema version 999")
	_, _, err = postgres.Migrate(t.Context(), url)
	require.ErrorContains(t, err, "going back is not supported")
}
