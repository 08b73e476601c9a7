package command

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"salve/bot"
)

// halt stops what it names. Everything can be halted with the store down.
func (d *Desk) halt(ctx context.Context, o order) (bot.Answer, error) {
	h, r := haltOf(o)
	if r != nil {
		return bot.Answer{}, r
	}
	halts, err := d.brake.Halts(ctx)
	if err == nil && slices.ContainsFunc(halts, func(x bot.Halt) bool { return x.Scope == h.Scope && x.Name == h.Name }) {
		return bot.Answer{Text: what(h) + " is halted already.", Repeated: true}, nil
	}
	e := o.event(bot.EventHalted, "halted %s", strings.ToLower(what(h)))
	if h.Reason != "" {
		e.Text += ": " + h.Reason
	}
	_, err = d.store.Commit(ctx, bot.Change{Halts: []bot.Halt{h}, Events: []bot.Event{e}})
	if err != nil && h.Scope == bot.HaltAll {
		if ferr := d.brake.SetFlag(o.by.Name + ": " + h.Reason); ferr != nil {
			return bot.Answer{}, fmt.Errorf("%w; and %w", err, ferr)
		}
		return bot.Answer{Text: "Everything is halted by the flag file; the store did not answer, so this is not in the audit log yet. A step in flight ends; nothing new begins."}, nil
	}
	if err != nil {
		d.opts.Log.ErrorContext(ctx, "halt not recorded", "scope", h.Scope, "name", h.Name, "err", err)
		return bot.Answer{}, bot.Refuse(bot.RefusedLater, "This was not recorded: the store did not answer.", "Halt everything instead, which needs no store: salve halt.")
	}
	return bot.Answer{Text: what(h) + " is halted. A step in flight ends; nothing new begins until somebody resumes."}, nil
}

func haltOf(o order) (bot.Halt, *bot.Refusal) {
	h := bot.Halt{Scope: cmp.Or(o.Scope, bot.HaltAll), Name: o.Name, By: o.by, Reason: strings.TrimSpace(o.Reason), At: o.now}
	switch h.Scope {
	case bot.HaltAll:
		h.Name = ""
	case bot.HaltPlaybook, bot.HaltTarget:
		if h.Name == "" || len(h.Name) > 256 {
			return h, bot.Refuse(bot.RefusedInput, "Name what to halt, in at most 256 bytes.", "salve halt --playbook NAME, or salve halt --target TARGET.")
		}
	default:
		return h, bot.Refuse(bot.RefusedInput, fmt.Sprintf("%q cannot be halted.", h.Scope), "Halt all, a playbook, or a target.")
	}
	return h, nil
}

func what(h bot.Halt) string {
	switch h.Scope {
	case bot.HaltPlaybook:
		return "Playbook " + h.Name
	case bot.HaltTarget:
		return "Target " + h.Name
	default:
		return "Everything"
	}
}

func (d *Desk) resume(ctx context.Context, o order) (bot.Answer, error) {
	h, r := haltOf(o)
	if r != nil {
		return bot.Answer{}, r
	}
	halts, err := d.brake.Halts(ctx)
	if err != nil {
		return bot.Answer{}, err
	}
	standing := slices.ContainsFunc(halts, func(x bot.Halt) bool { return x.Scope == h.Scope && x.Name == h.Name })
	if !standing {
		return bot.Answer{Text: what(h) + " is not halted.", Repeated: true}, nil
	}
	h.Lifted = true
	e := o.event(bot.EventResumed, "lifted the halt of %s", strings.ToLower(what(h)))
	if _, err := d.store.Commit(ctx, bot.Change{Halts: []bot.Halt{h}, Events: []bot.Event{e}}); err != nil {
		return bot.Answer{}, err
	}
	if h.Scope == bot.HaltAll {
		if err := d.brake.ClearFlag(); err != nil {
			return bot.Answer{}, err
		}
	}
	return bot.Answer{Text: what(h) + " may run again. What was stopped waits for a person: salve runs --active, then salve settle R-88 continue."}, nil
}
