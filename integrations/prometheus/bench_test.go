package prometheus_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"salve/bot"
)

// nowhere is an answer that nobody reads.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header         { return n.header }
func (n nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n nowhere) WriteHeader(int)             {}

// What a delivery of one alert pays while it is being answered.
func BenchmarkOneDelivery(b *testing.B) {
	m := watch(b, newWorld())
	receipt := bot.Receipt{Observed: []bot.Observation{{Key: bot.AlertKey{Source: "prod"}, Outcome: bot.OutcomeNew}}}
	h := m.Source("prod", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		m.Committed(receipt, time.Millisecond, nil)
		w.WriteHeader(http.StatusOK)
	}))
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	w := nowhere{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(w, r)
	}
}

func BenchmarkScrape(b *testing.B) {
	m := watch(b, newWorld())
	for b.Loop() {
		scrape(b, m)
	}
}
