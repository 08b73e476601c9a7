package storagetest

import (
	"strconv"
	"time"

	"salve/bot"
)

var (
	start  = time.Date(2026, 3, 4, 5, 6, 7, 89_000_000, time.UTC)
	sender = bot.Actor{Name: "alertmanager/prod", Surface: "webhook"}
	ann    = bot.Actor{Person: "p-ann", Name: "ann", Surface: "cli"}
)

// at is n minutes after the start of the world.
func at(n int) time.Time { return start.Add(time.Duration(n) * time.Minute) }

// firing is an alert of a group that started in minute n and came one later.
func firing(group, fingerprint string, n int) bot.Alert {
	return bot.Alert{
		AlertKey: bot.AlertKey{Source: "prod", Fingerprint: fingerprint, StartsAt: at(n)},
		GroupKey: group, State: bot.AlertFiring, Severity: bot.SeverityMedium, Title: "Disk is slow",
		Labels:      map[string]string{"alertname": "DiskSlow", "instance": fingerprint},
		Annotations: map[string]string{"summary": "it is \"slow\" \u00e9\n"}, Link: "https://example.com/a?b=c&d=<e>",
		ReceivedAt: at(n + 1),
	}
}

// resolved is the same alert at its end in minute n.
func resolved(a bot.Alert, n int) bot.Alert {
	a.State, a.EndsAt, a.ReceivedAt = bot.AlertResolved, at(n), at(n+1)
	return a
}

func event(kind bot.EventKind, id bot.IncidentID) bot.Event {
	return bot.Event{Kind: kind, At: at(100), Actor: ann, Incident: id, Text: "something was done", Data: map[string]string{"b": "2", "a": "1"}}
}

func (h *house) newPlan(id bot.IncidentID, target string) bot.Plan {
	return bot.Plan{
		ID: bot.PlanID(h.NextID(bot.KindPlan)), Incident: id, Kind: bot.PlanRespond, Playbook: "restart", Title: "Restart it", Target: target,
		Params: map[string]string{"unit": "disk"},
		Steps: []bot.PlanStep{{
			ID: "one", Title: "Restart", Action: "http", Effect: bot.EffectChanges, Timeout: bot.Duration(time.Minute), Repeat: bot.RepeatSafe,
			Args: map[string]any{"url": "https://example.com", "n": int64(9007199254740993), "f": 1.5, "list": []any{int64(1), "x", true, map[string]any{"k": int64(2)}}},
			Undo: &bot.PlanStep{ID: "one", Action: "http", Args: map[string]any{"n": int64(1)}},
		}},
		Verify: &bot.PlanVerify{Within: bot.Duration(time.Minute), Every: bot.Duration(time.Second),
			Checks: []bot.PlanCheck{{ID: "up", Probe: "http", Args: map[string]any{"status": int64(200)}, Expect: "status == 200"}}},
		Rule: bot.ApprovalRule{Approvers: []string{"sre"}, Quorum: 1, ExpiresIn: bot.Duration(time.Hour)}, Digest: "abcd",
		Mode: bot.ModePropose, AutoBelow: bot.SeverityLow, Risk: bot.RiskLow, CreatedAt: at(2),
		Alert: bot.AlertKey{Source: "prod", Fingerprint: "f1", StartsAt: at(0)},
	}
}

func (h *house) newApproval(p bot.Plan) bot.Approval {
	return bot.Approval{
		ID: bot.ApprovalID(h.NextID(bot.KindApproval)), Incident: p.Incident, Plan: p.ID, Digest: p.Digest, Playbook: p.Playbook,
		Target: p.Target, State: bot.ApprovalPending, Rule: p.Rule, OpenedAt: at(3), ExpiresAt: at(63),
		Verdict: bot.Verdict{Ruling: bot.AskPerson, Rule: "severity", Reason: "it is medium"},
	}
}

func (h *house) newRun(p bot.Plan) bot.Run {
	return bot.Run{
		ID: bot.RunID(h.NextID(bot.KindRun)), Incident: p.Incident, Plan: p.ID, Digest: p.Digest, Kind: p.Kind, Playbook: p.Playbook,
		Target: p.Target, State: bot.RunPlanned, Epoch: h.Epoch(), DueAt: at(4), CreatedAt: at(4), StartedBy: bot.Salve,
		Steps: []bot.Step{{ID: "one", State: bot.StepPlanned, Key: "k1"}},
	}
}

// number is a fingerprint.
func number(n int) string { return "f" + strconv.Itoa(n) }
