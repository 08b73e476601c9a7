package serve

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"salve/bot"
	"salve/bot/health"
)

// live answers 200 while every leg's loop turns. What it answers otherwise tells
// a supervisor that only a new process helps.
func (s *Salve) live(w http.ResponseWriter, _ *http.Request) {
	if dead := health.Dead(s.beats.legs(), s.doctor.limits); len(dead) > 0 {
		http.Error(w, "not alive: the loop of "+strings.Join(dead, ", ")+" does not turn", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "alive")
}

// ready answers 200 while nothing stands in the way of work, and names what is
// wrong in either case, in words that anybody may read.
func (s *Salve) ready(w http.ResponseWriter, r *http.Request) {
	cs := s.doctor.examine(r.Context())
	status := http.StatusOK
	if !health.Ready(cs) {
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if strings.Contains(r.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(readiness{Ready: health.Ready(cs), Conditions: public(cs)})
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprint(w, inWords(cs, r.URL.Query().Has("verbose")))
}

// readiness is the answer for programs.
type readiness struct {
	Ready      bool            `json:"ready"`
	Conditions []bot.Condition `json:"conditions"`
}

// public leaves out what is for those who may read.
func public(cs []bot.Condition) []bot.Condition {
	out := make([]bot.Condition, 0, len(cs))
	for _, c := range cs {
		c.Detail, c.About = "", nil
		out = append(out, c)
	}
	return out
}

// inWords is one line for each thing that is wrong; verbose adds name, beginning
// and cure.
func inWords(cs []bot.Condition, verbose bool) string {
	var b strings.Builder
	if health.Ready(cs) {
		b.WriteString("ready\n")
	}
	for _, c := range cs {
		word := "degraded"
		if c.Unready {
			word = "not ready"
		}
		fmt.Fprintf(&b, "%s: %s\n", word, c.Says)
		if verbose {
			fmt.Fprintf(&b, "  name: %s\n  since: %s\n  do: %s\n", c.Key(), c.Since.UTC().Format(time.RFC3339), c.Do)
		}
	}
	return b.String()
}
