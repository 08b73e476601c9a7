package phrase

import (
	"slices"
	"strings"

	"salve/bot"
)

// The fields that a form asks for.
const (
	askReason   = "reason"
	askTo       = "to"
	askFor      = "for"
	askInto     = "into"
	askPlaybook = "playbook"
	askTitle    = "title"
	askSeverity = "severity"
)

func shows(s bot.Show) func(*line) (bot.Press, error) {
	return func(*line) (bot.Press, error) { return show(s, bot.Command{}), nil }
}

func parseHelp(l *line) (bot.Press, error) {
	var about bot.Command
	if w, ok := l.peek(); ok {
		u, ok := known(strings.ToLower(w.text))
		if !ok {
			return bot.Press{}, unknown(strings.ToLower(w.text))
		}
		l.take()
		about.Name = u.Word
	}
	return show(bot.ShowHelp, about), nil
}

func parseList(l *line) (bot.Press, error) {
	if l.is("mine", "approvals") {
		return show(bot.ShowMine, bot.Command{}), nil
	}
	l.is("open", "incidents")
	return show(bot.ShowList, bot.Command{}), nil
}

func parseShow(l *line) (bot.Press, error) {
	if w, ok := l.peek(); ok {
		if n, _, named := numbered(w.text, "R"); named {
			l.take()
			return show(bot.ShowOutput, bot.Command{Run: bot.RunID(n)}), nil
		}
	}
	return about(bot.ShowCard)(l)
}

func about(s bot.Show) func(*line) (bot.Press, error) {
	return func(l *line) (bot.Press, error) {
		id, err := l.needIncident()
		return show(s, bot.Command{Incident: id}), err
	}
}

func parseWhy(l *line) (bot.Press, error) { return about(bot.ShowWhy)(l) }

func parsePlan(l *line) (bot.Press, error) {
	p, err := about(bot.ShowPlan)(l)
	p.Command.Digest = l.digest(false)
	return p, err
}

// parseApprove decides only when the digest is there. Without it the plan is
// shown, to be confirmed; without an incident, what waits for the person.
func parseApprove(l *line) (bot.Press, error) {
	c := bot.Command{Verb: bot.VerbApprove}
	if _, ok := l.peek(); !ok && l.here.Incident == 0 {
		return show(bot.ShowMine, c), nil
	}
	if err := l.question(&c); err != nil {
		return bot.Press{}, err
	}
	c.Reason, _ = l.because()
	if w, ok := l.peek(); ok && c.Digest == "" {
		return bot.Press{}, l.wrong(quoted(w.text) + " is not a digest: at least 8 of the characters 0-9 and a-f that the plan shows.")
	}
	if c.Digest == "" {
		return show(bot.ShowPlan, c), nil
	}
	return command(c)
}

// question takes what is decided about: an approval, or an incident and a digest.
func (l *line) question(c *bot.Command) error {
	if w, ok := l.peek(); ok {
		if n, _, named := numbered(w.text, "A"); named {
			l.take()
			c.Approval, c.Digest = bot.ApprovalID(n), l.digest(c.Verb == bot.VerbDeny)
			return nil
		}
	}
	var err error
	if c.Incident, err = l.needIncident(); err == nil {
		c.Digest = l.digest(c.Verb == bot.VerbDeny)
	}
	return err
}

func parseDeny(l *line) (bot.Press, error) {
	c := bot.Command{Verb: bot.VerbDeny}
	if _, ok := l.peek(); !ok && l.here.Incident == 0 {
		return show(bot.ShowMine, c), nil
	}
	if err := l.question(&c); err != nil {
		return bot.Press{}, err
	}
	return l.explained(c)
}

// explained takes the reason, which is all that is left, or asks for it.
func (l *line) explained(c bot.Command) (bot.Press, error) {
	var ok bool
	if c.Reason, ok = l.because(); !ok {
		c.Reason = l.rest()
	}
	if strings.TrimSpace(c.Reason) == "" {
		c.Reason = ""
		return asking(c, askReason)
	}
	return command(c)
}

func ofRun(verb bot.Verb) func(*line) (bot.Press, error) {
	return func(l *line) (bot.Press, error) {
		id, err := l.run()
		if err != nil {
			return bot.Press{}, err
		}
		return command(bot.Command{Verb: verb, Run: id})
	}
}

func ofIncident(verb bot.Verb) func(*line) (bot.Press, error) {
	return func(l *line) (bot.Press, error) {
		id, err := l.needIncident()
		if err != nil {
			return bot.Press{}, err
		}
		return command(bot.Command{Verb: verb, Incident: id})
	}
}

var settlements = []bot.Settlement{
	bot.SettleDone, bot.SettleNotDone, bot.SettleRetry, bot.SettleUndo, bot.SettleAbandon, bot.SettleContinue,
}

func settlementList(between string) string {
	out := make([]string, 0, len(settlements))
	for _, s := range settlements {
		out = append(out, string(s))
	}
	return strings.Join(out, between)
}

func parseSettle(l *line) (bot.Press, error) {
	id, err := l.run()
	if err != nil {
		return bot.Press{}, err
	}
	l.is("as")
	w, ok := l.peek()
	if !ok || !slices.Contains(settlements, bot.Settlement(strings.ToLower(w.text))) {
		return bot.Press{}, l.wrong("Settle says what became of it: " + settlementList(", ") + ".")
	}
	l.take()
	return command(bot.Command{Verb: bot.VerbSettle, Run: id, Settle: bot.Settlement(strings.ToLower(w.text))})
}
