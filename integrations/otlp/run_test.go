package otlp_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/otlp"
	"salve/integrations/otlp/otlptest"
)

var grace = bot.Actor{Person: "grace", Name: "Grace Hopper", Surface: "console"}

// tell commits events at a second, with rows.
func (w *world) tell(second int, change bot.Change, events ...bot.Event) {
	for i := range events {
		events[i].At, events[i].Incident = at(second), 1
	}
	change.Events = events
	w.Committed(otlp.Commit{Change: change, Began: at(second), Ended: at(second).Add(2 * time.Millisecond)})
}

func stepEnded(id, undo string) bot.Event {
	return bot.Event{Kind: bot.EventStepEnded, Run: 5, Data: map[string]string{"step": id, "undo": undo}}
}

// begin tells all up to a run that two people were asked about.
func (w *world) begin() (bot.Approval, bot.Run) {
	w.Committed(delivery(1, bot.OutcomeNew))
	ask := bot.Approval{ID: 3, Incident: 1, Plan: 7, Digest: "3fa9c1d2", Playbook: "heal", Target: "shop", State: bot.ApprovalPending,
		Rule: bot.ApprovalRule{Approvers: []string{"oncall"}, Quorum: 2}, OpenedAt: at(1)}
	w.tell(1, bot.Change{Approvals: []bot.Approval{ask}}, bot.Event{Kind: bot.EventDecided}, bot.Event{Kind: bot.EventProposed, Approval: 3})
	ask.State, ask.DecidedAt, ask.DecidedBy = bot.ApprovalApproved, at(10), grace
	ask.Votes = []bot.Vote{{Person: "ada", Name: "Ada", Yes: true}, {Person: "grace", Name: "Grace Hopper", Yes: true}}
	run := bot.Run{ID: 5, Incident: 1, Plan: 7, Approval: 3, Playbook: "heal", Target: "shop", State: bot.RunPlanned, Kind: bot.PlanRespond, CreatedAt: at(10), StartedBy: grace}
	w.tell(10, bot.Change{Approvals: []bot.Approval{ask}, Runs: []bot.Run{run}},
		bot.Event{Kind: bot.EventApproved, Approval: 3, Actor: grace}, bot.Event{Kind: bot.EventRunPlanned, Approval: 3, Run: 5, Actor: grace})
	return ask, run
}

func step(id string, state bot.StepState, from, to int) bot.Step {
	return bot.Step{ID: id, State: state, Attempt: 1, StartedAt: at(from), EndedAt: at(to)}
}

func TestARunThatDidNotHelpIsToldWithItsUndoing(t *testing.T) {
	t.Parallel()
	w := open(t, otlp.Options{}).run(t)
	_, run := w.begin()
	run.Steps = []bot.Step{step("drain", bot.StepPlanned, 11, 12), {ID: "restart", State: bot.StepPlanned}}
	w.tell(12, bot.Change{Runs: []bot.Run{run}}, stepEnded("drain", "")) // nobody knows, and it may be repeated
	again := step("drain", bot.StepSucceeded, 14, 15)
	again.Attempt, again.Fields = 2, map[string]string{"status": "204"}
	run.Steps = []bot.Step{again, step("restart", bot.StepSucceeded, 16, 18)}
	w.tell(15, bot.Change{Runs: []bot.Run{run}}, stepEnded("drain", ""))
	w.tell(18, bot.Change{Runs: []bot.Run{run}}, stepEnded("restart", ""), bot.Event{Kind: bot.EventRunVerifying, Run: 5})
	run.VerifyBy, run.Fix, run.State, run.Ending = at(78), bot.FixNo, bot.RunUndoing, bot.RunNotFixed
	run.Checks = []bot.CheckResult{{ID: "healthy", Fix: bot.FixNo, Reason: "status was " + token, At: at(77)}}
	w.tell(78, bot.Change{Runs: []bot.Run{run}}, bot.Event{Kind: bot.EventRunUndoing, Run: 5})
	undo := step("restart", bot.StepFailed, 79, 80)
	undo.Undo, undo.Error = true, "no "+token
	run.Steps, run.State = append(run.Steps, undo), bot.RunWaiting
	w.tell(80, bot.Change{Runs: []bot.Run{run}}, stepEnded("restart", "true"), bot.Event{Kind: bot.EventRunWaiting, Run: 5})
	run.State, run.EndedAt = bot.RunNotFixed, at(90)
	w.tell(90, bot.Change{Runs: []bot.Run{run}}, bot.Event{Kind: bot.EventStepSettled, Run: 5, Actor: grace}, bot.Event{Kind: bot.EventRunEnded, Run: 5})
	spans := w.spans()
	require.NoError(t, otlptest.Check(spans))
	require.Equal(t, `incident
  receive
  decide
    approval approved approver
      run not_fixed not_fixed
        step http planned unknown
        step http succeeded
        step command succeeded
        verify not fixed
        undo wait failed failed
        waits for a person
        step.settled person
`, otlptest.Tree(spans, "salve.approval.state", "salve.approval.decided_by", "salve.run.state", "salve.step.state", "error.type", "salve.by"))
	named := map[string]otlptest.Span{}
	for _, s := range spans {
		named[s.Name] = s
		for _, v := range s.Attrs {
			require.NotContains(t, v, token)
			require.NotContains(t, v, "Grace")
			require.NotContains(t, v, "Ada")
		}
	}
	require.Equal(t, []time.Time{at(18), at(78)}, []time.Time{named["verify"].Start, named["verify"].End})
	require.Equal(t, []string{"check salve.check.id=healthy salve.check.result=not fixed"}, named["verify"].Events)
	require.Equal(t, map[string]string{
		"salve.incident.id": "I-1", "salve.run.id": "R-5", "salve.playbook": "heal", "salve.target": "shop", "salve.step.id": "drain",
		"salve.step.attempt": "2", "salve.step.state": "succeeded", "salve.step.action": "http", "http.request.method": "PUT",
		"server.address": "shop.example.com", "server.port": "8443", "url.scheme": "https", "http.response.status_code": "204",
	}, named["step http"].Attrs)
	require.Equal(t, "systemctl", named["step command"].Attrs["process.executable.name"])
	require.Equal(t, []string{"2", "2", "oncall", "console"}, []string{named["approval"].Attrs["salve.approval.quorum"],
		named["approval"].Attrs["salve.approval.yes"], named["approval"].Attrs["salve.approval.groups"], named["approval"].Attrs["salve.surface"]})
}

func TestHowARunEndsShowsInItsStatus(t *testing.T) {
	t.Parallel()
	for state, want := range map[bot.RunState]string{
		bot.RunFixed: "ok", bot.RunNotFixed: "error", bot.RunFailed: "error", bot.RunUnverified: "unset", bot.RunCancelled: "unset",
	} {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			w := open(t, otlp.Options{}).run(t)
			run := bot.Run{ID: 5, Incident: 1, Plan: 99, State: state, CreatedAt: at(1), EndedAt: at(5), Steps: []bot.Step{step("drain", bot.StepUnknown, 2, 3)}}
			w.tell(1, bot.Change{}, bot.Event{Kind: bot.EventRunPlanned, Run: 5})
			w.tell(3, bot.Change{Runs: []bot.Run{run}}, bot.Event{Kind: bot.EventStepUnknown, Run: 5, Data: map[string]string{"step": "drain"}})
			w.tell(5, bot.Change{Runs: []bot.Run{run}}, bot.Event{Kind: bot.EventRunEnded, Run: 5})
			spans := w.spans()
			require.NoError(t, otlptest.Check(spans))
			require.Equal(t, "incident unset\n  decide unset\n    run "+want+"\n      step error\n", tree(spans), "its plan cannot be read")
		})
	}
}

// tree draws spans with their status.
func tree(spans []otlptest.Span) string {
	for _, s := range spans {
		s.Attrs["status"] = s.Status
	}
	return otlptest.Tree(spans, "status")
}

func TestAQuestionThatNobodyAnsweredIsToldToo(t *testing.T) {
	t.Parallel()
	for state, kind := range map[bot.ApprovalState]bot.EventKind{
		bot.ApprovalDenied: bot.EventDenied, bot.ApprovalExpired: bot.EventExpired, bot.ApprovalWithdrawn: bot.EventWithdrawn,
	} {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			w := open(t, otlp.Options{}).run(t)
			by := map[bool]bot.Actor{true: grace, false: bot.Salve}[state == bot.ApprovalDenied]
			a := bot.Approval{ID: 3, Incident: 1, State: state, OpenedAt: at(1), DecidedAt: at(9), DecidedBy: by, Reason: "Grace said so"}
			w.tell(1, bot.Change{}, bot.Event{Kind: bot.EventProposed, Approval: 3})
			w.tell(9, bot.Change{Approvals: []bot.Approval{a, {ID: 4, Incident: 1}}}, bot.Event{Kind: kind, Approval: 3, Actor: by},
				bot.Event{Kind: bot.EventClosed, Actor: grace, Text: "Grace closed it"})
			spans := w.spans()
			require.NoError(t, otlptest.Check(spans))
			require.Equal(t, "incident\n  decide\n    approval "+string(state)+" "+map[bool]string{true: "person", false: "salve"}[by == grace]+"\n  incident.closed person\n",
				otlptest.Tree(spans, "salve.approval.state", "salve.approval.decided_by", "salve.by"))
			for _, s := range spans {
				for _, v := range s.Attrs {
					require.NotContains(t, v, "Grace")
				}
			}
		})
	}
}
