package act

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"salve/bot"
)

// tell makes the Events of a transition out of what differs.
func tell(before, after bot.Run, verdict *bot.Verdict, now time.Time) []bot.Event {
	var out []bot.Event
	add := func(kind bot.EventKind, text string, data map[string]string) {
		out = append(out, bot.Event{
			At: now, Kind: kind, Actor: bot.Salve, Incident: after.Incident, Plan: after.Plan,
			Approval: after.Approval, Run: after.ID, Text: text, Data: data,
		})
	}
	for i, s := range after.Steps {
		was := bot.Step{State: bot.StepPlanned}
		if i < len(before.Steps) {
			was = before.Steps[i]
		}
		if was.State == s.State && was.Attempt == s.Attempt {
			continue
		}
		kind, text := tellStep(s, after.Target)
		if s.State == bot.StepPlanned && s.Attempt < was.Attempt {
			text = "step " + s.ID + " was not begun after all: it took too long to write down that it starts"
		}
		if kind == "" {
			continue
		}
		data := stepData(s)
		if verdict != nil && kind == bot.EventStepStarted {
			data["verdict"] = verdictText(*verdict)
			data["digest"] = string(after.Digest)
		}
		add(kind, text, data)
	}
	if before.State != after.State {
		if kind, text := tellRun(after); kind != "" {
			add(kind, text, runData(after))
		}
	}
	return out
}

func tellStep(s bot.Step, target string) (bot.EventKind, string) {
	what := "step " + s.ID
	if s.Undo {
		what = "the undo of step " + s.ID
	}
	switch s.State {
	case bot.StepStarted:
		return bot.EventStepStarted, fmt.Sprintf("started %s on %s, attempt %d", what, target, s.Attempt)
	case bot.StepSucceeded:
		return bot.EventStepEnded, what + " succeeded"
	case bot.StepFailed:
		return bot.EventStepEnded, fmt.Sprintf("%s failed: %s", what, s.Error)
	case bot.StepUnknown:
		return bot.EventStepUnknown, fmt.Sprintf("nobody knows whether %s took effect: %s", what, s.Error)
	case bot.StepPlanned:
		return bot.EventStepEnded, fmt.Sprintf("nobody knows whether %s took effect, and it may be repeated; it will be tried again: %s", what, s.Error)
	default:
		return "", ""
	}
}

func tellRun(r bot.Run) (bot.EventKind, string) {
	switch r.State {
	case bot.RunVerifying:
		return bot.EventRunVerifying, fmt.Sprintf("all steps are done; verifying until %s", r.VerifyBy.UTC().Format("15:04:05 UTC"))
	case bot.RunUndoing:
		return bot.EventRunUndoing, "undoing what was done: " + r.Reason
	case bot.RunWaiting:
		return bot.EventRunWaiting, "waits for a person: " + r.Reason
	case bot.RunPlanned, bot.RunRunning:
		return "", ""
	default:
		text := fmt.Sprintf("%s on %s ended: %s", r.Playbook, r.Target, r.State)
		if r.Reason != "" {
			text += "; " + r.Reason
		}
		return bot.EventRunEnded, text
	}
}

func stepData(s bot.Step) map[string]string {
	out := map[string]string{"step": s.ID, "state": string(s.State), "attempt": strconv.Itoa(s.Attempt), "key": s.Key}
	if s.Undo {
		out["undo"] = "true"
	}
	return out
}

func runData(r bot.Run) map[string]string {
	out := map[string]string{"state": string(r.State), "playbook": r.Playbook, "target": r.Target}
	if r.Fix != bot.FixPending {
		out["fix"] = string(r.Fix)
	}
	for _, c := range r.Checks {
		out["check "+c.ID] = string(c.Fix) + ": " + c.Reason
	}
	return out
}

// verdictText is the whole tree; should it not be JSON, its first sentence.
func verdictText(v bot.Verdict) string {
	b, err := json.Marshal(v)
	if err != nil {
		return string(v.Ruling) + ": " + v.Reason
	}
	return string(b)
}
