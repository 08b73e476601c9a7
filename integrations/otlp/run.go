package otlp

import (
	"net/url"
	"path"
	"slices"
	"strconv"
	"time"

	"salve/bot"
)

// runEvent makes the spans that an Event of a Run ends.
func (e *Exporter) runEvent(r *bot.Run, ev *bot.Event, trace bot.TraceID) {
	switch ev.Kind {
	case bot.EventStepEnded, bot.EventStepUnknown:
		undo := ev.Data["undo"] == "true"
		for i := range r.Steps {
			if s := &r.Steps[i]; s.ID == ev.Data["step"] && s.Undo == undo && !s.StartedAt.IsZero() {
				e.put(e.step(r, s, trace))
			}
		}
	case bot.EventRunWaiting:
		e.put(e.waiting(r, ev, trace))
	case bot.EventRunUndoing:
		e.verified(r, ev, trace)
	case bot.EventCancelAsked:
		if r.State == bot.RunUndoing {
			e.verified(r, ev, trace)
		}
	case bot.EventRunEnded:
		if !slices.ContainsFunc(r.Steps, func(s bot.Step) bool { return s.Undo }) {
			e.verified(r, ev, trace) // else it was told when the undoing began
		}
		e.put(e.run(r, trace))
	default: // it ends nothing
	}
}

// run is the span of a Run, from its planning to its end. It hangs from the
// approval that started it, else from the decision.
func (e *Exporter) run(r *bot.Run, trace bot.TraceID) span {
	s := e.newSpan(r.Incident, trace, "run", "")
	s.id, s.parent = trace.Run(r.ID), trace.Span(decideKey(r.CreatedAt))
	if r.Approval != 0 {
		s.parent = trace.Span(approvalKey(r.Approval))
	}
	s.start, s.end = r.CreatedAt, r.EndedAt
	by := "salve"
	if r.StartedBy.Person != "" {
		by = "approver"
	}
	s.add(text(attrRun, r.ID.String()), text(attrPlan, r.Plan.String()), text(attrDigest, r.Digest), text(attrPlaybook, r.Playbook),
		text(attrTarget, r.Target), text("salve.run.kind", r.Kind), text(attrRunState, r.State), text("salve.run.fix", r.Fix),
		text("salve.run.started_by", by))
	switch r.State {
	case bot.RunFixed:
		s.status = statusOK
	case bot.RunFailed, bot.RunNotFixed:
		s.status = statusError
		s.add(text("error.type", r.State))
	default: // nobody can tell, or it was cancelled
	}
	return s
}

// step is the span of one attempt of a step or of its undo.
func (e *Exporter) step(r *bot.Run, st *bot.Step, trace bot.TraceID) span {
	name := "step"
	if st.Undo {
		name = "undo"
	}
	attempt := strconv.Itoa(st.Attempt)
	s := e.newSpan(r.Incident, trace, name, name+" "+r.ID.String()+" "+st.ID+" "+attempt)
	s.parent, s.start, s.end = trace.Run(r.ID), st.StartedAt, st.EndedAt
	s.add(text(attrRun, r.ID.String()), text(attrPlaybook, r.Playbook), text(attrTarget, r.Target), text("salve.step.id", st.ID),
		number("salve.step.attempt", st.Attempt), text("salve.step.state", st.State))
	switch st.State {
	case bot.StepSucceeded:
		s.status = statusOK
	case bot.StepFailed:
		s.status = statusError
		s.add(text("error.type", "failed"))
	default: // unknown, or planned again because of that
		s.status = statusError
		s.add(text("error.type", "unknown"))
	}
	id, undo, answer := st.ID, st.Undo, st.Fields["status"]
	s.plan, s.complete = r.Plan, func(s *span, p *bot.Plan) {
		if spec := specOf(p, id, undo); spec != nil {
			s.act(spec, answer)
		}
	}
	return s
}

func specOf(p *bot.Plan, id string, undo bool) *bot.PlanStep {
	for i := range p.Steps {
		if s := &p.Steps[i]; s.ID == id {
			if undo {
				return s.Undo
			}
			return s
		}
	}
	return nil
}

// act adds what the step did it with: of a URL its host, of a command its
// program, and nothing of either's arguments.
func (s *span) act(spec *bot.PlanStep, answer string) {
	s.name += " " + spec.Action
	s.add(text("salve.step.action", spec.Action), text("salve.step.effect", string(spec.Effect)))
	if argv, ok := spec.Args["argv"].([]any); ok && len(argv) > 0 {
		if program, ok := argv[0].(string); ok {
			s.add(text("process.executable.name", path.Base(program)))
		}
	}
	raw, _ := spec.Args["url"].(string)
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" {
		return
	}
	s.kind = kindClient
	s.add(text("server.address", u.Hostname()), text("url.scheme", u.Scheme))
	if port, err := strconv.Atoi(u.Port()); err == nil {
		s.add(number("server.port", port))
	}
	if method, _ := spec.Args["method"].(string); method != "" {
		s.add(text("http.request.method", method))
	}
	if code, err := strconv.Atoi(answer); err == nil {
		s.add(number("http.response.status_code", code))
	}
}

// waiting marks that a Run began to wait for a person.
func (e *Exporter) waiting(r *bot.Run, ev *bot.Event, trace bot.TraceID) span {
	s := e.newSpan(r.Incident, trace, "waits for a person", "waiting "+r.ID.String()+" "+millis(ev.At))
	s.parent, s.start, s.end = trace.Run(r.ID), ev.At, ev.At
	s.add(text(attrRun, r.ID.String()), text(attrTarget, r.Target))
	return s
}

// verified queues the span of a verification that is over, if there was one.
func (e *Exporter) verified(r *bot.Run, ev *bot.Event, trace bot.TraceID) {
	if r.VerifyBy.IsZero() {
		return
	}
	s := e.newSpan(r.Incident, trace, "verify", "verify "+r.ID.String())
	s.parent, s.start, s.end = trace.Run(r.ID), ev.At, ev.At
	s.add(text(attrRun, r.ID.String()), text(attrPlaybook, r.Playbook), text(attrTarget, r.Target), text("salve.run.fix", r.Fix))
	for _, c := range r.Checks[:min(len(r.Checks), maxVerdicts)] {
		s.events = append(s.events, event{name: "check", at: c.At, attrs: []attr{text("salve.check.id", c.ID), text("salve.check.result", c.Fix)}})
	}
	switch r.Fix {
	case bot.FixYes:
		s.status = statusOK
	case bot.FixNo:
		s.status = statusError
		s.add(text("error.type", "not fixed"))
	default: // it could not tell
	}
	by := r.VerifyBy
	s.plan, s.complete = r.Plan, func(s *span, p *bot.Plan) {
		if p.Verify != nil {
			s.start = began(by, p.Verify.Within.Std(), s.end)
		}
	}
	e.put(s)
}

// began is when a verification began that had to be over by then.
func began(by time.Time, within time.Duration, end time.Time) time.Time {
	if at := by.Add(-within); at.Before(end) {
		return at
	}
	return end
}
