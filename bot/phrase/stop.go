package phrase

import (
	"strings"

	"salve/bot"
)

// scoped is what a halt is of.
type scoped struct {
	scope bot.HaltScope
	name  string
}

// parseHalt takes whatever it is given: what is not a scope is the reason, and
// without a scope, or with several, everything stops.
func parseHalt(l *line) (bot.Press, error) {
	c := bot.Command{Verb: bot.VerbHalt, Scope: bot.HaltAll}
	var of []scoped
	var said []string
	if s, ok := l.spoken(); ok {
		of = append(of, s)
	} else {
		l.is("all", "everything")
	}
	for {
		at := l.next
		if s, ok := l.scope(); ok {
			of = append(of, s)
		} else if why, ok := l.because("target", "playbook"); ok {
			said = append(said, why)
		} else if text := l.prose("target", "playbook", "reason", "r"); text != "" {
			said = append(said, text)
		}
		if l.next == at {
			break
		}
	}
	if w, ok := l.peek(); ok { // a flag without a value
		said = append(said, l.text[w.start:])
		l.next = len(l.words)
	}
	c.Reason = strings.TrimSpace(strings.Join(said, " "))
	for i, s := range of {
		c.Scope, c.Name = s.scope, s.name
		if i > 0 && s != of[0] { // a halt has room for one name
			c.Scope, c.Name = bot.HaltAll, ""
			break
		}
	}
	return command(c)
}

// scope takes --target or --playbook with a name.
func (l *line) scope() (scoped, bool) {
	at := l.next
	if v, ok := l.flag("target"); ok && v != "" {
		return scoped{bot.HaltTarget, v}, true
	}
	l.next = at
	if v, ok := l.flag("playbook"); ok && v != "" {
		return scoped{bot.HaltPlaybook, v}, true
	}
	l.next = at
	return scoped{}, false
}

// spoken takes "target db-3" or "playbook restart".
func (l *line) spoken() (scoped, bool) {
	at := l.next
	scope := bot.HaltTarget
	if !l.is("target") {
		scope = bot.HaltPlaybook
		if !l.is("playbook") {
			return scoped{}, false
		}
	}
	if w, ok := l.peek(); ok && w.text != "" {
		return scoped{scope, l.take().text}, true
	}
	l.next = at
	return scoped{}, false
}

func parseResume(l *line) (bot.Press, error) {
	c := bot.Command{Verb: bot.VerbResume, Scope: bot.HaltAll}
	if l.is("all", "everything") {
		return command(c)
	}
	s, ok := l.spoken()
	if !ok {
		s, ok = l.scope()
	}
	if ok {
		c.Scope, c.Name = s.scope, s.name
	}
	return command(c)
}
