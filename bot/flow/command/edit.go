package command

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"salve/bot"
)

// edit asks for the playbook of an open question with other params. The question
// is withdrawn when the new one opens; whoever edited it asked for it.
func (d *Desk) edit(ctx context.Context, o order) (bot.Answer, error) {
	a, err := d.store.Approval(ctx, o.Approval)
	if err != nil {
		return bot.Answer{}, err
	}
	p, err := d.store.Plan(ctx, a.Plan)
	if err != nil {
		return bot.Answer{}, err
	}
	switch {
	case o.Incident != 0 && o.Incident != a.Incident, o.Playbook != "" && o.Playbook != a.Playbook:
		return bot.Answer{}, bot.Refuse(bot.RefusedInput, fmt.Sprintf("%s is about %s for %s.", a.ID, a.Playbook, a.Incident), "Name the approval alone.")
	case p.Kind != bot.PlanRespond:
		return bot.Answer{}, bot.Refuse(bot.RefusedState, fmt.Sprintf("%s is about an undo, which has no parameters of its own.", a.ID), "Approve or deny it as it is.")
	}
	o.Incident, o.Playbook = a.Incident, a.Playbook
	inc, err := d.living(ctx, a.Incident)
	if err != nil {
		return bot.Answer{}, err
	}
	params := maps.Clone(p.Params)
	if params == nil {
		params = map[string]string{}
	}
	maps.Copy(params, o.Params)
	ask := bot.Ask{Kind: bot.AskRun, By: o.by, At: o.now, Playbook: a.Playbook, Params: params, Replaces: a.ID}
	if r := a.Undecided(o.expiry); r != nil {
		if before, err := d.askedBefore(ctx, inc, ask); err != nil || before.Repeated {
			return before, err
		}
		return bot.Answer{}, decided(a, r)
	}
	if err := d.editable(ctx, inc, p, params); err != nil {
		return bot.Answer{}, err
	}
	return d.ask(ctx, o, inc, ask, fmt.Sprintf("asked for %s on %s with other parameters than %s (%s)", a.Playbook, inc.ID, a.ID, changes(p.Params, params)))
}

// editable judges params that shall stand in the place of those of a plan.
func (d *Desk) editable(ctx context.Context, inc bot.Incident, p bot.Plan, params map[string]string) error {
	if maps.Equal(params, p.Params) {
		return bot.Refuse(bot.RefusedInput, fmt.Sprintf("That is what %s asks for already.", p.Playbook), "Name a parameter and its new value: -p NAME=VALUE.")
	}
	if r := d.within(p.Playbook, params); r != nil {
		return r
	}
	if d.opts.Playbooks == nil {
		return nil
	}
	alerts, err := d.store.Alerts(ctx, inc.ID, maxMoved)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(alerts, func(a bot.Alert) bool { return a.AlertKey == p.Alert })
	if i < 0 {
		return bot.Refuse(bot.RefusedState, fmt.Sprintf("The alert that this plan was made for is not in %s any more.", inc.ID),
			fmt.Sprintf("Ask for it anew: salve run %s %s.", p.Playbook, inc.ID))
	}
	target, err := d.opts.Playbooks.TargetOf(p.Playbook, alerts[i], inc, params)
	if err != nil {
		return bot.Refuse(bot.RefusedInput, sentence(err.Error()), "Choose other values.")
	}
	if target != p.Target {
		return bot.Refuse(bot.RefusedInput, fmt.Sprintf("With these parameters it would touch %s and not %s.", target, p.Target),
			fmt.Sprintf("What touches something else is a plan of its own: salve run %s %s -p NAME=VALUE.", p.Playbook, inc.ID))
	}
	return nil
}

// within holds params against the bounds of the playbook.
func (d *Desk) within(playbook string, params map[string]string) *bot.Refusal {
	if !d.opts.Known(playbook) {
		return bot.Refuse(bot.RefusedUnknown, fmt.Sprintf("There is no playbook %q.", playbook), "salve playbook list shows what is loaded.")
	}
	if d.opts.Playbooks == nil || len(params) == 0 {
		return nil
	}
	if err := d.opts.Playbooks.Check(playbook, params); err != nil {
		return bot.Refuse(bot.RefusedInput, sentence(err.Error()), "salve playbook list --json shows the parameters of "+playbook+".")
	}
	return nil
}

// changes are the params that differ, as people read them.
func changes(was, now map[string]string) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(now)) {
		if now[name] != was[name] {
			out = append(out, name+"="+now[name])
		}
	}
	return strings.Join(out, ", ")
}

// sentence makes an error one: with a capital and a full stop.
func sentence(text string) string {
	r, n := utf8.DecodeRuneInString(text)
	if n == 0 {
		return ""
	}
	return string(unicode.ToUpper(r)) + strings.TrimSuffix(text[n:], ".") + "."
}
