package brief

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"salve/bot"
)

const (
	maxTitle   = 24 // runes of Form.Title
	maxReason  = 1000
	maxChoices = 100 // of a Field; with more of them it takes text
	maxChoice  = 75  // runes of a Choice's label
)

// Loading stands where a Form will be, while its rows are read.
func Loading(title string) bot.Form {
	return bot.Form{Title: clip(title, maxTitle), Lines: []bot.Line{textLine("One moment ...")}}
}

// DenyForm asks why not.
func DenyForm(p bot.CardProposal) bot.Form {
	deny := denyButton(p.Approval)
	return bot.Form{
		Title: "Deny " + p.Approval.Digest.Short(), Submit: "Deny",
		Lines:  []bot.Line{textLine(what(p)), textLine("It will not be proposed again unless its facts change or somebody asks.")},
		Fields: []bot.Field{field("reason", bot.VerbDeny)},
		Press:  bot.Press{Kind: bot.PressCommand, Command: deny.Press.Command, Asks: deny.Press.Asks},
	}
}

// EditForm asks for other parameters within the bounds of the playbook. What is
// handed in asks for another plan, with a digest of its own, in place of the
// question.
func EditForm(p bot.CardProposal, book bot.Playbook) bot.Form {
	f := bot.Form{
		Title: "Edit parameters", Submit: "Propose",
		Lines: []bot.Line{
			textLine(what(p)),
			line(plain("Takes the place of plan"), raw(" "), code(p.Approval.Digest.Short()), raw("; "), plain("it is checked and approved anew, and you have no vote on it.")),
		},
		Press: bot.Press{Kind: bot.PressCommand, Command: rerun(p), Asks: paramNames(book.Params)},
	}
	for _, name := range slices.Sorted(maps.Keys(book.Params)) {
		f.Fields = append(f.Fields, paramField(name, book.Params[name], p.Plan.Params[name]))
	}
	if len(f.Fields) == 0 {
		f.Submit, f.Press = "", bot.Press{}
		f.Lines = append(f.Lines, textLine("This playbook takes no parameters."))
	}
	return f
}

// paramField keeps the value as it is: it is what will be handed in. One that
// could not be seen whole is left empty, to be written anew.
func paramField(name string, p bot.Param, value string) bot.Field {
	f := bot.Field{Name: "param." + name, Label: clip(name, maxLabel), Kind: bot.FieldText, Value: value, Hint: hint(p), Max: maxSpan, Optional: p.Default != ""}
	switch {
	case p.Type == bot.ParamEnum && len(p.Values) <= maxChoices:
		f.Kind = bot.FieldChoice
		for _, v := range p.Values {
			f.Choices = append(f.Choices, bot.Choice{Value: v, Label: clip(v, maxChoice)})
		}
		if !slices.Contains(p.Values, value) {
			f.Value = ""
		}
	case p.Type == bot.ParamInteger:
		f.Kind = bot.FieldWhole
	}
	if clip(value, maxSpan) != value {
		f.Value = ""
	}
	return f
}

// hint says what a parameter may be.
func hint(p bot.Param) string {
	text := p.Docs
	add := func(format string, args ...any) {
		if text != "" {
			text = dot(text) + " "
		}
		text += fmt.Sprintf(format, args...)
	}
	switch {
	case p.Min != nil && p.Max != nil:
		add("From %d to %d.", *p.Min, *p.Max)
	case p.Min != nil:
		add("At least %d.", *p.Min)
	case p.Max != nil:
		add("At most %d.", *p.Max)
	case p.Pattern != "":
		add("Must match %s", p.Pattern)
	case p.Type == bot.ParamDuration:
		add("A time like 30s, 15m or 24h.")
	}
	return clip(text, 150)
}

// MoreForm is everything that the viewer of the Card may do, with what to type
// instead.
func MoreForm(c bot.Card) bot.Form {
	f := bot.Form{Title: Cut("What I can do: "+c.Incident.String(), maxTitle), Lines: []bot.Line{line(title(c, 120)...)}}
	if c.Headline != "" {
		f.Lines = append(f.Lines, textLine(c.Headline))
	}
	for _, p := range c.Proposals {
		if p.Approval.State == bot.ApprovalPending && p.MayVote != "" {
			f.Lines = append(f.Lines, line(strong("You cannot approve "+p.Approval.Digest.Short()+":"), raw(" "), plain(p.MayVote)))
		}
	}
	for _, a := range first(c.Actions, shownActions) {
		b := offered(c, a)
		f.Rows = append(f.Rows, bot.Row{Line: line(code(b.Twin)), Button: &b})
	}
	return f
}

const shownActions = 40

// AskForm asks for what the Command of an action lacks. Playbooks and people are
// offered as choices where there are any; without people it is one of the
// surface's users.
func AskForm(a bot.CardAction, playbooks []string, people []bot.Person) bot.Form {
	b := ofAction(a)
	f := bot.Form{
		Title: Cut(b.Label, maxTitle), Submit: Cut(submit(a.Command.Verb), maxTitle),
		Press: bot.Press{Kind: bot.PressCommand, Command: a.Command, Asks: a.Asks},
	}
	if text := cmp.Or(b.Confirm, subject(a.Command)); text != "" {
		f.Lines = []bot.Line{textLine(text)}
	}
	for _, name := range a.Asks {
		x := field(name, a.Command.Verb)
		switch {
		case name == "playbook":
			x = offer(x, playbooks, func(s string) bot.Choice { return bot.Choice{Value: s, Label: clip(s, maxChoice)} })
		case name == "to":
			x = offer(x, people, func(p bot.Person) bot.Choice {
				return bot.Choice{Value: string(p.ID), Label: clip(cmp.Or(p.Name, string(p.ID)), maxChoice)}
			})
		}
		f.Fields = append(f.Fields, x)
	}
	return f
}

func submit(v bot.Verb) string { return capital(string(cmp.Or(v, "send"))) }

func subject(c bot.Command) string {
	switch {
	case c.Run != 0:
		return c.Run.String()
	case c.Incident != 0:
		return c.Incident.String()
	case c.Verb == bot.VerbHalt && c.Scope != bot.HaltTarget && c.Scope != bot.HaltPlaybook:
		return "Everything stops before its next step until somebody resumes."
	case c.Verb == bot.VerbHalt:
		return "What runs on " + c.Name + " stops before its next step until somebody resumes."
	default:
		return c.Name
	}
}

// offer makes a Field one of choices, if there are any and they fit.
func offer[T any](f bot.Field, list []T, choice func(T) bot.Choice) bot.Field {
	if len(list) == 0 || len(list) > maxChoices {
		return f
	}
	f.Kind = bot.FieldChoice
	for _, v := range list {
		f.Choices = append(f.Choices, choice(v))
	}
	return f
}

// field is what is asked for by the name of a field of Command.
func field(name string, verb bot.Verb) bot.Field {
	f := bot.Field{Name: name, Kind: bot.FieldText, Max: maxSpan}
	switch name {
	case "reason":
		f.Label, f.Kind, f.Max = "Reason", bot.FieldLong, maxReason
		switch verb {
		case bot.VerbNote:
			f.Label = "Note"
		case bot.VerbHandover:
			f.Label, f.Hint = "Message", "What the next person must know."
		case bot.VerbHalt:
			f.Optional = true
		}
	case "to":
		f.Label, f.Kind = "Who", bot.FieldPerson
	case "for":
		f.Label, f.Value, f.Hint = "For how long", "30m", "Like 15m, 2h or 24h."
	case "into":
		f.Label, f.Hint = "Incident that stays", "Like I-140."
	case "alerts":
		f.Label, f.Kind, f.Hint = "Fingerprints of the alerts that move out", bot.FieldLong, "With a space between them."
	case "playbook":
		f.Label = "Playbook"
	case "severity":
		f.Label, f.Kind, f.Value = "Severity", bot.FieldChoice, bot.SeverityMedium.String()
		for _, s := range severities[1:] {
			f.Choices = append(f.Choices, bot.Choice{Value: s.String(), Label: s.String()})
		}
	case "title":
		f.Label, f.Max = "What is wrong", 150
	default:
		f.Label = clip(capital(name), maxLabel)
	}
	return f
}

// RaiseForm makes an Incident of what somebody wrote.
func RaiseForm(text string) bot.Form {
	title, severity := field("title", bot.VerbRaise), field("severity", bot.VerbRaise)
	title.Value = clip(text, title.Max)
	return bot.Form{
		Title: "Make this an incident", Submit: "Raise", Fields: []bot.Field{title, severity},
		Press: bot.Press{Kind: bot.PressCommand, Command: bot.Command{Verb: bot.VerbRaise}, Asks: []string{"title", "severity"}},
	}
}
