package brief

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"salve/bot"
)

// Confirm is one question with its plan, for a person who is about to decide.
func Confirm(p bot.CardProposal, o Options) bot.Message {
	m := private("Approve " + clip(what(p), 120) + "?")
	m.Tone = bot.ToneAsking
	m.Lines = planLines(p, o)
	if p.Approval.State != bot.ApprovalPending {
		m.Title[0].Text = "Decided: " + clip(what(p), 120)
		m.Alone, m.Tone = m.Title[0].Text, bot.ToneQuiet
		return m
	}
	if p.MayVote == "" {
		b := approveButton(p)
		b.Label, b.Confirm = "Approve "+p.Approval.Digest.Short(), "" // this is the confirmation
		m.Buttons = append(m.Buttons, b)
	}
	m.Buttons = append(m.Buttons, denyButton(p.Approval))
	return m
}

// PlanForm shows a plan whole, with the way to approve it for whoever may.
func PlanForm(p bot.CardProposal, o Options) bot.Form {
	f := bot.Form{Title: Cut("Plan "+p.Approval.Digest.Short(), maxTitle), Lines: planLines(p, o)}
	if p.Approval.State != bot.ApprovalPending {
		return f
	}
	if p.MayVote == "" {
		f.Submit = "Approve"
		f.Press = bot.Press{Kind: bot.PressCommand, Command: voting(bot.VerbApprove, p.Approval)}
	}
	deny := denyButton(p.Approval)
	f.Rows = append(f.Rows, bot.Row{Line: textLine("Say no, with a reason"), Button: &deny})
	if len(p.Plan.Params) > 0 && p.Plan.Kind != bot.PlanUndo {
		edit := editButton(p)
		f.Rows = append(f.Rows, bot.Row{Line: textLine("Change its parameters: makes another plan"), Button: &edit})
	}
	return f
}

func editButton(p bot.CardProposal) bot.Button {
	return bot.Button{
		Label: "Edit parameters",
		Press: bot.Press{Kind: bot.PressForm, Command: rerun(p), Asks: paramNames(p.Plan.Params)},
		Twin:  clip(fmt.Sprintf("run %s %s NAME=VALUE", p.Approval.Playbook, p.Approval.Incident), maxSpan),
	}
}

// rerun asks for the same playbook in place of the question.
func rerun(p bot.CardProposal) bot.Command {
	return bot.Command{Verb: bot.VerbRun, Incident: p.Approval.Incident, Approval: p.Approval.ID, Playbook: p.Approval.Playbook, Params: p.Plan.Params}
}

func paramNames[V any](params map[string]V) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(params)) {
		out = append(out, "param."+name)
	}
	return out
}

// planLines are what would run, on what, with which way back, and who decides.
func planLines(p bot.CardProposal, o Options) []bot.Line {
	a := p.Approval
	out := []bot.Line{
		line(strong(what(p))),
		line(dots([]bot.Span{raw("plan "), code(longer(a.Digest))}, words("%s", capital(wayBack(p.Plan))), words("%s", riskText(p.Plan)))...),
	}
	out = append(out, standing(p)...)
	if params := paramSpans(p.Plan.Params); len(params) > 0 {
		out = append(out, quiet(params...))
	}
	out = append(out, section(count(len(p.Plan.Steps), "step")))
	whole := len(p.Plan.Steps) <= shownSteps
	for i, s := range first(p.Plan.Steps, shownSteps) {
		l, all := planStep(i+1, s)
		out, whole = append(out, l), whole && all
	}
	if !whole {
		out = append(out, line(strong("Not all of it fits here."), raw(" "), plain("Read it whole before you approve, in the console or on the command line:"), raw(" "), code("salve show "+a.Incident.String())))
	}
	out = append(out, verifyLine(p.Plan))
	if a.Verdict.Reason != "" {
		out = append(out, quiet(plain("Asked because "+clip(a.Verdict.Reason, 200))))
	}
	if o.linked() {
		out = append(out, quiet(o.link("Open "+a.Incident.String(), "/incidents/"+a.Incident.String())))
	}
	return out
}

// longer is the digest as far as it is worth comparing by eye.
func longer(d bot.Digest) string {
	if len(d) <= 16 {
		return string(d)
	}
	return string(d[:8]) + " " + string(d[8:16])
}

func riskText(p bot.Plan) string {
	if p.Risk == "" {
		return "risk not stated"
	}
	return string(p.Risk) + " risk"
}

// standing says where the question stands, and for the viewer why they cannot
// say yes.
func standing(p bot.CardProposal) []bot.Line {
	a := p.Approval
	if a.State != bot.ApprovalPending {
		text := "It was " + string(a.State)
		if a.DecidedBy.Name != "" {
			text += " by " + clip(a.DecidedBy.Name, maxLabel)
		}
		spans := append([]bot.Span{plain(text)}, when(" at", a.DecidedAt)...)
		if a.Reason != "" {
			spans = append(spans, raw(": "), plain(clip(a.Reason, 200)))
		}
		return []bot.Line{line(spans...)}
	}
	out := []bot.Line{line(who(p, 1)...)}
	if p.MayVote != "" {
		out = append(out, line(strong("You cannot approve it:"), raw(" "), plain(p.MayVote)))
	}
	return out
}

// paramSpans are the parameters in one line.
func paramSpans(params map[string]string) []bot.Span {
	var parts [][]bot.Span
	for _, name := range first(slices.Sorted(maps.Keys(params)), shownSteps) {
		parts = append(parts, []bot.Span{plain(clip(name, 60)), raw(" = "), code(params[name])})
	}
	return dots(parts...)
}

// planStep is one step with exactly what it is given; false: it had to be cut.
func planStep(n int, s bot.PlanStep) (bot.Line, bool) {
	name := cmp.Or(s.Title, s.ID)
	undo := "no undo"
	switch {
	case s.Effect == bot.EffectReads:
		undo = "only reads"
	case s.Undo != nil:
		undo = "undo: " + clip(cmp.Or(s.Undo.Title, s.Undo.Action+" "+arguments(s.Undo.Args)), 120)
	}
	if s.ShareOutput || s.Undo != nil && s.Undo.ShareOutput {
		undo += " · its whole output is shared here as a file"
	}
	full := Clean(s.Action + " " + arguments(s.Args))
	does := bot.Span{Text: Cut(full, maxArguments), Style: bot.SpanCode}
	return item(plain(fmt.Sprintf("%d. %s: ", n, clip(name, 100))), raw(" "), does, raw(" · "), plain(undo)), does.Text == full
}

const maxArguments = 400 // runes of what a step does

// arguments are exactly what the step is given, as JSON.
func arguments(args map[string]any) string {
	if len(args) == 0 {
		return ""
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(args); err != nil {
		return "(arguments that cannot be shown)"
	}
	return strings.TrimSpace(b.String())
}

func verifyLine(p bot.Plan) bot.Line {
	if p.Verify == nil || len(p.Verify.Checks) == 0 {
		return textLine("Nothing checks afterwards whether it helped.")
	}
	var names []string
	for _, c := range p.Verify.Checks {
		names = append(names, c.ID)
	}
	return textLine(fmt.Sprintf("Checked afterwards for %s: %s", p.Verify.Within, clip(strings.Join(names, ", "), 200)))
}
