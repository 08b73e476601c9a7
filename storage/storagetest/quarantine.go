package storagetest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

func (h *house) quarantined(body string) bot.Quarantined {
	sum := sha256.Sum256([]byte(body))
	return bot.Quarantined{
		ID: bot.QuarantineID(h.NextID(bot.KindQuarantine)), State: bot.QuarantineHeld, Source: "prod", Reason: "bad at byte 3",
		ReceivedAt: at(1), Size: len(body), SHA256: hex.EncodeToString(sum[:]), Body: []byte(body),
	}
}

var quarantineTests = map[string]func(*testing.T, *house){
	"a payload is kept whole": func(t *testing.T, h *house) {
		q := h.quarantined("{\"x\":\x00\xff")
		r := h.must(bot.Change{Quarantined: []bot.Quarantined{q}})
		require.Equal(t, []bot.QuarantineID{q.ID}, r.Quarantined)
		q.Version = 1
		got, err := h.QuarantineItem(t.Context(), q.ID)
		require.NoError(t, err)
		require.Equal(t, q, got)
		q.Body = nil
		list, err := h.QuarantineList(t.Context(), bot.QuarantineQuery{})
		require.NoError(t, err)
		require.Equal(t, []bot.Quarantined{q}, list)
	},
	"the same body is one row while it is held": func(t *testing.T, h *house) {
		first := h.quarantined("x")
		h.must(bot.Change{Quarantined: []bot.Quarantined{first}})
		again := h.quarantined("x")
		r := h.must(bot.Change{Quarantined: []bot.Quarantined{again}})
		require.Equal(t, []bot.QuarantineID{first.ID}, r.Quarantined)
		elsewhere := h.quarantined("x")
		elsewhere.Source = "staging"
		h.must(bot.Change{Quarantined: []bot.Quarantined{elsewhere}})
		got, err := h.QuarantineItem(t.Context(), first.ID)
		require.NoError(t, err)
		require.Equal(t, 1, got.Repeats)
		require.EqualValues(t, 1, got.Version, "repeats do not get in the way of who settles it")

		got.State = bot.QuarantineDiscarded
		h.must(bot.Change{Quarantined: []bot.Quarantined{got}})
		h.refused(bot.ErrConflict, bot.Change{Quarantined: []bot.Quarantined{got}})
		r = h.must(bot.Change{Quarantined: []bot.Quarantined{again}})
		require.Equal(t, []bot.QuarantineID{again.ID}, r.Quarantined)
		held, err := h.QuarantineList(t.Context(), bot.QuarantineQuery{States: []bot.QuarantineState{bot.QuarantineHeld}})
		require.NoError(t, err)
		require.Len(t, held, 2)
		require.Equal(t, elsewhere.ID, held[0].ID)
	},
	"payloads are dropped by age and by size, those held never": func(t *testing.T, h *house) {
		for n := range 6 {
			a := firing("g", number(n), n)
			h.must(bot.Change{Observed: []bot.Alert{a}, Delivery: &bot.Delivery{Source: "prod", ReceivedAt: at(n), Alerts: 1, Body: bytes.Repeat([]byte("x"), 100)}})
			h.must(bot.Change{Observed: []bot.Alert{a}, Delivery: &bot.Delivery{Source: "prod", ReceivedAt: at(n), Alerts: 1, Body: []byte("repeat")}})
		}
		settled, held := h.quarantined("settled"), h.quarantined("held")
		h.must(bot.Change{Quarantined: []bot.Quarantined{settled, held}})
		settled.Version, settled.State = 1, bot.QuarantineReplayed
		h.must(bot.Change{Quarantined: []bot.Quarantined{settled}})

		prune := func(now time.Time, age time.Duration, most int64) int {
			n, err := h.Prune(t.Context(), now, age, most)
			require.NoError(t, err)
			return n
		}
		require.Zero(t, prune(at(5), time.Hour, 600), "a repeat keeps no payload")
		require.Equal(t, 3, prune(at(12), 10*time.Minute, 0), "two of the old ones and the settled one")
		require.Equal(t, 2, prune(at(12), 0, 250))
		require.Zero(t, prune(at(12), 0, 0))
		require.Equal(t, 2, prune(at(500), time.Minute, 1))
		got, err := h.QuarantineItem(t.Context(), settled.ID)
		require.NoError(t, err)
		require.Empty(t, got.Body)
		got, err = h.QuarantineItem(t.Context(), held.ID)
		require.NoError(t, err)
		require.Equal(t, "held", string(got.Body))
	},
}
