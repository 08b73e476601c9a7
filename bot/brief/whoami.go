package brief

import (
	"fmt"
	"strings"

	"salve/bot"
)

// WhoamiState is who somebody is, as the surface and Salve know it.
type WhoamiState struct {
	Surface string     // slack
	Member  bot.Member // what the surface says
	Person  bot.Person // zero: nobody knows
	Grants  []string   // what to write into the configuration, or to run, so that they may more; each a line
}

// Whoami says who somebody is taken for, and what they may do, with what would
// let them do more.
func Whoami(w WhoamiState, o Options) bot.Message {
	m := private("You are nobody that Salve knows")
	if w.Person.ID != "" {
		m = private("You are " + clip(w.Person.Name, 60) + " (" + clip(string(w.Person.ID), 60) + ")")
	}
	m.Lines = append(m.Lines, line(plain("Here you are"), raw(" "), code(w.Surface+":"+w.Member.User.ID), raw(" "), plain(w.Member.User.Name)))
	if w.Person.ID != "" {
		m.Lines = append(m.Lines, textLine(mayText(w.Person)), quiet(plain("Roles: "+roles(w.Person))))
	} else {
		m.Lines = append(m.Lines, textLine("You can look, and halt. Anything else needs somebody whom Salve knows."))
	}
	if w.Member.Why != "" {
		m.Lines = append(m.Lines, line(strong(fmt.Sprintf("You may only read from here: %s.", clip(w.Member.Why, 100)))))
	}
	if len(w.Member.Groups) > 0 {
		m.Lines = append(m.Lines, line(append(words("From the groups of this surface: %s", groupsText(w.Member.Groups)), when(", read", w.Member.ReadAt)...)...))
	}
	if len(w.Member.Unread) > 0 {
		m.Lines = append(m.Lines, textLine(fmt.Sprintf("Nobody could tell who is in %s just now, so that nobody is. Try again in some minutes.", groupsText(w.Member.Unread))))
	}
	if len(w.Grants) > 0 {
		m.Lines = append(m.Lines, section("What an admin can do"))
	}
	for _, g := range first(w.Grants, 10) {
		m.Lines = append(m.Lines, block(Cut(indented(g), maxSpan)))
	}
	m.Buttons = []bot.Button{showButton("What I may approve", bot.ShowMine, bot.Command{}), showButton("Help", bot.ShowHelp, bot.Command{})}
	return m
}

func roles(p bot.Person) string {
	var out []string
	for _, r := range p.Roles {
		out = append(out, string(r))
	}
	if len(out) == 0 {
		return "none"
	}
	return clip(strings.Join(out, ", "), 100)
}

// Usage is how one thing is typed.
type Usage struct {
	Word string // approve
	Line string // approve I-142 3fa9c1d2
	Does string // one sentence
	More string // what help about it adds; may be empty
}

// Help is what can be typed: all of it in short, or one thing in full.
func Help(topic string, usage []Usage, o Options) bot.Message {
	topic = strings.ToLower(strings.TrimSpace(topic))
	for _, u := range usage {
		if u.Word != topic || topic == "" {
			continue
		}
		m := private(u.Word)
		m.Lines = []bot.Line{line(o.typed(u.Line)), textLine(u.Does)}
		m.Lines = append(m.Lines, paragraphs(o.here(u.More))...)
		return m
	}
	m := private("What you can type")
	if topic != "" {
		m.Lines = []bot.Line{textLine(fmt.Sprintf("There is no command %s. There are:", clip(topic, maxLabel)))}
	}
	for _, u := range first(usage, maxUsage) {
		m.Lines = append(m.Lines, item(o.typed(u.Line), raw(" "), plain(u.Does)))
	}
	return m
}

const maxUsage = 40
