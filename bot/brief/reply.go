package brief

import (
	"fmt"
	"slices"
	"strings"

	"salve/bot"
)

// private begins a reply to one person.
func private(title string) bot.Message {
	return bot.Message{Kind: bot.MessageReply, Tone: bot.ToneQuiet, Title: []bot.Span{strong(title)}, Alone: clip(title, bot.MaxAlone)}
}

// Answer is what a Command did, for whoever gave it.
func Answer(a bot.Answer, o Options) bot.Message {
	text := o.here(a.Text)
	m := bot.Message{Kind: bot.MessageReply, Tone: bot.ToneGood, Alone: clip(text, bot.MaxAlone), Lines: paragraphs(text)}
	if a.Repeated {
		m.Tone = bot.ToneQuiet
	}
	if a.Incident != 0 {
		m.Buttons = []bot.Button{showButton("Show "+a.Incident.String(), bot.ShowCard, bot.Command{Incident: a.Incident})}
	}
	return m
}

// Refusal says no, why, and what to do next.
func Refusal(r *bot.Refusal, o Options) bot.Message {
	if r == nil {
		r = bot.Refuse(bot.RefusedLater, "This was not done, and nobody can say why.", "Try again.")
	}
	why, next := o.here(r.Why), o.here(r.Next)
	m := bot.Message{Kind: bot.MessageReply, Tone: bot.ToneAsking, Alone: clip(why, bot.MaxAlone)}
	m.Lines = []bot.Line{line(strong(why))}
	m.Lines = append(m.Lines, paragraphs(next)...)
	if len(m.Alone) == 0 {
		m.Alone = "Not done."
	}
	return m
}

// paragraphs splits a long text, so that no piece is cut.
func paragraphs(text string) []bot.Line {
	var out []bot.Line
	rest := Clean(text)
	for rest != "" && len(out) < maxParagraphs {
		piece := head(rest, maxSpan)
		if piece != rest {
			if i := strings.LastIndexByte(piece, ' '); i > 0 {
				piece = piece[:i]
			}
		}
		out = append(out, textLine(piece))
		rest = strings.TrimSpace(rest[len(piece):])
	}
	return out
}

const maxParagraphs = 8

// List is the open Incidents, for one person.
func List(cards []bot.Card, o Options) bot.Message {
	if len(cards) == 0 {
		m := private("No incident is open.")
		m.Tone = bot.ToneGood
		return m
	}
	m := private(count(len(cards), "incident"))
	cards = slices.Clone(cards)
	slices.SortStableFunc(cards, worse)
	for _, c := range first(cards, shownRows) {
		b := showButton("Show", bot.ShowCard, bot.Command{Incident: c.Incident})
		m.Rows = append(m.Rows, bot.Row{Line: line(dots(entry(c, 60), when("since", c.Since))...), Button: &b})
	}
	if left := len(cards) - shownRows; left > 0 {
		m.Lines = append(m.Lines, quiet(plain(fmt.Sprintf("The %d worst; %d more are open.", shownRows, left))))
	}
	if o.linked() {
		m.Lines = append(m.Lines, quiet(o.link("All incidents", "/")))
	}
	return m
}

const shownRows = 15

// Mine is what the person may approve.
func Mine(ps []bot.CardProposal, o Options) bot.Message {
	if len(ps) == 0 {
		m := private("Nothing waits for your approval.")
		m.Lines = []bot.Line{line(plain("What you may approve at all:"), raw(" "), o.typed("whoami"))}
		return m
	}
	m := private(count(len(ps), "plan") + waiting(len(ps)) + " for your approval")
	for _, p := range first(ps, shownRows) {
		m.Rows = append(m.Rows, mineRow(p))
	}
	if left := len(ps) - shownRows; left > 0 {
		m.Lines = append(m.Lines, quiet(plain(fmt.Sprintf("and %d more.", left))))
	}
	return m
}

func waiting(n int) string {
	if n == 1 {
		return " waits"
	}
	return " wait"
}

func mineRow(p bot.CardProposal) bot.Row {
	a := p.Approval
	b := planButton(a)
	b.Label = "Read and decide"
	return bot.Row{Button: &b, Line: line(dots(
		[]bot.Span{strong(a.Incident.String())}, words("%s", clip(what(p), 120)), []bot.Span{raw("plan "), code(a.Digest.Short())}, when("until", a.ExpiresAt),
	)...)}
}
