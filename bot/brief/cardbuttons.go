package brief

import (
	"slices"

	"salve/bot"
)

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
