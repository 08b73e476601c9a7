package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/audit"
)

func TestABrokenPromiseAboutAnAlertIsFound(t *testing.T) {
	t.Parallel()
	over, waits := []bot.Run{{ID: 1, State: bot.RunUnverified}}, []bot.Run{{ID: 1, State: bot.RunWaiting}}
	under := func(kind string, keys ...string) (out []call) {
		for _, k := range keys {
			out = append(out, call{kind: kind, key: k})
		}
		return out
	}
	tests := []struct {
		name string
		fate fate
		want string
	}{
		{"lost", fate{kind: none}, "acknowledged and is lost"},
		{"two keys", fate{kind: keyed, known: true, runs: over, calls: under(keyed, "k1", "k2")}, "under 2 keys"},
		{"no key", fate{kind: keyed, known: true, runs: over, calls: under(keyed, "")}, "under 1 keys"},
		{"no playbook", fate{kind: none, known: true, calls: under(none, "k")}, "without a playbook"},
		{"planned without a playbook", fate{kind: none, known: true, runs: over}, "without a playbook"},
		{"another playbook", fate{kind: unsafe, known: true, runs: over, calls: under(keyed, "k")}, "the playbook for keyed acted"},
		{"never taken", fate{kind: keyed, known: true, runs: over}, "never taken"},
		{"cut off again and again", fate{kind: keyed, known: true, runs: waits}, ""},
		{"twice", fate{kind: unsafe, known: true, runs: over, calls: under(unsafe, "k", "k")}, "done 2 times"},
		{"approved and twice", fate{kind: asked, known: true, runs: over, calls: under(asked, "k", "k")}, "done 2 times"},
		{"two runs", fate{kind: keyed, known: true, runs: append(over, waits...), calls: under(keyed, "k")}, "2 runs"},
		{"forgotten", fate{kind: unsafe, known: true}, "nobody is asked"},
		{"approved and forgotten", fate{kind: asked, known: true, runs: over}, "nobody is asked"},
		{"left to a person", fate{kind: unsafe, known: true, runs: waits}, ""},
		{"done once", fate{kind: unsafe, known: true, runs: over, calls: under(unsafe, "k")}, ""},
		{"repeated under its key", fate{kind: keyed, known: true, runs: over, calls: under(keyed, "k", "k", "k")}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.fate.uid, tt.fate.acked = "u", true
			said(t, tt.fate.check(), tt.want)
		})
	}
	said(t, fate{uid: "u", kind: unsafe, calls: under(unsafe, "k")}.check(), "it is not on disk")
	said(t, fate{uid: "u", kind: unsafe}.check(), "")
}

func said(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" {
		require.NoError(t, err)
		return
	}
	require.ErrorContains(t, err, want)
}

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// story is one alert whose step was approved and done, as it should be.
func story(t *testing.T) evidence {
	t.Helper()
	plan := bot.Plan{ID: 1, Playbook: "torture-asked", Target: "u"}
	var err error
	plan.Digest, err = plan.ComputeDigest()
	require.NoError(t, err)
	told := map[string]string{"digest": string(plan.Digest)}
	ev := evidence{
		sent: map[string]string{"u": asked}, acked: map[string]string{"u": asked}, known: map[string]bool{"u": true},
		said:  map[bot.ApprovalID][]bot.RunID{1: {1}},
		calls: map[string][]call{"u": {{kind: asked, key: "k", at: noon.Add(time.Second)}}},
		runs: []bot.Run{{
			ID: 1, Plan: 1, Approval: 1, Digest: plan.Digest, Target: "u", State: bot.RunUnverified,
			Steps: []bot.Step{{ID: "call", State: bot.StepSucceeded, Attempt: 1, Key: "k"}},
		}},
		plans: map[bot.PlanID]bot.Plan{1: plan},
		approvals: map[bot.ApprovalID]bot.Approval{1: {
			ID: 1, Plan: 1, Digest: plan.Digest, State: bot.ApprovalApproved, Rule: bot.ApprovalRule{Quorum: 1},
			Votes: []bot.Vote{{Person: "clicker1", Digest: plan.Digest, Yes: true}},
		}},
		audit: newTrail(),
	}
	for _, e := range []bot.Event{
		{Seq: 1, Kind: bot.EventApproved, Approval: 1, Data: told},
		{Seq: 2, Kind: bot.EventRunPlanned, Approval: 1, Run: 1},
		{Seq: 3, Kind: bot.EventStepStarted, Approval: 1, Run: 1, At: noon, Data: map[string]string{"step": "call", "attempt": "1", "key": "k", "digest": string(plan.Digest)}},
	} {
		ev.audit.take(e)
	}
	return ev
}

func TestABrokenPromiseAboutARunIsFound(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		spoil func(*evidence)
		want  string
	}{
		{"nothing", func(*evidence) {}, ""},
		{"stuck", func(ev *evidence) { ev.runs[0].State = bot.RunRunning }, "it is stuck"},
		{"a call out of nowhere", func(ev *evidence) { ev.calls["x"] = []call{{}} }, "which nobody sent"},
		{"a call before its step", func(ev *evidence) { ev.calls["u"][0].at = noon.Add(-time.Second) }, "before its step was started"},
		{"a call under another key", func(ev *evidence) { ev.calls["u"][0].key = "j" }, "bore key"},
		{"a step off the record", func(ev *evidence) { ev.audit.started[1] = nil }, "1 steps were started, and the audit tells of 0"},
		{"a plan off the record", func(ev *evidence) { ev.audit.planned[1] = nil }, "no earlier one plans"},
		{"planned afterwards", func(ev *evidence) { ev.audit.planned[1][0].Seq = 9 }, "no earlier one plans"},
		{"approved afterwards", func(ev *evidence) { ev.audit.approved[1][0].Seq = 9 }, "no earlier one approves"},
		{"not asked", func(ev *evidence) { ev.runs[0].Approval = 0 }, "its approval is"},
		{"another plan ran", func(ev *evidence) { ev.runs[0].Digest = "d" }, "ran"},
		{"the plan was changed", func(ev *evidence) { p := ev.plans[1]; p.Target = "v"; ev.plans[1] = p }, "says of itself"},
		{"another digest was approved", func(ev *evidence) { ev.audit.approved[1][0].Data["digest"] = "d" }, "is about digest d"},
		{"another digest was voted on", func(ev *evidence) { ev.approvals[1].Votes[0].Digest = "d" }, "voted on d"},
		{"decided twice", func(ev *evidence) { ev.audit.decisions[1]++ }, "tells of 2 decisions"},
		{"told twice", func(ev *evidence) { ev.said[1] = []bot.RunID{1, 2} }, "2 people were told"},
		{"told of another run", func(ev *evidence) { ev.said[1] = []bot.RunID{2} }, "was told R-2"},
		{"told of what is lost", func(ev *evidence) { ev.said[2] = []bot.RunID{2} }, "A-2 was decided and is lost"},
		{"a decision about nothing", func(ev *evidence) { ev.audit.decisions[3] = 1 }, "about A-3, which is not there"},
		{"approved without a run", func(ev *evidence) { ev.runs = nil }, "A-1 is approved and has 0 runs"},
		{"a chain that does not prove", func(ev *evidence) { ev.proof.Faults = []audit.Fault{{Kind: audit.Missing}} }, "does not prove"},
		{"a call of what was taken back", func(ev *evidence) {
			ev.audit.take(bot.Event{Seq: 4, Kind: bot.EventStepEnded, Run: 1, Data: map[string]string{"state": "planned", "step": "call", "attempt": "0"}})
		}, "1 steps were started, and the audit tells of 0"},
		{"nobody voted", func(ev *evidence) { a := ev.approvals[1]; a.Votes = nil; ev.approvals[1] = a }, "approved by 0 people"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ev := story(t)
			tt.spoil(&ev)
			var rep Report
			said(t, errors.Join(rep.check(ev)...), tt.want)
		})
	}
}

func TestAReportSaysWhatWasFound(t *testing.T) {
	t.Parallel()
	ev := story(t)
	rep := Report{Kills: 2, Recovered: []recovery{{fault: "stop", others: time.Second}, {fault: "stop", ready: 2 * time.Second}}, Acked: 1}
	require.Empty(t, rep.check(ev))
	require.Equal(t, 1, rep.Calls)
	require.Equal(t, 1, rep.Decisions)
	require.Equal(t, []recovery{{fault: "stop", others: time.Second, ready: 2 * time.Second}}, longest(rep.Recovered))
	require.Contains(t, rep.String(), "stop")
	require.Len(t, strings.Split(few(make12()).Error(), "\n"), 11)
}

func make12() (out []error) {
	for range 12 {
		out = append(out, errors.New("x"))
	}
	return out
}
