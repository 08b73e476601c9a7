package postgres_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/storage/postgres"
)

func TestRecordsAreReadBesideThoseWhoWrite(t *testing.T) {
	t.Parallel()
	url := database(t)
	_, err := postgres.OpenRecords(t.Context(), url)
	require.ErrorContains(t, err, "it is no database of Salve")
	s := open(t, url, postgres.Options{})
	note := bot.Change{Events: []bot.Event{{At: time.Now(), Kind: bot.EventNoted, Actor: bot.Salve, Text: "a note"}}}
	_, err = s.Commit(t.Context(), note)
	require.NoError(t, err)

	r, err := postgres.OpenRecords(t.Context(), url)
	require.NoError(t, err)
	events, err := r.Events(t.Context(), bot.EventQuery{})
	require.NoError(t, err)
	require.Equal(t, "a note", events[len(events)-1].Text)
	_, err = r.Commit(t.Context(), note)
	require.ErrorIs(t, err, bot.ErrUnavailable)
	require.NoError(t, r.Close())
	_, err = postgres.OpenRecords(t.Context(), "mysql://x")
	require.ErrorContains(t, err, "write postgres://")
}
