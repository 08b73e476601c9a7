package serve_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/health"
	"salve/storage/postgres/cluster"
)

// server is a PostgreSQL of this test's own; without one the test is skipped.
func server(t *testing.T) *cluster.Cluster {
	t.Helper()
	dir, err := os.MkdirTemp("", "salve-postgres")
	require.NoError(t, err)
	c, err := cluster.Start(t.Context(), filepath.Join(dir, "data"), cluster.Options{Careless: true})
	if errors.Is(err, cluster.ErrMissing) && os.Getenv("SALVE_REQUIRE_TOOLS") == "" {
		require.NoError(t, os.RemoveAll(dir))
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() {
		c.Stop()
		require.NoError(t, os.RemoveAll(dir))
	})
	return c
}

func TestReplicasShareWhomTheyHearAndTellOfThemselves(t *testing.T) {
	t.Parallel()
	pg := server(t)
	url, err := pg.Create(t.Context(), "salve")
	require.NoError(t, err)
	shop := newShop(t)
	var free atomic.Uint64 // per mille of the disk of a
	free.Store(500)
	replica := func(name string) *running {
		cfg := setUp(t, shop)
		cfg.Storage, cfg.Replica = url, name
		cfg.Watch.DiskFree = 5
		cfg.Watch.Every, cfg.Sources[0].ExpectEvery = bot.Duration(200*time.Millisecond), bot.Duration(6*time.Second)
		s, err := start(t, cfg)
		require.NoError(t, err)
		s.SetDisk(func() health.Disk {
			if name == "a" {
				return health.Disk{Free: free.Load(), Total: 1000}
			}
			return health.Disk{}
		})
		return goes(t, s)
	}
	a := replica("a")
	code, body := alert(t, a.URL(), "Watchdog", "none")
	require.Equal(t, 200, code, body)
	b := replica("b")
	incident := func(r *running, title string) (found bot.Incident) {
		var list []bot.Incident
		require.NoError(t, r.Get(t.Context(), "/v1/incidents", nil, &list))
		for _, inc := range list {
			if inc.Source == bot.SourceSalve && inc.Title == title {
				found = inc
			}
		}
		return found
	}

	// For twice as long as the source may be silent, only one of them hears it.
	for end := time.Now().Add(12 * time.Second); time.Now().Before(end); time.Sleep(300 * time.Millisecond) {
		code, body := alert(t, a.URL(), "Watchdog", "none")
		require.Equal(t, 200, code, body)
	}
	var list []bot.Incident
	require.NoError(t, b.Get(t.Context(), "/v1/incidents", nil, &list))
	require.Len(t, list, 1, "nobody is missed by b: %v", list)
	require.Equal(t, "prod", list[0].Source)

	// Each tells of itself, whosever turn it is.
	const low = "Salve: less than 5 % of the disk of the data directory is free (replica a)"
	free.Store(1)
	require.Eventually(t, func() bool { return incident(b, low).Firing == 1 }, 20*time.Second, 50*time.Millisecond)
	time.Sleep(2 * time.Second) // ten turns
	require.Equal(t, 1, incident(b, low).Total, "b does not say that it is over")
	free.Store(500)
	require.Eventually(t, func() bool { return incident(b, low).Firing == 0 }, 20*time.Second, 50*time.Millisecond)

	// Without their database they are not ready, and alive.
	for _, r := range []*running{a, b} {
		r.eventuallyReady(t, 200)
	}
	pg.Immediate()
	for _, r := range []*running{a, b} {
		require.Contains(t, r.eventuallyReady(t, 503), "not ready: the database cannot be read\n")
		require.Equal(t, 200, asks(r.Salve, "/livez", "").Code)
	}
	require.NoError(t, pg.Restart(context.WithoutCancel(t.Context())))
	for _, r := range []*running{a, b} {
		r.eventuallyReady(t, 200)
		require.NoError(t, r.end())
	}
}
