package prometheus

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"salve/bot/secret"
)

// maxScrapes is how many are answered at once.
const maxScrapes = 4

// Access tells who may read. The zero value is nobody.
type Access struct {
	Anyone bool
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
		case access.Anyone || access.shown(r):
			show.ServeHTTP(w, r)
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

// printer is a logger as promhttp wants it.
type printer struct{ log *slog.Logger }

// Println logs what could not be shown.
func (p printer) Println(v ...any) {
	p.log.Warn("a scrape of /metrics could not be answered whole", "err", strings.TrimSpace(fmt.Sprintln(v...)))
}
