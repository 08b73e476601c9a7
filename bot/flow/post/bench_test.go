package post_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/flow/post"
)

// wall takes everything at once.
type wall struct{ taken chan string }

func (w wall) Post(_ context.Context, p bot.Parcel) (bot.Mark, error) {
	w.taken <- p.Key
	return bot.Mark{Place: p.Place, Ref: p.Nonce}, nil
}
func (w wall) Edit(_ context.Context, _ bot.Mark, p bot.Parcel) error { w.taken <- p.Key; return nil }
func (wall) Find(context.Context, bot.Parcel, time.Time) (bot.Mark, bool, error) {
	return bot.Mark{}, false, nil
}
func (wall) PlaceEvery() time.Duration { return 0 }

func run(b *testing.B, w *world, s post.Surface, router post.Router) (stop func()) {
	leg, err := post.New(w, w, router, map[string]post.Surface{"slack": s}, post.Options{Storm: 1 << 20})
	require.NoError(b, err)
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- leg.Run(ctx) }()
	return func() {
		cancel()
		require.NoError(b, <-done)
	}
}

// BenchmarkEvents is how fast the log is read: events of 100 incidents.
func BenchmarkEvents(b *testing.B) {
	w := newWorld()
	w.cursors["chat"] = bot.Cursor{Name: "chat", Version: 1, Seq: 1}
	for id := range bot.IncidentID(100) {
		w.open(id+1, bot.SeverityHigh)
	}
	for n := range b.N {
		w.log(bot.Event{Kind: bot.EventAlerts, Incident: 1 + bot.IncidentID(n%100), Text: "1 alert"})
	}
	s := newScreen(w)
	s.fail(refuse(bot.SendDown))
	b.ResetTimer()
	stop := run(b, w, s, everyWhere{"C1"})
	for !w.read() {
		time.Sleep(time.Millisecond)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	b.StopTimer()
	stop()
}

// spread routes each incident to one of 50 places.
type spread struct{}

func (spread) Route(_ context.Context, inc bot.Incident, _ []bot.Alert) []bot.Route {
	return []bot.Route{{Surface: "slack", Place: "C" + string(rune('A'+int(inc.ID)%50))}}
}

// mostPosts bounds what the store here has to search.
const mostPosts = 2000

// BenchmarkPosts is how fast cards are made, claimed, sent and noted, over 50
// places that do not rest. The rows are kept in memory and searched from end to
// end: it is the leg that is measured, and a bad store.
func BenchmarkPosts(b *testing.B) {
	w := newWorld()
	w.cursors["chat"] = bot.Cursor{Name: "chat", Version: 1, Seq: 1}
	for n := range min(b.N, mostPosts) {
		w.open(bot.IncidentID(n+1), bot.SeverityHigh)
	}
	s := wall{taken: make(chan string, 1024)}
	b.ResetTimer()
	stop := run(b, w, s, spread{})
	for range min(b.N, mostPosts) {
		<-s.taken
	}
	b.ReportMetric(float64(min(b.N, mostPosts))/b.Elapsed().Seconds(), "posts/s")
	b.StopTimer()
	stop()
}
