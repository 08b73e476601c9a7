package sqlite_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/storage/sqlite"
)

// withChat is the first version that has the rows of chat.
const withChat = 3

var carriedPosts = []bot.Post{
	{
		Key: "slack/C1/card/I-1", State: bot.PostShown, Surface: "slack", Place: "C1", Kind: bot.MessageCard, Incident: 1, OpenedAt: now,
		Wanted: 4, Shown: 4, Sum: "s", Mark: bot.Mark{Place: "C1", Ref: "1700000000.000100"}, SentAt: now, Tokens: map[string]string{"sum": "token"},
	},
	{
		Key: "slack/C1/notice/5", State: bot.PostDue, Surface: "slack", Place: "C1", Kind: bot.MessageNotice, Incident: 1, Parent: "slack/C1/card/I-1",
		About: 5, Rank: 1, DueAt: now, OpenedAt: now, Attempts: 2, Error: "it's \"down\"", Nonce: "n", Unsure: now,
	},
}

var carriedOffer = bot.Offer{
	Token: "token", Surface: "slack", Post: "slack/C1/card/I-1", Shown: "Approve restart; '🙂'", ExpiresAt: now.Add(time.Hour),
	Press: bot.Press{Kind: bot.PressCommand, Command: bot.Command{Verb: bot.VerbApprove, Approval: 1, Digest: string(carriedPlan.Digest)}},
}

var carriedGesture = bot.Gesture{
	Key: "slack/E1", DueAt: now, Surface: "slack", Transport: "socket", Kind: bot.GesturePressed, User: bot.ChatUser{ID: "T1/U1", Name: "ann"},
	Place: "C1", Message: "1700000000.000100", Token: "token", Handles: map[string]string{"trigger_id": "x"}, ReceivedAt: now,
}

// carryChat writes what chat keeps: something is shown, something is to be sent,
// somebody pressed and nothing came of it so far, and a target is held without an
// Incident.
func carryChat(t *testing.T, s *sqlite.Store) {
	t.Helper()
	_, err := s.Commit(t.Context(), bot.Change{
		Posts: carriedPosts, Offers: []bot.Offer{carriedOffer}, Gestures: []bot.Gesture{carriedGesture}, Cursors: []bot.Cursor{{Name: "post", Seq: 4}},
		Claims: []bot.Claim{{Target: "web-9", Holder: "bob", Name: "Bob", At: now, Until: now.Add(time.Hour), Reason: "a deploy"}},
	})
	require.NoError(t, err)
}

func requireChatCarried(t *testing.T, s *sqlite.Store) {
	t.Helper()
	ctx := t.Context()
	shown, due, gesture := carriedPosts[0], carriedPosts[1], carriedGesture
	shown.Version, due.Version, gesture.Version = 1, 1, 1
	got, err := s.PostAt(ctx, "slack", shown.Mark)
	require.NoError(t, err)
	require.Equal(t, shown, got)
	posts, err := s.Posts(ctx, bot.PostQuery{Due: now})
	require.NoError(t, err)
	require.Equal(t, []bot.Post{due}, posts)
	offer, err := s.Offer(ctx, "token")
	require.NoError(t, err)
	require.Equal(t, carriedOffer, offer)
	gestures, err := s.DueGestures(ctx, now, 9)
	require.NoError(t, err)
	require.Equal(t, []bot.Gesture{gesture}, gestures)
	cursor, err := s.Cursor(ctx, "post")
	require.NoError(t, err)
	require.Equal(t, bot.Cursor{Name: "post", Version: 1, Seq: 4}, cursor)
	claims, err := s.ClaimsOf(ctx, 0)
	require.NoError(t, err)
	require.Len(t, claims, 1)
	require.Equal(t, now.Add(time.Hour), claims[0].Until)

	due.State, due.DueAt, gesture.Done, cursor.Seq = bot.PostShown, time.Time{}, true, 5
	_, err = s.Commit(ctx, bot.Change{Posts: []bot.Post{due}, Gestures: []bot.Gesture{gesture}, Cursors: []bot.Cursor{cursor}})
	require.NoError(t, err)
}
