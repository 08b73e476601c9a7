package chat

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"salve/bot"
)

// headline says in one or two sentences what happens next and why.
func (f facts) headline() string {
	text := f.sentence()
	if f.halt == nil {
		return text
	}
	switch f.phase {
	case bot.PhaseClosed, bot.PhaseFixed, bot.PhaseResolved:
		return text
	default:
		return text + " " + haltText(*f.halt)
	}
}

func (f facts) sentence() string {
	inc := f.Incident
	switch f.phase {
	case bot.PhaseClosed:
		return f.closedText()
	case bot.PhaseRunning:
		return runningText(*f.active, f.plan(f.active.Plan))
	case bot.PhaseVerifying:
		return verifyingText(*f.active)
	case bot.PhaseAsking:
		return askingText(*f.pending)
	case bot.PhaseSnoozed:
		return fmt.Sprintf("Snoozed until %s; nothing starts by itself before then.", stamp(inc.SnoozedUntil))
	case bot.PhaseTaken:
		return fmt.Sprintf("%s has taken it: nothing runs or is proposed by itself until it is released.", cmp.Or(inc.OwnerName, string(inc.Owner)))
	case bot.PhaseFixed:
		return f.fixedText()
	case bot.PhaseResolved:
		return fmt.Sprintf("No alert fires since %s; it closes by itself if it stays quiet.", stamp(inc.ResolvedAt))
	case bot.PhaseLooking:
		return cmp.Or(inc.Decision.Headline, "Just came in: looking for the cause and for a playbook that fits.")
	case bot.PhaseWatching:
		return cmp.Or(inc.Decision.Headline, f.watchingText())
	default:
		return f.needsText()
	}
}

func (f facts) closedText() string {
	inc := f.Incident
	if inc.MergedInto != 0 {
		text := fmt.Sprintf("Merged into %s; what comes next is shown there.", inc.MergedInto)
		switch { // an undo stays with the incident of its run
		case f.pending != nil:
			text += fmt.Sprintf(" Here still: %s on %s waits for %s.", f.pending.Playbook, f.pending.Target, whoMay(f.pending.Rule))
		case f.active != nil:
			text += fmt.Sprintf(" Here still: %s (%s on %s) is %s.", f.active.ID, f.active.Playbook, f.active.Target, f.active.State)
		case f.waiting != nil:
			text += fmt.Sprintf(" Here still: %s (%s on %s) waits for a person.", f.waiting.ID, f.waiting.Playbook, f.waiting.Target)
		}
		return text
	}
	return strings.TrimSuffix(fmt.Sprintf("Closed %s: %s", stamp(inc.ClosedAt), inc.CloseReason), ": ") + "."
}

func (f facts) needsText() string {
	switch {
	case f.waiting != nil:
		return waitingText(*f.waiting, f.halt != nil)
	case f.refused != nil && f.refused.State == bot.ApprovalDenied:
		return deniedText(*f.refused)
	case f.refused != nil:
		return fmt.Sprintf("Nobody decided about %s on %s before %s; nothing was changed there. A person is needed: take it, or ask for the playbook again.",
			f.refused.Playbook, f.refused.Target, stamp(f.refused.ExpiresAt))
	case f.ended != nil:
		return endedText(*f.ended)
	case len(f.Incident.Decision.Candidates) == 0:
		return "No playbook fits. A person is needed: take it, follow the steps by hand, or run a playbook."
	default:
		return cmp.Or(f.Incident.Decision.Headline, "No playbook may run: "+f.reasons()+". A person is needed.")
	}
}

func (f facts) watchingText() string {
	return "Watching: " + f.reasons() + "."
}

func (f facts) reasons() string {
	var out []string
	for _, c := range f.Incident.Decision.Candidates {
		out = append(out, fmt.Sprintf("%s on %s: %s", c.Playbook, c.Target, strings.TrimSuffix(c.Verdict.Reason, ".")))
	}
	return strings.Join(first(out, 3), "; ")
}

func (f facts) fixedText() string {
	text := fmt.Sprintf("Fixed by %s on %s, verified %s.", f.ended.Playbook, f.ended.Target, stamp(f.ended.EndedAt))
	if f.Incident.Firing > 0 {
		text += " The source has not said resolved so far."
	}
	return text
}

func askingText(a bot.Approval) string {
	text := fmt.Sprintf("Waiting for approval until %s: %s on %s, plan %s, by %s.",
		stamp(a.ExpiresAt), a.Playbook, a.Target, a.Digest.Short(), whoMay(a.Rule))
	if t := a.Tally(); t.Yes > 0 {
		text += fmt.Sprintf(" %d of %d said yes.", t.Yes, t.Needed)
		if len(a.Rule.Also) > 0 && !t.Agreed() {
			text += " Next: somebody of " + strings.Join(t.Open, " or ") + "."
		}
	}
	if half := a.Tally().Half; len(half) > 0 {
		text += " " + strings.Join(half, ", ") + " said yes on one surface; it counts when they say so on another, too."
	}
	return text
}

func deniedText(a bot.Approval) string {
	return fmt.Sprintf("%s denied %s on %s: %s. The incident stays open; this plan is not proposed again unless its facts change or somebody asks. Next: take it, or run another playbook.",
		cmp.Or(a.DecidedBy.Name, "Somebody"), a.Playbook, a.Target, cmp.Or(strings.TrimSuffix(a.Reason, "."), "no reason given"))
}

// Progress is how far a Run has got: the step at hand, counted from 1, and how
// many there are, without those that undo.
func Progress(r bot.Run) (at, of int) {
	for _, s := range r.Steps {
		if s.Undo {
			continue
		}
		of++
		if s.State == bot.StepSucceeded || s.State == bot.StepFailed || s.State == bot.StepSkipped {
			at = of
		}
	}
	return min(at+1, of), of
}

func runningText(r bot.Run, p bot.Plan) string {
	verb := ""
	if r.Kind == bot.PlanUndo {
		verb = "the undo of "
	}
	switch at, of := Progress(r); {
	case r.State == bot.RunUndoing:
		return fmt.Sprintf("%s on %s did not go well (%s); undoing what it did.", r.Playbook, r.Target, cmp.Or(strings.TrimSuffix(r.Reason, "."), string(r.Ending)))
	case r.State == bot.RunPlanned && !r.Changed():
		return fmt.Sprintf("About to run %s%s on %s, %d %s.", verb, r.Playbook, r.Target, of, plural(of, "step"))
	default:
		return fmt.Sprintf("Running step %d of %d%s of %s%s on %s.", at, of, stepName(r, p, at), verb, r.Playbook, r.Target)
	}
}

func stepName(r bot.Run, p bot.Plan, at int) string {
	n := 0
	for _, s := range r.Steps {
		if s.Undo {
			continue
		}
		if n++; n != at {
			continue
		}
		for _, ps := range p.Steps {
			if ps.ID == s.ID && ps.Title != "" {
				return " (" + ps.Title + ")"
			}
		}
		return " (" + s.ID + ")"
	}
	return ""
}

func verifyingText(r bot.Run) string {
	return fmt.Sprintf("All steps of %s on %s are done; checking until %s whether it helped.", r.Playbook, r.Target, stamp(r.VerifyBy))
}

func waitingText(r bot.Run, halted bool) string {
	switch s, ok := unjudged(r); {
	case ok && s.State == bot.StepFailed:
		return fmt.Sprintf("A person is needed: the %s of %s failed on %s, and nothing goes on there. Look there, then say what became of it.", stepText(s), r.ID, r.Target)
	case ok:
		return fmt.Sprintf("A person is needed: nobody knows whether %s of %s took effect on %s. Look there, then say what became of it.", stepText(s), r.ID, r.Target)
	}
	text := fmt.Sprintf("A person is needed: %s stopped before its next step on %s: %s.", r.ID, r.Target, cmp.Or(strings.TrimSuffix(r.Reason, "."), "no reason is on record"))
	if halted {
		return text
	}
	return text + " It goes on only when somebody says so."
}

func endedText(r bot.Run) string {
	name := fmt.Sprintf("%s (%s on %s)", r.ID, r.Playbook, r.Target)
	why := strings.TrimSuffix(r.Reason, ".")
	if r.Kind == bot.PlanUndo && (r.State == bot.RunFixed || r.State == bot.RunUnverified) {
		return name + " undid what was done before. A person is needed."
	}
	switch r.State {
	case bot.RunNotFixed:
		return because(name+" did not help"+undone(r), why) + ". A person is needed."
	case bot.RunUnverified:
		return because(name+" is done, but nobody can tell whether it helped", why) + ". A person is needed."
	case bot.RunFailed:
		return because(name+" failed"+undone(r), why) + ". A person is needed."
	case bot.RunCancelled:
		return because(name+" was cancelled"+undone(r), why) + ". A person is needed."
	default:
		return because(name+" ended as "+string(r.State), why) + ". A person is needed."
	}
}

func because(text, why string) string {
	if why == "" {
		return text
	}
	return text + ": " + why
}

// undone says what became of the steps that could be undone.
func undone(r bot.Run) string {
	did, bad := 0, 0
	for _, s := range r.Steps {
		switch {
		case !s.Undo:
		case s.State == bot.StepSucceeded:
			did++
		case s.State != bot.StepSkipped:
			bad++
		}
	}
	switch {
	case bad > 0:
		return ", and undoing it did not go well"
	case did > 0:
		return " and was undone"
	default:
		return ""
	}
}

func haltText(h bot.Halt) string {
	what := "Everything is"
	switch h.Scope {
	case bot.HaltPlaybook:
		what = "Playbook " + h.Name + " is"
	case bot.HaltTarget:
		what = "Target " + h.Name + " is"
	case bot.HaltAll:
	}
	return strings.TrimSuffix(fmt.Sprintf("%s halted by %s: %s", what, h.By.Name, strings.TrimSuffix(h.Reason, ".")), ": ") +
		". Nothing starts until somebody resumes."
}

// stamp writes an instant for a sentence: short, and never of an unsaid day,
// since a card may be read long after it was made.
func stamp(t time.Time) string {
	if t.IsZero() {
		return "an unknown time"
	}
	return t.UTC().Format("2 Jan 15:04 UTC")
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}
