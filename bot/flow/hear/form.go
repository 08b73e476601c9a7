package hear

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"salve/bot"
	"salve/bot/brief"
	"salve/bot/phrase"
)

// loading opens a Form at once, before anything is read: what opens it works for
// a short time only.
func (t *turn) loading(ctx context.Context, title string) {
	if !t.live() {
		return
	}
	opened, err := t.venue.Surface.Open(ctx, t.g, brief.Loading(title))
	if err != nil {
		t.log.InfoContext(ctx, "a form could not be opened; the answer is a message", "gesture", t.g.Key, "surface", t.g.Surface, "err", err)
		return
	}
	t.opened = opened
}

// refill shows a Form in the place of an opened one.
func (t *turn) refill(ctx context.Context, opened string, f bot.Form) bool {
	if !t.dressForm(ctx, &f) {
		return false
	}
	_, err := t.venue.Surface.Refill(ctx, opened, f)
	if err != nil {
		t.log.InfoContext(ctx, "a form could not be filled; the answer is a message", "gesture", t.g.Key, "surface", t.g.Surface, "err", err)
	}
	return err == nil
}

// put shows a Form; where none can be opened any more, a private message with
// the same in it.
func (t *turn) put(ctx context.Context, f bot.Form) {
	if opened := t.opened; opened != "" {
		t.opened = ""
		if t.refill(ctx, opened, f) {
			return
		}
	}
	t.reply(ctx, t.messageOf(f))
}

// ask shows the Form that asks for what a Command lacks.
func (t *turn) ask(ctx context.Context, p bot.Press) string {
	t.loading(ctx, titled(p.Command))
	w := t.identify(ctx, p.Command.Verb)
	if w.person.ID == "" && p.Command.Verb != bot.VerbHalt {
		return t.refuse(ctx, w.refusal(t.g))
	}
	f, err := t.form(ctx, p, w.person)
	if err != nil {
		return t.refuse(ctx, err)
	}
	t.put(ctx, prefilled(f, p.Command))
	return strings.TrimSpace("asked: " + string(p.Command.Verb) + " " + p.Command.Incident.String())
}

// titled is the title of a form.
func titled(c bot.Command) string {
	return strings.TrimSpace(title(string(c.Verb)) + " " + cmp.Or(c.Run.String(), c.Incident.String()))
}

// form is the Form for what is asked.
func (t *turn) form(ctx context.Context, p bot.Press, viewer bot.Person) (bot.Form, error) {
	c := p.Command
	switch c.Verb {
	case bot.VerbRaise:
		f := brief.RaiseForm(cmp.Or(c.Title, t.g.Text))
		f.Press.Command = c
		return f, nil
	case bot.VerbDeny:
		ps, err := t.questions(ctx, c, viewer)
		if err != nil {
			return bot.Form{}, err
		}
		if len(ps) == 1 {
			if r := ps[0].Approval.MayDeny(viewer, t.now); r != nil {
				return bot.Form{}, t.reworded(ctx, c, r)
			}
			return brief.DenyForm(ps[0]), nil
		}
		return bot.Form{}, bot.Refuse(bot.RefusedInput, "Several plans of "+c.Incident.String()+" wait.", "Name one by its digest: salve plan "+c.Incident.String())
	case bot.VerbRun:
		if book, ok := t.books[c.Playbook]; ok && c.Playbook != "" {
			return t.paramForm(ctx, c, book, viewer)
		}
	}
	return brief.AskForm(bot.CardAction{Label: titled(c), Command: c, Asks: p.Asks, CLI: hint(p)}, slices.Sorted(maps.Keys(t.books)), nil), nil
}

// paramForm asks for parameters: other ones for a question, or those of a
// playbook that somebody wants to run.
func (t *turn) paramForm(ctx context.Context, c bot.Command, book bot.Playbook, viewer bot.Person) (bot.Form, error) {
	if c.Approval != 0 {
		ps, err := t.questions(ctx, bot.Command{Incident: c.Incident, Approval: c.Approval}, viewer)
		if err != nil {
			return bot.Form{}, err
		}
		return brief.EditForm(ps[0], book), nil
	}
	f := brief.EditForm(bot.CardProposal{}, book)
	f.Title, f.Lines = "Run "+short(book.Name, 16), []bot.Line{{Spans: []bot.Span{{Text: book.Name + " for " + c.Incident.String() + ". Its plan is checked, and approved by somebody else than you."}}}}
	f.Submit = "Propose"
	f.Press = bot.Press{Kind: bot.PressCommand, Command: c, Asks: paramAsks(book)}
	return f, nil
}

func paramAsks(book bot.Playbook) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(book.Params)) {
		out = append(out, paramPrefix+name)
	}
	return out
}

// prefilled puts what the Command has already into the fields.
func prefilled(f bot.Form, c bot.Command) bot.Form {
	have := map[string]string{"reason": c.Reason, "to": c.To, "playbook": c.Playbook, "title": c.Title, "alerts": strings.Join(c.Alerts, " "), "into": c.Into.String()}
	if c.For > 0 {
		have["for"] = c.For.String()
	}
	if c.Severity != bot.SeverityUnknown {
		have["severity"] = c.Severity.String()
	}
	for k, v := range c.Params {
		have[paramPrefix+k] = v
	}
	f.Fields = slices.Clone(f.Fields)
	for i, x := range f.Fields {
		if v := have[x.Name]; v != "" && x.Kind != bot.FieldPerson && (x.Kind != bot.FieldChoice || slices.ContainsFunc(x.Choices, func(c bot.Choice) bool { return c.Value == v })) {
			f.Fields[i].Value = v
		}
	}
	return f
}

// hint is the line that says what a Form asks for.
func hint(p bot.Press) string {
	words := []string{phrase.Twin(p.Command)}
	if words[0] == "" {
		words[0] = "salve " + string(p.Command.Verb)
	}
	for _, ask := range p.Asks {
		switch name, param := strings.CutPrefix(ask, paramPrefix); {
		case param && p.Command.Params[name] == "":
			words = append(words, name+"=VALUE")
		case param, ask == "severity", ask == "reason" && p.Command.Verb == bot.VerbHalt:
		default:
			words = append(words, placeholders[ask])
		}
	}
	return strings.TrimSpace(strings.Join(words, " "))
}

var placeholders = map[string]string{
	"reason": "REASON", "to": "PERSON", "for": "30m", "into": "I-OTHER", "alerts": "FINGERPRINT", "playbook": "PLAYBOOK", "title": "TITLE",
}

// messageOf is a Form as a private message: what it shows, its buttons, and what
// to type in place of its fields.
func (t *turn) messageOf(f bot.Form) bot.Message {
	m := bot.Message{Kind: bot.MessageReply, Tone: bot.ToneQuiet, Alone: f.Title, Title: []bot.Span{{Text: f.Title, Style: bot.SpanStrong}}, Lines: slices.Clone(f.Lines), Rows: f.Rows}
	needed := slices.ContainsFunc(f.Fields, func(x bot.Field) bool { return !x.Optional })
	if f.Submit != "" && !needed {
		m.Buttons = append(m.Buttons, bot.Button{Label: f.Submit, Style: "primary", Press: f.Press, Twin: strings.TrimPrefix(phrase.Twin(f.Press.Command), "salve ")})
	}
	if len(f.Fields) > 0 {
		m.Lines = append(m.Lines, bot.Line{Spans: []bot.Span{{Text: "Type it instead: "}, {Text: t.typed(hint(f.Press)), Style: bot.SpanCode}}})
	}
	return m
}

// formOf is a private message as a Form, for whoever waits at one.
func formOf(m bot.Message) bot.Form {
	f := bot.Form{Title: "Salve", Lines: slices.Clone(m.Lines), Rows: slices.Clone(m.Rows)}
	if len(m.Title) > 0 {
		f.Lines = append([]bot.Line{{Kind: bot.LineHead, Spans: m.Title}}, f.Lines...)
	}
	for _, b := range append(slices.Clone(m.Buttons), m.More...) {
		f.Rows = append(f.Rows, bot.Row{Line: bot.Line{Spans: []bot.Span{{Text: cmp.Or(b.Twin, b.Label), Style: bot.SpanCode}}}, Button: &b})
	}
	return f
}

// raising begins the Command of the shortcut on a message.
func (t *turn) raising() bot.Command {
	return bot.Command{Verb: bot.VerbRaise, Reason: short(strings.TrimSpace(t.g.Text), 1000)}
}
