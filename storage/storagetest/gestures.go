package storagetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

// Hearing reads what people did on chat surfaces, and drops what chat needs no
// more.
type Hearing interface {
	Gesture(ctx context.Context, key string) (bot.Gesture, error)
	DueGestures(ctx context.Context, now time.Time, limit int) ([]bot.Gesture, error)
	PruneChat(ctx context.Context, before time.Time) (int, error)
}

// gesture is one that came in minute n and is taken up by others one later.
func gesture(key string, n int) bot.Gesture {
	return bot.Gesture{
		Key: key, DueAt: at(n + 1), Surface: "slack", Transport: "http", Kind: bot.GestureFilled, User: bot.ChatUser{ID: "T1/U1", Name: "ann", Tenant: "T2"},
		Place: "C1", Thread: "1.1", Message: "1.2", Text: "close I-1", Token: "t", Fields: map[string]string{"reason": "it is \"over\" é\n"},
		Handles: map[string]string{"trigger_id": "x"}, ReceivedAt: at(n),
	}
}

func (h *house) gesture(key string) bot.Gesture {
	h.t.Helper()
	g, err := h.Gesture(h.t.Context(), key)
	require.NoError(h.t, err)
	return g
}

func (h *house) dueGestures(n, limit int) []string {
	h.t.Helper()
	due, err := h.DueGestures(h.t.Context(), at(n), limit)
	require.NoError(h.t, err)
	var all []string
	for _, g := range due {
		all = append(all, g.Key)
	}
	return all
}

func (h *house) pruneChat(n int) int {
	h.t.Helper()
	dropped, err := h.PruneChat(h.t.Context(), at(n))
	require.NoError(h.t, err)
	return dropped
}

var gestureTests = map[string]func(*testing.T, *house){
	"a gesture is one, however often it comes": func(t *testing.T, h *house) {
		_, err := h.Gesture(t.Context(), "E1")
		require.ErrorIs(t, err, bot.ErrNotFound)
		g := gesture("E1", 0)
		h.must(bot.Change{Gestures: []bot.Gesture{g}})
		again := g
		again.Text, again.ReceivedAt = "something else", at(5)
		h.refused(bot.ErrConflict, bot.Change{Gestures: []bot.Gesture{again}})
		h.refused(bot.ErrConflict, bot.Change{Gestures: []bot.Gesture{gesture("E2", 0), gesture("E2", 0)}})
		g.Version = 1
		require.Equal(t, g, h.gesture("E1"))
		_, err = h.Gesture(t.Context(), "E2")
		require.ErrorIs(t, err, bot.ErrNotFound)
	},
	"a gesture is due until it is done, oldest first": func(t *testing.T, h *house) {
		h.must(bot.Change{Gestures: []bot.Gesture{gesture("c", 3), gesture("a", 1), gesture("b", 2)}})
		require.Empty(t, h.dueGestures(1, 9), "whoever heard it is at it")
		require.Equal(t, []string{"a"}, h.dueGestures(2, 9))
		require.Equal(t, []string{"a", "b", "c"}, h.dueGestures(9, 9))
		require.Equal(t, []string{"a", "b"}, h.dueGestures(9, 2))
		g := h.gesture("a")
		g.Attempts, g.DueAt = 1, at(20)
		h.must(bot.Change{Gestures: []bot.Gesture{g}})
		require.Equal(t, []string{"b", "c"}, h.dueGestures(9, 9))
		require.Equal(t, []string{"b", "c", "a"}, h.dueGestures(20, 9))
		b := h.gesture("b")
		b.Done, b.Result, b.Handles = true, "I-1 is closed", nil
		h.must(bot.Change{Gestures: []bot.Gesture{b}, Events: []bot.Event{event(bot.EventClosed, 1)}})
		h.refused(bot.ErrConflict, bot.Change{Gestures: []bot.Gesture{b}})
		require.Equal(t, []string{"c", "a"}, h.dueGestures(20, 9))
		b.Version = 2
		require.Equal(t, b, h.gesture("b"))
		none := gesture("none", 0)
		none.Version = 1
		h.refused(bot.ErrConflict, bot.Change{Gestures: []bot.Gesture{none}})
	},
	"what comes twice spoils nothing for what is written beside it": func(t *testing.T, h *house) {
		h.must(bot.Change{Gestures: []bot.Gesture{gesture("E", 0)}})
		for round := range 10 {
			for n, err := range race(func(n int) error {
				change := bot.Change{Observed: []bot.Alert{firing(fmt.Sprint("g", n), number(100*round+n), n)}}
				if n%2 == 0 {
					change.Gestures = []bot.Gesture{gesture("E", 0)}
				}
				_, err := h.Commit(t.Context(), change)
				return err
			}) {
				if n%2 == 0 {
					require.ErrorIs(t, err, bot.ErrConflict)
				} else {
					require.NoError(t, err)
				}
			}
		}
		all, err := h.Incidents(t.Context(), bot.IncidentQuery{})
		require.NoError(t, err)
		require.Len(t, all, racers/2)
		h.sound()
		h.proves()
	},
	"one of many writers has the row": func(t *testing.T, h *house) {
		for round := range 10 {
			p, g := duePost("C1", number(round), 0, 1), gesture(number(round), 1)
			cursor := h.cursor("post")
			cursor.Seq++
			writers := map[string]func(n int) bot.Change{
				"a new post":    func(n int) bot.Change { p := p; p.Attempts = n; return bot.Change{Posts: []bot.Post{p}} },
				"a new gesture": func(int) bot.Change { return bot.Change{Gestures: []bot.Gesture{g}} },
				"a cursor":      func(int) bot.Change { return bot.Change{Cursors: []bot.Cursor{cursor}} },
			}
			compete := func() {
				for what, write := range writers {
					n := len(h.events())
					oneWins(t, race(func(n int) error {
						change := write(n)
						change.Events = []bot.Event{event(bot.EventNoted, 1)}
						_, err := h.Commit(t.Context(), change)
						return err
					}))
					require.Len(t, h.events(), n+1, what)
				}
			}
			compete()
			p, g, cursor = h.post(p.Key), h.gesture(g.Key), h.cursor("post")
			g.Done = true
			compete()
			require.EqualValues(t, 2, h.post(p.Key).Version)
			require.EqualValues(t, 2, h.gesture(g.Key).Version)
			require.EqualValues(t, 2*(round+1), h.cursor("post").Version)
		}
		h.proves()
	},
}

var pruneChatTests = map[string]func(*testing.T, *house){
	"offers go once they have expired, gestures once they are old and done": func(t *testing.T, h *house) {
		done := gesture("done", 1)
		done.Done = true
		late := gesture("late", 5)
		late.Done = true
		h.must(bot.Change{Offers: []bot.Offer{offer("old", 4), offer("good", 5)}, Gestures: []bot.Gesture{done, late, gesture("waits", 0)}})
		require.Zero(t, h.pruneChat(1))
		require.Equal(t, 2, h.pruneChat(5))
		_, err := h.Offer(t.Context(), "old")
		require.ErrorIs(t, err, bot.ErrNotFound)
		_, err = h.Offer(t.Context(), "good")
		require.NoError(t, err)
		_, err = h.Gesture(t.Context(), "done")
		require.ErrorIs(t, err, bot.ErrNotFound)
		h.gesture("late")
		h.gesture("waits")
		require.Zero(t, h.pruneChat(5))
	},
	"posts stay while their incident goes on": func(t *testing.T, h *house) {
		open := h.observe(firing("a", "f1", 0))[0].Incident
		resolves := firing("b", "f2", 0)
		over := h.observe(resolves, resolved(resolves, 1))[0].Incident
		closed := h.observe(firing("c", "f3", 0))[0].Incident
		h.work(closed, func(i *bot.Incident) { i.ClosedAt = at(1) })
		merged := h.observe(firing("d", "f4", 0))[0].Incident
		h.work(merged, func(i *bot.Incident) { i.MergedInto = open })
		moot, failed, due := shownPost("moot", closed, 0), shownPost("failed", closed, 0), duePost("C1", "due", 0, 0)
		moot.State, moot.SentAt, moot.Mark = bot.PostMoot, time.Time{}, bot.Mark{}
		failed.State, due.Incident = bot.PostFailed, closed
		h.must(bot.Change{Posts: []bot.Post{
			shownPost("open", open, 0), shownPost("resolved", over, 0), shownPost("closed", closed, 0), shownPost("merged", merged, 0),
			shownPost("gone", 4711, 0), shownPost("none", 0, 0), shownPost("new", closed, 9), moot, failed, due,
		}})
		require.Zero(t, h.pruneChat(0), "none is older than that")
		require.Equal(t, 6, h.pruneChat(5))
		require.ElementsMatch(t, []string{"slack/C1/open", "slack/C1/resolved", "slack/C1/new", "slack/C1/due"}, keys(h.posts(bot.PostQuery{})))
		h.work(closed, func(i *bot.Incident) { i.ClosedAt = time.Time{} })
		require.Zero(t, h.pruneChat(99), "it was opened again")
		h.work(closed, func(i *bot.Incident) { i.ClosedAt = at(50) })
		require.Equal(t, 1, h.pruneChat(99))
	},
	"a post stays while something is to be sent in its thread": func(t *testing.T, h *house) {
		parent, child := shownPost("parent", 0, 0), duePost("C1", "child", 0, 0)
		child.Parent = parent.Key
		h.must(bot.Change{Posts: []bot.Post{parent, child}})
		require.Zero(t, h.pruneChat(9))
		child = h.post(child.Key)
		child.State, child.SentAt = bot.PostFailed, at(8)
		h.must(bot.Change{Posts: []bot.Post{child}})
		require.Equal(t, 2, h.pruneChat(9))
		require.Empty(t, h.posts(bot.PostQuery{}))
	},
	"many go, a batch at a time": func(t *testing.T, h *house) {
		var change bot.Change
		for n := range 1100 {
			change.Offers = append(change.Offers, offer(number(n), 0))
			change.Posts = append(change.Posts, shownPost(number(n), 0, 0))
		}
		h.must(change)
		require.Equal(t, 2200, h.pruneChat(5))
		require.Empty(t, h.posts(bot.PostQuery{}))
	},
}
