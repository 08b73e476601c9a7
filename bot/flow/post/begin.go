package post

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"salve/bot"
)

// openLimit is how many open Incidents are looked at when the leg begins.
const openLimit = 1000

// begin is the first start on this log: chat begins at its end, with cards for
// what is open, the most urgent first.
func (l *Leg) begin(ctx context.Context, cur bot.Cursor) error {
	last, err := l.store.Events(ctx, bot.EventQuery{Last: true, Limit: 1})
	if err != nil {
		return fmt.Errorf("find the end of the log: %w", err)
	}
	for _, e := range last {
		cur.Seq = e.Seq
	}
	open, err := l.open(ctx)
	if err != nil {
		return err
	}
	for _, n := range open {
		n.seq = max(cur.Seq, 1)
	}
	return l.put(ctx, cur, open)
}

// open are the open Incidents to begin with: those that wait for people, then the
// severest, the newest first.
func (l *Leg) open(ctx context.Context) ([]*news, error) {
	waiting, err := l.waiting(ctx)
	if err != nil {
		return nil, err
	}
	incidents, err := l.store.Incidents(ctx, bot.IncidentQuery{States: []bot.IncidentState{bot.IncidentOpen}, Limit: openLimit})
	if err != nil {
		return nil, fmt.Errorf("read what is open: %w", err)
	}
	slices.SortStableFunc(incidents, func(a, b bot.Incident) int {
		return cmp.Or(cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), cmp.Compare(b.ID, a.ID))
	})
	var out []*news
	for _, id := range waiting {
		out = append(out, &news{id: id, mood: moodUrgent})
	}
	for _, inc := range incidents {
		if !slices.Contains(waiting, inc.ID) {
			out = append(out, &news{id: inc.ID})
		}
	}
	return out[:min(len(out), l.opts.FirstCards)], nil
}

// waiting are the Incidents with an open question or a Run that waits.
func (l *Leg) waiting(ctx context.Context) ([]bot.IncidentID, error) {
	asked, err := l.store.Approvals(ctx, bot.ApprovalQuery{States: []bot.ApprovalState{bot.ApprovalPending}, Limit: openLimit})
	if err != nil {
		return nil, fmt.Errorf("read open questions: %w", err)
	}
	runs, err := l.store.Runs(ctx, bot.RunQuery{Active: true, Limit: openLimit})
	if err != nil {
		return nil, fmt.Errorf("read runs: %w", err)
	}
	var out []bot.IncidentID
	add := func(id bot.IncidentID) {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	for _, a := range asked {
		add(a.Incident)
	}
	for _, r := range runs {
		if r.State == bot.RunWaiting {
			add(r.Incident)
		}
	}
	return out, nil
}
