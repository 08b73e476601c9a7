// Package route tells at which places of which surfaces an Incident is shown,
// and why there.
//
// It is pure: the same incident, alerts and catalogue give the same places.
// Rules are tried in their order, and for each surface the first that holds wins
// unless it says Also; a surface for which none holds shows the incident at its
// default place. A rule over the alert holds if it holds for one of the alerts.
//
// It assumes that the catalogue does not change while it is read. A rule that
// does not compile is a *Mistake of New. One that cannot be evaluated is passed
// over, and Because of whatever is decided then says so: an incident is never
// without a place because of a rule.
package route

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"salve/bot"
	"salve/bot/expr"
)

// Rule sends the incidents for which When holds to Place.
type Rule struct {
	When    string // CEL: alert, incident, service; gives true or false
	Surface string // "": the only surface that has a default
	Place   string
	Also    bool // the rules after it are tried too
}

// Options tune Rules. The zero value is ready for use.
type Options struct {
	// Labels are those that may name the service, the first that does wins;
	// nil: service, app, job.
	Labels []string
}

// Mistake is a rule that cannot be used. Rule counts from 0; Line and Column
// begin at 1 and count in its When, 0: it is about the rule as a whole.
type Mistake struct {
	Rule   int
	Line   int
	Column int
	What   string
	Fix    string // what to write instead; may be empty
}

func (m *Mistake) Error() string {
	s := fmt.Sprintf("rule %d", m.Rule+1)
	if m.Line > 0 {
		s += fmt.Sprintf(", when, %d:%d", m.Line, m.Column)
	}
	s += ": " + m.What
	if m.Fix != "" {
		s += "; " + m.Fix
	}
	return s
}

// MaxAlerts is how many alerts of an incident a rule is held against, the first
// ones.
const MaxAlerts = 100

// rule is one ready for use.
type rule struct {
	Rule
	holds *expr.Bool
}

// Rules decide where incidents go. They never change after New and are safe for
// use by many at once.
type Rules struct {
	rules    []rule
	surfaces []string // with a default, sorted
	defaults map[string]string
	services func() []bot.Service
	labels   []string
}

// New compiles rules. defaults gives for each surface the place of what no rule
// sends elsewhere; services is the catalogue as it is now, nil for none. Errors
// are *Mistakes, joined.
func New(rules []Rule, defaults map[string]string, services func() []bot.Service, opts Options) (*Rules, error) {
	if services == nil {
		services = func() []bot.Service { return nil }
	}
	r := &Rules{
		surfaces: slices.Sorted(maps.Keys(defaults)), defaults: maps.Clone(defaults),
		services: services, labels: opts.Labels,
	}
	if r.labels == nil {
		r.labels = []string{"service", "app", "job"}
	}
	var errs []error
	for i, one := range rules {
		ready, err := r.compile(i, one)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		r.rules = append(r.rules, ready)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return r, nil
}

func (r *Rules) compile(i int, one Rule) (rule, error) {
	if one.Surface == "" && len(r.surfaces) == 1 {
		one.Surface = r.surfaces[0]
	}
	switch {
	case one.Surface == "":
		return rule{}, &Mistake{Rule: i, What: "it names no surface", Fix: "name one, for example slack"}
	case !slices.Contains(r.surfaces, one.Surface):
		return rule{}, &Mistake{Rule: i, What: fmt.Sprintf("the surface %q has no default place", one.Surface), Fix: "give it one: what no rule sends elsewhere goes there"}
	case one.Place == "":
		return rule{}, &Mistake{Rule: i, What: "it names no place", Fix: "name the channel that it sends to"}
	}
	holds, err := expr.CompileBool(expr.RouteEnv, one.When)
	if e, ok := errors.AsType[*expr.Error](err); ok {
		return rule{}, &Mistake{Rule: i, Line: e.Line, Column: e.Column, What: e.Message, Fix: e.Hint}
	}
	if err != nil {
		return rule{}, &Mistake{Rule: i, What: err.Error()}
	}
	return rule{Rule: one, holds: holds}, nil
}

// Route gives the places of an incident, those of one surface together, and none
// twice. Without surfaces there are none.
func (r *Rules) Route(inc bot.Incident, alerts []bot.Alert) []bot.Route {
	routes, _ := r.decide(inc, alerts)
	return routes
}

// decide holds each rule against the incident.
func (r *Rules) decide(inc bot.Incident, alerts []bot.Alert) ([]bot.Route, []outcome) {
	views := r.views(inc, alerts)
	outcomes := make([]outcome, len(r.rules))
	sent, done := map[string][]bot.Route{}, map[string]bool{}
	for i, one := range r.rules {
		if done[one.Surface] {
			outcomes[i].late = true
			continue
		}
		outcomes[i].holds, outcomes[i].err = one.holdsFor(views)
		if !outcomes[i].holds {
			continue
		}
		sent[one.Surface] = append(sent[one.Surface], bot.Route{Surface: one.Surface, Place: one.Place, Because: r.because(i, outcomes)})
		done[one.Surface] = !one.Also
	}
	var out []bot.Route
	for _, surface := range r.surfaces {
		places := sent[surface]
		if len(places) == 0 {
			places = []bot.Route{{Surface: surface, Place: r.defaults[surface], Because: "no rule sends it elsewhere" + r.broken(surface, outcomes)}}
		}
		out = append(out, distinct(places)...)
	}
	return out, outcomes
}

// because words why a rule sends an incident.
func (r *Rules) because(i int, outcomes []outcome) string {
	s := fmt.Sprintf("rule %d: %s", i+1, short(r.rules[i].When))
	return s + r.broken(r.rules[i].Surface, outcomes[:i])
}

// broken tells of the rules of a surface that could not be evaluated.
func (r *Rules) broken(surface string, outcomes []outcome) string {
	for i, o := range outcomes {
		if o.err != nil && r.rules[i].Surface == surface {
			return fmt.Sprintf(" (rule %d was passed over: %s)", i+1, short(o.err.Error()))
		}
	}
	return ""
}

func distinct(routes []bot.Route) []bot.Route {
	var out []bot.Route
	for _, one := range routes {
		if !slices.ContainsFunc(out, func(o bot.Route) bool { return o.Place == one.Place }) {
			out = append(out, one)
		}
	}
	return out
}

// view is an incident as a rule sees it: with one of its alerts.
type view struct {
	vars    expr.Vars
	service bot.Service
}

// views are the incident with each of its alerts, the firing ones first; one with
// what all of them share when there are none.
func (r *Rules) views(inc bot.Incident, alerts []bot.Alert) []view {
	if len(alerts) == 0 {
		alerts = []bot.Alert{{
			AlertKey: bot.AlertKey{Source: inc.Source, StartsAt: inc.FirstAt},
			Title:    inc.Title, Severity: inc.Severity, Labels: inc.Labels, State: stateOf(inc),
		}}
	}
	alerts = slices.Clone(alerts)
	slices.SortStableFunc(alerts, func(a, b bot.Alert) int { return cmp.Compare(stateOrder(a), stateOrder(b)) })
	services := r.finder()
	views := make([]view, 0, min(len(alerts), MaxAlerts))
	for _, a := range alerts[:min(len(alerts), MaxAlerts)] {
		s := services.find(a.Labels)
		views = append(views, view{vars: expr.RouteVars(a, inc, s), service: s})
	}
	return views
}

func stateOf(inc bot.Incident) bot.AlertState {
	if inc.Firing > 0 {
		return bot.AlertFiring
	}
	return bot.AlertResolved
}

func stateOrder(a bot.Alert) int {
	if a.State == bot.AlertFiring {
		return 0
	}
	return 1
}

// holdsFor holds a rule against the views; an error counts only when it holds for
// none.
func (r rule) holdsFor(views []view) (bool, error) {
	var first error
	for _, v := range views {
		ok, err := r.holds.Eval(v.vars)
		if ok && err == nil {
			return true, nil
		}
		first = cmp.Or(first, err)
		if errors.Is(err, expr.ErrCost) {
			break // the others cost as much
		}
	}
	return false, first
}

// short cuts text for a sentence.
func short(s string) string {
	const most = 120
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
