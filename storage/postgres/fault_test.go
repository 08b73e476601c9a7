package postgres_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/audit"
	"salve/storage/postgres"
	"salve/storage/postgres/cluster"
)

// writing commits notes from several goroutines and remembers which were
// answered.
type writing struct {
	store *postgres.Store
	stop  chan struct{}
	group sync.WaitGroup
	next  atomic.Int64

	mu       sync.Mutex
	answered map[string]bool
	errs     []error
}

func writeOn(t *testing.T, s *postgres.Store) *writing {
	w := &writing{store: s, stop: make(chan struct{}), answered: map[string]bool{}}
	for range 4 {
		w.group.Go(func() { w.write(context.WithoutCancel(t.Context())) })
	}
	return w
}

func (w *writing) write(ctx context.Context) {
	for {
		select {
		case <-w.stop:
			return
		default:
		}
		text := time.Duration(w.next.Add(1)).String()
		_, err := w.store.Commit(ctx, note(text))
		w.mu.Lock()
		if err == nil {
			w.answered[text] = true
		} else {
			w.errs = append(w.errs, err)
		}
		w.mu.Unlock()
		if err != nil {
			time.Sleep(10 * time.Millisecond)
		}
	}
}

func (w *writing) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.answered)
}

// goesOn waits until more is answered than before.
func (w *writing) goesOn(t *testing.T) {
	t.Helper()
	before := w.count()
	eventually(t, "it goes on", func() bool { return w.count() > before+8 })
}

// end checks that what was answered is there, once, in a chain that proves.
func (w *writing) end(t *testing.T) {
	t.Helper()
	close(w.stop)
	w.group.Wait()
	for _, err := range w.errs {
		require.True(t, errors.Is(err, bot.ErrUnavailable) || errors.Is(err, bot.ErrOverloaded), "%v", err)
	}
	found := map[string]int{}
	report, err := audit.Verify(audit.From(func(f func(bot.Event) error) error {
		return w.store.EachEvent(t.Context(), func(e bot.Event) error {
			found[e.Text]++
			return f(e)
		})
	}))
	require.NoError(t, err)
	require.True(t, report.OK(), report.Faults)
	for text := range w.answered {
		require.Equal(t, 1, found[text], text)
	}
	for text, n := range found {
		require.Equal(t, 1, n, text)
	}
}

func own(t *testing.T) (*cluster.Cluster, string) {
	t.Helper()
	if shared == nil {
		t.Skip(cluster.ErrMissing)
	}
	c, err := cluster.Start(t.Context(), filepath.Join(t.TempDir(), "data"), cluster.Options{Settings: []string{"max_connections=20"}})
	require.NoError(t, err)
	t.Cleanup(c.Stop)
	url, err := c.Create(t.Context(), "salve")
	require.NoError(t, err)
	return c, url
}

func TestADatabaseThatGoesAwayComesBackByItself(t *testing.T) {
	t.Parallel()
	c, url := own(t)
	w := writeOn(t, open(t, url, postgres.Options{Readers: 2}))
	w.goesOn(t)
	for _, end := range []func(){
		func() {
			require.NoError(t, c.Exec(t.Context(), "postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'salve'"))
		},
		func() { c.Immediate(); require.NoError(t, c.Restart(t.Context())) },
		func() { c.Crash(); require.NoError(t, c.Restart(t.Context())) },
		func() { c.Stop(); require.NoError(t, c.Restart(t.Context())) },
	} {
		end()
		w.goesOn(t)
		require.NoError(t, w.store.Ping(t.Context()))
	}
	w.end(t)
}

func TestAFailingDatabaseSaysWhatToDo(t *testing.T) {
	t.Parallel()
	c, url := own(t)
	s := open(t, url, postgres.Options{Readers: 2})
	failing := func(doing, want string) {
		t.Helper()
		require.NoError(t, c.Exec(t.Context(), "postgres", doing))
		require.NoError(t, c.Exec(t.Context(), "postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'salve'"))
		eventually(t, want, func() bool {
			_, err := s.Commit(t.Context(), note("x"))
			return errors.Is(err, bot.ErrUnavailable) && err != nil && strings.Contains(err.Error(), want)
		})
	}
	failing("ALTER DATABASE salve SET default_transaction_read_only = on", "name the primary, not a standby")
	require.NoError(t, c.Exec(t.Context(), "postgres", "ALTER DATABASE salve RESET default_transaction_read_only"))
	require.NoError(t, c.Exec(t.Context(), "postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'salve'"))
	eventually(t, "it heals", func() bool { _, err := s.Commit(t.Context(), note("y")); return err == nil })

	_, err := postgres.Open(t.Context(), c.URL("nowhere"), postgres.Options{})
	require.ErrorContains(t, err, "there is no such database")
	_, err = postgres.Open(t.Context(), "postgres://x:canary@127.0.0.1:1/salve?sslmode=disable", postgres.Options{})
	require.ErrorIs(t, err, bot.ErrUnavailable)
	require.ErrorContains(t, err, "check that it runs")
	require.NotContains(t, err.Error(), "canary")
	_, err = postgres.Open(t.Context(), "mysql://canary", postgres.Options{})
	require.ErrorContains(t, err, "postgres://USER@HOST:PORT/DATABASE")
	require.NotContains(t, err.Error(), "canary")
}

func TestAReplicaThatStandsStillInItsTurnStopsTheOthersForSecondsOnly(t *testing.T) {
	t.Parallel()
	url := database(t)
	s := open(t, url, postgres.Options{Readers: 2})
	still, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer still.Close(context.WithoutCancel(t.Context()))
	for _, text := range []string{"SET idle_in_transaction_session_timeout = 4000", "BEGIN", "SELECT * FROM turn FOR UPDATE"} {
		_, err := still.Exec(t.Context(), text)
		require.NoError(t, err)
	}
	_, err = s.Commit(t.Context(), note("after it"))
	require.NoError(t, err, "the database ends who is idle in a transaction")
}
