package serve

import (
	"log/slog"
	"net"
	"net/http"

	"salve/bot/flow/receive"
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
