package brief

import (
	"cmp"
	"fmt"
	"slices"
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
	{title: 64, cause: 86, text: 130, plan: 100, who: 130, counts: true, link: true},
	{title: 64, cause: 86, text: 130, plan: 86, who: 130, counts: true},
	{title: 64, cause: 86, text: 130, plan: 86, who: 130},
	{title: 64, cause: 86, text: 86, plan: 86, who: 86},
	{title: 62, cause: 43, text: 130, plan: 86, who: 86},
	{title: 62, cause: 43, text: 86, plan: 86, who: 86},
	{title: 30, cause: 42, text: 64, plan: 60, who: 60},
	{title: 30, text: 42, plan: 42, who: 42},
}

// Card is the living card of an Incident in a channel, the same for everybody.
func Card(c bot.Card, o Options) bot.Message {
	m := bot.Message{Kind: bot.MessageCard, Tone: tone(c), Alone: alone(c, state(c), "")}
	if p, ok := open(c); ok {
		m.Alone = alone(c, asking(p, time.Time{}), "")
	} else if r, ok := active(c); ok {
		m.Alone = alone(c, fmt.Sprintf("%s %s %s", r.Run.ID, clip(r.Run.Playbook, 50), result(r.Run)), "")
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
	name := state(c)
	if c.Phase == bot.PhaseAsking {
		name = "needs approval" // which leaves room for the time beside it
	}
	parts := [][]bot.Span{{strong(capital(name))}, when("since", c.Since)}
	if len(ended) > 0 && c.State != bot.IncidentOpen {
		parts = append(parts, ended)
	} else if r.counts && c.Total+c.Truncated > 1 {
		parts = append(parts, words("%d of %d firing", c.Firing, c.Total+c.Truncated))
	}
	if r.counts && c.Owner != "" && c.Phase != bot.PhaseTaken {
		parts = append(parts, words("taken by %s", clip(c.Owner, maxLabel)))
	}
	return line(dots(parts...)...)
}

// story is what happens next and why, where the other lines do not say it.
func story(c bot.Card) []bot.Span {
	var out []bot.Span
	if c.Halt != nil {
		out = words("%s Nothing starts until somebody resumes.", haltText(*c.Halt))
	}
	if r, ok := active(c); ok {
		return joined(runStory(r), out)
	}
	if c.Phase == bot.PhaseAsking || c.Halt != nil {
		return out
	}
	if p, ok := refused(c); ok {
		return refusedStory(p)
	}
	switch c.Phase {
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

func joined(a, b []bot.Span) []bot.Span {
	if len(a) > 0 && len(b) > 0 {
		a = append(a, raw(" "))
	}
	return append(a, b...)
}

// refused is the question that was denied or expired last, if that is what the
// Incident stands at: nothing ran since.
func refused(c bot.Card) (bot.CardProposal, bool) {
	for _, p := range c.Proposals {
		a := p.Approval
		if a.State != bot.ApprovalDenied && a.State != bot.ApprovalExpired || c.Phase != bot.PhaseNeedsPerson {
			continue
		}
		if len(c.Runs) == 0 || c.Runs[0].Run.EndedAt.Before(a.DecidedAt) {
			return p, true
		}
	}
	return bot.CardProposal{}, false
}

func refusedStory(p bot.CardProposal) []bot.Span {
	a := p.Approval
	if a.State == bot.ApprovalExpired {
		return []bot.Span{plain("Nobody decided about " + clip(what(p), 80) + " before"), raw(" "), at(a.ExpiresAt), raw("; nothing was changed. A person is needed.")}
	}
	return words("%s denied %s: %s. Take it, or run another playbook.", clip(cmp.Or(a.DecidedBy.Name, "Somebody"), maxLabel),
		clip(what(p), 60), strings.TrimSuffix(clip(cmp.Or(a.Reason, "no reason given"), 60), "."))
}

func runStory(r bot.CardRun) []bot.Span {
	if r.Run.State == bot.RunWaiting {
		return words("%s (%s on %s) %s.", r.Run.ID, clip(r.Run.Playbook, 40), clip(r.Run.Target, 40), waits(r.Run))
	}
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
	label := "Proposed:"
	if p.Approval.State != bot.ApprovalPending {
		label = "Asked before:"
	}
	head := []bot.Span{strong(label), raw(" "), plain(clip(what(p), max(limit-width(flat(rest))-10, 12)))}
	return line(append(head, rest...)...)
}

// who says who may approve until when, and who has.
func who(p bot.CardProposal, questions int) []bot.Span {
	a := p.Approval
	if len(a.Rule.Approvers) == 0 {
		return words("Nobody may approve it. Write approvers: [GROUP] into playbook %s.", clip(a.Playbook, 40))
	}
	out := words("%s", p.WhoMay)
	if yes := saidYes(a); yes != "" && len(a.Votes) > 0 {
		out = []bot.Span{plain(yes), raw(" · next: "), plain(nextVoter(a))}
	}
	out = append(out, append([]bot.Span{raw(" ")}, when("until", a.ExpiresAt)...)...)
	if by := p.Plan.AskedBy; by.Name != "" {
		out = append(out, raw(" · "), plain("not "+by.Name+", who asked"))
	}
	if questions > 1 {
		out = append(out, raw(fmt.Sprintf(" · %d more behind More", questions-1)))
	}
	return out
}

// nextVoter names the groups of whom another yes counts.
func nextVoter(a bot.Approval) string {
	open := a.Tally().Open
	if len(open) == 0 {
		return "nobody"
	}
	return groupsText(open)
}

// saidYes names who agreed so far, when more than one must.
func saidYes(a bot.Approval) string {
	t := a.Tally()
	if t.Needed <= 1 && t.Yes == 0 {
		return ""
	}
	var names []string
	for _, v := range a.Votes {
		if name := clip(cmp.Or(v.Name, string(v.Person)), maxLabel); v.Yes && v.Digest == a.Digest && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	text := fmt.Sprintf("%d of %d said yes", t.Yes, t.Needed)
	if len(names) > 0 {
		text += ": " + strings.Join(first(names, 5), ", ")
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
		out = append(out, voteButtons(p)...)
		more = append(more, planButton(p.Approval))
	}
	if running && cancels(r.Run) && !asked {
		out = append(out, cancelButton(r.Run))
	}
	switch {
	case over(c) || c.Phase == bot.PhaseFixed || c.Phase == bot.PhaseResolved:
	case c.Owner == "":
		out = append(out, takeButton(c.Incident))
	case !asked:
		out = append(out, releaseButton(c.Incident), handoverButton(c.Incident))
	}
	if c.Phase == bot.PhaseNeedsPerson && !asked {
		if running && r.Run.State == bot.RunWaiting {
			out = append([]bot.Button{settleButton(r.Run)}, out...)
		} else {
			out = append(held(c), withoutTake(out)...)
		}
	}
	if len(c.Runs) > 0 {
		more = append(more, showButton("Show output", bot.ShowOutput, bot.Command{Incident: c.Incident, Run: c.Runs[0].Run.ID}))
	}
	more = append(more, showButton("Why", bot.ShowWhy, about), showButton("Show all", bot.ShowCard, about), moreButton(c.Incident))
	return first(out, bot.MaxButtons-1), first(more, bot.MaxMore)
}

// withoutTake leaves out what held has already.
func withoutTake(list []bot.Button) []bot.Button {
	return slices.DeleteFunc(list, func(b bot.Button) bool { return b.Press.Command.Verb == bot.VerbTake })
}

// settleButton leads to what can be said about a Run that waits.
func settleButton(r bot.Run) bot.Button {
	label := "Say what became of it"
	if _, ok := unjudged(r); !ok {
		label = "Say what is next"
	}
	return bot.Button{
		Label: label, Style: primary,
		Press: bot.Press{Kind: bot.PressShow, Show: bot.ShowMore, Command: bot.Command{Incident: r.Incident, Run: r.ID}},
		Twin:  "show " + r.ID.String(),
	}
}
