package tell

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"salve/bot"
	"salve/bot/chat"
)

// What one view reads at most.
const (
	alertLimit  = 50
	eventLimit  = 400
	listLimit   = 200
	eventPage   = 1000
	maxTimeline = 20_000
)

// Card shows one Incident to a viewer; a zero viewer is somebody unknown.
func (l *Leg) Card(ctx context.Context, id bot.IncidentID, viewer bot.Person) (bot.Card, error) {
	inc, err := l.store.Incident(ctx, id)
	if err != nil {
		return bot.Card{}, fmt.Errorf("card of %s: %w", id, err)
	}
	s, err := l.state(ctx, inc)
	if err != nil {
		return bot.Card{}, fmt.Errorf("card of %s: %w", id, err)
	}
	s.Events, err = l.store.Events(ctx, bot.EventQuery{Incident: id, Last: true, Limit: eventLimit})
	if err != nil {
		return bot.Card{}, fmt.Errorf("card of %s: %w", id, err)
	}
	c := chat.Card(s, viewer, time.Now())
	if l.opts.Trace != nil {
		c.TraceID, c.TraceURL = l.opts.Trace(id)
	}
	return c, nil
}

// state reads all about an Incident but its Events.
func (l *Leg) state(ctx context.Context, inc bot.Incident) (chat.State, error) {
	s := chat.State{Incident: inc, Playbooks: l.opts.Playbooks}
	var errs [5]error
	s.Alerts, errs[0] = l.store.Alerts(ctx, inc.ID, alertLimit)
	s.Runs, errs[1] = l.store.Runs(ctx, bot.RunQuery{Incident: inc.ID})
	s.Approvals, errs[2] = l.store.Approvals(ctx, bot.ApprovalQuery{Incident: inc.ID})
	s.Plans, errs[3] = l.store.Plans(ctx, inc.ID) // the last: what was read before names no plan that is not there
	s.Halts, errs[4] = l.opts.Brake.Halts(ctx)
	if err := errors.Join(errs[:]...); err != nil {
		return chat.State{}, err
	}
	if l.opts.Nearest != nil && len(s.Alerts) > 0 && len(inc.Decision.Candidates) == 0 {
		s.Nearest = l.opts.Nearest(s.Alerts[0], inc)
	}
	return s, nil
}

// Board shows the Incidents of a query as Cards without history, alerts and
// actions, those that need people first. On the first page of a plain query,
// one without text or owner, Incidents that wait for a person are there whatever
// their age.
func (l *Leg) Board(ctx context.Context, q bot.IncidentQuery, viewer bot.Person) ([]bot.Card, error) {
	incidents, err := l.store.Incidents(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("board: %w", err)
	}
	if q.Before == 0 && q.Text == "" && q.Owner == "" && q.Like == nil {
		if incidents, err = l.withWaiting(ctx, q, incidents); err != nil {
			return nil, fmt.Errorf("board: %w", err)
		}
	}
	halts, err := l.opts.Brake.Halts(ctx)
	if err != nil {
		return nil, fmt.Errorf("board: %w", err)
	}
	out := make([]bot.Card, 0, len(incidents))
	for _, inc := range incidents {
		c, err := l.brief(ctx, inc, halts, viewer)
		if err != nil {
			return nil, fmt.Errorf("board, %s: %w", inc.ID, err)
		}
		out = append(out, c)
	}
	slices.SortStableFunc(out, func(a, b bot.Card) int { return urgency(a.Phase) - urgency(b.Phase) })
	return out, nil
}

// withWaiting adds the Incidents that have an open question or a Run that waits.
func (l *Leg) withWaiting(ctx context.Context, q bot.IncidentQuery, have []bot.Incident) ([]bot.Incident, error) {
	open, err := l.store.Approvals(ctx, bot.ApprovalQuery{States: []bot.ApprovalState{bot.ApprovalPending}, Limit: listLimit})
	if err != nil {
		return nil, err
	}
	active, err := l.store.Runs(ctx, bot.RunQuery{Active: true, Limit: listLimit})
	if err != nil {
		return nil, err
	}
	seen := map[bot.IncidentID]bool{}
	for _, inc := range have {
		seen[inc.ID] = true
	}
	var missing []bot.IncidentID
	for _, a := range open {
		missing = append(missing, a.Incident)
	}
	for _, r := range active {
		if r.State == bot.RunWaiting {
			missing = append(missing, r.Incident)
		}
	}
	for _, id := range missing {
		if seen[id] {
			continue
		}
		seen[id] = true
		inc, err := l.store.Incident(ctx, id)
		if err != nil {
			return nil, err
		}
		if len(q.States) == 0 || slices.Contains(q.States, inc.State()) {
			have = append(have, inc)
		}
	}
	return have, nil
}

func (l *Leg) brief(ctx context.Context, inc bot.Incident, halts []bot.Halt, viewer bot.Person) (bot.Card, error) {
	approvals, err := l.store.Approvals(ctx, bot.ApprovalQuery{Incident: inc.ID, Limit: 10})
	if err != nil {
		return bot.Card{}, err
	}
	runs, err := l.store.Runs(ctx, bot.RunQuery{Incident: inc.ID, Limit: 10})
	if err != nil {
		return bot.Card{}, err
	}
	c := chat.Card(chat.State{Incident: inc, Approvals: approvals, Runs: runs, Halts: halts}, viewer, time.Now())
	c.Actions = nil
	return c, nil
}

// phases in the order in which people are needed.
var phases = []bot.Phase{
	bot.PhaseNeedsPerson, bot.PhaseAsking, bot.PhaseRunning, bot.PhaseVerifying, bot.PhaseLooking, bot.PhaseTaken,
	bot.PhaseWatching, bot.PhaseSnoozed, bot.PhaseFixed, bot.PhaseResolved, bot.PhaseClosed,
}

func urgency(p bot.Phase) int {
	if i := slices.Index(phases, p); i >= 0 {
		return i
	}
	return 0 // a phase that is not known is looked at first
}

// Proposals are the open questions of all Incidents, those that the viewer can
// answer first, then the ones that end soonest.
func (l *Leg) Proposals(ctx context.Context, viewer bot.Person) ([]bot.CardProposal, error) {
	open, err := l.store.Approvals(ctx, bot.ApprovalQuery{States: []bot.ApprovalState{bot.ApprovalPending}, Limit: listLimit})
	if err != nil {
		return nil, fmt.Errorf("proposals: %w", err)
	}
	out := make([]bot.CardProposal, 0, len(open))
	for _, a := range open {
		p, err := l.store.Plan(ctx, a.Plan)
		if err != nil {
			return nil, fmt.Errorf("proposals, plan %s: %w", a.Plan, err)
		}
		out = append(out, chat.Proposal(a, p, viewer, time.Now()))
	}
	slices.SortStableFunc(out, func(a, b bot.CardProposal) int {
		if (a.MayVote == "") != (b.MayVote == "") {
			if a.MayVote == "" {
				return -1
			}
			return 1
		}
		return a.Approval.ExpiresAt.Compare(b.Approval.ExpiresAt)
	})
	return out, nil
}

// Timeline writes the whole history of an Incident as Markdown.
func (l *Leg) Timeline(ctx context.Context, id bot.IncidentID) (string, error) {
	inc, err := l.store.Incident(ctx, id)
	if err != nil {
		return "", fmt.Errorf("timeline of %s: %w", id, err)
	}
	s, err := l.state(ctx, inc)
	if err != nil {
		return "", fmt.Errorf("timeline of %s: %w", id, err)
	}
	for len(s.Events) < maxTimeline {
		var after int64
		if n := len(s.Events); n > 0 {
			after = s.Events[n-1].Seq
		}
		page, err := l.store.Events(ctx, bot.EventQuery{Incident: id, After: after, Limit: eventPage})
		if err != nil {
			return "", fmt.Errorf("timeline of %s: %w", id, err)
		}
		s.Events = append(s.Events, page...)
		if len(page) < eventPage {
			break
		}
	}
	return chat.Timeline(s), nil
}
