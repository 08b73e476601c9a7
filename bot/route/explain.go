package route

import (
	"fmt"
	"strings"

	"salve/bot"
	"salve/bot/expr"
)

// outcome is what became of one rule.
type outcome struct {
	holds bool
	late  bool // a rule before it had decided
	err   error
}

// Tried is one rule held against an incident, for people who ask.
type Tried struct {
	Rule    int    `json:"rule"` // counted from 1; 0: the default place
	When    string `json:"when,omitempty"`
	Surface string `json:"surface"`
	Place   string `json:"place"`
	Sent    bool   `json:"sent"`
	Why     string `json:"why"` // one sentence
}

// Explain tells of each rule whether it sent the incident and why not, and of
// the default places that were taken.
func (r *Rules) Explain(inc bot.Incident, alerts []bot.Alert) []Tried {
	routes, outcomes := r.decide(inc, alerts)
	first := r.views(inc, alerts)[0]
	out := make([]Tried, 0, len(r.rules)+len(routes))
	for i, one := range r.rules {
		t := Tried{Rule: i + 1, When: one.When, Surface: one.Surface, Place: one.Place, Sent: outcomes[i].holds}
		t.Why = one.why(outcomes[i], first)
		out = append(out, t)
	}
	for _, surface := range r.surfaces {
		if !r.anySent(surface, outcomes) {
			out = append(out, Tried{Surface: surface, Place: r.defaults[surface], Sent: true, Why: "no rule of " + surface + " holds; this is its default"})
		}
	}
	return out
}

func (r *Rules) anySent(surface string, outcomes []outcome) bool {
	for i, o := range outcomes {
		if o.holds && r.rules[i].Surface == surface {
			return true
		}
	}
	return false
}

// why words what became of a rule. first is the incident with its first alert.
func (r rule) why(o outcome, first view) string {
	switch {
	case o.late:
		return "an earlier rule had decided"
	case o.holds:
		return "it holds"
	case o.err != nil:
		return "it cannot be evaluated: " + short(o.err.Error())
	}
	var parts []string
	for _, c := range r.holds.Unmet(first.vars) {
		parts = append(parts, clause(c))
	}
	if len(parts) == 0 {
		return "it does not hold"
	}
	if s := first.service; s.Name == "" && strings.Contains(r.When, "service.") {
		parts = append(parts, "no label names a service of the catalogue")
	}
	return strings.Join(parts[:min(len(parts), maxClauses)], "; ")
}

// maxClauses is how many reasons a sentence names.
const maxClauses = 5

func clause(c expr.Clause) string {
	switch {
	case c.Missing != "":
		return fmt.Sprintf("there is no %q, which is read in: %s", short(c.Missing), short(c.Source))
	case c.Err != nil:
		return "this cannot be evaluated: " + short(c.Err.Error())
	default:
		return "this does not hold: " + short(c.Source)
	}
}
