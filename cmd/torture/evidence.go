package main

import (
	"time"

	"salve/bot"
	"salve/bot/audit"
)

// evidence is all that a verdict rests on: what those outside were told, what
// the far end saw, and what is on disk.
type evidence struct {
	sent  map[string]string              // every alert that was posted, with its kind
	acked map[string]string              // those that were acknowledged
	said  map[bot.ApprovalID][]bot.RunID // decisions that people were told they made
	calls map[string][]call              // by uid

	known     map[string]bool // alerts on disk
	runs      []bot.Run
	plans     map[bot.PlanID]bot.Plan // those of the runs
	approvals map[bot.ApprovalID]bot.Approval
	audit     *trail
	proof     audit.Report
}

// byTarget gives the runs for each alert.
func (e evidence) byTarget() map[string][]bot.Run {
	out := map[string][]bot.Run{}
	for _, r := range e.runs {
		out[r.Target] = append(out[r.Target], r)
	}
	return out
}

// trail is what the audit tells, in the order of its chain.
type trail struct {
	planned   map[bot.RunID][]bot.Event
	started   map[bot.RunID][]bot.Event      // step.started, but for those that were taken back before they began
	approved  map[bot.ApprovalID][]bot.Event // approval.approved
	decisions map[bot.ApprovalID]int         // Events that decide
}

func newTrail() *trail {
	return &trail{
		planned: map[bot.RunID][]bot.Event{}, started: map[bot.RunID][]bot.Event{},
		approved: map[bot.ApprovalID][]bot.Event{}, decisions: map[bot.ApprovalID]int{},
	}
}

func (t *trail) take(e bot.Event) {
	switch e.Kind {
	case bot.EventRunPlanned:
		t.planned[e.Run] = append(t.planned[e.Run], e)
	case bot.EventStepStarted:
		t.started[e.Run] = append(t.started[e.Run], e)
	case bot.EventStepEnded:
		t.takeBack(e)
	case bot.EventApproved:
		t.approved[e.Approval] = append(t.approved[e.Approval], e)
		t.decisions[e.Approval]++
	case bot.EventDenied, bot.EventExpired, bot.EventWithdrawn:
		t.decisions[e.Approval]++
	}
}

// takeBack drops the last start of a run when the Event says that it was not
// begun after all: the step is planned again, and has one attempt less.
func (t *trail) takeBack(e bot.Event) {
	all := t.started[e.Run]
	if len(all) == 0 || e.Data["state"] != string(bot.StepPlanned) {
		return
	}
	last := all[len(all)-1]
	if e.Data["step"] == last.Data["step"] && e.Data["attempt"] < last.Data["attempt"] { // of one digit each
		t.started[e.Run] = all[:len(all)-1]
	}
}

// before reports whether one of the Events stands before a number.
func before(events []bot.Event, seq int64) bool {
	return len(events) > 0 && events[0].Seq < seq
}

// notBefore reports whether a call came when its step was started on record, or
// later. Events are kept to the millisecond.
func notBefore(at time.Time, e bot.Event) bool { return !at.Before(e.At) }
