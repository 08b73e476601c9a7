package chat

import (
	"fmt"
	"regexp"
	"strings"

	"salve/bot"
)

// The fields that a CardAction may ask for.
const (
	askReason   = "reason"
	askTo       = "to"
	askFor      = "for"
	askInto     = "into"
	askAlerts   = "alerts"
	askPlaybook = "playbook"
)

const (
	primary = "primary"
	danger  = "danger"
)

// actions are what the viewer may press, the most likely first. Halt is last
// and for everybody, known or not.
func (f facts) actions(viewer bot.Person) []bot.CardAction {
	var out []bot.CardAction
	if viewer.ID != "" && !viewer.Disabled {
		out = append(out, f.voteActions(viewer)...)
		if viewer.Has(bot.RoleResponder) {
			out = append(out, f.runActions()...)
			out = append(out, f.workActions(viewer)...)
		}
	}
	return append(onePrimary(out), f.haltActions()...)
}

// onePrimary leaves the first primary action as the only one.
func onePrimary(list []bot.CardAction) []bot.CardAction {
	seen := false
	for i := range list {
		if list[i].Style == primary {
			if seen {
				list[i].Style = ""
			}
			seen = true
		}
	}
	return list
}

func (f facts) voteActions(viewer bot.Person) []bot.CardAction {
	var out []bot.CardAction
	for _, a := range f.Approvals {
		cmd := bot.Command{Incident: a.Incident, Approval: a.ID, Digest: string(a.Digest)}
		twin := a.Incident.String() + " " + a.Digest.Short()
		if mayNotVote(a, viewer, f.now) == "" {
			out = append(out, bot.CardAction{
				Label: "Approve", Style: primary, Command: with(cmd, bot.VerbApprove), CLI: "salve approve " + twin,
				Confirm: fmt.Sprintf("Approve plan %s: %s on %s.", a.Digest.Short(), a.Playbook, a.Target),
			})
		}
		if a.MayDeny(viewer, f.now) == nil {
			out = append(out, bot.CardAction{
				Label: "Deny", Style: danger, Command: with(cmd, bot.VerbDeny), Asks: []string{askReason},
				CLI: "salve deny " + twin + " REASON",
			})
		}
	}
	return out
}

func (f facts) runActions() []bot.CardAction {
	var out []bot.CardAction
	for _, r := range f.Runs {
		switch {
		case r.State == bot.RunWaiting:
			out = append(out, settlements(r, f.halt != nil)...)
		case r.Active() && r.State != bot.RunUndoing && r.CancelBy.Name == "":
			out = append(out, bot.CardAction{
				Label: "Cancel " + r.ID.String(), Style: danger, Command: ofRun(bot.VerbCancel, r), CLI: "salve cancel " + r.ID.String(),
				Confirm: fmt.Sprintf("Stop %s before its next step; what it did on %s is undone where it can be.", r.ID, r.Target),
			})
		case f.undoable(r):
			out = append(out, bot.CardAction{
				Label: "Undo " + r.ID.String(), Command: ofRun(bot.VerbUndo, r), CLI: "salve undo " + r.ID.String(),
				Confirm: fmt.Sprintf("Ask for a plan that undoes %s on %s; it is checked and approved like any other.", r.ID, r.Target),
			})
		}
	}
	return out
}

func ofRun(verb bot.Verb, r bot.Run) bot.Command {
	return bot.Command{Verb: verb, Incident: r.Incident, Run: r.ID}
}

// undoable reports whether an undo of the Run can still be asked for.
func (f facts) undoable(r bot.Run) bool {
	if r.Active() || r.Kind == bot.PlanUndo || r.UndoneBy != 0 || !f.now.Before(r.UndoUntil) {
		return false
	}
	undo := map[string]bool{}
	for _, s := range f.plan(r.Plan).Steps {
		undo[s.ID] = s.Undo != nil
	}
	open := false
	for _, s := range r.Steps {
		if s.Undo && s.State == bot.StepSucceeded {
			return false // it was undone by its own run
		}
		open = open || !s.Undo && undo[s.ID] && (s.State == bot.StepSucceeded || s.State == bot.StepUnknown)
	}
	return open
}

// settlements are the answers that a waiting Run takes: about the step that a
// person has to judge, or, when a halt stopped it between steps, to go on.
func settlements(r bot.Run, halted bool) []bot.CardAction {
	var out []bot.CardAction
	add := func(label, style string, s bot.Settlement, confirm string) {
		cmd := ofRun(bot.VerbSettle, r)
		cmd.Settle, cmd.Seen = s, r.Version
		out = append(out, bot.CardAction{
			Label: label, Style: style, Command: cmd, Confirm: confirm,
			CLI: fmt.Sprintf("salve settle %s %s", r.ID, s),
		})
	}
	open, judged := unjudged(r)
	name := stepText(open)
	switch {
	case judged && open.Undo:
		add("It is undone", primary, bot.SettleDone, fmt.Sprintf("You have looked at %s: the %s took effect. The rest is undone.", r.Target, name))
		add("It is not undone", "", bot.SettleNotDone, fmt.Sprintf("You have looked at %s: the %s did not take effect. The rest is undone all the same.", r.Target, name))
		add("Try again", "", bot.SettleRetry, fmt.Sprintf("The %s is carried out once more on %s.", name, r.Target))
	case judged:
		add("It took effect", primary, bot.SettleDone, fmt.Sprintf("You have looked at %s: %s took effect. The run goes on with the next step.", r.Target, name))
		add("It did not", "", bot.SettleNotDone, fmt.Sprintf("You have looked at %s: %s did not take effect. The run ends as failed, and what was done before is undone.", r.Target, name))
		add("Do it again", "", bot.SettleRetry, fmt.Sprintf("%s is carried out once more on %s.", capital(name), r.Target))
	case !halted:
		add("Go on", primary, bot.SettleContinue, fmt.Sprintf("%s goes on with its next step on %s.", r.ID, r.Target))
	}
	if !open.Undo {
		add("Give up and undo", danger, bot.SettleUndo, fmt.Sprintf("%s ends here; what it did on %s is undone, newest first.", r.ID, r.Target))
	}
	add("Give up, leave as it is", danger, bot.SettleAbandon, fmt.Sprintf("%s ends here; %s stays as it is now.", r.ID, r.Target))
	return out
}

// unjudged is the step that a person has to judge: one that is unknown, or an
// undo that failed.
func unjudged(r bot.Run) (bot.Step, bool) {
	for _, s := range r.Steps {
		if bad := s.State == bot.StepUnknown || s.Undo && s.State == bot.StepFailed; bad && s.SettledBy.Name == "" {
			return s, true
		}
	}
	return bot.Step{}, false
}

func stepText(s bot.Step) string {
	if s.Undo {
		return fmt.Sprintf("undo of step %q", s.ID)
	}
	return fmt.Sprintf("step %q", s.ID)
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// workActions are what people do with the Incident itself.
func (f facts) workActions(viewer bot.Person) []bot.CardAction {
	inc := f.Incident
	id := inc.ID.String()
	add := func(label, style string, verb bot.Verb, twin string, asks ...string) bot.CardAction {
		return bot.CardAction{
			Label: label, Style: style, Command: bot.Command{Verb: verb, Incident: inc.ID}, Asks: asks,
			CLI: strings.TrimSpace(fmt.Sprintf("salve %s %s %s", verb, id, twin)),
		}
	}
	note := add("Add a note", "", bot.VerbNote, "TEXT", askReason)
	switch inc.State() {
	case bot.IncidentMerged:
		return []bot.CardAction{note}
	case bot.IncidentClosed:
		return []bot.CardAction{add("Reopen", primary, bot.VerbReopen, ""), note}
	case bot.IncidentOpen, bot.IncidentResolved:
	}
	var out []bot.CardAction
	if inc.Owner != viewer.ID {
		out = append(out, add("Take it", f.takeStyle(), bot.VerbTake, ""))
	}
	if inc.Owner != "" { // any responder may, for an owner who sleeps
		out = append(out, add("Release", "", bot.VerbRelease, ""), add("Hand over", "", bot.VerbHandover, "PERSON MESSAGE", askTo, askReason))
	}
	out = append(out,
		bot.CardAction{
			Label: "Run a playbook ...", Command: bot.Command{Verb: bot.VerbRun, Incident: inc.ID},
			Asks: []string{askPlaybook}, CLI: "salve run PLAYBOOK " + id,
		},
		note,
		add("Assign", "", bot.VerbAssign, "PERSON", askTo),
		add("Snooze", "", bot.VerbSnooze, "30m", askFor),
		add("Close", "", bot.VerbClose, "REASON", askReason),
		add("Merge into ...", "", bot.VerbMerge, "I-OTHER", askInto),
	)
	if inc.Total > 1 {
		out = append(out, add("Split off alerts", "", bot.VerbSplit, "FINGERPRINT ...", askAlerts))
	}
	return out
}

func (f facts) takeStyle() string {
	if f.phase == bot.PhaseNeedsPerson {
		return primary
	}
	return ""
}

// haltActions stop the targets at hand, or everything. They need no identity.
func (f facts) haltActions() []bot.CardAction {
	var out []bot.CardAction
	seen := map[string]bool{}
	halt := func(target string) {
		if target == "" || seen[target] {
			return
		}
		seen[target] = true
		out = append(out, bot.CardAction{
			Label: "Halt " + target, Style: danger, Asks: []string{askReason},
			Command: bot.Command{Verb: bot.VerbHalt, Scope: bot.HaltTarget, Name: target},
			CLI:     "salve halt --target=" + quote(target),
		})
	}
	for _, r := range []*bot.Run{f.waiting, f.active} {
		if r != nil {
			halt(r.Target)
		}
	}
	if f.pending != nil {
		halt(f.pending.Target)
	}
	return append(out, bot.CardAction{
		Label: "Halt everything", Style: danger, Asks: []string{askReason},
		Command: bot.Command{Verb: bot.VerbHalt, Scope: bot.HaltAll}, CLI: "salve halt",
	})
}

func with(c bot.Command, verb bot.Verb) bot.Command {
	c.Verb = verb
	return c
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@,+-]+$`)

// quote makes a word that a shell takes as it is: twins are copied by hand, and
// a target may hold text from an alert.
func quote(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
