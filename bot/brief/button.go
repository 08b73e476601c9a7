package brief

import (
	"fmt"
	"regexp"
	"strings"

	"salve/bot"
)

const (
	primary = "primary"
	danger  = "danger"
)

// what is the noun of a plan with its verb: "grow-disk on db-3".
func what(p bot.CardProposal) string {
	name := p.Approval.Playbook
	if p.Plan.Kind == bot.PlanUndo {
		name = "the undo of " + p.Plan.Undoes.String() + " (" + name + ")"
	}
	return name + " on " + p.Approval.Target
}

// voting is the Command of a vote on exactly this plan.
func voting(verb bot.Verb, a bot.Approval) bot.Command {
	return bot.Command{Verb: verb, Incident: a.Incident, Approval: a.ID, Digest: string(a.Digest)}
}

func approveButton(p bot.CardProposal) bot.Button {
	a := p.Approval
	return bot.Button{
		Label: "Approve", Style: primary, Confirm: consent(p),
		Press: bot.Press{Kind: bot.PressCommand, Command: voting(bot.VerbApprove, a)},
		Twin:  fmt.Sprintf("approve %s %s", a.Incident, a.Digest.Short()),
	}
}

// consent is what a person confirms: the digest, what would run and on what,
// and whether there is a way back.
func consent(p bot.CardProposal) string {
	text := fmt.Sprintf("Approve plan %s: %s", p.Approval.Digest.Short(), clip(what(p), 160))
	if n := len(p.Plan.Steps); n > 0 {
		text += ", " + count(n, "step")
	}
	text += ". " + capital(wayBack(p.Plan)) + "."
	if n := p.Approval.Tally().Needed; n > 1 {
		text += fmt.Sprintf(" It runs when %d people have said yes.", n)
	}
	return Cut(text, maxAsked)
}

// wayBack says whether what the Plan does can be undone.
func wayBack(p bot.Plan) string {
	switch {
	case len(p.Steps) == 0:
		return "its steps are not at hand"
	case p.Kind == bot.PlanUndo:
		return "it is an undo itself"
	case reads(p):
		return "it changes nothing"
	case p.Reversible():
		return "it can be undone"
	default:
		return "it cannot be undone"
	}
}

func reads(p bot.Plan) bool {
	for _, s := range p.Steps {
		if s.Effect != bot.EffectReads {
			return false
		}
	}
	return true
}

// voteButtons are the answers to a question; a yes only if anybody may say it.
func voteButtons(p bot.CardProposal) []bot.Button {
	deny := denyButton(p.Approval)
	if len(p.Approval.Rule.Approvers) == 0 {
		return []bot.Button{deny}
	}
	return []bot.Button{approveButton(p), deny}
}

func denyButton(a bot.Approval) bot.Button {
	return bot.Button{
		Label: "Deny", Style: danger,
		Press: bot.Press{Kind: bot.PressForm, Command: voting(bot.VerbDeny, a), Asks: []string{"reason"}},
		Twin:  fmt.Sprintf("deny %s %s REASON", a.Incident, a.Digest.Short()),
	}
}

func takeButton(id bot.IncidentID) bot.Button {
	return bot.Button{
		Label: "I take it", Press: bot.Press{Kind: bot.PressCommand, Command: bot.Command{Verb: bot.VerbTake, Incident: id}},
		Twin: "take " + id.String(),
	}
}

func releaseButton(id bot.IncidentID) bot.Button {
	return bot.Button{
		Label: "Release", Press: bot.Press{Kind: bot.PressCommand, Command: bot.Command{Verb: bot.VerbRelease, Incident: id}},
		Twin: "release " + id.String(),
	}
}

func handoverButton(id bot.IncidentID) bot.Button {
	return bot.Button{
		Label: "Hand over", Press: bot.Press{Kind: bot.PressForm, Command: bot.Command{Verb: bot.VerbHandover, Incident: id}, Asks: []string{"to", "reason"}},
		Twin: "handover " + id.String() + " PERSON MESSAGE",
	}
}

func runButton(id bot.IncidentID) bot.Button {
	return bot.Button{
		Label: "Run a playbook", Press: bot.Press{Kind: bot.PressForm, Command: bot.Command{Verb: bot.VerbRun, Incident: id}, Asks: []string{"playbook"}},
		Twin: "run PLAYBOOK " + id.String(),
	}
}

func cancelButton(r bot.Run) bot.Button {
	return bot.Button{
		Label: "Cancel " + r.ID.String(), Style: danger,
		Press:   bot.Press{Kind: bot.PressCommand, Command: bot.Command{Verb: bot.VerbCancel, Incident: r.Incident, Run: r.ID}},
		Confirm: Cut(fmt.Sprintf("Stop %s before its next step; what it did on %s is undone where it can be.", r.ID, clip(r.Target, 120)), maxAsked),
		Twin:    "cancel " + r.ID.String(),
	}
}

// cancels reports whether the Run can be stopped and nobody has asked for it.
func cancels(r bot.Run) bool {
	return r.Active() && r.State != bot.RunUndoing && r.State != bot.RunWaiting && r.CancelBy.Name == ""
}

func haltButton() bot.Button {
	return bot.Button{
		Label: "Halt everything", Style: danger,
		Press: bot.Press{Kind: bot.PressForm, Command: bot.Command{Verb: bot.VerbHalt, Scope: bot.HaltAll}, Asks: []string{"reason"}},
		Twin:  "halt",
	}
}

func showButton(label string, s bot.Show, about bot.Command) bot.Button {
	twin := map[bot.Show]string{
		bot.ShowCard: "show " + about.Incident.String(), bot.ShowMore: "show " + about.Incident.String(),
		bot.ShowPlan: "plan " + about.Incident.String(), bot.ShowWhy: "why " + about.Incident.String(),
		bot.ShowOutput: "show " + about.Run.String(), bot.ShowList: "list", bot.ShowMine: "approve",
		bot.ShowWhoami: "whoami", bot.ShowHelp: "help",
	}[s]
	if s == bot.ShowPlan && about.Digest != "" {
		twin += " " + bot.Digest(about.Digest).Short()
	}
	return bot.Button{Label: label, Press: bot.Press{Kind: bot.PressShow, Show: s, Command: about}, Twin: twin}
}

func planButton(a bot.Approval) bot.Button {
	about := bot.Command{Incident: a.Incident, Approval: a.ID, Digest: string(a.Digest)}
	return showButton("Show plan", bot.ShowPlan, about)
}

func moreButton(id bot.IncidentID) bot.Button {
	return showButton("All I can do", bot.ShowMore, bot.Command{Incident: id})
}

// offered is the Button of an action on a Card; of an approval, with all that is
// known of its plan in what is confirmed.
func offered(c bot.Card, a bot.CardAction) bot.Button {
	if a.Command.Verb == bot.VerbApprove {
		for _, p := range c.Proposals {
			if p.Approval.ID == a.Command.Approval && string(p.Approval.Digest) == a.Command.Digest {
				return approveButton(p)
			}
		}
	}
	return ofAction(a)
}

// ofAction is the Button of what the viewer may press.
func ofAction(a bot.CardAction) bot.Button {
	b := bot.Button{
		Label: clip(strings.TrimSuffix(a.Label, " ..."), maxLabel), Style: a.Style, Confirm: clip(a.Confirm, maxAsked),
		Press: bot.Press{Kind: bot.PressCommand, Command: a.Command, Asks: a.Asks},
		Twin:  clip(strings.TrimPrefix(a.CLI, "salve "), maxSpan),
	}
	if len(a.Asks) > 0 {
		b.Press.Kind = bot.PressForm
	}
	return b
}

// ours are commands of the shell that have a twin in chat.
var ours = regexp.MustCompile(`\bsalve (approve|deny|run|cancel|undo|settle|halt|resume|take|release|assign|handover|note|snooze|close|reopen|merge|split|claim|unclaim|raise|show|plan|why|list|help|whoami|incidents|approvals)\b`)

// here makes commands of the shell into what is typed on this surface, where
// there is such a thing.
func (o Options) here(text string) string {
	if o.Command == "" {
		return text
	}
	return ours.ReplaceAllStringFunc(text, func(m string) string {
		switch verb := strings.TrimPrefix(m, "salve "); verb {
		case "incidents":
			return o.Command + " list"
		case "approvals":
			return o.Command + " approve"
		default:
			return o.Command + " " + verb
		}
	})
}
