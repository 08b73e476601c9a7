package phrase

import (
	"strings"

	"salve/bot"
)

const maxParams = 64

// parseRun takes a playbook, an incident and parameters, in any order.
func parseRun(l *line) (bot.Press, error) {
	c := bot.Command{Verb: bot.VerbRun}
	for {
		w, ok := l.peek()
		if !ok {
			break
		}
		if done, err := l.param(&c, w); err != nil {
			return bot.Press{}, err
		} else if done {
			continue
		}
		n, digits, named := numbered(w.text, "I")
		switch {
		case c.Incident == 0 && w.bare && (named || digits && c.Playbook != ""):
			c.Incident = bot.IncidentID(n)
		case c.Playbook == "" && !w.dash:
			c.Playbook = w.text
		default:
			return bot.Press{}, l.wrong(quoted(w.text) + " is neither a playbook, nor an incident, nor NAME=VALUE.")
		}
		l.take()
	}
	if c.Incident == 0 {
		c.Incident = l.here.Incident
	}
	if c.Incident == 0 {
		return bot.Press{}, l.wrong("Run needs an incident, like I-142.")
	}
	if c.Playbook == "" {
		return asking(c, askPlaybook)
	}
	return command(c)
}

// param takes NAME=VALUE, with or without -p before it.
func (l *line) param(c *bot.Command, w word) (bool, error) {
	at := l.next
	text, flagged := w.text, true
	switch {
	case w.flags([]string{"p", "param"}) && strings.Contains(text, "="):
		_, text, _ = strings.Cut(text, "=")
	case w.flags([]string{"p", "param"}):
		l.take()
		next, ok := l.peek()
		if !ok {
			return false, l.wrong(quoted(text) + " needs NAME=VALUE.")
		}
		text = next.text
	default:
		flagged = false
	}
	name, value, ok := strings.Cut(text, "=")
	if !ok || name == "" || !flagged && !strings.HasPrefix(l.text[w.start:], name+"=") {
		l.next = at
		return false, nil
	}
	l.take()
	if _, twice := c.Params[name]; twice {
		return false, l.wrong("The parameter " + quoted(name) + " is there twice.")
	}
	if len(c.Params) >= maxParams {
		return false, l.wrong("There are more parameters than a playbook has.")
	}
	if c.Params == nil {
		c.Params = map[string]string{}
	}
	c.Params[name] = value
	return true, nil
}

// person takes somebody: an id, @ and what the surface calls them, or me.
func (l *line) person() (string, error) {
	if v, ok := l.flag("to"); ok && v != "" {
		return v, nil
	}
	l.is("to")
	if _, ok := l.peek(); !ok {
		return "", nil
	}
	w := l.take()
	if w.bare && strings.EqualFold(w.text, "me") {
		if l.here.By.ID == "" {
			return "", bot.Refuse(bot.RefusedIdentity, "Nobody knows who is asking, so there is no \"me\".", "salve whoami says how that is mended.")
		}
		return string(l.here.By.ID), nil
	}
	if !w.bare {
		return w.text, nil
	}
	return strings.TrimRight(w.text, ",:;"), nil
}

func parseAssign(l *line) (bot.Press, error) {
	c := bot.Command{Verb: bot.VerbAssign}
	var err error
	if c.Incident, err = l.needIncident(); err != nil {
		return bot.Press{}, err
	}
	if c.To, err = l.person(); err != nil {
		return bot.Press{}, err
	}
	if c.To == "" {
		return asking(c, askTo)
	}
	return command(c)
}

func parseHandover(l *line) (bot.Press, error) {
	c := bot.Command{Verb: bot.VerbHandover}
	var err error
	if c.Incident, err = l.needIncident(); err != nil {
		return bot.Press{}, err
	}
	if c.To, err = l.person(); err != nil {
		return bot.Press{}, err
	}
	if c.To == "" {
		return asking(c, askTo, askReason)
	}
	return l.explained(c)
}

func parseNote(l *line) (bot.Press, error) {
	c := bot.Command{Verb: bot.VerbNote}
	var err error
	if c.Incident, err = l.needIncident(); err != nil {
		return bot.Press{}, err
	}
	if c.Reason = l.rest(); strings.TrimSpace(c.Reason) == "" {
		c.Reason = ""
		return asking(c, askReason)
	}
	return command(c)
}

func parseClose(l *line) (bot.Press, error) {
	id, err := l.needIncident()
	if err != nil {
		return bot.Press{}, err
	}
	return l.explained(bot.Command{Verb: bot.VerbClose, Incident: id})
}

func parseSnooze(l *line) (bot.Press, error) {
	c := bot.Command{Verb: bot.VerbSnooze}
	var err error
	if c.Incident, err = l.needIncident(); err != nil {
		return bot.Press{}, err
	}
	if v, ok := l.flag("for"); ok {
		if c.For, ok = lasting(strings.ToLower(v)); !ok {
			return bot.Press{}, l.badTime(v)
		}
		return command(c)
	}
	l.is("for")
	w, ok := l.peek()
	if !ok {
		return asking(c, askFor)
	}
	if c.For, ok = l.duration(); !ok {
		return bot.Press{}, l.badTime(w.text)
	}
	return command(c)
}

func (l *line) badTime(text string) error {
	return l.wrong(quoted(text) + " is not a time; write for example 30m, 2h or 1d.")
}

// parseMerge takes the incident that goes and the one that stays; in a thread,
// one alone is the one that stays.
func parseMerge(l *line) (bot.Press, error) {
	c := bot.Command{Verb: bot.VerbMerge}
	first, err := l.needIncident()
	if err != nil {
		return bot.Press{}, err
	}
	l.is("into", "with")
	w, ok := l.peek()
	if !ok {
		if l.here.Incident != 0 && first != l.here.Incident {
			c.Incident, c.Into = l.here.Incident, first
			return command(c)
		}
		c.Incident = first
		return asking(c, askInto)
	}
	n, digits, named := numbered(w.text, "I")
	if !named && !digits {
		return bot.Press{}, l.wrong(quoted(w.text) + " is not an incident, like I-142.")
	}
	l.take()
	c.Incident, c.Into = first, bot.IncidentID(n)
	return command(c)
}

const maxSplit = 200

func parseSplit(l *line) (bot.Press, error) {
	c := bot.Command{Verb: bot.VerbSplit}
	var err error
	if c.Incident, err = l.needIncident(); err != nil {
		return bot.Press{}, err
	}
	for range maxSplit {
		if _, ok := l.peek(); !ok {
			break
		}
		c.Alerts = append(c.Alerts, l.take().text)
	}
	if len(c.Alerts) == 0 {
		return bot.Press{}, l.wrong("Split needs the fingerprints of the alerts that move out.")
	}
	return command(c)
}

func parseClaim(l *line) (bot.Press, error) {
	c := bot.Command{Verb: bot.VerbClaim}
	var err error
	if c.Name, err = l.target(); err != nil {
		return bot.Press{}, err
	}
	at := l.next
	if v, ok := l.flag("for"); ok {
		if c.For, ok = lasting(strings.ToLower(v)); !ok {
			return bot.Press{}, l.badTime(v)
		}
	} else {
		l.is("for")
		if c.For, ok = l.duration(); !ok {
			l.next = at
		}
	}
	if c.Reason, _ = l.because(); c.Reason == "" {
		c.Reason = l.rest()
	}
	return command(c)
}

func (l *line) target() (string, error) {
	if v, ok := l.flag("target"); ok && v != "" {
		return v, nil
	}
	l.is("target")
	w, ok := l.peek()
	if !ok || w.text == "" {
		return "", l.wrong(capital(l.usage.Word) + " needs a target.")
	}
	return l.take().text, nil
}

func parseUnclaim(l *line) (bot.Press, error) {
	name, err := l.target()
	if err != nil {
		return bot.Press{}, err
	}
	return command(bot.Command{Verb: bot.VerbUnclaim, Name: name})
}

// parseRaise takes a severity and a title; what stands on the lines after the
// title is its text.
func parseRaise(l *line) (bot.Press, error) {
	c := bot.Command{Verb: bot.VerbRaise}
	if v, ok := l.flag("severity", "sev", "s"); ok {
		s, err := bot.ParseSeverity(v)
		if err != nil {
			return bot.Press{}, l.wrong(quoted(v) + " is not a severity; write info, low, medium, high or critical.")
		}
		c.Severity = s
	}
	title, text, _ := strings.Cut(l.rest(), "\n")
	if c.Title, c.Reason = strings.TrimSpace(title), strings.TrimSpace(text); c.Title == "" {
		return asking(c, askTitle, askSeverity)
	}
	return command(c)
}
