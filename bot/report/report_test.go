package report_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/report"
)

var (
	day = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	ann = bot.Actor{Person: "ann", Name: "ann", Surface: "cli"}
)

// rows are a log of one incident and the plans beside it.
type rows struct {
	events []bot.Event
	plans  map[bot.PlanID]bot.Plan
	fail   error
}

func (r *rows) Events(_ context.Context, q bot.EventQuery) ([]bot.Event, error) {
	var out []bot.Event
	for _, e := range r.events {
		if e.Seq > q.After && e.Incident == q.Incident && len(out) < q.Limit {
			out = append(out, e)
		}
	}
	return out, r.fail
}

func (r *rows) Plan(_ context.Context, id bot.PlanID) (bot.Plan, error) {
	p, ok := r.plans[id]
	if !ok {
		return p, bot.ErrNotFound
	}
	return p, nil
}

func (r *rows) Incident(context.Context, bot.IncidentID) (bot.Incident, error) {
	return bot.Incident{}, bot.ErrNotFound
}

func (r *rows) Alerts(context.Context, bot.IncidentID, int) ([]bot.Alert, error) { return nil, nil }

// tell numbers events, an hour apart from the first of March on.
func tell(events ...bot.Event) *rows {
	for i := range events {
		events[i].Seq, events[i].At = int64(i+1), day.Add(time.Duration(i)*time.Hour)
	}
	return &rows{events: events, plans: map[bot.PlanID]bot.Plan{}}
}

func index(r *rows, from, to int) *report.Index {
	x := report.NewIndex(report.Span{From: day.Add(time.Duration(from) * time.Hour), To: day.Add(time.Duration(to) * time.Hour)})
	for _, e := range r.events {
		x.Take(e)
	}
	return x
}

func changes(t *testing.T, x *report.Index, r *rows) []report.Change {
	t.Helper()
	var out []report.Change
	for inc, err := range x.Incidents(t.Context(), r) {
		require.NoError(t, err)
		out = append(out, inc.Changes...)
	}
	return out
}

func person(groups, disabled string) bot.Event {
	return bot.Event{Kind: bot.EventPerson, Actor: bot.Actor{Name: "root"}, Data: map[string]string{"person": "ann", "name": "ann", "groups": groups, "disabled": disabled}}
}

func TestAVoteGoesByTheGroupsOfItsTime(t *testing.T) {
	t.Parallel()
	plan := bot.Plan{ID: 1, Incident: 1, Playbook: "p", Mode: bot.ModePropose, Rule: bot.ApprovalRule{Approvers: []string{"oncall"}, Quorum: 1}}
	digest, err := plan.ComputeDigest()
	require.NoError(t, err)
	data := map[string]string{"digest": string(digest), "vote": "yes"}
	vote := bot.Event{Kind: bot.EventVoted, Actor: ann, Incident: 1, Plan: 1, Approval: 1, Data: data}
	open := bot.Event{Kind: bot.EventProposed, Actor: bot.Salve, Incident: 1, Plan: 1, Approval: 1, Data: data}
	approved := bot.Event{Kind: bot.EventApproved, Actor: ann, Incident: 1, Plan: 1, Approval: 1, Data: data}
	for name, c := range map[string]struct {
		before, after bot.Event
		groups        []string
		finds         string
	}{
		"in the group, later not":   {person("oncall", "false"), person("", "false"), []string{"oncall"}, ""},
		"not in the group, later":   {person("", "false"), person("oncall", "false"), []string{}, "does not show that ann was in one of the approver groups"},
		"disabled at that time":     {person("oncall", "true"), person("oncall", "false"), []string{}, "does not show that ann was in one of the approver groups"},
		"nobody knows of them then": {bot.Event{Kind: bot.EventNoted}, person("oncall", "false"), []string{}, "does not show that ann was in one of the approver groups"},
	} {
		r := tell(c.before, open, vote, approved, c.after)
		r.plans[1] = plan
		got := changes(t, index(r, 0, 24), r)
		require.Len(t, got, 1, name)
		require.Equal(t, c.groups, got[0].Votes[0].Groups, name)
		require.True(t, got[0].Holds, name)
		if c.finds == "" {
			require.Empty(t, got[0].Findings, name)
			continue
		}
		require.Contains(t, got[0].Findings[0], c.finds, name)
	}
}

func TestWhatAnAuditorShouldAskAbout(t *testing.T) {
	t.Parallel()
	at := func(kind bot.EventKind, data map[string]string) bot.Event {
		return bot.Event{Kind: kind, Actor: bot.Salve, Incident: 1, Plan: 1, Run: 1, Data: data}
	}
	for says, c := range map[string]struct {
		plan   bot.Plan
		events []bot.Event
	}{
		"It was approved by 0 of the 2 people that it needed.":  {bot.Plan{Rule: bot.ApprovalRule{Quorum: 2}}, []bot.Event{at(bot.EventApproved, nil)}},
		"It ran by itself although its playbook's mode is":      {bot.Plan{Mode: bot.ModePropose}, []bot.Event{at(bot.EventRunPlanned, nil)}},
		"Its steps were started without a decision in the log.": {bot.Plan{Mode: bot.ModeAuto}, []bot.Event{at(bot.EventStepStarted, nil)}},
		"It was not known whether step a took effect.":          {bot.Plan{Mode: bot.ModeAuto}, []bot.Event{at(bot.EventStepUnknown, map[string]string{"step": "a"})}},
		"does not hash to the digest in the log":                {bot.Plan{Mode: bot.ModeAuto}, []bot.Event{at(bot.EventRunPlanned, map[string]string{"digest": "00"})}},
	} {
		r := tell(c.events...)
		c.plan.ID, c.plan.Incident = 1, 1
		r.plans[1] = c.plan
		got := changes(t, index(r, 0, 24), r)
		require.Len(t, got, 1, says)
		found := ""
		for _, f := range got[0].Findings {
			found += f + "\n"
		}
		require.Contains(t, found, says)
	}
}

func TestAnUndoIsTiedToWhatItUndid(t *testing.T) {
	t.Parallel()
	end := map[string]string{"state": "fixed"}
	r := tell(
		bot.Event{Kind: bot.EventRunPlanned, Incident: 1, Plan: 1, Run: 1}, bot.Event{Kind: bot.EventRunEnded, Incident: 1, Plan: 1, Run: 1, Data: end},
		bot.Event{Kind: bot.EventRunPlanned, Incident: 1, Plan: 2, Run: 2}, bot.Event{Kind: bot.EventRunEnded, Incident: 1, Plan: 2, Run: 2, Data: end},
		bot.Event{Kind: bot.EventCancelAsked, Incident: 1, Run: 1, Text: "too late"},
	)
	r.plans[1] = bot.Plan{ID: 1, Mode: bot.ModeAuto}
	r.plans[2] = bot.Plan{ID: 2, Kind: bot.PlanUndo, Undoes: 1, Mode: bot.ModeAuto}
	got := changes(t, index(r, 0, 24), r)
	require.Equal(t, bot.RunID(2), got[0].UndoneBy)
	require.Equal(t, bot.RunID(1), got[1].Undoes)
	require.Equal(t, "too late", got[0].Lines[2].Text, "what names the run alone is told too")
}

func TestHaltsAndStartsAreThoseThatOverlapTheSpan(t *testing.T) {
	t.Parallel()
	all := map[string]string{"scope": "all"}
	r := tell(
		bot.Event{Kind: bot.EventStarted, Data: map[string]string{"version": "1"}},        // 0
		bot.Event{Kind: bot.EventHalted, Actor: ann, Text: "ann halted everything: fire"}, // 1, an older log
		bot.Event{Kind: bot.EventResumed, Actor: ann, Text: "ann lifted the halt of everything"},
		bot.Event{Kind: bot.EventHalted, Actor: ann, Data: all}, // 3
		bot.Event{Kind: bot.EventStarted, Data: map[string]string{"version": "2"}},
		bot.Event{Kind: bot.EventResumed, Actor: ann, Data: all}, // 5
		bot.Event{Kind: bot.EventStopped},                        // 6
		bot.Event{Kind: bot.EventHalted, Actor: ann, Data: map[string]string{"scope": "target", "name": "web-1"}},
	)
	whole := index(r, 0, 24).Report()
	require.Len(t, whole.Halts, 3)
	require.Equal(t, "everything", whole.Halts[0].What)
	require.Equal(t, time.Hour, whole.Halts[0].For())
	require.Equal(t, 2*time.Hour, whole.Halts[1].For())
	require.Equal(t, "target web-1", whole.Halts[2].What)
	require.Zero(t, whole.Halts[2].For(), "it stands")
	require.True(t, whole.Process[0].Killed)
	require.Equal(t, day.Add(6*time.Hour), whole.Process[1].Until)

	late := index(r, 4, 6).Report()
	require.Len(t, late.Halts, 1)
	require.Len(t, late.Process, 1)
	require.Equal(t, "2", late.Process[0].Version)
	require.Equal(t, int64(5), late.First.Seq)
	require.Equal(t, int64(6), late.Last.Seq)
}

func TestAStoreThatFailsIsAnError(t *testing.T) {
	t.Parallel()
	r := tell(bot.Event{Kind: bot.EventRunPlanned, Incident: 1, Plan: 1})
	r.fail = errors.New("the disk is gone")
	for _, err := range index(r, 0, 24).Incidents(t.Context(), r) {
		require.ErrorIs(t, err, r.fail)
	}
}
