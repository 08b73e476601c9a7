package prometheus

import (
	"context"
	"slices"
	"time"

	"salve/bot"
)

// Who acknowledged an incident.
const (
	byPerson     = "person"
	byAutomation = "automation"
)

// How far the Events of one incident are looked through.
const (
	storyPage  = 100
	storyPages = 5
)

// acknowledging are the Events that say that somebody or something is at work.
var acknowledging = []bot.EventKind{
	bot.EventTaken, bot.EventAssigned, bot.EventVoted, bot.EventApproved, bot.EventDenied, bot.EventRunPlanned,
}

// acknowledged counts the first such Event of an incident. One that has none
// among its first 500 Events is left out.
func (m *Metrics) acknowledged(ctx context.Context, e bot.Event) error {
	if e.Incident == 0 {
		return nil
	}
	var began time.Time
	after := int64(0)
	for range storyPages {
		page, err := m.ports.Record.Events(ctx, bot.EventQuery{Incident: e.Incident, After: after, Limit: storyPage})
		if err != nil || len(page) == 0 {
			return err
		}
		if began.IsZero() {
			began = page[0].At
		}
		if i := slices.IndexFunc(page, func(o bot.Event) bool { return slices.Contains(acknowledging, o.Kind) }); i >= 0 {
			if page[i].Seq == e.Seq {
				m.counters.acknowledge.WithLabelValues(whose(e)).Observe(between(began, e.At))
			}
			return nil
		}
		after = page[len(page)-1].Seq
	}
	return nil
}

func whose(e bot.Event) string {
	if e.Actor.Person == "" {
		return byAutomation
	}
	return byPerson
}

// closed counts how long an incident took, from what its last Events say.
func (m *Metrics) closed(ctx context.Context, e bot.Event) error {
	story, err := m.ports.Record.Events(ctx, bot.EventQuery{Incident: e.Incident, Last: true, Limit: storyPage * storyPages})
	if err != nil {
		return err
	}
	story = slices.DeleteFunc(story, func(o bot.Event) bool { return o.Seq > e.Seq })
	began, err := m.began(ctx, e, &story)
	if err != nil {
		return err
	}
	inc, err := m.ports.Record.Incident(ctx, e.Incident)
	if err != nil {
		return err
	}
	over, fixed := e.At, "false"
	for _, o := range slices.Backward(story) {
		if o.Kind == bot.EventAlerts && inc.Firing == 0 {
			over = o.At
			break
		}
	}
	for _, o := range story {
		if o.Kind != bot.EventRunEnded {
			continue
		}
		r, err := m.ports.Record.Run(ctx, o.Run)
		if err != nil {
			return err
		}
		if r.State == bot.RunFixed {
			fixed = "true"
		}
	}
	m.counters.resolve.WithLabelValues(fixed).Observe(between(began, over))
	return nil
}

// began is when the trouble that is over now began: with the last reopening,
// before which nothing counts, else with the first Event of the incident.
func (m *Metrics) began(ctx context.Context, e bot.Event, story *[]bot.Event) (time.Time, error) {
	for i, o := range slices.Backward(*story) {
		if o.Kind == bot.EventReopened {
			*story = (*story)[i:]
			return o.At, nil
		}
	}
	first, err := m.ports.Record.Events(ctx, bot.EventQuery{Incident: e.Incident, Limit: 1})
	if err != nil || len(first) == 0 {
		return e.At, err
	}
	return first[0].At, nil
}
