package slack

import (
	"cmp"
	"fmt"
	"strings"

	"salve/bot"
)

const (
	formID      = "form"   // callback_id of every Form
	homeID      = "home"   // callback_id of the home tab
	fieldBlock  = "field." // block_id of a Field, before its name
	fieldAction = "value"
	maxTitle    = 24
	maxQuestion = 300 // label and hint; Slack takes 2000
	maxInput    = 3000
)

// modal makes a view of a Form. What it carries is the Form's token and nothing
// else: whatever a client sends back is worth no more than what was typed.
func modal(f bot.Form) view {
	inputs := entries(f.Fields)
	p := &page{left: maxRunes - runes(inputs), most: maxViewBlocks - len(inputs) - 2}
	for _, l := range f.Lines {
		p.line(l)
	}
	for i, r := range f.Rows {
		p.row(r, fmt.Sprintf("r%d", i))
	}
	p.flush()
	if p.dropped > 0 {
		p.blocks = append(p.blocks, small(fmt.Sprintf("%d more lines do not fit into Slack.", p.dropped)))
	}
	p.blocks = append(p.blocks, inputs...)
	if len(p.blocks) == 0 {
		p.blocks = []block{{Type: "section", Text: plain("Nothing to show.", maxSpan)}}
	}
	v := view{
		Type: "modal", CallbackID: formID, PrivateMetadata: f.Token, Blocks: p.blocks,
		Title: plain(cmp.Or(f.Title, "Salve"), maxTitle), Close: plain("Close", maxTitle),
	}
	if f.Submit != "" || len(f.Fields) > 0 {
		v.Submit, v.Close = plain(cmp.Or(f.Submit, "Send"), maxTitle), plain("Go back", maxTitle)
	}
	return v
}

// home makes a person's own page of a Message.
func home(m bot.Message) view {
	return view{Type: "home", CallbackID: homeID, Blocks: render(m, maxViewBlocks)}
}

// entries leaves empty what is too long to be filled in beforehand.
func entries(fields []bot.Field) []block {
	var out []block
	left := maxRunes
	for _, f := range fields {
		b := input(f)
		if runes(b) > left/2 {
			b.Element.InitialValue = ""
		}
		left -= runes(b)
		out = append(out, b)
	}
	return out
}

func input(f bot.Field) block {
	b := block{
		Type: "input", ID: fieldBlock + f.Name, Optional: f.Optional,
		Label: plain(cmp.Or(strings.TrimSpace(f.Label), f.Name), maxQuestion), Element: entry(f),
	}
	if strings.TrimSpace(f.Hint) != "" {
		b.Hint = plain(f.Hint, maxQuestion)
	}
	return b
}

func entry(f bot.Field) *element {
	most := maxInput
	if f.Max > 0 {
		most = min(f.Max, maxInput)
	}
	switch f.Kind {
	case bot.FieldChoice:
		return choice(f)
	case bot.FieldPerson:
		e := &element{Type: "users_select", ActionID: fieldAction, Placeholder: plain("Choose a person", maxValue)}
		if id := f.Value[strings.LastIndexByte(f.Value, '/')+1:]; userID.MatchString(id) {
			e.InitialUser = id
		}
		return e
	case bot.FieldWhole:
		whole := false
		return &element{Type: "number_input", ActionID: fieldAction, Decimal: &whole, InitialValue: f.Value}
	case bot.FieldText, bot.FieldLong:
		return &element{
			Type: "plain_text_input", ActionID: fieldAction, Multiline: f.Kind == bot.FieldLong,
			InitialValue: short(f.Value, most), MaxLength: most,
		}
	default: // a kind that is not known is typed
		return &element{Type: "plain_text_input", ActionID: fieldAction, InitialValue: short(f.Value, most), MaxLength: most}
	}
}

// choice leaves out values that Slack cannot carry; a Field of which none is
// left is typed.
func choice(f bot.Field) *element {
	e := &element{Type: "static_select", ActionID: fieldAction, Placeholder: plain("Choose", maxValue)}
	for _, c := range f.Choices {
		if len(e.Options) == maxOptions || c.Value == "" || len(c.Value) > maxValue {
			continue
		}
		o := option{Text: plain(cmp.Or(strings.TrimSpace(c.Label), c.Value), maxLabel), Value: c.Value}
		e.Options = append(e.Options, o)
		if c.Value == f.Value {
			e.InitialOption = &o
		}
	}
	if len(e.Options) == 0 {
		f.Kind = bot.FieldText
		return entry(f)
	}
	return e
}
