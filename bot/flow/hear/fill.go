package hear

import (
	"context"
	"maps"
	"slices"
	"strings"

	"salve/bot"
	"salve/bot/phrase"
)

const paramPrefix = "param."

// filled carries out what a Form asked for, with what was filled in.
func (t *turn) filled(ctx context.Context) string {
	o, err := t.offered(ctx)
	if err != nil {
		return t.refuse(ctx, err)
	}
	if o.Press.Kind != bot.PressCommand {
		return t.refuse(ctx, bot.Refuse(bot.RefusedInput, "This form cannot be handed in.", "salve help lists what can be said."))
	}
	if o.For == "" {
		return t.refuse(ctx, bot.Refuse(bot.RefusedForbidden, "This is no form of yours.", "Open it again."))
	}
	c, bad := fill(o.Press.Command, o.Press.Asks, t.g.Fields)
	again := &bot.Press{Kind: bot.PressForm, Command: c, Asks: o.Press.Asks}
	if len(o.Press.Asks) == 0 {
		again = nil
	}
	if bad != nil {
		return t.wrong(ctx, bad, again)
	}
	if age := t.now.Sub(t.g.ReceivedAt); age > tooOld {
		return t.act(ctx, bot.Press{Kind: bot.PressCommand, Command: c})
	}
	return t.doOr(ctx, c, again)
}

// fill puts the fields that were asked for into the Command. What is wrong is
// named; the rest is in the Command all the same, to be shown again.
func fill(c bot.Command, asks []string, fields map[string]string) (bot.Command, *bot.Refusal) {
	c.Params = maps.Clone(c.Params)
	var bad *bot.Refusal
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(asks, name) {
			return c, bot.Refuse(bot.RefusedInput, "The form has a field that was not asked for.", "Open it again.")
		}
		if r := put(&c, name, strings.TrimSpace(fields[name])); r != nil && bad == nil {
			bad = r
		}
	}
	return c, bad
}

// put puts one field into the Command.
func put(c *bot.Command, name, value string) *bot.Refusal {
	bad := func(why, next string) *bot.Refusal { return bot.Refuse(bot.RefusedInput, why, next) }
	if param, ok := strings.CutPrefix(name, paramPrefix); ok {
		if c.Params == nil {
			c.Params = map[string]string{}
		}
		c.Params[param] = value
		if value == "" {
			delete(c.Params, param) // its default
		}
		return nil
	}
	switch name {
	case "reason":
		c.Reason = value
	case "to":
		c.To = value
	case "playbook":
		c.Playbook = value
	case "title":
		c.Title = value
	case "alerts":
		c.Alerts = strings.Fields(value)
	case "into":
		id, err := bot.ParseIncidentID(value)
		if err != nil {
			return bad("Incident that stays: "+quoted(value)+" is not an incident.", "Write for example I-140.")
		}
		c.Into = id
	case "for":
		d, ok := phrase.Duration(value)
		if !ok {
			return bad("For how long: "+quoted(value)+" is not a time.", "Write for example 30m, 2h or 1d.")
		}
		c.For = d
	case "severity":
		if value == "" {
			return nil
		}
		s, err := bot.ParseSeverity(value)
		if err != nil {
			return bad("Severity: "+quoted(value)+" is none.", "Write info, low, medium, high or critical.")
		}
		c.Severity = s
	default:
		return bad("The form has a field that nobody knows.", "Open it again.")
	}
	return nil
}

func quoted(s string) string { return "\"" + short(s, 40) + "\"" }
