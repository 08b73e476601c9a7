package brief

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"salve/bot"
)

// room is how many runes the parts of a card may take.
type room struct {
	title, cause, text, plan, who int
	counts, link                  bool
}

// rooms are tried until the card is low enough; the last one always is.
var rooms = []room{
	{title: 78, cause: 86, text: 130, plan: 100, who: 130, counts: true, link: true},
	{title: 78, cause: 86, text: 86, plan: 86, who: 86, counts: true},
	{title: 60, cause: 44, text: 86, plan: 86, who: 86},
	{title: 40, cause: 42, text: 64, plan: 60, who: 60},
	{title: 36, text: 42, plan: 42, who: 42},
}

// Card is the living card of an Incident in a channel, the same for everybody.
func Card(c bot.Card, o Options) bot.Message {
	m := bot.Message{Kind: bot.MessageCard, Tone: tone(c), Alone: alone(c, capital(state(c)), "")}
	if p, ok := open(c); ok {
		m.Alone = alone(c, asking(p, time.Time{}), "")
	}
	m.Buttons, m.More = cardButtons(c)
	for _, r := range rooms {
		m.Title, m.Lines = title(c, r.title), cardLines(c, r, o)
		if Height(m) <= bot.MaxLines {
			break
		}
	}
	return m
}

func tone(c bot.Card) bot.Tone {
	_, asked := open(c)
	switch {
	case c.Phase == bot.PhaseNeedsPerson:
		return bot.ToneUrgent
	case asked:
		return bot.ToneAsking
	case c.Phase == bot.PhaseRunning || c.Phase == bot.PhaseVerifying:
		return bot.ToneBusy
	case c.Phase == bot.PhaseFixed || c.Phase == bot.PhaseResolved:
		return bot.ToneGood
	default:
		return bot.ToneQuiet
	}
}

// open is the question that waits for people, and how many more do.
func open(c bot.Card) (bot.CardProposal, bool) {
	for _, p := range c.Proposals {
		if p.Approval.State == bot.ApprovalPending {
			return p, true
		}
	}
	return bot.CardProposal{}, false
}

func openCount(c bot.Card) int {
	n := 0
	for _, p := range c.Proposals {
		if p.Approval.State == bot.ApprovalPending {
			n++
		}
	}
	return n
}

// over reports whether nobody needs to do anything about the Incident any more.
func over(c bot.Card) bool {
	return c.State == bot.IncidentClosed || c.State == bot.IncidentMerged
}

// active is the Run that goes on or waits.
func active(c bot.Card) (bot.CardRun, bool) {
	for _, want := range []bool{true, false} { // one that waits for people first
		for _, r := range c.Runs {
			if r.Run.Active() && (r.Run.State == bot.RunWaiting) == want {
				return r, true
			}
		}
	}
	return bot.CardRun{}, false
}

func title(c bot.Card, limit int) []bot.Span {
	return []bot.Span{
		{Text: c.Incident.String() + " " + shout(c.Severity), Style: bot.SpanStrong}, raw(" · "), strongCut(c.Title, limit-len(c.Incident.String())-len(shout(c.Severity))-4),
	}
}

func strongCut(s string, limit int) bot.Span {
	return bot.Span{Text: clip(cmp.Or(s, "no title"), limit), Style: bot.SpanStrong}
}

func cardLines(c bot.Card, r room, o Options) []bot.Line {
	out := []bot.Line{stateLine(c, r)}
	if s := story(c); len(s) > 0 {
		out = append(out, line(cutSpans(s, r.text)...))
	}
	if s := cause(c, r.cause); s != "" {
		out = append(out, textLine(s))
	}
	if p, ok := open(c); ok {
		out = append(out, planLine(p, r.plan), line(cutSpans(who(p, openCount(c)), r.who)...))
	}
	if r.link && o.linked() {
		out = append(out, quiet(o.link("Open "+c.Incident.String(), "/incidents/"+c.Incident.String())))
	}
	return out
}

// state is the phase in a few words.
func state(c bot.Card) string {
	switch {
	case c.Phase == bot.PhaseTaken && c.Owner != "":
		return "taken by " + clip(c.Owner, maxLabel)
	case c.State == bot.IncidentMerged:
		return "merged"
	default:
		return string(cmp.Or(c.Phase, bot.PhaseLooking))
	}
}

// stateLine says where it stands, since when, and how much of it fires.
func stateLine(c bot.Card, r room) bot.Line {
	ended := when("ended", c.EndedAt)
	parts := [][]bot.Span{{strong(capital(state(c)))}, when("since", c.Since)}
	if len(ended) > 0 && c.State != bot.IncidentOpen {
		parts = append(parts, ended)
	} else if r.counts && c.Total > 0 {
		parts = append(parts, words("%d of %d firing", c.Firing, c.Total+c.Truncated))
	}
	if r.counts && c.Owner != "" && c.Phase != bot.PhaseTaken {
		parts = append(parts, words("taken by %s", clip(c.Owner, maxLabel)))
	}
	return line(dots(parts...)...)
}

// story is what happens next and why, where the other lines do not say it.
func story(c bot.Card) []bot.Span {
	if r, ok := active(c); ok && r.Run.State != bot.RunWaiting {
		return runStory(r)
	}
	switch c.Phase {
	case bot.PhaseAsking:
		return nil
	case bot.PhaseTaken:
		return words("Nothing runs or is proposed by itself until it is released.")
	case bot.PhaseSnoozed:
		return append([]bot.Span{raw("Nothing starts by itself until "), at(c.SnoozedUntil)}, raw("."))
	case bot.PhaseFixed:
		if r, ok := fixedBy(c); ok {
			return append(words("Fixed by %s on %s", r.Playbook, r.Target), append(when(", verified", r.EndedAt), raw("."))...)
		}
	case bot.PhaseResolved:
		return words("No alert fires; it closes by itself if it stays quiet.")
	}
	return []bot.Span{plain(cmp.Or(c.Headline, "What comes next is not known."))}
}

func runStory(r bot.CardRun) []bot.Span {
	verb := map[bot.RunState]string{bot.RunPlanned: "is about to run", bot.RunVerifying: "is done; checking whether it helped", bot.RunUndoing: "did not go well; undoing what it did"}[r.Run.State]
	if verb == "" {
		n, of := stepAt(r.Run)
		verb = fmt.Sprintf("runs, step %d of %d", n, of)
	}
	out := words("%s %s on %s %s", r.Run.ID, r.Run.Playbook, r.Run.Target, verb)
	if r.Run.State == bot.RunVerifying {
		out = append(out, when(", until", r.Run.VerifyBy)...)
	}
	return append(out, raw("."))
}

func fixedBy(c bot.Card) (bot.Run, bool) {
	for _, r := range c.Runs {
		if r.Run.State == bot.RunFixed {
			return r.Run, true
		}
	}
	return bot.Run{}, false
}

// cause is the likeliest one with its confidence, in so many runes.
func cause(c bot.Card, limit int) string {
	if limit <= 0 {
		return ""
	}
	if len(c.Diagnosis.Hypotheses) == 0 {
		return clip(c.Diagnosis.Summary, limit)
	}
	h := c.Diagnosis.Hypotheses[0]
	sure := fmt.Sprintf(" (%.0f %% sure)", min(max(h.Confidence, 0), 1)*100)
	return clip("Likely: "+h.Cause, limit-len(sure)) + sure
}

func planLine(p bot.CardProposal, limit int) bot.Line {
	back := wayBack(p.Plan)
	rest := []bot.Span{raw(" · " + strings.TrimPrefix(back, "it ") + " · plan "), code(p.Approval.Digest.Short())}
	head := []bot.Span{strong("Proposed: "), plain(clip(what(p), max(limit-len(flat(rest))-10, 12)))}
	head[0].Text += " "
	return line(append(head, rest...)...)
}

// who says who may approve until when, and who has.
func who(p bot.CardProposal, questions int) []bot.Span {
	a := p.Approval
	if len(a.Rule.Approvers) == 0 {
		return words("Nobody may approve it: add approvers: [a group] to playbook %s, then run it again.", a.Playbook)
	}
	out := append(words("%s", p.WhoMay), append([]bot.Span{raw(" ")}, when("until", a.ExpiresAt)...)...)
	if yes := saidYes(a); yes != "" {
		out = append([]bot.Span{plain(yes), raw(" · ")}, out...)
	}
	if by := p.Plan.AskedBy; by.Name != "" {
		out = append(out, raw(" · "), plain("not "+by.Name+", who asked"))
	}
	if questions > 1 {
		out = append(out, raw(fmt.Sprintf(" · %d more behind More", questions-1)))
	}
	return out
}

// saidYes names who agreed so far, when more than one must.
func saidYes(a bot.Approval) string {
	var names []string
	for _, v := range a.Votes {
		if v.Yes {
			names = append(names, clip(v.Name, maxLabel))
		}
	}
	if a.Rule.Quorum <= 1 && len(names) == 0 {
		return ""
	}
	text := fmt.Sprintf("%d of %d said yes", len(names), max(a.Rule.Quorum, 1))
	if len(names) > 0 {
		text += ": " + strings.Join(names, ", ")
	}
	return text
}

// cutSpans keeps so many runes of the pieces; an instant counts as it is shown.
func cutSpans(spans []bot.Span, limit int) []bot.Span {
	var out []bot.Span
	for _, s := range spans {
		n := len([]rune(flat([]bot.Span{s})))
		if n <= limit {
			out, limit = append(out, s), limit-n
			continue
		}
		if s.At.IsZero() && limit > 1 {
			s.Text = Cut(s.Text, limit)
			return append(out, s)
		}
		return append(out, raw("…"))
	}
	return out
}

// cardButtons are the likeliest at hand and the others behind More.
func cardButtons(c bot.Card) (out, more []bot.Button) {
	about := bot.Command{Incident: c.Incident}
	p, asked := open(c)
	r, running := active(c)
	if asked {
		out = append(out, approveButton(p), denyButton(p.Approval))
		more = append(more, planButton(p.Approval))
	}
	if running && cancels(r.Run) && !asked {
		out = append(out, cancelButton(r.Run))
	}
	switch {
	case over(c):
	case c.Owner == "":
		out = append(out, takeButton(c.Incident))
	case !asked:
		out = append(out, releaseButton(c.Incident), handoverButton(c.Incident))
	}
	if c.Phase == bot.PhaseNeedsPerson && !asked {
		if running && r.Run.State == bot.RunWaiting {
			out = append([]bot.Button{settleButton(r.Run)}, out...)
		} else {
			more = append(more, runButton(c.Incident))
		}
	}
	if len(c.Runs) > 0 {
		more = append(more, showButton("Show output", bot.ShowOutput, bot.Command{Incident: c.Incident, Run: c.Runs[0].Run.ID}))
	}
	more = append(more, showButton("Why", bot.ShowWhy, about), showButton("Show all", bot.ShowCard, about), moreButton(c.Incident))
	return first(out, bot.MaxButtons-1), first(more, bot.MaxMore)
}

// settleButton leads to what can be said about a Run that waits.
func settleButton(r bot.Run) bot.Button {
	return bot.Button{
		Label: "Say what became of it", Style: primary,
		Press: bot.Press{Kind: bot.PressShow, Show: bot.ShowMore, Command: bot.Command{Incident: r.Incident, Run: r.ID}},
		Twin:  "show " + r.ID.String(),
	}
}
