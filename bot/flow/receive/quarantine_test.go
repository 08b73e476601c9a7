package receive_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/flow/receive"
	"salve/integrations/alertmanager"
)

var alice = bot.Actor{Person: "alice", Name: "Alice", Surface: "cli"}

func quarantine(t *testing.T, d *receive.Door, body string) bot.QuarantineID {
	t.Helper()
	id, err := d.Quarantine(t.Context(), bot.Delivery{Source: "am", ReceivedAt: receivedAt, Body: []byte(body)}, "why")
	require.NoError(t, err)
	return id
}

func requireRefused(t *testing.T, err error, code bot.RefusalCode) {
	t.Helper()
	var refused *bot.Refusal
	require.ErrorAs(t, err, &refused)
	require.Equal(t, code, refused.Code)
	require.NotEmpty(t, refused.Next)
}

func TestTheSamePayloadIsHeldOnce(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	door := newDoor(t, store, receive.Options{Sources: map[string]receive.Source{"am": {Decode: alertmanager.Decode}, "b": {Decode: alertmanager.Decode}}})
	first := quarantine(t, door, "nonsense")
	done := make(chan bot.QuarantineID, 8)
	for range cap(done) {
		go func() {
			id, _ := door.Quarantine(context.WithoutCancel(t.Context()), bot.Delivery{Source: "am", ReceivedAt: receivedAt, Body: []byte("nonsense")}, "why")
			done <- id
		}()
	}
	for range cap(done) {
		require.Equal(t, first, <-done)
	}
	require.NotEqual(t, first, quarantine(t, door, "other nonsense"))
	other, err := door.Quarantine(t.Context(), bot.Delivery{Source: "b", ReceivedAt: receivedAt, Body: []byte("nonsense")}, "why")
	require.NoError(t, err)
	require.NotEqual(t, first, other)
	require.Len(t, held(t, store), 3)
	item, err := store.QuarantineItem(t.Context(), first)
	require.NoError(t, err)
	require.Equal(t, 8, item.Repeats)
	require.Equal(t, "nonsense", string(item.Body))
	require.Equal(t, 3, kinds(t, store)[bot.EventQuarantined])
}

func TestAFullQuarantineSendsTheSenderBackAndTakesTheGoodPart(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]receive.Options{"by number": {MaxHeld: 2}, "by size": {MaxHeldBytes: 10}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := newStore(t)
			door := newDoor(t, store, opts)
			first := quarantine(t, door, "bad 1")
			quarantine(t, door, "bad 2")
			_, err := door.Quarantine(t.Context(), bot.Delivery{Source: "am", Body: []byte("bad 3")}, "why")
			requireRefused(t, err, bot.RefusedLater)
			require.Equal(t, first, quarantine(t, door, "bad 1"), "a repeat needs no room")
			wrong := wrap(alertJSON("Early", receivedAt.AddDate(10, 0, 0)) + "," + alertJSON("Down", receivedAt))
			receipt, err := deliver(t, door, "am", wrong, receivedAt)
			requireRefused(t, err, bot.RefusedLater)
			require.Len(t, receipt.Observed, 1)
			_, err = door.Discard(t.Context(), first, alice)
			require.NoError(t, err)
			require.NotZero(t, quarantine(t, door, "bad 3"))
		})
	}
}

func TestReplayTakesInWhatCanBeUnderstoodNow(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	now := time.Now()
	id := quarantine(t, newDoor(t, store, receive.Options{}), string(payload(now, "Down")))
	door := newDoor(t, store, receive.Options{})
	answer, err := door.Replay(t.Context(), id, alice)
	require.NoError(t, err)
	require.Equal(t, id, answer.Quarantine)
	require.NotZero(t, answer.Incident)
	require.Contains(t, answer.Text, "Q-1 was taken in: 1 alert, the first in I-1")
	require.Empty(t, held(t, store))
	item, err := store.QuarantineItem(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, bot.QuarantineReplayed, item.State)
	require.Equal(t, 1, kinds(t, store)[bot.EventReplayed])

	again, err := door.Replay(t.Context(), id, alice)
	require.NoError(t, err)
	require.True(t, again.Repeated)
	_, err = door.Discard(t.Context(), id, alice)
	requireRefused(t, err, bot.RefusedState)
	require.Equal(t, 1, kinds(t, store)[bot.EventReplayed])
}

func TestReplayKeepsWhatStillCannotBeUnderstood(t *testing.T) {
	t.Parallel()
	now := time.Now()
	tests := []struct {
		name  string
		body  string
		taken int
		why   string
	}{
		{"a broken form", "nonsense", 0, "not a JSON object"},
		{"a wrong clock alone", string(wrap(alertJSON("Early", now.AddDate(10, 0, 0)))), 0, "more than an hour after"},
		{"a wrong clock among others", string(wrap(alertJSON("Early", now.AddDate(10, 0, 0)) + "," + alertJSON("Down", now))), 1, "more than an hour after"},
		{"a bad alert among others", string(wrap(`7,` + alertJSON("Down", now))), 1, "alerts[0] is not an object"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			store := newStore(t)
			door := newDoor(t, store, receive.Options{})
			id := quarantine(t, door, tt.body)
			for range 2 {
				answer, err := door.Replay(t.Context(), id, alice)
				if tt.taken == 0 {
					requireRefused(t, err, bot.RefusedInput)
					require.ErrorContains(t, err, tt.why)
				} else {
					require.NoError(t, err)
					require.Contains(t, answer.Text, "stays held, because ")
					require.Contains(t, answer.Text, tt.why)
				}
				require.Len(t, held(t, store), 1)
			}
			incidents, err := store.Incidents(t.Context(), bot.IncidentQuery{})
			require.NoError(t, err)
			require.Len(t, incidents, tt.taken)
			require.Zero(t, kinds(t, store)[bot.EventReplayed])
		})
	}
}

func TestAStartThatWasAheadIsTakenOnceItHasCome(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	door := newDoor(t, store, receive.Options{})
	now := time.Now()
	body := wrap(alertJSON("Down", now))
	_, err := deliver(t, door, "am", body, now.Add(-2*time.Hour)) // Salve's own clock was behind
	requireRefused(t, err, bot.RefusedInput)
	_, err = door.Replay(t.Context(), held(t, store)[0].ID, alice)
	require.NoError(t, err)
	require.Empty(t, held(t, store))
}

func TestReplayAndDiscardRefuseWhatTheyCannotDo(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	door := newDoor(t, store, receive.Options{})
	for name, do := range map[string]func(context.Context, bot.QuarantineID, bot.Actor) (bot.Answer, error){"replay": door.Replay, "discard": door.Discard} {
		_, err := do(t.Context(), 99, alice)
		requireRefused(t, err, bot.RefusedUnknown)
		id := quarantine(t, door, fmt.Sprintf("%s: %s", name, payload(time.Now(), "Down")))
		store.Fail(bot.ErrUnavailable)
		if name == "discard" {
			_, err = do(t.Context(), id, alice)
			require.ErrorIs(t, err, bot.ErrUnavailable)
		}
		store.Fail(nil)
		require.NotEmpty(t, held(t, store))
	}
	id := quarantine(t, door, "gone")
	other := newDoor(t, store, receive.Options{Sources: map[string]receive.Source{}})
	_, err := other.Replay(t.Context(), id, alice)
	requireRefused(t, err, bot.RefusedState)

	answer, err := door.Discard(t.Context(), id, alice)
	require.NoError(t, err)
	require.Equal(t, "Q-3 was discarded.", answer.Text)
	again, err := door.Discard(t.Context(), id, alice)
	require.NoError(t, err)
	require.True(t, again.Repeated)
	_, err = door.Replay(t.Context(), id, alice)
	requireRefused(t, err, bot.RefusedState)
	require.Equal(t, 1, kinds(t, store)[bot.EventDiscarded])
}

func TestAReplayThatCannotBeWrittenLeavesThePayloadHeld(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	door := newDoor(t, store, receive.Options{})
	id := quarantine(t, door, string(payload(time.Now(), "Down")))
	store.Fail(bot.ErrUnavailable)
	_, err := door.Replay(t.Context(), id, alice)
	require.ErrorIs(t, err, bot.ErrUnavailable)
	store.Fail(nil)
	require.Len(t, held(t, store), 1)
	_, err = door.Replay(t.Context(), id, alice)
	require.NoError(t, err)
}
