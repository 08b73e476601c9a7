package plan

import (
	"fmt"
	"slices"
	"time"

	"salve/bot"
)

// Undo plans the undoing of a Run: the undo of each step that acted or may have,
// newest first. It fails when there is nothing that can be undone.
func Undo(run bot.Run, of bot.Plan, by bot.Actor, now time.Time) (bot.Plan, error) {
	undone := map[string]bool{}
	for _, s := range run.Steps {
		if s.Undo && s.State == bot.StepSucceeded {
			undone[s.ID] = true
		}
	}
	acted := map[string]bool{}
	for _, s := range run.Steps {
		if !s.Undo && s.MayHaveActed() {
			acted[s.ID] = !undone[s.ID]
		}
	}
	p := bot.Plan{
		Incident: of.Incident, Kind: bot.PlanUndo, Playbook: of.Playbook, PlaybookHash: of.PlaybookHash,
		Title: "Undo " + run.ID.String() + ": " + of.Title, Target: of.Target, Params: of.Params,
		Rule: bot.ApprovalRule{Approvers: of.Rule.Approvers, Quorum: of.Rule.Quorum, Also: of.Rule.Also, SecondFactor: of.Rule.SecondFactor, ExpiresIn: of.Rule.ExpiresIn},
		Mode: bot.ModePropose, Risk: of.Risk, Runbook: of.Runbook, Alert: of.Alert,
		AskedBy: by, Undoes: run.ID, CreatedAt: now,
	}
	p.Rule.Excluded = slices.Clone(of.Rule.Excluded) // an unreviewed author stays one
	if by.Person != "" && !slices.Contains(p.Rule.Excluded, by.Person) {
		p.Rule.Excluded = append(p.Rule.Excluded, by.Person)
	}
	slices.Sort(p.Rule.Excluded)
	for i := len(of.Steps) - 1; i >= 0; i-- {
		s := of.Steps[i]
		if s.Undo == nil || !acted[s.ID] {
			continue
		}
		u := *s.Undo
		u.ID, u.Undo = "undo-"+s.ID, nil
		p.Steps = append(p.Steps, u)
	}
	if len(p.Steps) == 0 {
		return bot.Plan{}, fmt.Errorf("%s did nothing that the playbook %s can undo", run.ID, of.Playbook)
	}
	return seal(p)
}
