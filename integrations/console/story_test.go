package console_test

import (
	"time"

	"salve/bot"
	"salve/bot/chat"
)

const digest = bot.Digest("3fa9c1d2e4b5a6978899aabbccddeeff00112233445566778899aabbccddeeff")

// story fills a world with what a bad night looks like.
func story() *world {
	w := newWorld()
	now := time.Now().UTC().Truncate(time.Second)
	w.playbooks = []bot.Playbook{restart(), cleanup()}
	w.incidents[142] = waiting(142, now)
	w.incidents[141] = running(141, now)
	w.incidents[140] = fixed(140, now)
	w.incidents[139] = unfitting(139, now)
	w.incidents[138] = unknownStep(138, now)
	w.held = []bot.Quarantined{{
		ID: 3, State: bot.QuarantineHeld, Source: "alertmanager/prod", Reason: "alerts[2].startsAt: not a time", Size: 48, Repeats: 2,
		ReceivedAt: now.Add(-20 * time.Minute), SHA256: "ab12cd34ef56ab12cd34ef56", Body: []byte(`{"version":"4","alerts":[{"startsAt":"yesterday"}]}`),
	}}
	return w
}

func restart() bot.Playbook {
	return bot.Playbook{
		Name: "service-restart", Title: "Restart a service that hangs", Description: "Drains, restarts and checks one service.",
		Owner: "team-web", Runbook: "https://runbooks.example.org/service-restart", Risk: bot.RiskMedium,
		Match: `alert.labels["alertname"] == "ServiceHangs"`, Target: `alert.labels["instance"]`, Mode: bot.ModeAuto, AutoBelow: bot.SeverityHigh,
		Approvers: []string{"oncall"}, Quorum: 1, ExpiresIn: bot.Duration(30 * time.Minute), Cooldown: bot.Duration(10 * time.Minute),
		Checklist: []string{"Look at the dashboard of the service.", "Restart it by hand: systemctl restart shop."},
		Params:    map[string]bot.Param{"service": {Type: bot.ParamString, Pattern: "[a-z-]+", Docs: "the service to restart"}, "grace": {Type: bot.ParamDuration, Default: "10s"}},
		Steps:     []bot.StepSpec{{ID: "drain", Uses: "http", With: map[string]any{"url": "http://lb/drain"}, Timeout: bot.Duration(10 * time.Second), Repeat: bot.RepeatSafe}},
		Verify:    &bot.VerifySpec{Within: bot.Duration(time.Minute), Every: bot.Duration(5 * time.Second), Checks: []bot.CheckSpec{{ID: "answers", Uses: "http", Expect: "status == 200"}}},
		Hash:      "9f86d081884c7d65", File: "library/service-restart.yaml",
	}
}

func cleanup() bot.Playbook {
	return bot.Playbook{Name: "disk-cleanup", Owner: "team-ops", Risk: bot.RiskLow, Match: "true", Target: `"x"`, Mode: bot.ModePropose, File: "library/disk-cleanup.yaml"}
}

func plan(id bot.PlanID, inc bot.IncidentID) bot.Plan {
	sec := func(n int) bot.Duration { return bot.Duration(time.Duration(n) * time.Second) }
	return bot.Plan{
		ID: id, Incident: inc, Kind: bot.PlanRespond, Playbook: "service-restart", Title: "Restart a service that hangs", Target: "shop-1.example.org",
		Params: map[string]string{"service": "shop", "grace": "10s"}, Risk: bot.RiskMedium, Digest: digest, Mode: bot.ModeAuto, AutoBelow: bot.SeverityHigh,
		Rule: bot.ApprovalRule{Approvers: []string{"oncall"}, Quorum: 1, ExpiresIn: bot.Duration(30 * time.Minute)},
		Steps: []bot.PlanStep{
			{ID: "drain", Title: "Take it out of the load balancer", Action: "http", Args: map[string]any{"method": "POST", "url": "http://lb.example.org/drain?instance=shop-1"}, Effect: bot.EffectChanges, Timeout: sec(10), Repeat: bot.RepeatSafe,
				Undo: &bot.PlanStep{ID: "drain", Title: "Put it back", Action: "http", Args: map[string]any{"method": "POST", "url": "http://lb.example.org/enable?instance=shop-1"}, Effect: bot.EffectChanges, Timeout: sec(10)}},
			{ID: "restart", Title: "Restart the service", Action: "command", Args: map[string]any{"argv": []any{"/usr/bin/systemctl", "restart", "shop"}}, Effect: bot.EffectChanges, Timeout: sec(60), Repeat: bot.RepeatNever},
			{ID: "settle", Title: "Let it warm up", Action: "wait", Args: map[string]any{"for": "10s"}, Effect: bot.EffectReads, Timeout: sec(20), Repeat: bot.RepeatSafe},
		},
		Verify: &bot.PlanVerify{Within: sec(60), Every: sec(5), Checks: []bot.PlanCheck{{ID: "answers", Probe: "http", Args: map[string]any{"url": "http://shop-1.example.org/healthz"}, Expect: "status == 200 && took < duration('1s')"}}},
	}
}

func incident(id bot.IncidentID, title string, sev bot.Severity, began time.Time) bot.Incident {
	return bot.Incident{ID: id, Version: 3, FoldRev: 2, Fold: bot.Fold{
		Source: "alertmanager/prod", GroupKey: "g", Title: title, Severity: sev, Firing: 2, Total: 3, FirstAt: began, LastAt: began,
		Labels: map[string]string{"service": "shop"},
	}}
}

func alert(title string, began time.Time) bot.Alert {
	return bot.Alert{
		AlertKey: bot.AlertKey{Source: "alertmanager/prod", Fingerprint: "a1b2c3d4e5f60718", StartsAt: began}, State: bot.AlertFiring,
		Severity: bot.SeverityHigh, Title: title, Link: "https://prometheus.example.org/graph?g0.expr=up",
		Labels:      map[string]string{"alertname": "ServiceHangs", "instance": "shop-1.example.org", "severity": "high", "service": "shop"},
		Annotations: map[string]string{"summary": "shop-1 does not answer its health check", "runbook_url": "https://runbooks.example.org/hangs"},
	}
}

func verdict() bot.Verdict {
	return bot.Judge("guard",
		bot.Verdict{Ruling: bot.AskPerson, Rule: "severity", Reason: "high is not below high"},
		bot.Verdict{Ruling: bot.Allow, Rule: "cooldown", Reason: "nothing ran on this target for 10m"},
		bot.Verdict{Ruling: bot.Allow, Rule: "halt", Reason: "nothing is halted"},
	)
}

func cause(at time.Time) bot.Diagnosis {
	return bot.Diagnosis{At: at, Summary: "shop-1 stopped answering right after its memory passed 900 MiB; the same was fixed by a restart twice this week.",
		Hypotheses: []bot.Hypothesis{{Cause: "A memory leak in shop 2.14", Subject: "shop", Confidence: .72, Evidence: []string{"E1", "E2"}}},
		Evidence: []bot.Evidence{
			{ID: "E1", Kind: bot.EvidenceAlert, Text: "summary says: shop-1 does not answer its health check", Cites: "annotation summary", At: at},
			{ID: "E2", Kind: bot.EvidencePast, Text: "the same group broke 2 times in 7 days; service-restart fixed it each time", Cites: "I-140", At: at},
		}, Gaps: []string{"metrics: no source is configured"}}
}

func event(seq int64, inc bot.IncidentID, at time.Time, kind bot.EventKind, who, text string) bot.Event {
	return bot.Event{Chain: "main", Seq: seq, At: at, Kind: kind, Actor: bot.Actor{Name: who, Surface: "salve"}, Incident: inc, Text: text, Hash: "0a1b2c3d4e5f"}
}

func waiting(id bot.IncidentID, now time.Time) chat.State {
	began := now.Add(-6 * time.Minute)
	inc := incident(id, "ServiceHangs: shop-1 does not answer", bot.SeverityHigh, began)
	inc.Diagnosis = cause(began.Add(2 * time.Second))
	inc.Decision = bot.Decision{At: began.Add(2 * time.Second), Targets: []string{"shop-1.example.org"}, Candidates: []bot.Candidate{{Playbook: "service-restart", Target: "shop-1.example.org", Plan: 7, Approval: 7, Verdict: verdict()}}}
	inc.Notes = []bot.Note{{At: now.Add(-time.Minute), By: bot.Actor{Person: "rob", Name: "Rob"}, Text: "Customers see timeouts at checkout."}}
	p := plan(7, id)
	return chat.State{Incident: inc, Alerts: []bot.Alert{alert(inc.Title, began)}, Plans: []bot.Plan{p},
		Approvals: []bot.Approval{{ID: 7, Incident: id, Plan: 7, Digest: digest, Playbook: p.Playbook, Target: p.Target, State: bot.ApprovalPending, Rule: p.Rule, Verdict: verdict(), OpenedAt: began.Add(3 * time.Second), ExpiresAt: now.Add(24 * time.Minute)}},
		Events: []bot.Event{
			event(11, id, began, bot.EventAlerts, "alertmanager/prod", "2 alerts came in"),
			event(12, id, began.Add(2*time.Second), bot.EventProposed, "salve", "asked whether to run service-restart on shop-1.example.org"),
			event(13, id, now.Add(-time.Minute), bot.EventNoted, "Rob", "noted: Customers see timeouts at checkout."),
		}}
}

func steps(now time.Time) []bot.Step {
	return []bot.Step{
		{ID: "drain", State: bot.StepSucceeded, Attempt: 1, StartedAt: now.Add(-40 * time.Second), EndedAt: now.Add(-39 * time.Second), Output: "HTTP 200\ndrained shop-1", Fields: map[string]string{"status": "200"}},
		{ID: "restart", State: bot.StepStarted, Attempt: 1, StartedAt: now.Add(-20 * time.Second)},
		{ID: "settle", State: bot.StepPlanned},
	}
}

func running(id bot.IncidentID, now time.Time) chat.State {
	s := waiting(id, now)
	s.Incident.Title = "ServiceHangs: shop-2 does not answer"
	s.Incident.Severity = bot.SeverityMedium
	s.Approvals = nil
	s.Runs = []bot.Run{{ID: 88, Incident: id, Plan: 7, Digest: digest, Kind: bot.PlanRespond, Playbook: "service-restart", Target: "shop-2.example.org", State: bot.RunRunning, StartedBy: bot.Salve, CreatedAt: now.Add(-41 * time.Second), Steps: steps(now)}}
	s.Events = nil
	return s
}

func fixed(id bot.IncidentID, now time.Time) chat.State {
	s := running(id, now.Add(-3*time.Hour))
	s.Incident.Title, s.Incident.Severity = "ServiceHangs: shop-3 does not answer", bot.SeverityLow
	s.Incident.Firing, s.Incident.ResolvedAt = 0, now.Add(-3*time.Hour)
	r := &s.Runs[0]
	r.ID, r.State, r.Target, r.Fix, r.EndedAt, r.UndoUntil = 87, bot.RunFixed, "shop-3.example.org", bot.FixYes, now.Add(-3*time.Hour), now.Add(21*time.Hour)
	for i := range r.Steps {
		r.Steps[i].State, r.Steps[i].EndedAt = bot.StepSucceeded, now.Add(-3*time.Hour)
	}
	r.Checks = []bot.CheckResult{{ID: "answers", Fix: bot.FixYes, Reason: "status 200 in 12ms", At: r.EndedAt}}
	return s
}

func unfitting(id bot.IncidentID, now time.Time) chat.State {
	inc := incident(id, "CertificateExpires: pay.example.org in 3 days", bot.SeverityUnknown, now.Add(-2*time.Hour))
	inc.Decision.At = now.Add(-2 * time.Hour)
	inc.Diagnosis = cause(now.Add(-2 * time.Hour))
	return chat.State{Incident: inc, Alerts: []bot.Alert{alert(inc.Title, inc.FirstAt)}, Nearest: &bot.CardNearest{Playbook: "service-restart", WhyNot: `alert.labels["alertname"] is "CertificateExpires", not "ServiceHangs"`}}
}

func unknownStep(id bot.IncidentID, now time.Time) chat.State {
	s := running(id, now)
	s.Incident.Title, s.Incident.Severity = "ServiceHangs: shop-4 does not answer", bot.SeverityCritical
	r := &s.Runs[0]
	r.ID, r.State, r.Target, r.Reason = 86, bot.RunWaiting, "shop-4.example.org", "Salve was restarted while the step was under way"
	r.Steps[1].State, r.Steps[1].Error = bot.StepUnknown, "no answer came"
	return s
}
