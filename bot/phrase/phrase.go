// Package phrase is what people type: text <-> bot.Press, and a Command <-> the
// line that says the same, its twin.
//
// It promises to be pure; that a decision follows only from a line that names
// the incident, or stands in its thread, and the digest; that the twin of every
// Command parses to that Command; that halting is never refused over its wording;
// and that Parse ends soon and does not panic, whatever it is given.
//
// It assumes that whoever received the text has undone the escapes, mentions and
// links of its vendor: a user stands there as @ID or @name. On failure it returns
// a *bot.Refusal with the command that was probably meant, or an example.
package phrase

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"salve/bot"
)

// maxText bounds a line, in bytes.
const maxText = 8 << 10

// Here is where a line was said, and by whom.
type Here struct {
	Incident bot.IncidentID // of the thread; 0: none
	Run      bot.RunID      // of the message in whose thread it was said; 0: none
	By       bot.Person     // zero: nobody knows
}

// Parse tells what a line means. It decides nothing and looks nothing up.
func Parse(text string, here Here) (bot.Press, error) {
	long := len(text) > maxText
	if long {
		text = text[:maxText]
	}
	l := newLine(strings.ToValidUTF8(text, string(utf8.RuneError)), here)
	l.called()
	first, ok := l.peek()
	if !ok {
		return l.nothing(), nil
	}
	word := strings.ToLower(strings.TrimRight(first.text, ".:,!?"))
	u, ok := known(word)
	if ok {
		l.take()
	} else if u, ok = l.subject(); !ok {
		return bot.Press{}, unknown(word)
	}
	if long && u.Verb != bot.VerbHalt {
		return bot.Press{}, bot.Refuse(bot.RefusedInput, "That is longer than a command can be.", "Say it shorter, and link to the rest.")
	}
	l.usage = u
	p, err := u.parse(l)
	if err != nil {
		return bot.Press{}, err
	}
	if extra, ok := l.peek(); ok {
		return bot.Press{}, l.wrong(quoted(extra.text) + " is more than " + u.Word + " takes.")
	}
	return p, nil
}

// called skips the name of Salve, however it was called.
func (l *line) called() {
	for {
		w, ok := l.peek()
		if !ok {
			return
		}
		switch strings.ToLower(strings.Trim(w.text, "/@:,!.?")) {
		case "salve", "":
			l.take()
		default:
			return
		}
	}
}

// nothing is what the name alone means: in a thread its incident, else help.
func (l *line) nothing() bot.Press {
	if l.here.Incident != 0 {
		return show(bot.ShowCard, bot.Command{Incident: l.here.Incident})
	}
	return show(bot.ShowHelp, bot.Command{})
}

// subject reads a line that begins with an id as one that shows it.
func (l *line) subject() (usage, bool) {
	w, _ := l.peek()
	if _, _, ok := numbered(w.text, "I"); ok {
		return known("show")
	}
	if _, _, ok := numbered(w.text, "R"); ok {
		return known("show")
	}
	return usage{}, false
}

func show(s bot.Show, about bot.Command) bot.Press {
	return bot.Press{Kind: bot.PressShow, Show: s, Command: about}
}

func command(c bot.Command) (bot.Press, error) {
	return bot.Press{Kind: bot.PressCommand, Command: c}, nil
}

// asking is a Command that lacks the named fields.
func asking(c bot.Command, asks ...string) (bot.Press, error) {
	return bot.Press{Kind: bot.PressForm, Command: c, Asks: asks}, nil
}

// quoted shows a word of the person's own in a refusal: short, and so that
// everything in it can be seen.
func quoted(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, s)
	if r := []rune(s); len(r) > 40 {
		s = string(r[:40]) + "..."
	}
	return "\"" + s + "\""
}
