package main

import (
	"errors"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/cmd/internal/trial"
	"salve/storage/postgres/cluster"
)

// whole says that nothing may be skipped: then tests take minutes.
var whole = os.Getenv("SALVE_REQUIRE_TOOLS") != ""

// tortured holds a session that must find every promise kept. The seed that it
// logs repeats it: `go run ./cmd/torture -seed N`.
func tortured(t *testing.T, o Options) Report {
	t.Helper()
	binary, err := trial.Build(t.Context(), t.TempDir())
	require.NoError(t, err)
	o.Binary, o.Dir, o.Seed, o.Log = binary, t.TempDir(), rand.Uint64(), t.Output()
	rep, err := Torture(t.Context(), o)
	if errors.Is(err, cluster.ErrMissing) && !whole {
		t.Skip(err)
	}
	require.NoError(t, err, "seed %d", o.Seed)
	require.Equal(t, o.Kills, rep.Kills)
	require.Positive(t, rep.Calls)
	require.Positive(t, rep.Decisions)
	t.Log("\n" + rep.String())
	return rep
}

// TestKilledAtRandomPoints is the short form on a bare machine and the whole one
// where nothing may be skipped.
func TestKilledAtRandomPoints(t *testing.T) {
	t.Parallel()
	kills := 20
	if whole {
		kills = 100
	}
	tortured(t, Options{Storage: sqliteStorage, Replicas: 1, Kills: kills})
}

func TestASharedDatabaseUnderFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		o       Options
		another bool // only where nothing may be skipped
	}{
		{"one replica", Options{Replicas: 1, Kills: 20, Faults: []string{"stop", "cut-hang", "immediate", "readonly"}}, true},
		{"two replicas", Options{Replicas: 2, Kills: 3, Faults: []string{"kill", "cut-refuse", "backends", "crash"}}, false},
		{"three replicas", Options{Replicas: 3, Kills: 20, Faults: []string{"all"}}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { // one after the other: they share the machine
			if tt.another && !whole {
				t.Skip("it takes minutes; set SALVE_REQUIRE_TOOLS=1")
			}
			tt.o.Storage = postgresStorage
			want, err := named(tt.o.Faults, tt.o.Storage)
			require.NoError(t, err)
			require.Len(t, tortured(t, tt.o).Recovered, len(want))
		})
	}
}

func TestWhatCannotBeHeldIsRefused(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{
		"two on SQLite":        {Storage: sqliteStorage, Replicas: 2},
		"none":                 {Storage: postgresStorage},
		"another storage":      {Storage: "paper", Replicas: 1},
		"no such fault":        {Storage: postgresStorage, Replicas: 1, Faults: []string{"flood"}},
		"no server to torture": {Storage: sqliteStorage, Replicas: 1, Faults: []string{"crash"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Torture(t.Context(), o)
			require.Error(t, err)
		})
	}
}
