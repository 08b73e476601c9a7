package postgres_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/storage/postgres"
	"salve/storage/postgres/cluster"
	"salve/storage/storagetest"
)

// several writes through many stores on one database, each with a connection of
// its own, by turns; it reads through the first.
type several struct {
	*postgres.Store
	all  []*postgres.Store
	next atomic.Int64
}

func (s *several) turn() *postgres.Store {
	return s.all[int(s.next.Add(1))%len(s.all)]
}

func (s *several) Commit(ctx context.Context, change bot.Change) (bot.Receipt, error) {
	return s.turn().Commit(ctx, change)
}

func (s *several) NextID(kind bot.Kind) int64 { return s.turn().NextID(kind) }

func (s *several) Tick(ctx context.Context, name string, at time.Time, every time.Duration) (bool, error) {
	return s.turn().Tick(ctx, name, at, every)
}

func (s *several) Prune(ctx context.Context, now time.Time, age time.Duration, maxBytes int64) (int, error) {
	return s.turn().Prune(ctx, now, age, maxBytes)
}

func (s *several) PruneChat(ctx context.Context, before time.Time) (int, error) {
	return s.turn().PruneChat(ctx, before)
}

func (s *several) DueIncidents(ctx context.Context, at time.Time, limit int) ([]bot.Incident, error) {
	var all []bot.Incident
	for _, one := range s.all {
		due, err := one.DueIncidents(ctx, at, limit)
		if err != nil {
			return nil, err
		}
		all = append(all, due...)
	}
	slices.SortFunc(all, func(a, b bot.Incident) int { return cmp.Or(a.DueAt.Compare(b.DueAt), cmp.Compare(a.ID, b.ID)) })
	all = slices.CompactFunc(all, func(a, b bot.Incident) bool { return a.ID == b.ID })
	return all[:min(len(all), limit)], nil
}

func (s *several) DueRuns(ctx context.Context, at time.Time, limit int) ([]bot.Run, error) {
	var all []bot.Run
	for _, one := range s.all {
		due, err := one.DueRuns(ctx, at, limit)
		if err != nil {
			return nil, err
		}
		all = append(all, due...)
	}
	slices.SortFunc(all, func(a, b bot.Run) int { return cmp.Or(a.DueAt.Compare(b.DueAt), cmp.Compare(a.ID, b.ID)) })
	all = slices.CompactFunc(all, func(a, b bot.Run) bool { return a.ID == b.ID })
	return all[:min(len(all), limit)], nil
}

func (s *several) Close() error {
	var errs []error
	for _, one := range s.all {
		errs = append(errs, one.Close())
	}
	return errors.Join(errs...)
}

// TestEightProcessesAreAStore: every rule of the suite, its races most of all,
// with eight connections that write.
func TestEightProcessesAreAStore(t *testing.T) {
	t.Parallel()
	if shared == nil {
		t.Skip(cluster.ErrMissing)
	}
	storagetest.RunShared(t, func(t *testing.T, dir string) storagetest.Store {
		url := databaseOf(t, dir)
		s := &several{}
		for range 8 {
			one, err := postgres.Open(t.Context(), url, postgres.Options{Readers: 1})
			require.NoError(t, err)
			s.all = append(s.all, one)
		}
		for _, one := range s.all {
			require.NoError(t, one.Renew(t.Context())) // each knows of the others
		}
		s.Store = s.all[0]
		return s
	})
}
