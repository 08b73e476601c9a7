package ledger_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"salve/bot"
	"salve/storage/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func note(text string) bot.Change {
	at := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	return bot.Change{Events: []bot.Event{{Kind: bot.EventNoted, At: at, Actor: bot.Salve, Text: text}}}
}

func texts(t *testing.T, s *sqlite.Store) []string {
	t.Helper()
	var all []string
	require.NoError(t, s.EachEvent(t.Context(), func(e bot.Event) error {
		all = append(all, e.Text)
		return nil
	}))
	return all[1:]
}

func open(t *testing.T, opts sqlite.Options) *sqlite.Store {
	s, err := sqlite.Open(t.Context(), t.TempDir(), opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// gate holds the writer after its next commit until it is opened.
type gate struct {
	reached, open chan struct{}
	once          sync.Once
}

func newGate() *gate { return &gate{reached: make(chan struct{}), open: make(chan struct{})} }

func (g *gate) committed(bot.Touched) {
	g.once.Do(func() {
		close(g.reached)
		<-g.open
	})
}

var touching = bot.Change{Halts: []bot.Halt{{Scope: bot.HaltAll}}}

func TestAFullQueueRefuses(t *testing.T) {
	t.Parallel()
	g := newGate()
	s := open(t, sqlite.Options{QueueLimit: 2, Committed: g.committed})
	var running sync.WaitGroup
	commit := func(change bot.Change) {
		running.Go(func() {
			if _, err := s.Commit(t.Context(), change); err != nil {
				t.Error(err)
			}
		})
	}
	commit(touching)
	<-g.reached
	var refused error
	for n := 0; refused == nil; n++ {
		require.Less(t, n, 10)
		refused = s.CommitQueued(note("queued"))
	}
	require.ErrorIs(t, refused, bot.ErrOverloaded)
	close(g.open)
	running.Wait()
	_, err := s.Commit(t.Context(), note("after"))
	require.NoError(t, err)
	require.Equal(t, []string{"queued", "queued", "after"}, texts(t, s))
}

func TestWhoLeavesCancelsNothing(t *testing.T) {
	t.Parallel()
	g := newGate()
	s := open(t, sqlite.Options{Committed: g.committed})
	done := make(chan error)
	go func() {
		_, err := s.Commit(t.Context(), touching)
		done <- err
	}()
	<-g.reached
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error)
	go func() {
		_, err := s.Commit(ctx, note("written all the same"))
		left <- err
	}()
	for s.Queued() == 0 { // it waits by now
	}
	leave()
	err := <-left
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "may still be written")
	close(g.open)
	require.NoError(t, <-done)
	_, err = s.Commit(t.Context(), note("after"))
	require.NoError(t, err)
	require.Equal(t, []string{"written all the same", "after"}, texts(t, s))
}
