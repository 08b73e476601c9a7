package serve_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	outbox "salve/bot/flow/post"
	"salve/cmd/salve/config"
	"salve/storage/sqlite"
)

// BenchmarkChatOpenIncidentMemory is what an open incident costs of the heap once
// its card is posted, and what it costs without chat.
func BenchmarkChatOpenIncidentMemory(b *testing.B) {
	for _, chat := range []bool{true, false} {
		b.Run(fmt.Sprintf("chat=%t", chat), func(b *testing.B) {
			const channels = 500 // with 20 incidents each: no storm
			incidents := size(100, 10_000) * b.N
			cfg := setUp(b, newShop(b))
			cfg.Sources[0].GroupBy = []string{"service"}
			taker := newTaker(b)
			if chat {
				cfg.Slack = &config.Slack{BotToken: "env:SLACK_BOT", DefaultChannel: opsChannel, API: taker.URL + "/"}
				httpTransport(&cfg)
				teams(&cfg, channels)
			}
			salve := run(b, cfg)
			before := heap()
			for n := 0; n < incidents; n += 50 {
				var to []int
				for i := range min(50, incidents-n) {
					to = append(to, (n+i)%channels)
				}
				firing(b, salve.URL(), "NobodyKnows", to, n)
			}
			for end := time.Now().Add(5 * time.Minute); chat && taker.cards.Load() < int64(incidents); time.Sleep(10 * time.Millisecond) {
				require.True(b, time.Now().Before(end), "%d of %d cards", taker.cards.Load(), incidents)
			}
			counts, err := salve.Rows().Incidents(b.Context(), bot.IncidentQuery{States: []bot.IncidentState{bot.IncidentOpen}, Limit: incidents})
			require.NoError(b, err)
			require.Len(b, counts, incidents)
			counts = nil
			http.DefaultClient.CloseIdleConnections()
			b.ReportMetric(float64(heap()-before)/float64(incidents), "B/incident")
			b.ReportMetric(0, "ns/op")
			require.NoError(b, salve.end())
		})
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what pools keep goes with the second
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// taker is as much of Slack as takes messages and forgets them, so that the heap
// is Salve's.
type taker struct {
	*httptest.Server
	messages, cards atomic.Int64
}

func newTaker(b *testing.B) *taker {
	t := &taker{}
	t.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := map[string]any{"ok": true}
		if r.URL.Path == "/chat.postMessage" {
			out["channel"], out["ts"] = r.FormValue("channel"), strconv.FormatInt(1_800_000_000+t.messages.Add(1), 10)+".000100"
			if r.FormValue("thread_ts") == "" {
				t.cards.Add(1)
			}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out) // whoever asked may be gone
	}))
	b.Cleanup(t.Close)
	return t
}

// BenchmarkChatEventsTaken is how fast the outbox reads a storm of events of 100
// incidents from a database on disk, while nothing can be sent.
func BenchmarkChatEventsTaken(b *testing.B) {
	events := size(1000, 100_000) * b.N
	store, err := sqlite.Open(b.Context(), b.TempDir(), sqlite.Options{})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, store.Close()) })
	last := storm(b, store, events)
	leg, err := outbox.New(store, nothing{}, nothing{}, map[string]outbox.Surface{"slack": nothing{}}, outbox.Options{})
	require.NoError(b, err)
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	b.ResetTimer()
	go func() { done <- leg.Run(ctx) }()
	for seq := int64(0); seq < last; time.Sleep(time.Millisecond) {
		cur, err := store.Cursor(b.Context(), "chat")
		require.NoError(b, err)
		seq = cur.Seq
	}
	b.StopTimer()
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(0, "ns/op")
	cancel()
	require.NoError(b, <-done)
}

// storm writes events of 100 incidents and gives the number of the last.
func storm(b *testing.B, store *sqlite.Store, events int) int64 {
	now := time.Now().UTC().Truncate(time.Millisecond)
	change := bot.Change{By: bot.Salve, Cursors: []bot.Cursor{{Name: "chat"}}}
	for n := range 100 {
		change.Observed = append(change.Observed, bot.Alert{
			AlertKey: bot.AlertKey{Source: "prometheus", Fingerprint: nth(n), StartsAt: now}, GroupKey: nth(n),
			State: bot.AlertFiring, Severity: bot.SeverityHigh, Title: nth(n) + " is ill", ReceivedAt: now,
		})
	}
	receipt, err := store.Commit(b.Context(), change)
	require.NoError(b, err)
	for n := 0; n < events; {
		var more bot.Change
		for ; n < events && len(more.Events) < 1000; n++ {
			more.Events = append(more.Events, bot.Event{Kind: bot.EventAlerts, Incident: receipt.Observed[n%100].Incident, Actor: bot.Salve, Text: "1 alert"})
		}
		_, err := store.Commit(b.Context(), more)
		require.NoError(b, err)
	}
	all, err := store.Events(b.Context(), bot.EventQuery{Last: true, Limit: 1})
	require.NoError(b, err)
	return all[0].Seq
}

// nothing shows nothing: each call comes back as down.
type nothing struct{}

var errNothing = &bot.SendError{Fault: bot.SendDown, Why: "nothing is there"}

func (nothing) Card(_ context.Context, id bot.IncidentID, _ bot.Person) (bot.Card, error) {
	return bot.Card{Incident: id, State: bot.IncidentOpen}, nil
}
func (nothing) Route(context.Context, bot.Incident, []bot.Alert) []bot.Route {
	return []bot.Route{{Surface: "slack", Place: opsChannel}}
}
func (nothing) Post(context.Context, bot.Parcel) (bot.Mark, error) { return bot.Mark{}, errNothing }
func (nothing) Edit(context.Context, bot.Mark, bot.Parcel) error   { return errNothing }
func (nothing) Find(context.Context, bot.Parcel, time.Time) (bot.Mark, bool, error) {
	return bot.Mark{}, false, nil
}
