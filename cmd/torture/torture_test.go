package main

import (
	"math/rand/v2"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/cmd/internal/trial"
)

// TestKilledAtRandomPoints is the short form on a bare machine and the whole one
// where nothing may be skipped. `go run ./cmd/torture -seed N` repeats a run.
func TestKilledAtRandomPoints(t *testing.T) {
	t.Parallel()
	kills := 20
	if os.Getenv("SALVE_REQUIRE_TOOLS") != "" {
		kills = 100
	}
	binary, err := trial.Build(t.Context(), t.TempDir())
	require.NoError(t, err)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rep, err := Torture(t.Context(), Options{Binary: binary, Dir: t.TempDir(), Kills: kills, Seed: seed, Log: t.Output()})
	require.NoError(t, err, "seed %d", seed)
	require.Equal(t, kills, rep.Kills)
	require.Positive(t, rep.Calls)
	t.Log(rep)
}

func TestABrokenPromiseIsFound(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name           string
		kind           string
		known, waiting bool
		calls          map[string]int
		want           string
	}{
		{"lost", "none", false, false, nil, "acknowledged and is lost"},
		{"two keys", "keyed", true, false, map[string]int{"k1": 1, "k2": 1}, "under 2 keys"},
		{"no key", "keyed", true, false, map[string]int{"": 1}, "under 1 keys"},
		{"no playbook", "none", true, false, map[string]int{"k": 1}, "without a playbook"},
		{"never taken", "keyed", true, false, nil, "never taken"},
		{"cut off again and again", "keyed", true, true, nil, ""},
		{"twice", "unsafe", true, false, map[string]int{"k": 2}, "done 2 times"},
		{"forgotten", "unsafe", true, false, nil, "nobody is asked"},
		{"left to a person", "unsafe", true, true, nil, ""},
		{"done once", "unsafe", true, false, map[string]int{"k": 1}, ""},
		{"repeated under its key", "keyed", true, false, map[string]int{"k": 3}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			far := &farEnd{calls: map[string]map[string]int{"u": tt.calls}}
			var rep Report
			err := rep.check(map[string]string{"u": tt.kind}, map[string]bool{"u": tt.known}, map[string]bool{"u": tt.waiting}, far)
			if tt.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.want)
		})
	}
}
