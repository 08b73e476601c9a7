package storagetest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

// Posting reads what is shown on chat surfaces and what is yet to be.
type Posting interface {
	Posts(ctx context.Context, q bot.PostQuery) ([]bot.Post, error)
	Post(ctx context.Context, key string) (bot.Post, error)
	PostAt(ctx context.Context, surface string, m bot.Mark) (bot.Post, error)
	Offer(ctx context.Context, token string) (bot.Offer, error)
	Cursor(ctx context.Context, name string) (bot.Cursor, error)
}

// duePost is a Post at a place of slack that is due in minute n.
func duePost(place, what string, rank, n int) bot.Post {
	return bot.Post{
		Key: "slack/" + place + "/" + what, State: bot.PostDue, Surface: "slack", Place: place, Kind: bot.MessageNotice,
		Rank: rank, DueAt: at(n), OpenedAt: at(0), Wanted: 3, Nonce: what,
	}
}

// shownPost is a Post about an Incident that a surface keeps, sent in minute n.
func shownPost(what string, id bot.IncidentID, n int) bot.Post {
	return bot.Post{
		Key: "slack/C1/" + what, State: bot.PostShown, Surface: "slack", Place: "C1", Kind: bot.MessageCard, Incident: id, Run: 7,
		OpenedAt: at(0), Wanted: 4, Shown: 4, Sum: "sum", Mark: bot.Mark{Place: "C1", Ref: what + ".000100"}, SentAt: at(n),
		Tokens: map[string]string{"press": "token"}, Moved: "channel C0 is archived",
	}
}

func offer(token string, n int) bot.Offer {
	return bot.Offer{
		Token: token, Surface: "slack", For: "T1/U1", Post: "slack/C1/a", Shown: "Approve \"restart\" é\n", ExpiresAt: at(n),
		Press: bot.Press{Kind: bot.PressForm, Command: bot.Command{Verb: bot.VerbDeny, Approval: 7, Digest: "abcdef01"}, Asks: []string{"reason"}},
	}
}

func keys(posts []bot.Post) []string {
	var all []string
	for _, p := range posts {
		all = append(all, p.Key)
	}
	return all
}

func (h *house) posts(q bot.PostQuery) []bot.Post {
	h.t.Helper()
	posts, err := h.Posts(h.t.Context(), q)
	require.NoError(h.t, err)
	return posts
}

func (h *house) post(key string) bot.Post {
	h.t.Helper()
	p, err := h.Post(h.t.Context(), key)
	require.NoError(h.t, err)
	return p
}

func (h *house) cursor(name string) bot.Cursor {
	h.t.Helper()
	c, err := h.Cursor(h.t.Context(), name)
	require.NoError(h.t, err)
	return c
}

var postTests = map[string]func(*testing.T, *house){
	"a post is found by its key, by where it is kept and by its incident": func(t *testing.T, h *house) {
		a, b, c := shownPost("a", 1, 5), shownPost("b", 2, 5), duePost("C1", "c", 1, 3)
		c.Unsure, c.Attempts, c.Error, c.Parent = at(4), 2, "it is \"down\"", a.Key
		h.must(bot.Change{Posts: []bot.Post{a, b, c}})
		a.Version, b.Version, c.Version = 1, 1, 1
		require.Equal(t, a, h.post(a.Key))
		require.Equal(t, c, h.post(c.Key))
		got, err := h.PostAt(t.Context(), "slack", b.Mark)
		require.NoError(t, err)
		require.Equal(t, b, got)
		require.Equal(t, []bot.Post{b}, h.posts(bot.PostQuery{Incident: 2}))
		for surface, m := range map[string]bot.Mark{"discord": b.Mark, "slack": {Place: "C2", Ref: b.Mark.Ref}, "other": {}} {
			_, err = h.PostAt(t.Context(), surface, m)
			require.ErrorIs(t, err, bot.ErrNotFound)
		}
		_, err = h.PostAt(t.Context(), "slack", bot.Mark{})
		require.ErrorIs(t, err, bot.ErrNotFound, "what was not posted is kept nowhere")
		_, err = h.Post(t.Context(), "slack/C1/none")
		require.ErrorIs(t, err, bot.ErrNotFound)
	},
	"what is due comes by rank, then by time": func(t *testing.T, h *house) {
		later, second, first, last := duePost("C1", "a", 0, 9), duePost("C1", "b", 0, 2), duePost("C1", "c", 0, 1), duePost("C1", "d", 5, 0)
		other, away := duePost("C2", "e", 1, 0), duePost("C1", "f", 0, 0)
		away.Key, away.Surface = "page/oncall/f", "page"
		h.must(bot.Change{Posts: []bot.Post{later, second, first, last, other, away, shownPost("g", 1, 0)}})
		due := func(q bot.PostQuery) []string {
			q.Due = at(2)
			return keys(h.posts(q))
		}
		require.Equal(t, []string{first.Key, second.Key, last.Key}, due(bot.PostQuery{Surface: "slack", Place: "C1"}))
		require.Equal(t, []string{first.Key, second.Key, other.Key, last.Key}, due(bot.PostQuery{Surface: "slack"}))
		require.Equal(t, []string{first.Key}, due(bot.PostQuery{Surface: "slack", Limit: 1}))
		require.Equal(t, []string{away.Key, first.Key, second.Key, other.Key, last.Key}, due(bot.PostQuery{}))
		require.Empty(t, due(bot.PostQuery{Incident: 1}), "it is shown")
		require.Len(t, h.posts(bot.PostQuery{}), 7)
		require.Len(t, h.posts(bot.PostQuery{Surface: "slack", Place: "C1"}), 5)
	},
	"as many posts as are asked for": func(t *testing.T, h *house) {
		var all []bot.Post
		for n := range 60 {
			all = append(all, duePost("C1", number(n), 0, n))
		}
		h.must(bot.Change{Posts: all})
		require.Len(t, h.posts(bot.PostQuery{}), 50)
		require.Len(t, h.posts(bot.PostQuery{Due: at(99), Limit: 55}), 55)
	},
	"a post is written over at the version that was read": func(t *testing.T, h *house) {
		p := duePost("C1", "a", 0, 1)
		h.must(bot.Change{Posts: []bot.Post{p}})
		h.refused(bot.ErrConflict, bot.Change{Posts: []bot.Post{p}, Events: []bot.Event{event(bot.EventNoted, 1)}})
		p.Version, p.State, p.DueAt, p.SentAt, p.Mark = 1, bot.PostShown, time.Time{}, at(2), bot.Mark{Place: "C9", Ref: "1.2"}
		h.must(bot.Change{Posts: []bot.Post{p}})
		h.refused(bot.ErrConflict, bot.Change{Posts: []bot.Post{p}})
		p.Version = 2
		got, err := h.PostAt(t.Context(), "slack", p.Mark)
		require.NoError(t, err)
		require.Equal(t, p, got)
		require.Empty(t, h.posts(bot.PostQuery{Due: at(9)}))
		none := duePost("C1", "none", 0, 1)
		none.Version = 1
		h.refused(bot.ErrConflict, bot.Change{Posts: []bot.Post{none}})
		h.refused(bot.ErrConflict, bot.Change{Posts: []bot.Post{duePost("C1", "twice", 0, 1), duePost("C1", "twice", 0, 1)}})
		_, err = h.Post(t.Context(), "slack/C1/twice")
		require.ErrorIs(t, err, bot.ErrNotFound)
	},
	"an offer of the same token again replaces it": func(t *testing.T, h *house) {
		_, err := h.Offer(t.Context(), "t")
		require.ErrorIs(t, err, bot.ErrNotFound)
		h.must(bot.Change{Offers: []bot.Offer{offer("t", 5), offer("u", 5)}})
		again := offer("t", 9)
		again.Shown, again.Surface = "Deny", "discord"
		h.must(bot.Change{Offers: []bot.Offer{again}})
		got, err := h.Offer(t.Context(), "t")
		require.NoError(t, err)
		require.Equal(t, again, got)
		got, err = h.Offer(t.Context(), "u")
		require.NoError(t, err)
		require.Equal(t, offer("u", 5), got)
	},
	"a cursor moves from where it was read": func(t *testing.T, h *house) {
		require.Equal(t, bot.Cursor{Name: "post"}, h.cursor("post"), "there is none")
		h.must(bot.Change{Cursors: []bot.Cursor{{Name: "post", Seq: 4}, {Name: "other", Seq: 1}}})
		require.Equal(t, bot.Cursor{Name: "post", Version: 1, Seq: 4}, h.cursor("post"))
		h.refused(bot.ErrConflict, bot.Change{Cursors: []bot.Cursor{{Name: "post", Seq: 9}}})
		h.must(bot.Change{Cursors: []bot.Cursor{{Name: "post", Version: 1, Seq: 6}}})
		h.refused(bot.ErrConflict, bot.Change{Cursors: []bot.Cursor{{Name: "post", Version: 1, Seq: 5}}})
		h.refused(bot.ErrConflict, bot.Change{Cursors: []bot.Cursor{{Name: "none", Version: 1, Seq: 5}}})
		require.Equal(t, bot.Cursor{Name: "post", Version: 2, Seq: 6}, h.cursor("post"))
		require.Equal(t, bot.Cursor{Name: "other", Version: 1, Seq: 1}, h.cursor("other"))
	},
	"posts, offers and the cursor are written together or not at all": func(t *testing.T, h *house) {
		taken := duePost("C1", "taken", 0, 0)
		h.must(bot.Change{Posts: []bot.Post{taken}, Cursors: []bot.Cursor{{Name: "post", Seq: 1}}})
		fine := duePost("C1", "fine", 0, 0)
		h.refused(bot.ErrConflict, bot.Change{Posts: []bot.Post{fine}, Offers: []bot.Offer{offer("t", 5)}, Cursors: []bot.Cursor{{Name: "post", Version: 7, Seq: 2}}})
		h.refused(bot.ErrConflict, bot.Change{
			Observed: []bot.Alert{firing("g", "f1", 0)}, Posts: []bot.Post{fine, taken}, Offers: []bot.Offer{offer("t", 5)},
			Cursors: []bot.Cursor{{Name: "post", Version: 1, Seq: 2}},
		})
		plan := h.newPlan(1, "a")
		h.must(bot.Change{Plans: []bot.Plan{plan}})
		h.refused(bot.ErrConflict, bot.Change{Posts: []bot.Post{fine}, Offers: []bot.Offer{offer("t", 5)}, Cursors: []bot.Cursor{{Name: "post", Version: 1, Seq: 2}}, Plans: []bot.Plan{plan}})
		require.Equal(t, []string{taken.Key}, keys(h.posts(bot.PostQuery{})))
		_, err := h.Offer(t.Context(), "t")
		require.ErrorIs(t, err, bot.ErrNotFound)
		require.EqualValues(t, 1, h.cursor("post").Seq)
		h.must(bot.Change{Posts: []bot.Post{fine}, Offers: []bot.Offer{offer("t", 5)}, Cursors: []bot.Cursor{{Name: "post", Version: 1, Seq: 2}}, Events: []bot.Event{event(bot.EventNoted, 1)}})
		require.Len(t, h.posts(bot.PostQuery{}), 2)
		require.EqualValues(t, 2, h.cursor("post").Seq)
		h.proves()
	},
	"what has no key is refused": func(t *testing.T, h *house) {
		for what, change := range map[string]bot.Change{
			"post": {Posts: []bot.Post{{}}}, "offer": {Offers: []bot.Offer{{}}}, "gesture": {Gestures: []bot.Gesture{{}}}, "cursor": {Cursors: []bot.Cursor{{}}},
		} {
			_, err := h.Commit(t.Context(), change)
			require.ErrorContains(t, err, what+" has no ")
		}
	},
	"text of any kind is kept, and found or not, by any key": func(t *testing.T, h *house) {
		for _, key := range []string{"nul \x00", "bad \xff", "'; DROP TABLE posts; --", "\u2028\U0001F525", strings.Repeat("long ", 500)} {
			p := duePost("C1", key, 0, 0)
			p.Error = key
			g := gesture(key, 0)
			g.Text, g.Fields = key, map[string]string{"reason": key}
			h.must(bot.Change{Posts: []bot.Post{p}, Gestures: []bot.Gesture{g}, Offers: []bot.Offer{offer(key, 1)}, Cursors: []bot.Cursor{{Name: key, Seq: 2}}})
			valid := strings.ToValidUTF8(key, "\uFFFD")
			require.Equal(t, valid, h.post(p.Key).Error)
			require.Equal(t, valid, h.gesture(key).Fields["reason"])
			require.EqualValues(t, 2, h.cursor(key).Seq)
			_, err := h.Offer(t.Context(), key)
			require.NoError(t, err)
			_, err = h.Offer(t.Context(), key+"\x00\xfe")
			require.ErrorIs(t, err, bot.ErrNotFound)
			_, err = h.PostAt(t.Context(), key, bot.Mark{Place: key, Ref: key})
			require.ErrorIs(t, err, bot.ErrNotFound)
			h.refused(bot.ErrConflict, bot.Change{Gestures: []bot.Gesture{g}})
		}
	},
	"what is urgent comes before what is much": func(t *testing.T, h *house) {
		var all []bot.Post
		for n := range 30 {
			all = append(all, duePost("C1", number(n), 1, 0))
		}
		all = append(all, duePost("C2", "urgent", 0, 1))
		h.must(bot.Change{Posts: all})
		require.Equal(t, "slack/C2/urgent", h.posts(bot.PostQuery{Surface: "slack", Due: at(1), Limit: 2})[0].Key)
	},
}
