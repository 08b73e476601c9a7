package brief

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"salve/bot"
)

// HomeState is what a person's own page shows.
type HomeState struct {
	Person  bot.Person // zero: nobody knows who they are
	Mine    []bot.CardProposal
	Running []bot.CardRun
	Held    []bot.Card // incidents that the person has taken
	Halts   []bot.Halt
	At      time.Time // when it was read
}

// Home is a person's own page.
func Home(h HomeState, o Options) bot.Message {
	m := bot.Message{Kind: bot.MessageHome, Tone: bot.ToneQuiet, Alone: "Salve: nothing waits for you", Title: []bot.Span{strong("Salve")}}
	if h.Person.ID == "" {
		m.Lines = []bot.Line{textLine("Nobody knows who you are here, so that you can look but not decide."), line(plain("What to do about it:"), raw(" "), o.typed("whoami"))}
		m.Buttons = []bot.Button{showButton("Who am I", bot.ShowWhoami, bot.Command{}), showButton("List", bot.ShowList, bot.Command{})}
		return m
	}
	for _, x := range first(h.Halts, 5) {
		m.Lines = append(m.Lines, line(strong(haltText(x))))
		m.Tone = bot.ToneAsking
	}
	m.Lines = append(m.Lines, textLine(mayText(h.Person)))
	if n := len(h.Mine); n > 0 {
		m.Tone, m.Alone = bot.ToneAsking, fmt.Sprintf("Salve: %s%s for your approval", count(n, "plan"), waiting(n))
	}
	m.Rows = homeRows(h)
	m.Buttons = []bot.Button{showButton("List", bot.ShowList, bot.Command{}), showButton("Who am I", bot.ShowWhoami, bot.Command{}), showButton("Help", bot.ShowHelp, bot.Command{}), haltButton()}
	if o.linked() {
		m.Lines = append(m.Lines, quiet(o.link("Open the console", "/")))
	}
	if !h.At.IsZero() {
		m.Lines = append(m.Lines, quiet(raw("as of "), at(h.At)))
	}
	return m
}

func homeRows(h HomeState) []bot.Row {
	var out []bot.Row
	head := func(text string) { out = append(out, bot.Row{Line: section(text)}) }
	head("Waits for you: " + cmp.Or(some(len(h.Mine)), "nothing"))
	for _, p := range first(h.Mine, shownRows) {
		out = append(out, mineRow(p))
	}
	head("Runs now: " + cmp.Or(some(len(h.Running)), "nothing"))
	for _, r := range first(h.Running, shownRows) {
		row := bot.Row{Line: line(dots([]bot.Span{strong(r.Run.ID.String())}, words("%s on %s", clip(r.Run.Playbook, 60), clip(r.Run.Target, 60)), words("%s", result(r.Run)))...)}
		b := showButton("Show "+r.Run.Incident.String(), bot.ShowCard, bot.Command{Incident: r.Run.Incident})
		if cancels(r.Run) {
			b = cancelButton(r.Run)
		}
		row.Button = &b
		out = append(out, row)
	}
	if len(h.Held) > 0 {
		head("You hold: " + some(len(h.Held)))
	}
	for _, c := range first(h.Held, shownRows) {
		b := showButton("Show", bot.ShowCard, bot.Command{Incident: c.Incident})
		out = append(out, bot.Row{Line: line(entry(c, 60)...), Button: &b})
	}
	return out
}

func some(n int) string {
	switch {
	case n == 0:
		return ""
	case n > shownRows:
		return fmt.Sprintf("%d, the first %d", n, shownRows)
	default:
		return fmt.Sprint(n)
	}
}

// mayText says what somebody may approve, and do.
func mayText(p bot.Person) string {
	text := "You are in no group, so that you can approve nothing."
	if len(p.Groups) > 0 {
		text = "You may approve what asks for " + groupsText(p.Groups) + "."
	}
	if p.Disabled {
		return "You are disabled, so that you can decide nothing."
	}
	if !p.Has(bot.RoleResponder) {
		text += " You are no responder: you can look, and halt."
	}
	return text
}

func groupsText(groups []string) string {
	var names []string
	for _, g := range first(groups, 20) {
		names = append(names, clip(g, 60))
	}
	if len(names) == 1 {
		return "group " + names[0]
	}
	return "groups " + strings.Join(names, ", ")
}
