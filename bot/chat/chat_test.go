package chat_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/chat"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const digest = bot.Digest("3fa9c1d2e4b5a6978899aabbccddeeff00112233445566778899aabbccddeeff")

var (
	began = time.Date(2026, 3, 14, 3, 0, 0, 0, time.UTC)
	now   = began.Add(10 * time.Minute)

	unknown   = bot.Person{}
	viewer    = bot.Person{ID: "vera", Name: "Vera", Roles: []bot.Role{bot.RoleViewer}}
	responder = bot.Person{ID: "rob", Name: "Rob", Roles: []bot.Role{bot.RoleResponder}}
	approver  = bot.Person{ID: "alice", Name: "Alice", Roles: []bot.Role{bot.RoleResponder}, Groups: []string{"oncall"}}
	voter     = bot.Person{ID: "vic", Name: "Vic", Roles: []bot.Role{bot.RoleViewer}, Groups: []string{"oncall"}}
	admin     = bot.Person{ID: "adam", Name: "Adam", Roles: []bot.Role{bot.RoleAdmin}}
	disabled  = bot.Person{ID: "dora", Name: "Dora", Roles: []bot.Role{bot.RoleResponder}, Groups: []string{"oncall"}, Disabled: true}
)

// came is an Incident that just came in.
func came() chat.State {
	return chat.State{
		Incident: bot.Incident{ID: 142, Version: 1, FoldRev: 1, Fold: bot.Fold{
			Source: "alertmanager/prod", Title: "ServiceHangs: shop-1", Severity: bot.SeverityHigh, Firing: 2, Total: 2, FirstAt: began, LastAt: began,
		}},
		Alerts: []bot.Alert{{AlertKey: bot.AlertKey{Source: "alertmanager/prod", Fingerprint: "a1b2", StartsAt: began}, State: bot.AlertFiring,
			Annotations: map[string]string{"runbook_url": "https://runbooks.example.org/hangs"}}},
		Events:    []bot.Event{{Seq: 5, At: began, Kind: bot.EventAlerts, Actor: bot.Actor{Name: "alertmanager/prod"}, Text: "2 alerts came in"}},
		Playbooks: []bot.Playbook{{Name: "service-restart", Runbook: "https://runbooks.example.org/restart", Checklist: []string{"Look at the dashboard.", "Restart it by hand."}}},
	}
}

func plan() bot.Plan {
	return bot.Plan{
		ID: 7, Incident: 142, Kind: bot.PlanRespond, Playbook: "service-restart", Target: "shop-1", Digest: digest,
		Rule: bot.ApprovalRule{Approvers: []string{"oncall"}, Quorum: 1},
		Steps: []bot.PlanStep{
			{ID: "drain", Title: "Take it out of the balancer", Effect: bot.EffectChanges, Undo: &bot.PlanStep{ID: "drain"}},
			{ID: "restart", Effect: bot.EffectChanges}, {ID: "warm", Effect: bot.EffectReads},
		},
	}
}

func decided(s chat.State, v bot.Verdict) chat.State {
	s.Incident.Decision = bot.Decision{At: began.Add(time.Second), Targets: []string{"shop-1"}, Candidates: []bot.Candidate{{Playbook: "service-restart", Target: "shop-1", Verdict: v}}}
	s.Incident.Diagnosis = bot.Diagnosis{At: began.Add(time.Second), Summary: "Memory ran out."}
	return s
}

func asked(change ...func(*bot.Approval)) chat.State {
	v := bot.Judge("guard", bot.Verdict{Ruling: bot.AskPerson, Rule: "severity", Reason: "high is not below high"})
	s := decided(came(), v)
	a := bot.Approval{ID: 7, Incident: 142, Plan: 7, Digest: digest, Playbook: "service-restart", Target: "shop-1", State: bot.ApprovalPending,
		Rule: plan().Rule, Verdict: v, OpenedAt: began.Add(2 * time.Second), ExpiresAt: began.Add(30 * time.Minute)}
	for _, c := range change {
		c(&a)
	}
	s.Plans, s.Approvals = []bot.Plan{plan()}, []bot.Approval{a}
	return s
}

func close7(state bot.ApprovalState, by, reason string) func(*bot.Approval) {
	return func(a *bot.Approval) {
		a.State, a.Reason, a.DecidedAt = state, reason, began.Add(5*time.Minute)
		if by != "" {
			a.DecidedBy = bot.Actor{Person: bot.PersonID(strings.ToLower(by)), Name: by}
		}
	}
}

func step(id string, s bot.StepState) bot.Step { return bot.Step{ID: id, State: s, Attempt: 1} }

func ran(state bot.RunState, steps ...bot.Step) chat.State {
	s := asked(close7(bot.ApprovalApproved, "Alice", ""))
	r := bot.Run{ID: 88, Incident: 142, Plan: 7, Approval: 7, Digest: digest, Kind: bot.PlanRespond, Playbook: "service-restart", Target: "shop-1",
		State: state, Steps: steps, CreatedAt: began.Add(5 * time.Minute)}
	if !state.Active() {
		r.EndedAt, r.UndoUntil = began.Add(7*time.Minute), began.Add(24*time.Hour)
	}
	s.Runs = []bot.Run{r}
	return s
}

func with(s chat.State, change func(*chat.State)) chat.State {
	change(&s)
	return s
}

var done = []bot.Step{step("drain", bot.StepSucceeded), step("restart", bot.StepSucceeded), step("warm", bot.StepSucceeded)}

type scene struct {
	name  string
	state chat.State
	phase bot.Phase
}

func scenes() []scene {
	undo := step("drain", bot.StepSucceeded)
	undo.Undo = true
	deny := func(rule, why string, retry time.Time) bot.Verdict {
		return bot.Judge("guard", bot.Verdict{Ruling: bot.Deny, Rule: rule, Reason: why, RetryAt: retry})
	}
	halt := bot.Halt{Scope: bot.HaltAll, By: bot.Actor{Name: "Rob"}, Reason: "the network is down", At: began}
	return []scene{
		{"just-came-in", came(), bot.PhaseLooking},
		{"waiting-for-approval", asked(), bot.PhaseAsking},
		{"running-step-2-of-3", ran(bot.RunRunning, step("drain", bot.StepSucceeded), step("restart", bot.StepStarted), step("warm", bot.StepPlanned)), bot.PhaseRunning},
		{"verifying", with(ran(bot.RunVerifying, done...), func(s *chat.State) { s.Runs[0].VerifyBy = began.Add(8 * time.Minute) }), bot.PhaseVerifying},
		{"fixed", ran(bot.RunFixed, done...), bot.PhaseFixed},
		{"not-fixed-undone", with(ran(bot.RunNotFixed, append(done, undo)...), func(s *chat.State) { s.Runs[0].Reason = "answers: status 503" }), bot.PhaseNeedsPerson},
		{"failed", with(ran(bot.RunFailed, step("drain", bot.StepFailed)), func(s *chat.State) { s.Runs[0].Reason = "step drain: HTTP 500" }), bot.PhaseNeedsPerson},
		{"unverified", ran(bot.RunUnverified, done...), bot.PhaseNeedsPerson},
		{"cancelled", with(ran(bot.RunCancelled, step("drain", bot.StepSkipped)), func(s *chat.State) { s.Runs[0].Reason = "Rob asked for it" }), bot.PhaseNeedsPerson},
		{"unknown-step", ran(bot.RunWaiting, step("drain", bot.StepSucceeded), step("restart", bot.StepUnknown), step("warm", bot.StepPlanned)), bot.PhaseNeedsPerson},
		{"undo-failed", with(ran(bot.RunWaiting, step("drain", bot.StepSucceeded), step("restart", bot.StepFailed), bot.Step{ID: "drain", Undo: true, State: bot.StepFailed}), func(s *chat.State) {
			s.Runs[0].Ending, s.Runs[0].Reason = bot.RunFailed, "the undo of drain failed"
		}), bot.PhaseNeedsPerson},
		{"nothing-fits", with(came(), func(s *chat.State) {
			s.Incident.Decision.At = began
			s.Nearest = &bot.CardNearest{Playbook: "service-restart", WhyNot: `labels["alertname"] is "Cert", not "ServiceHangs"`}
		}), bot.PhaseNeedsPerson},
		{"cooling-down", decided(came(), deny("cooldown", "it ran here 3m ago, cooldown is 10m", began.Add(20*time.Minute))), bot.PhaseWatching},
		{"observing", decided(came(), deny("mode", "mode observe: it never acts", time.Time{})), bot.PhaseWatching},
		{"denied-by-a-guardrail", decided(came(), deny("target", "shop-1 is not an allowed target", time.Time{})), bot.PhaseNeedsPerson},
		{"about-to-act", decided(came(), bot.Verdict{Ruling: bot.Allow, Rule: "guard", Reason: "low is below high"}), bot.PhaseLooking},
		{"taken", with(asked(close7(bot.ApprovalWithdrawn, "", "Rob took the incident")), func(s *chat.State) {
			s.Incident.Owner, s.Incident.OwnerName = "rob", "Rob"
		}), bot.PhaseTaken},
		{"snoozed", with(came(), func(s *chat.State) { s.Incident.SnoozedUntil = began.Add(time.Hour) }), bot.PhaseSnoozed},
		{"denied", asked(close7(bot.ApprovalDenied, "Bob", "it is peak time.")), bot.PhaseNeedsPerson},
		{"expired", asked(close7(bot.ApprovalExpired, "", "")), bot.PhaseNeedsPerson},
		{"resolved", with(came(), func(s *chat.State) { s.Incident.Firing, s.Incident.ResolvedAt = 0, began.Add(4*time.Minute) }), bot.PhaseResolved},
		{"closed", with(came(), func(s *chat.State) {
			s.Incident.ClosedAt, s.Incident.CloseReason = began.Add(9*time.Minute), "false alarm"
		}), bot.PhaseClosed},
		{"merged", with(came(), func(s *chat.State) { s.Incident.MergedInto = 140 }), bot.PhaseClosed},
		{"halted-run", with(ran(bot.RunWaiting, step("drain", bot.StepSucceeded), step("restart", bot.StepPlanned), step("warm", bot.StepPlanned)), func(s *chat.State) {
			s.Halts, s.Runs[0].Reason = []bot.Halt{halt}, "halted by Rob"
		}), bot.PhaseNeedsPerson},
		{"halt-was-lifted", with(ran(bot.RunWaiting, step("drain", bot.StepSucceeded), step("restart", bot.StepPlanned)), func(s *chat.State) { s.Runs[0].Reason = "halted by Rob" }), bot.PhaseNeedsPerson},
		{"halted-before-anything", with(decided(came(), deny("halt", "halted by Rob", time.Time{})), func(s *chat.State) { s.Halts = []bot.Halt{halt} }), bot.PhaseNeedsPerson},
		{"waiting-while-halted", with(asked(), func(s *chat.State) {
			s.Halts = []bot.Halt{{Scope: bot.HaltTarget, Name: "shop-1", By: bot.Actor{Name: "Rob"}}}
		}), bot.PhaseAsking},
		{"undoing", with(ran(bot.RunUndoing, step("drain", bot.StepSucceeded), step("restart", bot.StepFailed), undo), func(s *chat.State) { s.Runs[0].Reason = "step restart failed" }), bot.PhaseRunning},
		{"quorum-of-two", asked(func(a *bot.Approval) {
			a.Rule.Quorum, a.Votes = 2, []bot.Vote{{Person: "carol", Name: "Carol", Yes: true, Digest: a.Digest}}
		}), bot.PhaseAsking},
		{"second-group", asked(func(a *bot.Approval) {
			a.Rule.Also, a.Votes = []string{"security"}, []bot.Vote{{Person: "carol", Name: "Carol", Yes: true, Digest: a.Digest, Groups: []string{"oncall"}}}
		}), bot.PhaseAsking},
		{"undone-later", with(ran(bot.RunFixed, done...), func(s *chat.State) {
			s.Runs[0].UndoneBy = 90
			s.Runs = append(s.Runs, bot.Run{ID: 90, Incident: 142, Kind: bot.PlanUndo, Playbook: "service-restart", Target: "shop-1", State: bot.RunUnverified, EndedAt: began.Add(9 * time.Minute)})
		}), bot.PhaseNeedsPerson},
	}
}

func TestCardsAsPeopleReadThem(t *testing.T) {
	t.Parallel()
	for _, sc := range scenes() {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			card := chat.Card(sc.state, approver, now)
			require.Equal(t, sc.phase, card.Phase)
			golden(t, sc.name, text(card))
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err, "run go test -update, then read what it wrote")
	require.Equal(t, string(want), got)
}

// text writes a card as a surface without colours would.
func text(c bot.Card) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s [%s] %s, %s, %d of %d firing, revision %d\n", c.Incident, c.Title, c.Severity, c.Phase, c.State, c.Firing, c.Total, c.Revision)
	fmt.Fprintf(&b, "%s\n", c.Headline)
	if c.Owner != "" {
		fmt.Fprintf(&b, "owner: %s\n", c.Owner)
	}
	if !c.SnoozedUntil.IsZero() {
		fmt.Fprintf(&b, "snoozed until: %s\n", c.SnoozedUntil.Format(time.RFC3339))
	}
	if c.Diagnosis.Summary != "" {
		fmt.Fprintf(&b, "cause: %s\n", c.Diagnosis.Summary)
	}
	for _, p := range c.Proposals {
		fmt.Fprintf(&b, "proposal: %s %s on %s, %s, %s", p.Approval.Digest.Short(), p.Plan.Playbook, p.Plan.Target, p.Approval.State, p.WhoMay)
		if p.MayVote != "" {
			fmt.Fprintf(&b, " (you cannot: %s)", p.MayVote)
		}
		b.WriteString("\n")
	}
	for _, r := range c.Runs {
		fmt.Fprintf(&b, "run: %s %s on %s, %s\n", r.Run.ID, r.Run.Playbook, r.Run.Target, r.Run.State)
	}
	if c.Nearest != nil {
		fmt.Fprintf(&b, "nearest: %s: %s\n", c.Nearest.Playbook, c.Nearest.WhyNot)
	}
	if c.Runbook != "" {
		fmt.Fprintf(&b, "runbook: %s\n", c.Runbook)
	}
	for i, s := range c.Checklist {
		fmt.Fprintf(&b, "by hand %d: %s\n", i+1, s)
	}
	for _, a := range c.Actions {
		fmt.Fprintf(&b, "[%s]%s%s %s", a.Label, flagged(a.Style), flagged(strings.Join(a.Asks, "+")), a.CLI)
		if a.Confirm != "" {
			fmt.Fprintf(&b, " -- %s", a.Confirm)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func flagged(s string) string {
	if s == "" {
		return ""
	}
	return "(" + s + ")"
}
