package brief

import (
	"cmp"
	"fmt"
	"strings"

	"salve/bot"
)

// story is what happens next and why, where the other lines do not say it.
func story(c bot.Card) []bot.Span {
	var out []bot.Span
	if c.Halt != nil {
		out = words("%s Nothing starts until somebody resumes.", haltText(*c.Halt))
	}
	if r, ok := active(c); ok {
		return joined(runStory(r), out)
	}
	if c.Phase == bot.PhaseAsking || c.Halt != nil {
		return out
	}
	if p, ok := refused(c); ok {
		return refusedStory(p)
	}
	switch c.Phase {
	case bot.PhaseTaken:
		return words("Nothing runs or is proposed by itself until it is released.")
	case bot.PhaseSnoozed:
		return append([]bot.Span{raw("Nothing starts by itself until "), at(c.SnoozedUntil)}, raw("."))
	case bot.PhaseFixed:
		if r, ok := fixedBy(c); ok {
			return append(words("Fixed by %s on %s", r.Playbook, r.Target), append(when(", verified", r.EndedAt), raw("."))...)
		}
	case bot.PhaseResolved:
		return words("No alert fires; it closes by itself if it stays quiet.")
	}
	return []bot.Span{plain(cmp.Or(c.Headline, "What comes next is not known."))}
}

func joined(a, b []bot.Span) []bot.Span {
	if len(a) > 0 && len(b) > 0 {
		a = append(a, raw(" "))
	}
	return append(a, b...)
}

// refused is the question that was denied or expired last, if that is what the
// Incident stands at: nothing ran since.
func refused(c bot.Card) (bot.CardProposal, bool) {
	for _, p := range c.Proposals {
		a := p.Approval
		if a.State != bot.ApprovalDenied && a.State != bot.ApprovalExpired || c.Phase != bot.PhaseNeedsPerson {
			continue
		}
		if len(c.Runs) == 0 || c.Runs[0].Run.EndedAt.Before(a.DecidedAt) {
			return p, true
		}
	}
	return bot.CardProposal{}, false
}

func refusedStory(p bot.CardProposal) []bot.Span {
	a := p.Approval
	if a.State == bot.ApprovalExpired {
		return []bot.Span{plain("Nobody decided about " + clip(what(p), 80) + " before"), raw(" "), at(a.ExpiresAt), raw("; nothing was changed. A person is needed.")}
	}
	return words("%s denied %s: %s. Take it, or run another playbook.", clip(cmp.Or(a.DecidedBy.Name, "Somebody"), maxLabel),
		clip(what(p), 60), strings.TrimSuffix(clip(cmp.Or(a.Reason, "no reason given"), 60), "."))
}

func runStory(r bot.CardRun) []bot.Span {
	if r.Run.State == bot.RunWaiting {
		return words("%s (%s on %s) %s.", r.Run.ID, clip(r.Run.Playbook, 40), clip(r.Run.Target, 40), waits(r.Run))
	}
	verb := map[bot.RunState]string{bot.RunPlanned: "is about to run", bot.RunVerifying: "is done; checking whether it helped", bot.RunUndoing: "did not go well; undoing what it did"}[r.Run.State]
	if verb == "" {
		n, of := stepAt(r.Run)
		verb = fmt.Sprintf("runs, step %d of %d", n, of)
	}
	out := words("%s %s on %s %s", r.Run.ID, r.Run.Playbook, r.Run.Target, verb)
	if r.Run.State == bot.RunVerifying {
		out = append(out, when(", until", r.Run.VerifyBy)...)
	}
	return append(out, raw("."))
}

func fixedBy(c bot.Card) (bot.Run, bool) {
	for _, r := range c.Runs {
		if r.Run.State == bot.RunFixed {
			return r.Run, true
		}
	}
	return bot.Run{}, false
}

// cause is the likeliest one with its confidence, in so many runes.
func cause(c bot.Card, limit int) string {
	if limit <= 0 {
		return ""
	}
	if len(c.Diagnosis.Hypotheses) == 0 {
		return clip(c.Diagnosis.Summary, limit)
	}
	h := c.Diagnosis.Hypotheses[0]
	sure := fmt.Sprintf(" (%.0f %% sure)", min(max(h.Confidence, 0), 1)*100)
	return clip("Likely: "+h.Cause, limit-len(sure)) + sure
}
