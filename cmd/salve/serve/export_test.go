package serve

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"salve/bot"
	"salve/bot/flow/receive"
	"salve/bot/health"
	"salve/cmd/salve/config"
	"salve/integrations/prometheus"
)

// Gated is the handler of a listener as the configuration wants it.
func Gated(cfg config.Config, next http.Handler) (http.Handler, error) {
	host, _, err := net.SplitHostPort(cfg.Listen)
	if err != nil {
		return nil, err
	}
	return gated(cfg, host, next, slog.New(slog.DiscardHandler))
}

// Handler is what the web listener answers with.
func (s *Salve) Handler() http.Handler { return s.servers[0].http.Handler }

// Store is the store.
func (s *Salve) Store() Store { return s.store }

// Rows is the store as the legs see it.
func (s *Salve) Rows() Store { return s.rows }

// PruneChat is what is done to chat once an hour.
func (s *Salve) PruneChat(ctx context.Context, now time.Time) { s.pruneChat(ctx, now) }

// Brake is the brake.
func (s *Salve) Brake() *Brake { return s.brake }

// BreakListener takes the web listener away, as a failing system would.
func (s *Salve) BreakListener() error { return s.web.Close() }

// Metered is a store whose writes are told to the metrics.
func Metered(store Store, m *prometheus.Metrics) receive.Store { return metered{store, m} }

// Telling reports whether commits are told to an exporter.
func (s *Salve) Telling() bool {
	_, telling := s.rows.(telling)
	return telling
}

// Joined is the handler that adds the ids of traces named after that origin.
func Joined(next slog.Handler, hash string) slog.Handler {
	o := &origin{}
	if hash != "" {
		o.set(hash)
	}
	return joined{Handler: next, origin: o}
}

// Expiry is the time for rights by such clocks, of a Salve whose newest event is
// of that time.
func Expiry(read func() bot.Reading, latest time.Time) func() time.Time {
	return newClocks(read, latest).expiry
}

// Stall makes a leg's loop look as if it had not turned for so long.
func (s *Salve) Stall(leg string, d time.Duration) {
	s.beats.mu.Lock()
	defer s.beats.mu.Unlock()
	s.beats.at[leg] = time.Now().Add(-d)
}

// SetDisk makes the disk of the data directory another; not while it runs.
func (s *Salve) SetDisk(d func() health.Disk) {
	s.doctor.disk = func(string) health.Disk { return d() }
}

// EventsOf reads the Events of a span.
func (s *Salve) EventsOf(ctx context.Context, from, to time.Time) ([]bot.Event, error) {
	return s.eventsOf(ctx, from, to)
}

// Week tells what became of a span of time.
func (s *Salve) Week(ctx context.Context, from, to time.Time) (bot.Message, error) {
	return s.week(ctx, "slack", from, to)
}

// SlackMapping says how a user group of Slack grants a group.
var SlackMapping = slackMapping
