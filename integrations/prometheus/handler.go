package prometheus

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"salve/bot/secret"
)

// maxScrapes is how many are answered at once.
const maxScrapes = 4

// Access tells who may read. The zero value is nobody.
type Access struct {
	Local  bool          // whoever sits at this machine
	Bearer secret.Secret // who shows it; zero: none is good
}

// Handler is what answers GET /metrics.
func (m *Metrics) Handler(access Access) http.Handler {
	show := promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: printer{m.log}, ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: maxScrapes,
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		switch {
		case access.Local && near(r) || access.shown(r):
			show.ServeHTTP(w, r)
		case access.Local && access.Bearer.IsZero():
			http.Error(w, "only callers on this machine may read /metrics, and neither through a proxy nor by a page in a browser; set metrics.bearer in salve.yaml for others", http.StatusForbidden)
		case access.Bearer.IsZero():
			http.NotFound(w, r)
		default:
			w.Header().Set("WWW-Authenticate", `Bearer realm="salve metrics"`)
			http.Error(w, "the token for /metrics is missing or wrong; it is the one that metrics.bearer in salve.yaml names", http.StatusUnauthorized)
		}
	})
}

// shown reports whether the one Authorization header holds the token.
func (a Access) shown(r *http.Request) bool {
	if a.Bearer.IsZero() || len(r.Header.Values("Authorization")) != 1 {
		return false
	}
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return ok && strings.EqualFold(scheme, "Bearer") && a.Bearer.Equal(secret.New(token))
}

// near reports whether the request comes from this machine itself: not through a
// proxy, which speaks for somebody elsewhere, and not from a page of another site
// in a browser, whatever name it gave to this machine.
func near(r *http.Request) bool {
	for _, h := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via", "Origin"} {
		if len(r.Header.Values(h)) > 0 {
			return false
		}
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "none" && site != "same-origin" {
		return false
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && from.Addr().Unmap().IsLoopback() && loopback(r.Host)
}

func loopback(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// printer is a logger as promhttp wants it.
type printer struct{ log *slog.Logger }

// Println logs what could not be shown.
func (p printer) Println(v ...any) {
	p.log.Warn("a scrape of /metrics could not be answered whole", "err", strings.TrimSpace(fmt.Sprintln(v...)))
}
