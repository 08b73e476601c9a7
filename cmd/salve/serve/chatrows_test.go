package serve_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

func TestTheLegsReadAndWriteChatThroughWhatStandsBeforeTheStore(t *testing.T) {
	t.Parallel()
	r := run(t, setUp(t, newShop(t)))
	now := time.Now().UTC()
	over := now.AddDate(0, 0, -31)
	rows := r.Rows()
	_, err := rows.Commit(t.Context(), bot.Change{
		Posts: []bot.Post{
			{Key: "slack/C1/due", State: bot.PostDue, Surface: "slack", Place: "C1", DueAt: over, OpenedAt: over},
			{Key: "slack/C1/over", State: bot.PostShown, Surface: "slack", Place: "C1", OpenedAt: over, Mark: bot.Mark{Place: "C1", Ref: "1.2"}},
		},
		Offers:   []bot.Offer{{Token: "old", ExpiresAt: over}, {Token: "expired", ExpiresAt: now.Add(-time.Hour)}},
		Gestures: []bot.Gesture{{Key: "waits", DueAt: over, ReceivedAt: over}, {Key: "done", Done: true, ReceivedAt: over}},
		Cursors:  []bot.Cursor{{Name: "reader", Seq: 1}},
	})
	require.NoError(t, err)
	shown, err := rows.PostAt(t.Context(), "slack", bot.Mark{Place: "C1", Ref: "1.2"})
	require.NoError(t, err)
	require.Equal(t, "slack/C1/over", shown.Key)

	r.PruneChat(t.Context(), now)
	posts, err := rows.Posts(t.Context(), bot.PostQuery{})
	require.NoError(t, err)
	require.Len(t, posts, 1)
	require.Equal(t, bot.PostDue, posts[0].State)
	_, err = rows.Offer(t.Context(), "old")
	require.ErrorIs(t, err, bot.ErrNotFound)
	_, err = rows.Offer(t.Context(), "expired")
	require.NoError(t, err, "who presses it hears that it is old")
	due, err := rows.DueGestures(t.Context(), now, 9)
	require.NoError(t, err)
	require.Len(t, due, 1)
	_, err = rows.Gesture(t.Context(), "done")
	require.ErrorIs(t, err, bot.ErrNotFound)
	cursor, err := rows.Cursor(t.Context(), "reader")
	require.NoError(t, err)
	require.EqualValues(t, 1, cursor.Seq)
}
