package command

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"salve/bot"
)

// who may use a verb.
type who int

const (
	anybody   who = iota // also somebody unknown: stopping is never refused
	responder            // a person with the role
	voter                // a person; what they speak about judges them: an approval's rule, who holds a target
	resumer              // a person of the group that may lift a halt
)

// verb is one row of the gate.
type verb struct {
	who   who
	needs []field
	do    func(context.Context, order) (bot.Answer, error)
}

// patience is how long the verb may take. Reading a payload again is work; a
// halt goes by the flag file soon.
func (v verb) patience(usual time.Duration) time.Duration {
	switch {
	case slices.Contains(v.needs, aPayload):
		return max(usual, time.Minute)
	case v.who == anybody:
		return min(usual, 2*time.Second)
	default:
		return usual
	}
}

// field is what a command must name.
type field int

const (
	anIncident field = iota
	aRun
	aPayload
	aReason
	aPerson
	aPlaybook
	anotherIncident
	aTarget
	aTitle
)

// gate is who may say what, and what must be said with it: the only place.
func (d *Desk) gate() map[bot.Verb]verb {
	return map[bot.Verb]verb{
		bot.VerbApprove: {voter, nil, d.approve},
		bot.VerbDeny:    {voter, []field{aReason}, d.deny},

		bot.VerbTake:     {responder, []field{anIncident}, d.take},
		bot.VerbRelease:  {responder, []field{anIncident}, d.release},
		bot.VerbAssign:   {responder, []field{anIncident, aPerson}, d.assign},
		bot.VerbHandover: {responder, []field{anIncident, aPerson, aReason}, d.handover},
		bot.VerbNote:     {responder, []field{anIncident, aReason}, d.note},
		bot.VerbSnooze:   {responder, []field{anIncident}, d.snooze},
		bot.VerbClose:    {responder, []field{anIncident, aReason}, d.close},
		bot.VerbReopen:   {responder, []field{anIncident}, d.reopen},
		bot.VerbMerge:    {responder, []field{anIncident, anotherIncident}, d.merge},
		bot.VerbSplit:    {responder, []field{anIncident}, d.split},

		bot.VerbRun:    {responder, []field{anIncident, aPlaybook}, d.run},
		bot.VerbUndo:   {responder, []field{aRun}, d.undo},
		bot.VerbCancel: {responder, []field{aRun}, d.cancel},
		bot.VerbSettle: {responder, []field{aRun}, d.settle},

		bot.VerbHalt:   {anybody, nil, d.halt},
		bot.VerbResume: {resumer, nil, d.resume},

		bot.VerbClaim:   {responder, []field{aTarget}, d.claim},
		bot.VerbUnclaim: {voter, []field{aTarget}, d.unclaim},

		bot.VerbRaise: {responder, []field{aTitle}, d.raise},

		bot.VerbReplay:  {responder, []field{aPayload}, d.replay},
		bot.VerbDiscard: {responder, []field{aPayload}, d.discard},
	}
}

// mayUse judges the person.
func (d *Desk) mayUse(v verb, c bot.Command) *bot.Refusal {
	if v.who == anybody {
		return nil
	}
	if c.By.ID == "" {
		return bot.Refuse(bot.RefusedIdentity, "Nobody knows who is asking; without an identity you may read and halt.",
			"Whoever runs Salve can add you: salve user add NAME --role responder --uid $(id -u). In the console: salve user login-link NAME.")
	}
	if c.By.Disabled {
		return bot.Refuse(bot.RefusedForbidden, c.By.Name+" is disabled.", "An admin can change that: salve user enable "+string(c.By.ID)+".")
	}
	switch {
	case v.who == responder && !c.By.Has(bot.RoleResponder):
		return bot.Refuse(bot.RefusedForbidden, fmt.Sprintf("%s is not a responder and may not %s.", c.By.Name, c.Verb),
			"An admin can change that: salve user edit "+string(c.By.ID)+" --role responder.")
	case v.who == resumer && !c.By.In([]string{d.opts.ResumeGroup}):
		return bot.Refuse(bot.RefusedForbidden, fmt.Sprintf("%s is not in group %s and may not lift a halt.", c.By.Name, d.opts.ResumeGroup),
			fmt.Sprintf("An admin can change that: salve user edit %s --group %s.", c.By.ID, d.opts.ResumeGroup))
	}
	return nil
}

const (
	maxText   = 4096 // bytes of a reason or note
	maxName   = 256  // bytes of a name, and of a parameter's
	maxParams = 64
	maxValue  = 1024 // bytes of a parameter's value
)

// complete judges whether the command says what it must.
func complete(v verb, c bot.Command) *bot.Refusal {
	if r := readable(c); r != nil {
		return r
	}
	for _, f := range v.needs {
		if missing, next := lacks(f, c); missing {
			return bot.Refuse(bot.RefusedInput, fmt.Sprintf("%s%s %s.", strings.ToUpper(string(c.Verb[:1])), c.Verb[1:], next), fmt.Sprintf("salve %s --help shows an example.", c.Verb))
		}
	}
	return nil
}

// readable judges whether the texts of the command can be kept and shown.
func readable(c bot.Command) *bot.Refusal {
	if r := titled(c); r != nil {
		return r
	}
	if len(c.Reason) > maxText {
		return bot.Refuse(bot.RefusedInput, fmt.Sprintf("The text is longer than %d bytes.", maxText), "Say it shorter, and link to the rest.")
	}
	if len(c.Params) > maxParams || len(c.Alerts) > maxMoved {
		return bot.Refuse(bot.RefusedInput, fmt.Sprintf("At most %d parameters and %d alerts can be named.", maxParams, maxMoved), "Name fewer.")
	}
	names := append([]string{c.To, c.Playbook, c.Name, c.Digest}, c.Alerts...)
	texts := []string{c.Reason}
	for k, v := range c.Params {
		names, texts = append(names, k), append(texts, v)
		if len(v) > maxValue {
			return bot.Refuse(bot.RefusedInput, fmt.Sprintf("A parameter is longer than %d bytes.", maxValue), "Name something shorter.")
		}
	}
	long := func(s string) bool { return len(s) > maxName }
	bad := func(s string) bool { return !utf8.ValidString(s) || strings.ContainsFunc(s, odd) }
	if slices.ContainsFunc(names, long) || slices.ContainsFunc(append(names, texts...), bad) {
		return bot.Refuse(bot.RefusedInput, fmt.Sprintf("A name is longer than %d bytes, or there are control characters in the command.", maxName), "Use plain text.")
	}
	return nil
}

// plain takes out of a halt what cannot be kept and shown, as stopping is never
// refused over its wording.
func plain(c bot.Command) bot.Command {
	out := bot.Command{Verb: c.Verb, By: c.By, Surface: c.Surface, Caller: c.Caller, Scope: c.Scope}
	if c.Scope != "" && c.Scope != bot.HaltAll {
		out.Name = c.Name
	}
	out.Reason = strings.Map(func(r rune) rune {
		if odd(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(c.Reason[:min(len(c.Reason), maxText)], ""))
	return out
}

// odd is a control character that is not white space.
func odd(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f }

// edits reports whether a command names the open question that it changes, and
// with it the incident and the playbook.
func edits(c bot.Command) bool { return c.Verb == bot.VerbRun && c.Approval != 0 }

func lacks(f field, c bot.Command) (bool, string) {
	switch f {
	case anIncident:
		return c.Incident == 0 && !edits(c), "needs an incident"
	case aRun:
		return c.Run == 0, "needs a run"
	case aPayload:
		return c.Quarantine == 0, "needs a quarantined payload"
	case aReason:
		return strings.TrimSpace(c.Reason) == "", "needs a reason or text"
	case aPerson:
		return c.To == "", "needs a person"
	case aPlaybook:
		return c.Playbook == "" && !edits(c), "needs a playbook"
	case aTitle:
		return strings.TrimSpace(c.Title) == "", "needs a title"
	case aTarget:
		return strings.TrimSpace(c.Name) == "", "needs a target"
	case anotherIncident:
		return c.Into == 0 || c.Into == c.Incident, "needs another incident to go into"
	default:
		return true, "cannot be understood"
	}
}
