package brief_test

import (
	"strings"
	"time"

	"salve/bot"
	"salve/bot/chat"
)

const digest = bot.Digest("3fa9c1d2e4b5a6978899aabbccddeeff00112233445566778899aabbccddeeff")

var (
	began = time.Date(2026, 3, 14, 3, 0, 0, 0, time.UTC)
	now   = began.Add(10 * time.Minute)

	unknown = bot.Person{}
	alice   = bot.Person{ID: "alice", Name: "Alice", Roles: []bot.Role{bot.RoleResponder}, Groups: []string{"oncall"}}
)

// disk is an Incident about a disk that fills.
func disk() chat.State {
	return chat.State{
		Incident: bot.Incident{ID: 142, Version: 1, FoldRev: 1,
			Fold: bot.Fold{Source: "alertmanager/prod", Title: "DiskFull: db-3 /var/lib/postgresql 97 %", Severity: bot.SeverityHigh, Firing: 1, Total: 1, FirstAt: began, LastAt: began},
			Work: bot.Work{Diagnosis: bot.Diagnosis{
				At: began, Summary: "This broke 2 times before in 7 days; R-12 (playbook grow-disk) fixed it last time, in I-77",
				Hypotheses: []bot.Hypothesis{{Cause: "this broke 2 times before in 7 days; R-12 (playbook grow-disk) fixed it last time, in I-77", Confidence: 0.55, Evidence: []string{"E2", "E3"}}},
				Evidence: []bot.Evidence{
					{ID: "E1", Kind: bot.EvidenceAlert, Text: "the alert says: 97 % used, full in about 40 minutes", Cites: "annotation summary"},
					{ID: "E2", Kind: bot.EvidenceRecurrence, Text: "the same group broke 2 times in 7 days", Cites: "I-77, I-103"},
					{ID: "E3", Kind: bot.EvidencePast, Text: "R-12 (playbook grow-disk) fixed it", Cites: "R-12"},
				},
			}},
		},
		Alerts: []bot.Alert{{AlertKey: bot.AlertKey{Source: "alertmanager/prod", Fingerprint: "a1b2", StartsAt: began}, State: bot.AlertFiring,
			Annotations: map[string]string{"runbook_url": "https://runbooks.example.org/disk"}}},
		Events:    []bot.Event{{Seq: 5, At: began, Kind: bot.EventAlerts, Actor: bot.Actor{Name: "alertmanager/prod"}, Text: "1 alert came in"}},
		Playbooks: []bot.Playbook{{Name: "grow-disk", Runbook: "https://runbooks.example.org/disk", Checklist: []string{"Look at what fills it.", "Grow the volume by hand."}}},
	}
}

func plan() bot.Plan {
	return bot.Plan{
		ID: 7, Incident: 142, Kind: bot.PlanRespond, Playbook: "grow-disk", Title: "Grow a disk", Target: "db-3", Digest: digest, Risk: bot.RiskMedium,
		Params: map[string]string{"percent": "20", "volume": "pgdata"},
		Rule:   bot.ApprovalRule{Approvers: []string{"oncall"}, Quorum: 1},
		Steps: []bot.PlanStep{
			{ID: "snapshot", Title: "Take a snapshot", Action: "http", Args: map[string]any{"method": "POST", "url": "https://cloud.example.org/volumes/pgdata/snapshots"}, Effect: bot.EffectChanges, Undo: &bot.PlanStep{ID: "snapshot", Title: "Delete the snapshot", Action: "http"}},
			{ID: "grow", Title: "Grow the volume", Action: "http", Args: map[string]any{"method": "PATCH", "url": "https://cloud.example.org/volumes/pgdata", "json": map[string]any{"percent": 20}}, Effect: bot.EffectChanges},
			{ID: "look", Action: "command", Args: map[string]any{"argv": []any{"df", "-h"}}, Effect: bot.EffectReads},
		},
		Verify: &bot.PlanVerify{Within: bot.Duration(5 * time.Minute), Checks: []bot.PlanCheck{{ID: "resolved", Probe: "resolved"}}},
	}
}

func asked(change ...func(*bot.Approval)) chat.State {
	s := disk()
	v := bot.Judge("guard", bot.Verdict{Ruling: bot.AskPerson, Rule: "severity", Reason: "high is not below high"}, bot.Verdict{Ruling: bot.Allow, Rule: "cooldown", Reason: "it ran here last 3 days ago"})
	s.Incident.Decision = bot.Decision{At: began, Targets: []string{"db-3"}, Candidates: []bot.Candidate{{Playbook: "grow-disk", Target: "db-3", Verdict: v}}}
	a := bot.Approval{ID: 7, Incident: 142, Plan: 7, Digest: digest, Playbook: "grow-disk", Target: "db-3", State: bot.ApprovalPending,
		Rule: plan().Rule, Verdict: v, OpenedAt: began.Add(2 * time.Second), ExpiresAt: began.Add(20 * time.Minute)}
	for _, c := range change {
		c(&a)
	}
	s.Plans, s.Approvals = []bot.Plan{plan()}, []bot.Approval{a}
	s.Plans[0].Rule = a.Rule
	return s
}

func closed(state bot.ApprovalState, by, reason string) func(*bot.Approval) {
	return func(a *bot.Approval) {
		a.State, a.Reason, a.DecidedAt = state, reason, began.Add(5*time.Minute)
		if by != "" {
			a.DecidedBy = bot.Actor{Person: bot.PersonID(strings.ToLower(by)), Name: by}
		}
	}
}

func step(id string, s bot.StepState, output string) bot.Step {
	x := bot.Step{ID: id, State: s, Attempt: 1, Output: output, StartedAt: began.Add(9 * time.Minute)}
	if s == bot.StepPlanned || s == bot.StepSkipped {
		return bot.Step{ID: id, State: s}
	}
	if s != bot.StepStarted {
		x.EndedAt = x.StartedAt.Add(12 * time.Second)
	}
	return x
}

func undoing(s bot.Step) bot.Step {
	s.Undo = true
	return s
}

func ran(state bot.RunState, why string, steps ...bot.Step) chat.State {
	s := asked(closed(bot.ApprovalApproved, "Alice", ""))
	r := bot.Run{ID: 88, Version: 4, Incident: 142, Plan: 7, Approval: 7, Digest: digest, Kind: bot.PlanRespond, Playbook: "grow-disk", Target: "db-3",
		State: state, Steps: steps, Reason: why, CreatedAt: began.Add(8 * time.Minute), StartedAt: began.Add(9 * time.Minute), StartedBy: bot.Actor{Person: "alice", Name: "Alice"}}
	if !state.Active() {
		r.EndedAt, r.UndoUntil = began.Add(9*time.Minute+41*time.Second), began.Add(24*time.Hour)
	}
	s.Runs = []bot.Run{r}
	return s
}

func with(s chat.State, change func(*chat.State)) chat.State {
	change(&s)
	return s
}

var done = []bot.Step{step("snapshot", bot.StepSucceeded, ""), step("grow", bot.StepSucceeded, `{"state":"ok"}`), step("look", bot.StepSucceeded, "Filesystem      Size  Used Avail Use%\n/dev/nvme1n1    120G   97G   23G  81%")}

// about makes another Incident of the one about a disk.
func about(title string, severity bot.Severity, cause string, sure float64, firing, total int) func(*chat.State) {
	return func(s *chat.State) {
		s.Incident.Title, s.Incident.Severity, s.Incident.Firing, s.Incident.Total = title, severity, firing, total
		s.Incident.Diagnosis = bot.Diagnosis{Summary: "Most likely " + cause, Hypotheses: []bot.Hypothesis{{Cause: cause, Confidence: sure, Evidence: []string{"E1"}}}}
		for i := range s.Approvals {
			s.Approvals[i].Rule.Approvers = []string{"oncall"}
		}
	}
}

func renamed(playbook, target string) func(*bot.Approval) {
	return func(a *bot.Approval) { a.Playbook, a.Target = playbook, target }
}

type scene struct {
	name  string
	state chat.State
}

// scenes are Incidents in each state that a card may be in.
func scenes() []scene {
	deny := func(rule, why string) bot.Verdict {
		return bot.Judge("guard", bot.Verdict{Ruling: bot.Deny, Rule: rule, Reason: why})
	}
	decided := func(v bot.Verdict) chat.State {
		return with(disk(), func(s *chat.State) {
			s.Incident.Decision = bot.Decision{At: began, Candidates: []bot.Candidate{{Playbook: "grow-disk", Target: "db-3", Verdict: v}}}
		})
	}
	halt := bot.Halt{Scope: bot.HaltAll, By: bot.Actor{Name: "Rob"}, Reason: "the network is down", At: began}
	unknownStep := step("grow", bot.StepUnknown, "")
	unknownStep.Error = "no answer from cloud.example.org within 30s: it is not known whether this took effect"
	return []scene{
		{"just-came-in", disk()},
		{"asked", asked()},
		{"asked-deploy", with(asked(renamed("rollback-deployment", "payments-api")), about("HighErrorRate: payments-api answers 18 % of requests with 5xx (limit 2 %)", bot.SeverityCritical, "service payments-api: version 4.12.0 was rolled out 3 minutes earlier", 0.82, 14, 14))},
		{"asked-certificate", with(asked(renamed("renew-certificate", "edge-1.example.org")), about("CertificateEnds: edge-1.example.org in 2 days", bot.SeverityMedium, "the last three renewals failed", 0.4, 1, 1))},
		{"asked-queue", with(asked(renamed("restart-consumers", "orders")), about("QueueGrows: orders, 120,000 messages, the oldest 41 minutes", bot.SeverityUnknown, "instance worker-4: all alerts of this incident are on it", 0.2, 2, 3))},
		{"quorum", asked(func(a *bot.Approval) {
			a.Rule.Quorum, a.Votes = 2, []bot.Vote{{Person: "alice", Name: "Alice", Yes: true, Digest: digest}}
		})},
		{"quorum-of-two-groups", asked(func(a *bot.Approval) {
			a.Rule.Also = []string{"dba"}
			a.Votes = []bot.Vote{{Person: "alice", Name: "Alice", Yes: true, Digest: digest, Groups: []string{"oncall"}}}
		})},
		{"nobody-may-approve", asked(func(a *bot.Approval) { a.Rule.Approvers = nil })},
		{"asked-by-a-person", with(asked(func(a *bot.Approval) { a.Rule.Excluded = []bot.PersonID{"bob"} }), func(s *chat.State) {
			s.Plans[0].AskedBy = bot.Actor{Person: "bob", Name: "Bob"}
		})},
		{"asked-while-halted", with(asked(), func(s *chat.State) { s.Halts = []bot.Halt{halt} })},
		{"two-questions", with(asked(), func(s *chat.State) {
			b := s.Approvals[0]
			b.ID, b.Target, b.Digest = 6, "db-4", "77aa0011"+digest[8:]
			s.Approvals = append(s.Approvals, b)
		})},
		{"taken-and-asked", with(asked(), func(s *chat.State) { s.Incident.Owner, s.Incident.OwnerName = "rob", "Rob" })},
		{"running", ran(bot.RunRunning, "", done[0], step("grow", bot.StepStarted, ""), step("look", bot.StepPlanned, ""))},
		{"about-to-start", ran(bot.RunPlanned, "", step("snapshot", bot.StepPlanned, ""), step("grow", bot.StepPlanned, ""))},
		{"cancelling", with(ran(bot.RunRunning, "", done[0], step("grow", bot.StepStarted, "")), func(s *chat.State) { s.Runs[0].CancelBy = bot.Actor{Name: "Rob"} })},
		{"verifying", with(ran(bot.RunVerifying, "", done...), func(s *chat.State) {
			s.Runs[0].VerifyBy = began.Add(14 * time.Minute)
			s.Runs[0].Checks = []bot.CheckResult{{ID: "resolved", Fix: bot.FixPending, Reason: "the alert still fires"}}
		})},
		{"fixed", with(ran(bot.RunFixed, "", done...), func(s *chat.State) {
			s.Runs[0].Fix = bot.FixYes
			s.Runs[0].Checks = []bot.CheckResult{{ID: "resolved", Fix: bot.FixYes, Reason: "the alert is resolved"}}
		})},
		{"fixed-by-itself", with(ran(bot.RunFixed, "", done...), func(s *chat.State) {
			s.Approvals, s.Runs[0].Approval, s.Runs[0].StartedBy = nil, 0, bot.Salve
		})},
		{"not-fixed", with(ran(bot.RunNotFixed, "resolved: the alert still fires", append(append([]bot.Step{}, done...), undoing(step("snapshot", bot.StepSucceeded, "")))...), func(s *chat.State) { s.Runs[0].Fix = bot.FixNo })},
		{"failed", ran(bot.RunFailed, "step grow: HTTP 409: the volume is being changed", done[0], step("grow", bot.StepFailed, ""), step("look", bot.StepSkipped, ""))},
		{"unverified", ran(bot.RunUnverified, "the playbook checks nothing", done...)},
		{"cancelled", ran(bot.RunCancelled, "Rob asked for it", step("snapshot", bot.StepSkipped, ""))},
		{"waiting-unknown", ran(bot.RunWaiting, "nobody knows whether step grow took effect", done[0], unknownStep, step("look", bot.StepPlanned, ""))},
		{"undoing", ran(bot.RunUndoing, "step grow: HTTP 409", done[0], step("grow", bot.StepFailed, ""), undoing(step("snapshot", bot.StepStarted, "")))},
		{"undo-failed", ran(bot.RunWaiting, "the undo of snapshot failed", done[0], step("grow", bot.StepFailed, ""), undoing(step("snapshot", bot.StepFailed, "")))},
		{"halted-run", with(ran(bot.RunWaiting, "halted by Rob", done[0], step("grow", bot.StepPlanned, "")), func(s *chat.State) { s.Halts = []bot.Halt{halt} })},
		{"undone-later", with(ran(bot.RunFixed, "", done...), func(s *chat.State) {
			s.Runs[0].UndoneBy = 90
			s.Runs = append(s.Runs, bot.Run{ID: 90, Incident: 142, Kind: bot.PlanUndo, Playbook: "grow-disk", Target: "db-3", State: bot.RunUnverified, StartedAt: began, EndedAt: now})
		})},
		{"nothing-fits", with(disk(), func(s *chat.State) {
			s.Incident.Decision.At = began
			s.Nearest = &bot.CardNearest{Playbook: "service-restart", WhyNot: `labels["alertname"] is "DiskFull", not "ServiceHangs"`}
		})},
		{"cooling-down", decided(deny("cooldown", "it ran here 3m ago, cooldown is 10m"))},
		{"observing", decided(deny("mode", "mode observe: it never acts"))},
		{"refused-by-a-guardrail", decided(deny("target", "db-3 is not an allowed target"))},
		{"denied", asked(closed(bot.ApprovalDenied, "Bob", "it is peak time"))},
		{"expired", asked(closed(bot.ApprovalExpired, "", ""))},
		{"taken", with(disk(), func(s *chat.State) { s.Incident.Owner, s.Incident.OwnerName = "rob", "Rob" })},
		{"snoozed", with(disk(), func(s *chat.State) { s.Incident.SnoozedUntil = began.Add(time.Hour) })},
		{"resolved", with(disk(), func(s *chat.State) { s.Incident.Firing, s.Incident.ResolvedAt = 0, began.Add(4*time.Minute) })},
		{"closed", with(disk(), func(s *chat.State) {
			s.Incident.Firing, s.Incident.ResolvedAt = 0, began.Add(4*time.Minute)
			s.Incident.ClosedAt, s.Incident.CloseReason = now, "false alarm"
		})},
		{"merged", with(disk(), func(s *chat.State) { s.Incident.MergedInto = 140 })},
		{"merged-and-asked", with(asked(), func(s *chat.State) { s.Incident.MergedInto = 140 })},
		{"hostile", with(asked(renamed("grow-disk", "db-3\u202e\n<!channel> ``` *x*")), about("<!here> \u202eDiskFull\u202c "+strings.Repeat("a\u0300\u0301\u0302\u0303\u0304\u0305", 30)+" https://evil.example/x "+strings.Repeat("🔥", 60), bot.SeverityCritical, strings.Repeat("\u200b", 500)+" the disk\r\nis full", 7, 1, 1))},
	}
}

func card(s chat.State) bot.Card { return chat.Card(s, unknown, now) }
