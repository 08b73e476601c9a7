package brief

import (
	"cmp"
	"fmt"
	"time"

	"salve/bot"
)

// shownSteps bounds the steps that are listed.
const shownSteps = 20

// Progress is one Run in the thread of its Incident, as far as it has got, and
// its result at the end. False: the Card has no such Run.
func Progress(c bot.Card, id bot.RunID, now time.Time, o Options) (bot.Message, bool) {
	r, ok := runOf(c, id)
	if !ok {
		return bot.Message{}, false
	}
	m := bot.Message{Kind: bot.MessageProgress, Tone: runTone(r.Run), Title: runTitle(r, now), Broadcast: failed(r.Run)}
	m.Alone = alone(c, fmt.Sprintf("%s %s %s", r.Run.ID, clip(r.Run.Playbook, 50), result(r.Run)), "")
	if text := because(r.Run); text != "" {
		m.Lines = append(m.Lines, textLine(text))
	}
	m.Lines = append(m.Lines, stepLines(r, now)...)
	m.Lines = append(m.Lines, checkLines(r.Run)...)
	m.Lines = append(m.Lines, outputLines(r.Run)...)
	m.Lines = append(m.Lines, fineprint(r, o))
	switch {
	case cancels(r.Run):
		m.Buttons = []bot.Button{cancelButton(r.Run)}
	case r.Run.State == bot.RunWaiting:
		m.Buttons = settling(c, r.Run)
	}
	return m, true
}

func runOf(c bot.Card, id bot.RunID) (bot.CardRun, bool) {
	for _, r := range c.Runs {
		if r.Run.ID == id {
			return r, true
		}
	}
	return bot.CardRun{}, false
}

func runTone(r bot.Run) bot.Tone {
	switch {
	case r.State == bot.RunWaiting || failed(r):
		return bot.ToneUrgent
	case r.Active():
		return bot.ToneBusy
	case r.State == bot.RunFixed:
		return bot.ToneGood
	default:
		return bot.ToneQuiet
	}
}

// failed reports whether the Run ended in a way that people must hear of.
func failed(r bot.Run) bool {
	return r.State == bot.RunFailed || r.State == bot.RunNotFixed || !r.Active() && undoFailed(r)
}

// undoFailed reports whether something that should be undone was not.
func undoFailed(r bot.Run) bool {
	for _, s := range r.Steps {
		if s.Undo && (s.State == bot.StepFailed || s.State == bot.StepUnknown) && s.SettledBy.Name == "" {
			return true
		}
	}
	return false
}

func undone(r bot.Run) bool {
	for _, s := range r.Steps {
		if s.Undo && s.State == bot.StepSucceeded {
			return !undoFailed(r)
		}
	}
	return false
}

// stepAt is the step at hand, counted from 1, and how many there are, without
// those that undo.
func stepAt(r bot.Run) (n, of int) {
	for _, s := range r.Steps {
		if s.Undo {
			continue
		}
		of++
		if s.State == bot.StepSucceeded || s.State == bot.StepFailed || s.State == bot.StepSkipped {
			n = of
		}
	}
	return min(n+1, of), of
}

// result is where the Run stands, in a few words.
func result(r bot.Run) string {
	switch r.State {
	case bot.RunPlanned:
		return "is about to start"
	case bot.RunRunning:
		n, of := stepAt(r)
		return fmt.Sprintf("runs, step %d of %d", n, of)
	case bot.RunVerifying:
		return "is done; checking whether it helped"
	case bot.RunUndoing:
		return "is undone"
	case bot.RunWaiting:
		return waits(r)
	default:
		return ended(r)
	}
}

func waits(r bot.Run) string {
	switch s, ok := unjudged(r); {
	case ok && s.Undo && s.State == bot.StepFailed:
		return "could not be undone: it waits for a person"
	case ok:
		return "waits for a person: nobody knows whether step " + clip(s.ID, maxLabel) + " took effect"
	default:
		return "stopped before its next step: it waits for a person"
	}
}

// ended is what became of a Run that is over.
func ended(r bot.Run) string {
	text := map[bot.RunState]string{
		bot.RunFixed: "fixed it", bot.RunNotFixed: "did not fix it", bot.RunFailed: "failed",
		bot.RunUnverified: "is done; nobody can tell whether it helped", bot.RunCancelled: "was cancelled",
	}[r.State]
	if r.Kind == bot.PlanUndo && (r.State == bot.RunFixed || r.State == bot.RunUnverified) {
		text = "undid what was done"
	}
	switch text = cmp.Or(text, "ended as "+clip(string(r.State), maxLabel)); {
	case undoFailed(r):
		text += ", and undoing it failed"
	case undone(r):
		text += "; what it did was undone"
	case r.UndoneBy != 0:
		text += "; " + r.UndoneBy.String() + " undid it later"
	}
	return text
}

// unjudged is the step that a person has to judge: one that is unknown, or an
// undo that failed.
func unjudged(r bot.Run) (bot.Step, bool) {
	for _, s := range r.Steps {
		if (s.State == bot.StepUnknown || s.Undo && s.State == bot.StepFailed) && s.SettledBy.Name == "" {
			return s, true
		}
	}
	return bot.Step{}, false
}

func runTitle(r bot.CardRun, now time.Time) []bot.Span {
	parts := [][]bot.Span{{strong("Run " + r.Run.ID.String())}, {strong(Cut(Clean(r.Run.Playbook), 40))}, words("%s", clip(r.Run.Target, 60))}
	if n, of := stepAt(r.Run); r.Run.Active() && of > 0 {
		parts = append(parts, words("step %d of %d", n, of))
	} else if !r.Run.Active() {
		parts = append(parts, []bot.Span{strong(ended(r.Run))})
	}
	return dots(append(parts, words("%s", lasted(took(r.Run.StartedAt, r.Run.EndedAt, now))))...)
}

// took is from a start to an end, or to now.
func took(start, end, now time.Time) time.Duration {
	switch {
	case start.IsZero():
		return 0
	case end.IsZero():
		return now.Sub(start)
	default:
		return end.Sub(start)
	}
}

// because is why it waits, or ended as it did.
func because(r bot.Run) string {
	switch {
	case r.State == bot.RunWaiting:
		if _, ok := unjudged(r); ok || r.Reason == "" {
			return capital(dot(waits(r)))
		}
		return capital(dot(waits(r))) + " " + reason(r)
	case r.CancelBy.Name != "" && r.Active():
		return clip(r.CancelBy.Name, maxLabel) + " asked to cancel it; it stops before its next step."
	case r.Reason != "" && r.State != bot.RunFixed:
		return reason(r)
	default:
		return ""
	}
}

// reason is what the record says, word for word.
func reason(r bot.Run) string { return "Reason: " + dot(clip(r.Reason, 200)) }

var marks = map[bot.StepState]string{
	bot.StepPlanned: "○", bot.StepStarted: "▶", bot.StepSucceeded: "✓", bot.StepFailed: "✗", bot.StepUnknown: "?", bot.StepSkipped: "–",
}

// stepLines are one line a step: state, name, how long it took.
func stepLines(r bot.CardRun, now time.Time) []bot.Line {
	titles := map[string]string{}
	for _, s := range r.Plan.Steps {
		titles[s.ID] = s.Title
	}
	var out []bot.Line
	for _, s := range first(r.Run.Steps, shownSteps) {
		name := cmp.Or(titles[s.ID], s.ID)
		if s.Undo {
			name = "undo: " + name
		}
		parts := [][]bot.Span{words("%s %s", cmp.Or(marks[s.State], "?"), clip(name, 100)), words("%s", stepState(s))}
		if !s.StartedAt.IsZero() {
			parts = append(parts, words("%s", lasted(took(s.StartedAt, s.EndedAt, now))))
		}
		out = append(out, item(dots(parts...)...))
		if s.Error != "" && s.State != bot.StepSucceeded {
			out = append(out, quiet(plain(s.Error)))
		}
	}
	if left := len(r.Run.Steps) - shownSteps; left > 0 {
		out = append(out, quiet(plain("and "+count(left, "more step"))))
	}
	return out
}

func stepState(s bot.Step) string {
	text := map[bot.StepState]string{
		bot.StepPlanned: "to come", bot.StepStarted: "running", bot.StepSucceeded: "done", bot.StepFailed: "failed",
		bot.StepUnknown: "unknown", bot.StepSkipped: "skipped",
	}[s.State]
	text = cmp.Or(text, "unknown")
	if s.Attempt > 1 {
		text += fmt.Sprintf(", attempt %d", s.Attempt)
	}
	if s.SettledBy.Name != "" {
		text += ", says " + clip(s.SettledBy.Name, maxLabel)
	}
	return text
}

// checkLines are what verification found so far.
func checkLines(r bot.Run) []bot.Line {
	var out []bot.Line
	for _, c := range first(r.Checks, shownSteps) {
		mark := map[bot.Fix]string{bot.FixYes: "✓", bot.FixNo: "✗"}[c.Fix]
		out = append(out, item(plain(fmt.Sprintf("%s check %s: %s", cmp.Or(mark, "?"), clip(c.ID, maxLabel), clip(c.Reason, 160)))))
	}
	if r.State == bot.RunVerifying && !r.VerifyBy.IsZero() {
		out = append(out, quiet(raw("checked until "), at(r.VerifyBy)))
	}
	return out
}

// outputLines are the last lines of the output of the newest step that has any.
func outputLines(r bot.Run) []bot.Line {
	for i := len(r.Steps) - 1; i >= 0; i-- {
		s := r.Steps[i]
		text, left := tail(s.Output)
		if text == "" {
			continue
		}
		head := "Output of " + clip(s.ID, maxLabel)
		if left > 0 {
			head += fmt.Sprintf(", without the first %s", count(left, "line"))
		}
		return []bot.Line{quiet(plain(head)), block(text)}
	}
	return nil
}

// fineprint says by whose leave it runs.
func fineprint(r bot.CardRun, o Options) bot.Line {
	by := "started by itself"
	if r.Run.Approval != 0 {
		by = "approved, " + r.Run.Approval.String()
	}
	if n := r.Run.StartedBy.Name; n != "" && n != bot.Salve.Name {
		by += ", by " + clip(n, maxLabel)
	}
	parts := [][]bot.Span{words("%s", by), {raw("plan "), code(r.Run.Digest.Short())}}
	if o.linked() {
		parts = append(parts, []bot.Span{o.link("Open "+r.Run.ID.String(), "/runs/"+r.Run.ID.String())})
	}
	return quiet(dots(parts...)...)
}

// settling are the answers that a waiting Run takes, where the Card offers them;
// else the way to them.
func settling(c bot.Card, r bot.Run) []bot.Button {
	var out []bot.Button
	for _, a := range c.Actions {
		if a.Command.Verb == bot.VerbSettle && a.Command.Run == r.ID {
			out = append(out, ofAction(a))
		}
	}
	if len(out) == 0 || len(out) > bot.MaxButtons {
		out = append(first(out, bot.MaxButtons-1), settleButton(r))
	}
	if len(out) > 1 {
		out[len(out)-1].Style = ""
	}
	return out
}
