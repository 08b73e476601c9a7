package prometheus

import (
	"net/http"
	"time"
)

// What became of a POST.
const (
	resultTaken       = "taken"
	resultQuarantined = "quarantined"
	resultRefused     = "refused"
)

// refusals are the reasons by the status that tells them.
var refusals = map[int]string{
	http.StatusBadRequest:            "cut_off",
	http.StatusUnauthorized:          "credential",
	http.StatusForbidden:             "browser",
	http.StatusMethodNotAllowed:      "method",
	http.StatusRequestEntityTooLarge: "too_large",
	http.StatusUnsupportedMediaType:  "media_type",
	http.StatusInternalServerError:   "fault",
	http.StatusServiceUnavailable:    "try_later",
}

func reasons() []string {
	all := []string{other}
	for _, reason := range refusals {
		all = append(all, reason)
	}
	return all
}

// Source is next, the web door of a source, with its POSTs counted.
func (m *Metrics) Source(name string, next http.Handler) http.Handler {
	n := m.counters
	source, inFlight := n.sources.of(name), n.inFlight.WithLabelValues()
	took, taken := n.delivery.WithLabelValues(source), n.deliveries.WithLabelValues(source, resultTaken)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inFlight.Inc()
		answer, began := &answer{ResponseWriter: w}, time.Now()
		defer func() {
			took.Observe(time.Since(began).Seconds())
			inFlight.Dec()
			if answer.status == http.StatusOK {
				taken.Inc()
				return
			}
			n.notTaken(source, answer.status)
		}()
		next.ServeHTTP(answer, r)
	})
}

func (n *counters) notTaken(source string, status int) {
	if status == http.StatusUnprocessableEntity {
		n.deliveries.WithLabelValues(source, resultQuarantined).Inc()
		return
	}
	reason, known := refusals[status]
	if !known {
		reason = other
	}
	n.deliveries.WithLabelValues(source, resultRefused).Inc()
	n.refused.WithLabelValues(source, reason).Inc()
}

// answer remembers the status; 0 is none, as when the connection is given up.
type answer struct {
	http.ResponseWriter
	status int
}

// WriteHeader passes the status on.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write passes the body on; without a status before, it is 200.
func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(b)
}

// Unwrap lets an http.ResponseController reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
