package brief

import (
	"cmp"
	"fmt"
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
		m.Alone = alone(c, asking(c, p, time.Time{}), "")
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
