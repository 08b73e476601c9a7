package serve

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"salve/cmd/salve/config"
)

// proxyGate stands before a listener that speaks plain HTTP beyond loopback:
// only the proxies that end TLS, and this machine, may come in. Everybody may ask
// whether Salve lives; orchestrators ask past the proxy, and the answer is one
// word.
type proxyGate struct {
	next    http.Handler
	trusted []netip.Prefix
	log     *slog.Logger
	told    atomic.Int64 // the second of the last refusal that was logged
}

// gated is next, behind a proxyGate if the configuration needs one.
func gated(cfg config.Config, host string, next http.Handler, log *slog.Logger) (http.Handler, error) {
	if config.IsLoopback(host) || cfg.TLS.Cert != "" {
		return next, nil
	}
	g := &proxyGate{next: next, log: log}
	for _, text := range cfg.Proxies {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("trusted_proxies: %w", err)
		}
		g.trusted = append(g.trusted, p.Masked())
	}
	return g, nil
}

func (g *proxyGate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == livePath || r.URL.Path == readyPath || g.trusts(r.RemoteAddr) {
		g.next.ServeHTTP(w, r)
		return
	}
	if now := time.Now().Unix(); g.told.Swap(now) != now {
		g.log.WarnContext(r.Context(), "refused: not from a trusted proxy", "from", r.RemoteAddr)
	}
	w.Header().Set("Connection", "close")
	http.Error(w, "Salve answers here to its proxy only: this connection is not encrypted. Use the public address. "+
		"The operator lists proxies under trusted_proxies.", http.StatusForbidden)
}

func (g *proxyGate) trusts(remote string) bool {
	from, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	addr := from.Addr().Unmap().WithZone("")
	if addr.IsLoopback() {
		return true
	}
	for _, p := range g.trusted {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
