package report

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"salve/bot"
)

// Rows is what of the store is read beside the log.
type Rows interface {
	Events(ctx context.Context, q bot.EventQuery) ([]bot.Event, error)
	Plan(ctx context.Context, id bot.PlanID) (bot.Plan, error)
	Incident(ctx context.Context, id bot.IncidentID) (bot.Incident, error)
	Alerts(ctx context.Context, id bot.IncidentID, limit int) ([]bot.Alert, error)
}

const (
	shownAlerts = 5
	pageSize    = 1000
)

// Incidents gives the incidents that had changes in the Span, in the order of
// their ids, one at a time.
func (x *Index) Incidents(ctx context.Context, rows Rows) iter.Seq2[Incident, error] {
	return func(yield func(Incident, error) bool) {
		for _, id := range slices.Sorted(maps.Keys(x.incidents)) {
			inc, err := x.incident(ctx, rows, id)
			if err != nil {
				yield(Incident{}, fmt.Errorf("report on %s: %w", id, err))
				return
			}
			if !yield(inc, nil) {
				return
			}
		}
	}
}

func (x *Index) incident(ctx context.Context, rows Rows, id bot.IncidentID) (Incident, error) {
	inc, err := cause(ctx, rows, id)
	if err != nil {
		return Incident{}, err
	}
	changes := map[bot.PlanID]*Change{}
	digests := map[bot.PlanID]bot.Digest{}
	for plan := range x.incidents[id] {
		c := &Change{Plan: plan, Outcome: "not run"}
		if digests[plan], err = stored(ctx, rows, plan, c); err != nil {
			return Incident{}, err
		}
		changes[plan] = c
	}
	if inc.Received, err = x.read(ctx, rows, id, changes); err != nil {
		return Incident{}, err
	}
	for _, plan := range slices.Sorted(maps.Keys(changes)) {
		c := changes[plan]
		c.Holds = c.Digest != "" && c.Digest == string(digests[plan])
		c.judge()
		inc.Changes = append(inc.Changes, *c)
	}
	undone(inc.Changes)
	return inc, nil
}

func cause(ctx context.Context, rows Rows, id bot.IncidentID) (Incident, error) {
	inc := Incident{ID: id}
	row, err := rows.Incident(ctx, id)
	if errors.Is(err, bot.ErrNotFound) {
		return inc, nil
	}
	if err != nil {
		return inc, err
	}
	inc.Title, inc.Severity, inc.Source = row.Title, row.Severity.String(), row.Source
	alerts, err := rows.Alerts(ctx, id, shownAlerts)
	for _, a := range alerts {
		inc.Alerts = append(inc.Alerts, Alert{Title: a.Title, Severity: a.Severity.String(), StartsAt: a.StartsAt, Source: a.Source})
	}
	inc.More = max(row.Total-len(alerts), 0)
	return inc, err
}

// stored reads the plan and computes what it hashes to now.
func stored(ctx context.Context, rows Rows, id bot.PlanID, c *Change) (bot.Digest, error) {
	p, err := rows.Plan(ctx, id)
	if errors.Is(err, bot.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	c.shown(p)
	d, err := p.ComputeDigest()
	if err != nil {
		return "", nil // what cannot be hashed is not what was shown
	}
	return d, nil
}

// read gives each change its Events, up to the end of the Span.
func (x *Index) read(ctx context.Context, rows Rows, id bot.IncidentID, changes map[bot.PlanID]*Change) (received int64, err error) {
	runs := map[bot.RunID]*Change{}
	for after := int64(0); ; {
		page, err := rows.Events(ctx, bot.EventQuery{Incident: id, After: after, Limit: pageSize})
		if err != nil {
			return 0, err
		}
		for _, e := range page {
			if after = e.Seq; e.Seq > x.last.Seq || !e.At.Before(x.span.To) {
				continue
			}
			if e.Kind == bot.EventAlerts {
				received++
			}
			c := changes[e.Plan]
			if c == nil {
				c = runs[e.Run]
			}
			if c != nil {
				c.take(e, &x.people)
			}
			if c != nil && e.Run != 0 {
				runs[e.Run] = c
			}
		}
		if len(page) < pageSize {
			return received, nil
		}
	}
}

// undone ties a run to the one that undid it.
func undone(changes []Change) {
	for _, u := range changes {
		if u.Undoes == 0 || u.Outcome != string(bot.RunFixed) && u.Outcome != string(bot.RunUnverified) {
			continue
		}
		for i := range changes {
			if changes[i].Run == u.Undoes {
				changes[i].UndoneBy = u.Run
			}
		}
	}
}

// tally counts the votes in the log by the rule of the plan.
func (c *Change) tally() bot.Tally {
	a := bot.Approval{Digest: bot.Digest(c.Digest), Rule: c.Rule}
	for _, v := range c.Votes {
		a.Votes = append(a.Votes, bot.Vote{Person: bot.PersonID(v.Person), Yes: v.Yes, Digest: a.Digest, Groups: v.Groups})
	}
	return a.Tally()
}

// judge finds what an auditor should ask about.
func (c *Change) judge() {
	if !c.Holds {
		c.find("The plan that is stored does not hash to the digest in the log: what is shown here may not be what was decided about.")
	}
	for _, v := range c.Votes {
		if !v.Yes {
			continue
		}
		if len(v.Groups) == 0 {
			c.find(fmt.Sprintf("The log does not show that %s was in one of the approver groups when they voted.", v.Name))
		}
		if slices.Contains(c.Rule.Excluded, bot.PersonID(v.Person)) {
			c.find(fmt.Sprintf("%s was excluded from voting and said yes.", v.Name))
		}
		if v.Digest != c.Digest {
			c.find(fmt.Sprintf("%s voted on another digest.", v.Name))
		}
	}
	t := c.tally()
	switch {
	case c.Decision == "approved" && t.Yes < t.Needed:
		c.find(fmt.Sprintf("It was approved by %d of the %d people that it needed.", t.Yes, t.Needed))
	case c.Decision == "approved" && !t.Agreed():
		c.find("It was approved although the log shows no agreement of " + strings.Join(t.Open, " or ") + ", which its rule asks for.")
	case c.Decision == "by itself" && c.Mode != string(bot.ModeAuto):
		c.find("It ran by itself although its playbook's mode is " + c.Mode + ".")
	case !c.Started.IsZero() && c.Decision != "approved" && c.Decision != "by itself":
		c.find("Its steps were started without a decision in the log.")
	}
}
