package slacktest

import (
	"fmt"
	"net/http"
	"time"
)

// Fault makes requests fail. What it names is done instead of the method, but
// for CutAfter and Delay.
type Fault struct {
	Method     string        // "": every one
	Channel    string        // only calls about it; "": all
	Times      int           // how often; 0: once, less: until Mend
	Status     int           // answered with this status, and with Body
	Body       string        // "": for 5xx, Slack's page
	RetryAfter string        // the header of that answer; "": none
	Error      string        // answered as an error of the method, with status 200 unless Status says otherwise
	CutBefore  bool          // the connection ends; nothing was done
	CutAfter   bool          // it was done, and the connection ends without an answer
	Delay      time.Duration // real time before anything
}

// HTMLPage is what stands before Slack when Slack is down.
const HTMLPage = "<!DOCTYPE html><html><head><title>Server Error</title></head><body>Something went wrong.</body></html>"

// Fail makes the calls that come next fail. Faults are used up in the order in
// which they were given. An error must be one that the method has.
func (s *Slack) Fail(f Fault) {
	s.tb.Helper()
	if _, isMethod := references()[f.Method]; isMethod && f.Error != "" && !mayAnswer(f.Method, f.Error) {
		s.tb.Fatalf("slacktest: %s never answers %s", f.Method, f.Error)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Times == 0 {
		f.Times = 1
	}
	s.faults = append(s.faults, &f)
}

// Mend ends all faults.
func (s *Slack) Mend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// takeFault never returns nil.
func (s *Slack) takeFault(c Call) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if f.Times == 0 || f.Method != "" && f.Method != c.Method || f.Channel != "" && f.Channel != c.Args["channel"] {
			continue
		}
		f.Times--
		taken := *f
		return &taken
	}
	return &Fault{}
}

// hold waits as long as the fault says; false when the caller is gone.
func (s *Slack) hold(r *http.Request, f *Fault) bool {
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

// before tells whether the method is not carried out at all.
func (f *Fault) before() bool { return f.Status != 0 || f.Error != "" || f.CutBefore }

func (f *Fault) answer(w http.ResponseWriter) {
	if f.CutBefore {
		cut(w)
		return
	}
	status, body, kind := f.Status, f.Body, "application/json; charset=utf-8"
	if status == 0 {
		status = http.StatusOK
	}
	switch {
	case f.Error != "":
		body = fmt.Sprintf(`{"ok":false,"error":%q}`, f.Error)
	case body == "" && status == http.StatusTooManyRequests:
		body = `{"ok":false,"error":"ratelimited"}`
	case body == "":
		body, kind = HTMLPage, "text/html"
	}
	if f.RetryAfter != "" {
		w.Header().Set("Retry-After", f.RetryAfter)
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
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
