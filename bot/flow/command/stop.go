package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"salve/bot"
	"salve/bot/phrase"
)

// maxHalts bounds what is halted by name: anybody may, and every step reads it.
const maxHalts = 500

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
	if err == nil && h.Scope != bot.HaltAll && len(halts) >= maxHalts {
		return bot.Answer{}, bot.Refuse(bot.RefusedState, fmt.Sprintf("%d things are halted already, so that %s was not.", len(halts), within(h)), "Halt everything instead, which is never refused: salve halt.")
	}
	e := o.event(bot.EventHalted, "halted %s", within(h))
	e.Data = haltData(h)
	if h.Reason != "" {
		e.Text += ": " + h.Reason
	}
	err = d.commit(ctx, bot.Change{Halts: []bot.Halt{h}, Events: []bot.Event{e}})
	if err != nil && h.Scope == bot.HaltAll {
		if ferr := d.brake.SetFlag(strings.TrimSuffix(o.by.Name+": "+h.Reason, ": ")); ferr != nil {
			d.opts.Log.ErrorContext(ctx, "halt not recorded", "scope", h.Scope, "err", errors.Join(err, ferr))
			return bot.Answer{}, bot.Refuse(bot.RefusedLater, "It is not certain that anything is halted: neither the store nor the flag file could be written.", "Try again at once; if that does not help, stop Salve itself.")
		}
		return bot.Answer{Text: "Everything is halted by the flag file; the store did not answer, so this is not in the audit log yet. A step in flight ends; nothing new begins."}, nil
	}
	if err != nil {
		d.opts.Log.ErrorContext(ctx, "halt not recorded", "scope", h.Scope, "name", h.Name, "err", err)
		return bot.Answer{}, bot.Refuse(bot.RefusedLater, "It is not certain that "+within(h)+" is halted: the store did not answer.", "Halt everything instead, which needs no store: salve halt.")
	}
	return bot.Answer{Text: what(h) + " is halted. A step in flight ends; nothing new begins until somebody resumes: " + lifting(h) + "."}, nil
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

// lifting is the command that lifts a halt.
func lifting(h bot.Halt) string {
	return phrase.Twin(bot.Command{Verb: bot.VerbResume, Scope: h.Scope, Name: h.Name})
}

// haltData lets whoever reads the log find what was lifted when.
func haltData(h bot.Halt) map[string]string {
	out := map[string]string{"scope": string(h.Scope)}
	if h.Name != "" {
		out["name"] = h.Name
	}
	return out
}

// what names what a halt stops, at the head of a sentence.
func what(h bot.Halt) string {
	w := within(h)
	return strings.ToUpper(w[:1]) + w[1:]
}

// within is what, inside a sentence.
func within(h bot.Halt) string {
	switch h.Scope {
	case bot.HaltPlaybook:
		return "playbook " + h.Name
	case bot.HaltTarget:
		return "target " + h.Name
	default:
		return "everything"
	}
}

// halting is what halts the same as h: a row, the flag file, or both.
func halting(halts []bot.Halt, h bot.Halt) (row, flag *bot.Halt, rest string) {
	for i, x := range halts {
		switch {
		case x.Scope != h.Scope || x.Name != h.Name:
			rest += ", " + within(x)
		case x.Flag:
			flag = &halts[i]
		default:
			row = &halts[i]
		}
	}
	if rest != "" {
		rest = " Still halted: " + rest[len(", "):] + "."
	}
	return row, flag, rest
}

// resume lifts the halt that stands now. One that comes while it is at work is
// another, which nobody has looked at: that one stays.
func (d *Desk) resume(ctx context.Context, o order) (bot.Answer, error) {
	h, r := haltOf(o)
	if r != nil {
		return bot.Answer{}, r
	}
	halts, err := d.brake.Halts(ctx)
	if err != nil {
		return bot.Answer{}, err
	}
	row, flag, rest := halting(halts, h)
	if row == nil && flag == nil {
		return bot.Answer{Text: "There is no halt of " + within(h) + "." + rest, Repeated: true}, nil
	}
	e := o.event(bot.EventResumed, "lifted the halt of %s", within(h))
	e.Data = haltData(h)
	change := bot.Change{Events: []bot.Event{e}}
	if row != nil {
		h.At, h.Lifted = row.At, true
		change.Halts = []bot.Halt{h}
	}
	if err := d.commit(ctx, change); errors.Is(err, bot.ErrConflict) {
		return bot.Answer{}, overtaken(h)
	} else if err != nil {
		return bot.Answer{}, err
	}
	if flag != nil {
		if err := d.brake.ClearFlag(flag.At); errors.Is(err, bot.ErrConflict) {
			return bot.Answer{}, overtaken(h)
		} else if err != nil {
			d.opts.Log.ErrorContext(ctx, "the halt flag stands", "err", err)
			return bot.Answer{}, bot.Refuse(bot.RefusedLater, "Everything is still halted: the flag file cannot be removed.", "See why in the log, then resume again.")
		}
	}
	return bot.Answer{Text: "The halt of " + within(h) + " is lifted." + rest + " What was stopped waits for a person: salve runs --active, then salve settle RUN continue."}, nil
}

func overtaken(h bot.Halt) *bot.Refusal {
	return bot.Refuse(bot.RefusedMoved, "Meanwhile somebody else lifted the halt of "+within(h)+" or set another; one that was set now still stands.",
		"See what is halted, by whom and why, with salve halts, and resume again if that is right.")
}
