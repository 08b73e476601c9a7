package storagetest

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var tickTests = map[string]func(*testing.T, *house){
	"a tick is taken once in its time": func(t *testing.T, h *house) {
		tick := func(name string, n int) bool {
			mine, err := h.Tick(t.Context(), name, at(n), 10*time.Minute)
			require.NoError(t, err)
			return mine
		}
		require.True(t, tick("a", 0))
		require.False(t, tick("a", 0))
		require.False(t, tick("a", 9))
		require.True(t, tick("b", 9), "each name has its own")
		require.True(t, tick("a", 10))
		require.False(t, tick("a", 11))
		h.reopen()
		require.False(t, tick("a", 19))
		require.True(t, tick("a", 100), "missed ones are one")
		require.False(t, tick("a", 100))
	},
	"of many who ask one is told": func(t *testing.T, h *house) {
		for round := range 10 {
			var told atomic.Int64
			for _, err := range race(func(int) error {
				mine, err := h.Tick(t.Context(), "a", at(60*round), time.Minute)
				if mine {
					told.Add(1)
				}
				return err
			}) {
				require.NoError(t, err)
			}
			require.EqualValues(t, 1, told.Load())
		}
	},
}
