package postgres_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/storage/postgres"
)

// TestADatabaseThatWasReadOnlyIsWrittenAgain: what was opened meanwhile must not
// stay read-only.
func TestADatabaseThatWasReadOnlyIsWrittenAgain(t *testing.T) {
	t.Parallel()
	where := database(t)
	u, err := url.Parse(where)
	require.NoError(t, err)
	name := strings.TrimPrefix(u.Path, "/")
	s := open(t, where, postgres.Options{Name: "readonly"})
	write := func() error {
		_, err := s.Commit(t.Context(), bot.Change{Events: []bot.Event{{Kind: bot.EventStarted, Actor: bot.Salve, At: time.Now(), Text: "x"}}})
		return err
	}
	require.NoError(t, write())

	require.NoError(t, shared.Exec(t.Context(), "postgres", "ALTER DATABASE "+name+" SET default_transaction_read_only = on"))
	cut := "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'salve readonly'"
	require.NoError(t, shared.Exec(t.Context(), "postgres", cut))
	require.Eventually(t, func() bool {
		err := write()
		return err != nil && strings.Contains(err.Error(), "the database is read-only")
	}, 10*time.Second, 50*time.Millisecond)
	require.ErrorIs(t, write(), bot.ErrUnavailable)
	require.Error(t, s.Ping(t.Context()), "nothing can be taken in")

	require.NoError(t, shared.Exec(t.Context(), "postgres", "ALTER DATABASE "+name+" RESET default_transaction_read_only"))
	require.Eventually(t, func() bool { return write() == nil }, 10*time.Second, 50*time.Millisecond)
}
