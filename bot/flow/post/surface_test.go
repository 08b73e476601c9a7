package post_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/brief"
	"salve/bot/flow/post"
)

// shown is a message as the surface has it.
type shown struct {
	mark    bot.Mark
	thread  bot.Mark
	nonce   string
	key     string
	message bot.Message
	at      time.Time
	edits   int
}

// screen is a surface in memory.
type screen struct {
	w *world // dead with it

	mu       sync.Mutex
	messages []*shown
	taken    int
	calls    []string // "post C1 card I-1"
	at       map[string][]time.Time
	busy     map[string]int
	most     int // at once at one place
	// hook fails a call: before the surface takes it, or, if lost, after.
	hook func(op string, p bot.Parcel) (lost bool, err error)
}

func newScreen(w *world) *screen {
	return &screen{w: w, at: map[string][]time.Time{}, busy: map[string]int{}}
}

func (s *screen) begin(op string, p bot.Parcel) (bool, error) {
	if s.w.isDead() {
		return false, errDead
	}
	s.mu.Lock()
	s.calls = append(s.calls, fmt.Sprintf("%s %s %s", op, p.Place, p.Key))
	s.at[p.Place] = append(s.at[p.Place], time.Now())
	s.busy[p.Place]++
	s.most = max(s.most, s.busy[p.Place])
	hook := s.hook
	s.mu.Unlock()
	time.Sleep(20 * time.Millisecond)
	defer func() {
		s.mu.Lock()
		s.busy[p.Place]--
		s.mu.Unlock()
	}()
	if hook == nil {
		return false, nil
	}
	return hook(op, p)
}

func (s *screen) Post(_ context.Context, p bot.Parcel) (bot.Mark, error) {
	lost, err := s.begin("post", p)
	if err != nil && !lost {
		return bot.Mark{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken++
	m := &shown{mark: bot.Mark{Place: p.Place, Ref: fmt.Sprint(s.taken)}, thread: p.Thread, nonce: p.Nonce, key: p.Key, message: p.Message, at: time.Now()}
	if p.Thread != (bot.Mark{}) && s.find(p.Thread) == nil {
		return bot.Mark{}, &bot.SendError{Fault: bot.SendGone, Why: "the thread is gone"}
	}
	s.messages = append(s.messages, m)
	return m.mark, err
}

func (s *screen) Edit(_ context.Context, mark bot.Mark, p bot.Parcel) error {
	lost, err := s.begin("edit", p)
	if err != nil && !lost {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.find(mark)
	if m == nil {
		return &bot.SendError{Fault: bot.SendGone, Why: "somebody deleted it"}
	}
	m.message = p.Message
	m.edits++
	return err
}

// Find looks where it is told to, and nowhere else.
func (s *screen) Find(_ context.Context, p bot.Parcel, since time.Time) (bot.Mark, bool, error) {
	if _, err := s.begin("find", p); err != nil {
		return bot.Mark{}, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.messages {
		if m.nonce == p.Nonce && m.mark.Place == p.Place && m.thread == p.Thread && !m.at.Before(since.Add(-time.Second)) {
			return m.mark, true, nil
		}
	}
	return bot.Mark{}, false, nil
}

func (s *screen) find(mark bot.Mark) *shown {
	i := slices.IndexFunc(s.messages, func(m *shown) bool { return m.mark == mark })
	if i < 0 {
		return nil
	}
	return s.messages[i]
}

func (s *screen) fail(hook func(op string, p bot.Parcel) (bool, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = hook
}

// of are the messages at a place of a kind, in the order in which they were
// posted.
func (s *screen) of(place string, kind bot.MessageKind) []shown {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []shown
	for _, m := range s.messages {
		if m.mark.Place == place && m.message.Kind == kind {
			out = append(out, *m)
		}
	}
	return out
}

func (s *screen) drop(mark bot.Mark) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = slices.DeleteFunc(s.messages, func(m *shown) bool { return m.mark == mark })
}

func (s *screen) count(op string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, c := range s.calls {
		if c[:len(op)] == op {
			n++
		}
	}
	return n
}

func refuse(f bot.SendFault) func(string, bot.Parcel) (bool, error) {
	return func(string, bot.Parcel) (bool, error) {
		return false, &bot.SendError{Fault: f, Why: "it is " + string(f)}
	}
}

// everyWhere routes all incidents to the same places.
type everyWhere []string

func (e everyWhere) Route(context.Context, bot.Incident, []bot.Alert) []bot.Route {
	var out []bot.Route
	for _, place := range e {
		out = append(out, bot.Route{Surface: "slack", Place: place, Because: "the default"})
	}
	return out
}

// house is a leg with what is around it.
type house struct {
	t      *testing.T
	w      *world
	s      *screen
	pager  *screen
	router post.Router
	opts   post.Options
	leg    *post.Leg
	stop   func()
}

func newHouse(t *testing.T, places ...string) *house {
	w := newWorld()
	h := &house{t: t, w: w, s: newScreen(w), pager: newScreen(w), router: everyWhere(places)}
	w.cursors["chat"] = bot.Cursor{Name: "chat", Version: 1, Seq: 1}
	return h
}

// start runs a leg until stop.
func (h *house) start() {
	h.t.Helper()
	leg, err := post.New(h.w, h.w, h.router, map[string]post.Surface{"slack": h.s, "page": h.pager}, h.opts)
	require.NoError(h.t, err)
	ctx, cancel := context.WithCancel(h.t.Context())
	done := make(chan error, 1)
	go func() { done <- leg.Run(ctx) }()
	h.leg = leg
	h.stop = func() {
		cancel()
		require.NoError(h.t, <-done)
	}
}

// settle waits until nothing is due and all is read.
func (h *house) settle(limit time.Duration) {
	h.t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(100 * time.Millisecond) {
		if h.w.read() && h.w.due() == 0 {
			return
		}
		if time.Now().After(end) {
			require.Fail(h.t, "it does not come to rest", "%d are due", h.w.due())
		}
	}
}

// living requires that a place shows the newest state of these incidents, each
// once.
func (h *house) living(place string, ids ...bot.IncidentID) {
	h.t.Helper()
	have := map[bot.IncidentID]shown{}
	for _, m := range h.s.of(place, bot.MessageCard) {
		row := h.w.post(m.key)
		require.NotContains(h.t, have, row.Incident, "two cards of %s at %s", row.Incident, place)
		require.Equal(h.t, m.mark, row.Mark, "the row points elsewhere")
		have[row.Incident] = m
	}
	require.Len(h.t, have, len(ids))
	for _, id := range ids {
		c, err := h.w.Card(h.t.Context(), id, bot.Person{})
		require.NoError(h.t, err)
		want := brief.Card(c, brief.Options{})
		require.Equal(h.t, text(want), text(have[id].message), "%s is not as it is now", id)
	}
}

// text is a message without what differs between two that look the same.
func text(m bot.Message) string {
	b, err := json.Marshal([]any{m.Alone, m.Title, m.Lines, m.Tone})
	if err != nil {
		return err.Error()
	}
	return string(b)
}

var errCut = errors.New("connection reset by peer")
