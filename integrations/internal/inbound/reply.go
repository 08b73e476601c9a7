package inbound

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"salve/bot"
)

// Reply is the JSON body of every answer. Nothing in it is taken from the
// payload but fingerprints.
type Reply struct {
	Error      string           `json:"error,omitempty"` // what was not taken, and why
	Next       string           `json:"next,omitempty"`  // what to do about it
	Quarantine bot.QuarantineID `json:"quarantine,omitzero"`
	Alerts     []Taken          `json:"alerts,omitempty"` // those that are on disk
}

// Taken is what became of one alert.
type Taken struct {
	Fingerprint string         `json:"fingerprint"`
	StartsAt    time.Time      `json:"starts_at"`
	Incident    bot.IncidentID `json:"incident"`
	Outcome     bot.Outcome    `json:"outcome"`
	Because     string         `json:"because"`
}

// refusal is an answer that says no.
type refusal struct {
	status     int
	why, next  string
	retryAfter int // seconds; 0: none
}

var (
	notPost       = refusal{status: http.StatusMethodNotAllowed, why: "a webhook is a POST", next: "send the payload with POST"}
	unknownCaller = refusal{status: http.StatusUnauthorized, why: "the credential is missing or wrong", next: "set authorization or basic_auth at the sender to what this source has in salve.yaml"}
	browser       = refusal{status: http.StatusForbidden, why: "a browser may not post here", next: "send the webhook from the alert source itself"}
	encoded       = refusal{status: http.StatusUnsupportedMediaType, why: "the body has a Content-Encoding", next: "send it plain"}
	busy          = refusal{status: http.StatusServiceUnavailable, why: "too many deliveries at once", next: "send it again in a moment", retryAfter: 1}
	slow          = refusal{status: http.StatusServiceUnavailable, why: "the body did not arrive in time", next: "send it again", retryAfter: 1}
	cutOff        = refusal{status: http.StatusBadRequest, why: "the body was cut off", next: "send it again"}
	broke         = refusal{status: http.StatusInternalServerError, why: "this delivery met a fault in Salve", next: "look at Salve's log"}
)

func (g *Gate) wrongMedia() *refusal {
	return &refusal{status: http.StatusUnsupportedMediaType, why: "the Content-Type is not " + g.opts.MediaType, next: "send " + g.opts.MediaType + " in UTF-8"}
}

func (g *Gate) tooLarge() *refusal {
	next := fmt.Sprintf("let the sender put fewer alerts into one delivery (max_alerts), or raise max_body for this source, up to %d", int64(LargestMaxBody))
	return &refusal{status: http.StatusRequestEntityTooLarge, why: fmt.Sprintf("the body is larger than %d bytes", g.opts.MaxBody), next: next}
}

// take decodes the delivery and hands it to the door: first the whole, if it is
// faulty, then its good part. A good part is received even where the whole
// could not be kept. Whatever fails is sent again, and what is done by then
// changes nothing more.
func (g *Gate) take(ctx context.Context, d bot.Delivery) (out outcome) {
	alerts, fault := g.decode(d.Source, d.Body, d.ReceivedAt)
	d.Alerts = len(alerts)
	if fault != nil {
		id, err := g.door.Quarantine(ctx, d, fault.Error())
		out.err = err
		out.reply.Error, out.reply.Quarantine = fault.Error(), id
		out.reply.Next = fmt.Sprintf("the delivery is kept as %s: see `salve quarantine show %s`, then `salve replay %s` or `salve discard %s`", id, id, id, id)
	}
	if len(alerts) == 0 {
		return out
	}
	receipt, err := g.door.Receive(ctx, d, alerts)
	if out.err == nil {
		out.err = err
	}
	if len(receipt.Quarantined) > 0 {
		out.reply.Quarantine = receipt.Quarantined[0]
	}
	for _, o := range receipt.Observed {
		out.reply.Alerts = append(out.reply.Alerts, Taken{o.Key.Fingerprint, o.Key.StartsAt, o.Incident, o.Outcome, o.Because})
	}
	return out
}

// outcome is a Reply that has not got its status yet.
type outcome struct {
	reply Reply
	err   error // of the door
}

func (g *Gate) answer(w http.ResponseWriter, r *http.Request, out outcome) {
	refused, isRefusal := errors.AsType[*bot.Refusal](out.err)
	switch {
	case isRefusal && refused.Code == bot.RefusedLater:
		g.refuse(w, r, refusal{status: http.StatusServiceUnavailable, why: refused.Why, next: refused.Next, retryAfter: 30})
	case isRefusal:
		out.reply.Error, out.reply.Next = join(out.reply.Error, refused.Why), cmp.Or(out.reply.Next, refused.Next)
		g.partly(w, r, out.reply)
	case errors.Is(out.err, bot.ErrOverloaded):
		g.refuse(w, r, busy)
	case out.err != nil:
		if now := time.Now().Unix(); g.faulted.Swap(now) != now {
			g.opts.Log.ErrorContext(r.Context(), "delivery was not recorded", "source", g.source, "error", out.err)
		}
		g.refuse(w, r, refusal{status: http.StatusServiceUnavailable, why: "it could not be recorded", next: "send it again; if this goes on, look at Salve's log and at /readyz", retryAfter: 5})
	case out.reply.Error != "":
		g.partly(w, r, out.reply)
	default:
		write(w, http.StatusOK, out.reply)
	}
}

// partly answers a delivery that was kept but not, or not wholly, understood.
// It is a 4xx although everything is on disk: the sender's own log and its
// failure counter are where its operator looks.
func (g *Gate) partly(w http.ResponseWriter, r *http.Request, reply Reply) {
	g.opts.Log.WarnContext(r.Context(), "delivery was put into quarantine", "source", g.source, "quarantine", reply.Quarantine, "reason", reply.Error)
	write(w, http.StatusUnprocessableEntity, reply)
}

func (g *Gate) refuse(w http.ResponseWriter, r *http.Request, no refusal) {
	g.logRefusal(r, no)
	switch no.status {
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	case http.StatusUnauthorized:
		for _, scheme := range g.schemes() {
			w.Header().Add("WWW-Authenticate", scheme+` realm="salve"`)
		}
	}
	if no.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(no.retryAfter))
	}
	write(w, no.status, Reply{Error: no.why, Next: no.next})
}

// schemes are the ways in which the sender can prove itself.
func (g *Gate) schemes() []string {
	if g.opts.Proof != nil {
		return []string{"Signature"}
	}
	return []string{"Bearer", "Basic"}
}

// logRefusal logs one refusal a second: what a stranger can cause at will may
// not fill the log.
func (g *Gate) logRefusal(r *http.Request, no refusal) {
	now := time.Now().Unix()
	if g.logged.Swap(now) != now {
		g.opts.Log.WarnContext(r.Context(), "delivery was refused", "source", g.source, "status", no.status, "reason", no.why)
	}
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

func write(w http.ResponseWriter, status int, reply Reply) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(reply) // the sender may be gone; what is on disk stays
}
