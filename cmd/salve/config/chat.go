package config

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/robfig/cron/v3"

	"salve/bot/route"
)

// Route sends incidents to a channel of a chat.
type Route struct {
	When    string `yaml:"when"`    // CEL over alert, incident and service
	Channel string `yaml:"channel"` // an id
	Also    bool   `yaml:"also"`    // the routes after it are looked at too
}

// Weekly is when and where the message about a week comes.
type Weekly struct {
	Schedule string `yaml:"schedule"` // cron, five fields
	Zone     string `yaml:"zone"`     // of the schedule; "": UTC
	Channel  string `yaml:"channel"`  // "": the default channel
}

// Next is the first time after t at which a week is told. The schedule was
// accepted by Load.
func (w Weekly) Next(t time.Time) (time.Time, error) {
	zone, err := time.LoadLocation(w.Zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("zone %q: %w", w.Zone, err)
	}
	plan, err := cron.ParseStandard(w.Schedule)
	if err != nil {
		return time.Time{}, fmt.Errorf("schedule %q: %w", w.Schedule, err)
	}
	return plan.Next(t.In(zone)), nil
}

// ids are what channels of a chat are called by.
type ids struct {
	channel *regexp.Regexp
	how     string // to find one
}

func (r *reader) checkChannel(at, parent, id string, of ids) {
	switch {
	case id == "":
		r.atPath(parent, "names no "+at[len(parent)+1:], of.how)
	case !of.channel.MatchString(id):
		r.atPath(at, fmt.Sprintf("%q is not the id of a channel", id), of.how)
	}
}

// checkRoutes compiles the conditions of routes, too.
func (r *reader) checkRoutes(parent string, routes []Route, of ids) {
	for i, one := range routes {
		at := fmt.Sprintf("%s.routes[%d]", parent, i)
		r.checkChannel(at+".channel", at, one.Channel, of)
		if one.When == "" {
			r.atPath(at, "has no condition", `write when: 'incident.severity == "critical"', or drop the route and set default_channel`)
			continue
		}
		_, err := route.New([]route.Rule{{When: one.When, Surface: "any", Place: "any"}}, map[string]string{"any": "any"}, nil, route.Options{})
		if m, ok := errors.AsType[*route.Mistake](err); ok {
			line, col := r.doc.At(at+".when", [2]int{m.Line, m.Column})
			r.mistakes = append(r.mistakes, Mistake{File: r.name, Line: line, Column: col, What: m.What, Fix: m.Fix})
		}
	}
}

func (r *reader) checkWeekly(parent string, w *Weekly, of ids) {
	if w == nil {
		return
	}
	if _, err := w.Next(time.Unix(0, 0)); err != nil {
		r.atPath(parent+".weekly", err.Error(), `write for example {schedule: "0 9 * * MON", zone: Europe/Berlin}`)
	}
	if w.Channel != "" {
		r.checkChannel(parent+".weekly.channel", parent+".weekly", w.Channel, of)
	}
}
