package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"salve/bot"
	"salve/bot/audit"
)

// Report is what a session found. All promises held when there is one.
type Report struct {
	Kills     int
	Recovered []recovery // after each fault

	Acked    int
	Retried  int // posts that were not acknowledged
	Calls    int // calls at the far end
	Repeated int // keyed calls made again after a fault
	Unknown  int // steps that are left to a person: a fault took the outcome of an unsafe one
	CutOff   int // of these, keyed ones that faults cut off again and again

	Votes     int // approvals that were tried
	AtOnce    int // pairs of these by one person at the same moment
	Decisions int // approvals that were decided, once each
	Runs      int
	Events    int64
}

func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d kills, %d other faults: %d alerts acknowledged, 0 lost (%d posts were not acknowledged)\n", r.Kills, len(r.Recovered), r.Acked, r.Retried)
	fmt.Fprintf(&b, "%d calls, of which %d repeats under the same key; 0 unsafe steps done twice, %d steps left to a person, %d of them keyed and cut off again and again\n",
		r.Calls, r.Repeated, r.Unknown, r.CutOff)
	fmt.Fprintf(&b, "%d decisions out of %d votes, %d pairs at once: 1 decision and at most 1 run each; %d runs, all allowed by an earlier event; %d events prove\n",
		r.Decisions, r.Votes, r.AtOnce, r.Runs, r.Events)
	for _, rec := range longest(r.Recovered) {
		fmt.Fprintln(&b, rec)
	}
	return b.String()
}

// longest is one recovery for each fault, with the longest times.
func longest(all []recovery) (out []recovery) {
	for _, rec := range all {
		i := slices.IndexFunc(out, func(o recovery) bool { return o.fault == rec.fault })
		if i < 0 {
			out = append(out, rec)
			continue
		}
		o := &out[i]
		o.others, o.ready = max(o.others, rec.others), max(o.ready, rec.ready)
		o.acked, o.acted = max(o.acked, rec.acked), max(o.acted, rec.acted)
	}
	slices.SortFunc(out, func(a, b recovery) int { return strings.Compare(a.fault, b.fault) })
	return out
}

// report reads what is on disk, when every process has ended, and checks it
// against what was acknowledged, said and called.
func (s *session) report(ctx context.Context) (Report, error) {
	ev, err := s.read(ctx)
	if err != nil {
		return Report{}, err
	}
	rep := Report{
		Kills: s.o.Kills, Recovered: s.found, Acked: len(ev.acked), Retried: s.senders.retried,
		Votes: s.clickers.votes, AtOnce: s.clickers.atOnce, Runs: len(ev.runs), Events: ev.proof.Events,
	}
	if rep.Acked == 0 {
		return rep, errors.New("nothing was acknowledged; the session says nothing")
	}
	if broken := few(rep.check(ev)); broken != nil {
		return rep, fmt.Errorf("seed %d: %w", s.o.Seed, broken)
	}
	return rep, nil
}

// few is the first of many, for people.
func few(broken []error) error {
	if len(broken) > 10 {
		broken = append(broken[:10:10], fmt.Errorf("and %d more", len(broken)-10))
	}
	return errors.Join(broken...)
}

const everything = 1 << 30 // rows

// read gathers the evidence.
func (s *session) read(ctx context.Context) (ev evidence, err error) {
	ev = evidence{
		sent: s.senders.sent, acked: s.senders.acked, said: s.clickers.said, calls: s.far.calls,
		plans: map[bot.PlanID]bot.Plan{}, approvals: map[bot.ApprovalID]bot.Approval{}, audit: newTrail(),
	}
	if ev.known, err = s.base.known(ctx); err != nil {
		return ev, err
	}
	store, err := s.base.open(ctx)
	if err != nil {
		return ev, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if ev.runs, err = store.Runs(ctx, bot.RunQuery{Limit: everything}); err != nil {
		return ev, err
	}
	asked, err := store.Approvals(ctx, bot.ApprovalQuery{Limit: everything})
	if err != nil {
		return ev, err
	}
	for _, a := range asked {
		ev.approvals[a.ID] = a
	}
	for _, r := range ev.runs {
		if ev.plans[r.Plan], err = store.Plan(ctx, r.Plan); err != nil {
			return ev, fmt.Errorf("the plan of %s: %w", r.ID, err)
		}
	}
	ev.proof, err = audit.Verify(audit.From(func(f func(bot.Event) error) error {
		return store.EachEvent(ctx, func(e bot.Event) error {
			ev.audit.take(e)
			return f(e)
		})
	}))
	return ev, err
}
