package brief

import (
	"fmt"
	"slices"
	"strings"

	"salve/bot"
)

// WhoamiState is who somebody is, as the surface and Salve know it.
type WhoamiState struct {
	Surface string     // slack
	Member  bot.Member // what the surface says
	Person  bot.Person // zero: nobody knows
	Rights  []bot.Right
	Grants  []string // beside Rights: what to write into the configuration so that they are known, or may more; each a line
}

// Whoami says who somebody is taken for, and what they may do, with what would
// let them do more.
func Whoami(w WhoamiState, o Options) bot.Message {
	m := private("You are nobody that Salve knows")
	if w.Person.ID != "" {
		m = private("You are " + clip(w.Person.Name, 60) + " (" + clip(string(w.Person.ID), 60) + ")")
	}
	m.Lines = append(m.Lines, line(plain("Here you are"), raw(" "), code(w.Surface+":"+w.Member.User.ID), raw(" "), plain(w.Member.User.Name)))
	switch {
	case w.Member.Why != "":
		m.Lines = append(m.Lines, line(strong(fmt.Sprintf("From here you can look, and halt, and nothing else: %s.", clip(w.Member.Why, 100)))))
	case w.Person.ID != "":
		m.Lines = append(m.Lines, textLine(mayText(w.Person)), quiet(plain("Roles: "+roles(w.Person))))
	default:
		m.Lines = append(m.Lines, textLine("You can look, and halt. Anything else needs somebody whom Salve knows."))
	}
	if len(w.Member.Groups) > 0 {
		m.Lines = append(m.Lines, line(append(words("From the groups of this surface: %s", groupsText(w.Member.Groups)), when(", read", w.Member.ReadAt)...)...))
	}
	if len(w.Member.Unread) > 0 {
		m.Lines = append(m.Lines, textLine(fmt.Sprintf("Nobody could tell who is in %s just now, so that nobody is. Try again in some minutes.", groupsText(w.Member.Unread))))
	}
	for _, r := range first(w.Rights, maxRights) {
		m.Lines = append(m.Lines, item(plain(rightText(r))))
	}
	if grants := grantsOf(w); len(grants) > 0 {
		m.Lines = append(m.Lines, section("What an admin can do"), block(strings.Join(grants, "\n")))
	}
	m.Buttons = []bot.Button{showButton("What I may approve", bot.ShowMine, bot.Command{}), showButton("Help", bot.ShowHelp, bot.Command{})}
	return m
}

const maxRights = 20

func rightText(r bot.Right) string {
	if r.May {
		return "✓ " + r.What
	}
	return "✗ " + r.What
}

// grantsOf is what would let them do more, each a line that can be copied.
func grantsOf(w WhoamiState) []string {
	var grants []string
	for _, r := range first(w.Rights, maxRights) {
		if !r.May && r.Grant != "" && !slices.Contains(grants, r.Grant) {
			grants = append(grants, r.Grant)
		}
	}
	var out []string
	for _, g := range first(append(grants, w.Grants...), 2*maxRights) {
		out = append(out, indented(g))
	}
	return out
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
	Word    string // approve
	Args    string // what comes after it; [] need not
	Says    string // what it does, in one line
	Example string // whole, without the name of Salve; may be empty
}

// Help is what can be typed: all of it in short, or one thing in full.
func Help(topic string, usage []Usage, o Options) bot.Message {
	topic = strings.ToLower(strings.TrimSpace(topic))
	for _, u := range usage {
		if u.Word != topic || topic == "" {
			continue
		}
		m := private(u.Word)
		m.Lines = []bot.Line{line(o.typed(u.Word + " " + u.Args)), textLine(capital(dot(u.Says)))}
		if u.Example != "" {
			m.Lines = append(m.Lines, quiet(raw("For example: "), o.typed(u.Example)))
		}
		return m
	}
	m := private("What you can type")
	if topic != "" {
		m.Lines = []bot.Line{textLine(fmt.Sprintf("There is no command %s. There are:", clip(topic, maxLabel)))}
	}
	for _, u := range first(usage, maxUsage) {
		m.Lines = append(m.Lines, item(o.typed(u.Word+" "+u.Args), raw(" "), plain(u.Says)))
	}
	return m
}

const maxUsage = 40
