package otlp

import (
	"slices"
	"strconv"
	"time"

	"salve/bot"
)

// Commit is a Change that is on disk.
type Commit struct {
	Change  bot.Change
	Receipt bot.Receipt
	Began   time.Time // the write
	Ended   time.Time
	From    Link // what made the sender send, if it said so
}

// Committed takes the spans that a commit ends. It never waits and keeps nothing
// of the Commit but what it says.
func (e *Exporter) Committed(c Commit) {
	for _, t := range tallies(c) {
		if trace := e.traceOf(t.incident); !trace.IsZero() {
			e.put(e.receive(c, t, trace))
		}
	}
	decided := false
	for i := range c.Change.Events {
		ev := &c.Change.Events[i]
		trace := e.traceOf(ev.Incident)
		if trace.IsZero() {
			continue
		}
		if decides(ev) {
			if !decided {
				e.put(e.decide(c, ev, trace))
			}
			decided = true
			continue
		}
		e.told(c, ev, trace)
	}
}

// traceOf is the trace of an Incident; zero when it is not told.
func (e *Exporter) traceOf(id bot.IncidentID) bot.TraceID {
	if id == 0 {
		return bot.TraceID{}
	}
	if t := bot.TraceOf(e.opts.Origin, id); t.Sampled(e.opts.Sample) {
		return t
	}
	return bot.TraceID{}
}

// told makes the spans of one Event.
func (e *Exporter) told(c Commit, ev *bot.Event, trace bot.TraceID) {
	switch ev.Kind {
	case bot.EventApproved, bot.EventDenied, bot.EventExpired, bot.EventWithdrawn:
		for i := range c.Change.Approvals {
			if a := &c.Change.Approvals[i]; a.ID == ev.Approval {
				e.put(e.approval(a, trace))
			}
		}
	case bot.EventStepEnded, bot.EventStepUnknown, bot.EventRunUndoing, bot.EventCancelAsked, bot.EventRunWaiting, bot.EventRunEnded:
		for i := range c.Change.Runs {
			if r := &c.Change.Runs[i]; r.ID == ev.Run {
				e.runEvent(r, ev, trace)
			}
		}
	case bot.EventTaken, bot.EventReleased, bot.EventAssigned, bot.EventSnoozed, bot.EventClosed, bot.EventReopened,
		bot.EventMerged, bot.EventSplit, bot.EventHandover, bot.EventAsked, bot.EventEscalated, bot.EventStepSettled:
		e.put(e.moment(ev, trace))
	default: // it ends nothing
	}
}

// tally is what one delivery did to one Incident.
type tally struct {
	incident bot.IncidentID
	first    bot.Observation // the first that changed something
	at       time.Time       // when the newest of the alerts came in
	count    map[bot.Outcome]int64
}

// tallies counts the observations that changed something. A repeat has none, so
// that it makes no span.
func tallies(c Commit) []tally {
	var out []tally
	for i, o := range c.Receipt.Observed {
		if o.Outcome == bot.OutcomeRepeat || o.Outcome == bot.OutcomeStale || o.Incident == 0 {
			continue
		}
		at := slices.IndexFunc(out, func(t tally) bool { return t.incident == o.Incident })
		if at < 0 {
			if at = len(out); at == maxTallies {
				continue
			}
			out = append(out, tally{incident: o.Incident, first: o, count: map[bot.Outcome]int64{}})
		}
		out[at].count[o.Outcome]++
		if i < len(c.Change.Observed) && c.Change.Observed[i].ReceivedAt.After(out[at].at) {
			out[at].at = c.Change.Observed[i].ReceivedAt
		}
	}
	return out
}

// maxTallies is how many Incidents of one delivery are told of.
const maxTallies = 64

// receive is the span of a delivery. It begins when its alerts were read, which
// is also when the Event of it is: a payload that waited in quarantine began
// anew then.
func (e *Exporter) receive(c Commit, t tally, trace bot.TraceID) span {
	start, source := t.at, t.first.Key.Source
	if start.IsZero() {
		start = c.Began
	}
	key := "receive " + millis(start) + " " + t.first.Key.Fingerprint + " " + millis(t.first.Key.StartsAt) + " " + string(t.first.Outcome)
	s := e.newSpan(t.incident, trace, "receive", key)
	s.kind, s.start, s.end, s.link = kindServer, start, c.Ended, c.From
	s.add(text("http.request.method", "POST"), text("http.route", "/v1/hooks/"+source), text(attrSource, source),
		number("salve.alerts.new", t.count[bot.OutcomeNew]), number("salve.alerts.updated", t.count[bot.OutcomeUpdated]),
		number("salve.alerts.resolved", t.count[bot.OutcomeResolved]), took(attrCommit, c.Ended.Sub(c.Began)))
	return s
}

// decides reports whether an Event tells of a decision of the bot.
func decides(ev *bot.Event) bool {
	return ev.Kind == bot.EventDecided || ev.Kind == bot.EventProposed || ev.Kind == bot.EventRunPlanned && ev.Approval == 0
}

// maxVerdicts is how many candidates of a decision are told of.
const maxVerdicts = 20

// decide is the span of a decision. What it opens or starts names it by its
// time, which stands in those rows too.
func (e *Exporter) decide(c Commit, ev *bot.Event, trace bot.TraceID) span {
	s := e.newSpan(ev.Incident, trace, "decide", decideKey(ev.At))
	s.start, s.end = ev.At, c.Ended
	s.add(took(attrCommit, c.Ended.Sub(c.Began)))
	for i := range c.Change.Incidents {
		inc := &c.Change.Incidents[i]
		if inc.ID != ev.Incident {
			continue
		}
		s.add(text("salve.incident.title", inc.Title), text("salve.incident.severity", inc.Severity.String()),
			text("salve.incident.state", inc.State()), text(attrSource, inc.Source), number("salve.alerts.firing", inc.Firing))
		for _, candidate := range inc.Decision.Candidates[:min(len(inc.Decision.Candidates), maxVerdicts)] {
			s.events = append(s.events, verdict(candidate, ev.At))
		}
	}
	return s
}

func decideKey(at time.Time) string { return "decide " + millis(at) }

// verdict tells what the guard said about a candidate, without its reasons.
func verdict(c bot.Candidate, at time.Time) event {
	var rules []string
	for _, v := range c.Verdict.Children {
		if v.Ruling != bot.Allow && len(rules) < maxVerdicts {
			rules = append(rules, v.Rule+"="+string(v.Ruling))
		}
	}
	return event{name: "verdict", at: at, attrs: []attr{
		text(attrPlaybook, c.Playbook), text(attrTarget, c.Target), text("salve.verdict.ruling", c.Verdict.Ruling),
		list("salve.verdict.rules", rules),
	}}
}

// approval is the span of a question, from its opening to its decision.
func (e *Exporter) approval(a *bot.Approval, trace bot.TraceID) span {
	s := e.newSpan(a.Incident, trace, "approval", approvalKey(a.ID))
	s.parent, s.start, s.end = trace.Span(decideKey(a.OpenedAt)), a.OpenedAt, a.DecidedAt
	yes := 0
	for _, v := range a.Votes {
		if v.Yes {
			yes++
		}
	}
	s.add(text("salve.approval.id", a.ID.String()), text(attrPlan, a.Plan.String()), text(attrDigest, a.Digest),
		text(attrPlaybook, a.Playbook), text(attrTarget, a.Target), text("salve.approval.state", a.State),
		list("salve.approval.groups", a.Rule.Voters()), number("salve.approval.quorum", a.Rule.Quorum), number("salve.approval.yes", yes),
		text("salve.approval.decided_by", role(a)), text("salve.surface", a.DecidedBy.Surface))
	return s
}

func approvalKey(id bot.ApprovalID) string { return "approval " + id.String() }

// role is who decided, without a name.
func role(a *bot.Approval) string {
	switch {
	case a.DecidedBy.Person == "":
		return "salve"
	case a.State == bot.ApprovalApproved:
		return "approver"
	default:
		return "person"
	}
}

// moment is what a person did, or what was asked of people.
func (e *Exporter) moment(ev *bot.Event, trace bot.TraceID) span {
	s := e.newSpan(ev.Incident, trace, string(ev.Kind), string(ev.Kind)+" "+millis(ev.At)+" "+ev.Run.String())
	s.start, s.end = ev.At, ev.At
	if ev.Run != 0 {
		s.parent = trace.Run(ev.Run)
		s.add(text(attrRun, ev.Run.String()))
	}
	by := "salve"
	if ev.Actor.Person != "" {
		by = "person"
	}
	s.add(text("salve.by", by), text("salve.surface", ev.Actor.Surface))
	return s
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
