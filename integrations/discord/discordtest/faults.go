package discordtest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// Fault makes requests fail. What it names is done instead of the operation, but
// for CutAfter and Delay.
type Fault struct {
	Route      string        // as in Call; "": every one
	Channel    string        // only calls about it; "": all
	Times      int           // how often; 0: once, less: until Mend
	Status     int           // answered with this status
	Code       int           // as an error of Discord's; 0: with Body
	Message    string        // of that error
	Body       string        // "": for 5xx and for a 429 of no Scope, a page of HTML
	RetryAfter string        // the header of that answer, in seconds; "": none
	Scope      string        // of a 429: "user", "shared" or "global"; "": Cloudflare's, which is HTML
	CutBefore  bool          // the connection ends; nothing was done
	CutAfter   bool          // it was done, and the connection ends without an answer
	Delay      time.Duration // real time before anything
}

// HTMLPage is what stands before Discord when it lets nobody through.
const HTMLPage = "<!DOCTYPE html><html><head><title>Access denied | discord.com</title></head><body>You are being rate limited (1015).</body></html>"

// Fail makes the calls that come next fail. Faults are used up in the order in
// which they were given.
func (d *Discord) Fail(f Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f.Times == 0 {
		f.Times = 1
	}
	d.faults = append(d.faults, &f)
}

// Mend ends all faults.
func (d *Discord) Mend() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = nil
}

// takeFault never returns nil.
func (d *Discord) takeFault(c Call) *Fault {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.faults {
		if f.Times == 0 || f.Route != "" && f.Route != c.Route || f.Channel != "" && f.Channel != c.Channel {
			continue
		}
		f.Times--
		taken := *f
		return &taken
	}
	return &Fault{}
}

// hold waits as long as the fault says; false when the caller is gone.
func hold(r *http.Request, f *Fault) bool {
	if f.Delay == 0 {
		return true
	}
	timer := time.NewTimer(f.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// before tells whether the operation is not carried out at all.
func (f *Fault) before() bool { return f.Status != 0 || f.CutBefore }

func (d *Discord) answerFault(w http.ResponseWriter, call *Call, f *Fault) {
	call.Status, call.Code, call.Scope = f.Status, f.Code, f.Scope
	if f.CutBefore {
		call.Status = 0
		d.record(*call)
		cut(w)
		return
	}
	d.record(*call)
	body, kind := f.Body, "application/json"
	switch {
	case f.Scope != "":
		wait, _ := strconv.ParseFloat(f.RetryAfter, 64) // 0 for none
		raw, _ := json.Marshal(object{"message": "You are being rate limited.", "retry_after": wait, "global": f.Scope == scopeGlobal})
		body = string(raw)
		w.Header().Set("X-RateLimit-Scope", f.Scope)
		if f.Scope == scopeGlobal {
			w.Header().Set("X-RateLimit-Global", "true")
		}
	case f.Code != 0:
		raw, _ := json.Marshal(object{"code": f.Code, "message": f.Message}) // numbers and text
		body = string(raw)
	case body == "":
		body, kind = HTMLPage, "text/html; charset=UTF-8"
	case body[0] == '<':
		kind = "text/html; charset=UTF-8"
	}
	if f.RetryAfter != "" {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(f.Status)
	_, _ = w.Write([]byte(body)) // the other side is gone
}

// cut ends the connection without an answer.
func cut(w http.ResponseWriter) {
	if h, ok := w.(http.Hijacker); ok {
		if conn, _, err := h.Hijack(); err == nil {
			_ = conn.Close() // that is the point
			return
		}
	}
	panic(http.ErrAbortHandler)
}
