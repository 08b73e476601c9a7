package brief

import (
	"fmt"
	"strings"

	"salve/bot"
)

// maxFull bounds a long reply, in runes of all its lines.
const maxFull = 7000

// Full is the Incident with all that a reply can hold, for one person.
func Full(c bot.Card, o Options) bot.Message {
	m := bot.Message{Kind: bot.MessageReply, Tone: tone(c), Title: title(c, 120), Alone: alone(c, state(c), "")}
	lines := []bot.Line{stateLine(c, rooms[0])}
	if c.Headline != "" {
		lines = append(lines, textLine(c.Headline))
	}
	lines = append(lines, diagnosisLines(c)...)
	for _, p := range c.Proposals {
		lines = append(lines, planLine(p, 160))
		lines = append(lines, standing(p)...)
	}
	for _, r := range first(c.Runs, 5) {
		lines = append(lines, item(dots([]bot.Span{strong(r.Run.ID.String())}, words("%s on %s", clip(r.Run.Playbook, 60), clip(r.Run.Target, 60)), words("%s", result(r.Run)))...))
	}
	lines = append(lines, manualLines(c)...)
	lines = append(lines, historyLines(c)...)
	lines = append(lines, quiet(dots(words("from %s", clip(c.Source, 80)), traceSpans(c))...))
	m.Lines = bounded(lines, maxFull, o, c.Incident)
	m.Buttons, m.More = ofActions(c)
	return m
}

// ofActions are what the viewer may press: the likeliest, and behind More.
func ofActions(c bot.Card) (out, more []bot.Button) {
	for _, a := range first(c.Actions, bot.MaxButtons-1) {
		out = append(out, offered(c, a))
	}
	about := bot.Command{Incident: c.Incident}
	if p, ok := open(c); ok {
		more = append(more, planButton(p.Approval))
	}
	if len(c.Runs) > 0 {
		more = append(more, showButton("Show output", bot.ShowOutput, bot.Command{Incident: c.Incident, Run: c.Runs[0].Run.ID}))
	}
	return out, append(more, showButton("Why", bot.ShowWhy, about), moreButton(c.Incident))
}

func diagnosisLines(c bot.Card) []bot.Line {
	d := c.Diagnosis
	if d.Summary == "" && len(d.Hypotheses) == 0 {
		return nil
	}
	out := []bot.Line{section("Why")}
	if len(d.Hypotheses) == 0 {
		out = append(out, textLine(d.Summary))
	}
	for _, h := range first(d.Hypotheses, 3) {
		out = append(out, item(plain(fmt.Sprintf("%s (%.0f %% sure; %s)", clip(h.Cause, 200), min(max(h.Confidence, 0), 1)*100, strings.Join(first(h.Evidence, 8), ", ")))))
	}
	for _, e := range first(d.Evidence, 10) {
		out = append(out, item(plain(fmt.Sprintf("%s: %s (%s)", e.ID, clip(e.Text, 200), clip(e.Cites, 60)))))
	}
	for _, g := range first(d.Gaps, 3) {
		out = append(out, quiet(plain("Not looked at: "+g)))
	}
	return out
}

// manualLines are what a person can do by hand. The runbook may have come with
// an alert, so that it is text and no link.
func manualLines(c bot.Card) []bot.Line {
	var out []bot.Line
	if c.Nearest != nil {
		out = append(out, textLine(fmt.Sprintf("Nearest playbook: %s; why not: %s", clip(c.Nearest.Playbook, 60), clip(c.Nearest.WhyNot, 200))))
	}
	if len(c.Checklist) > 0 || c.Runbook != "" {
		out = append(out, section("By hand"))
	}
	for i, s := range first(c.Checklist, 10) {
		out = append(out, item(plain(fmt.Sprintf("%d. %s", i+1, s))))
	}
	if c.Runbook != "" {
		out = append(out, line(plain("Runbook:"), raw(" "), code(c.Runbook)))
	}
	return out
}

func historyLines(c bot.Card) []bot.Line {
	var out []bot.Line
	for _, n := range last(c.Notes, 5) {
		out = append(out, item(plain(clip(n.By.Name, maxLabel)+" noted"), raw(" "), at(n.At), raw(": "), plain(n.Text)))
	}
	if len(c.Timeline) > 0 {
		out = append(out, section("What happened"))
	}
	for _, e := range last(c.Timeline, 10) {
		out = append(out, item(at(e.At), raw(" "), plain(clip(e.Who, maxLabel)+": "+clip(e.Text, 200))))
	}
	return out
}

func traceSpans(c bot.Card) []bot.Span {
	if c.TraceID == "" {
		return nil
	}
	return []bot.Span{raw("trace "), code(c.TraceID)}
}

func last[T any](list []T, n int) []T { return list[max(len(list)-n, 0):] }

// bounded keeps the lines that fit, and says so when some do not.
func bounded(lines []bot.Line, limit int, o Options, id bot.IncidentID) []bot.Line {
	used := 0
	for i, l := range lines {
		if used += len([]rune(flat(l.Spans))); used > limit {
			rest := quiet(plain(fmt.Sprintf("%s more do not fit here.", count(len(lines)-i, "line"))))
			if o.linked() {
				rest = quiet(o.link("The rest is here", "/incidents/"+id.String()))
			}
			return append(lines[:i:i], rest)
		}
	}
	return lines
}

// Why is each playbook that was looked at, and each rule's word on it.
func Why(c bot.Card, o Options) bot.Message {
	m := private("Why " + c.Incident.String() + " stands as it does")
	lines := []bot.Line{textLine(c.Headline)}
	if c.Headline == "" {
		lines = nil
	}
	for _, k := range first(c.Candidates, 5) {
		lines = append(lines, section(fmt.Sprintf("%s on %s: %s", clip(k.Playbook, 60), clip(k.Target, 60), rulingText(k.Verdict.Ruling))))
		lines = append(lines, verdictLines(k.Verdict, 0)...)
	}
	if left := len(c.Candidates) - 5; left > 0 {
		lines = append(lines, quiet(plain(fmt.Sprintf("and %d more playbooks or targets", left))))
	}
	if len(c.Candidates) == 0 {
		lines = append(lines, textLine("No playbook fits."))
	}
	if c.Nearest != nil {
		lines = append(lines, textLine(fmt.Sprintf("Nearest: %s; why not: %s", clip(c.Nearest.Playbook, 60), clip(c.Nearest.WhyNot, 200))))
	}
	m.Lines = bounded(lines, maxFull, o, c.Incident)
	return m
}

func rulingText(r bot.Ruling) string {
	switch r {
	case bot.Allow:
		return "may run by itself"
	case bot.AskPerson:
		return "people are asked"
	default:
		return "does not run"
	}
}

// verdictLines are the leaves of the tree, ten at most at each place.
func verdictLines(v bot.Verdict, depth int) []bot.Line {
	if len(v.Children) == 0 || depth > 4 {
		mark := map[bot.Ruling]string{bot.Allow: "✓", bot.AskPerson: "?"}[v.Ruling]
		if mark == "" {
			mark = "✗"
		}
		spans := []bot.Span{plain(fmt.Sprintf("%s %s: %s", mark, clip(v.Rule, maxLabel), clip(v.Reason, 200)))}
		return []bot.Line{item(append(spans, when(", again at", v.RetryAt)...)...)}
	}
	var out []bot.Line
	for _, c := range first(v.Children, 12) {
		out = append(out, verdictLines(c, depth+1)...)
	}
	return out
}
