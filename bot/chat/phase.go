package chat

import (
	"time"

	"salve/bot"
)

// facts is State with what matters now picked out of it.
type facts struct {
	State
	now     time.Time
	phase   bot.Phase
	waiting *bot.Run      // a Run that needs a person
	active  *bot.Run      // a Run under way
	pending *bot.Approval // the newest open question
	ended   *bot.Run      // the Run that ended last, if nothing was refused since
	refused *bot.Approval // the question denied or expired last, if no Run ended since
	halt    *bot.Halt     // stops what is at hand
}

func look(s State, now time.Time) facts {
	f := facts{State: s, now: now}
	for i := range s.Runs {
		f.takeRun(&s.Runs[i])
	}
	for i := range s.Approvals {
		f.takeApproval(&s.Approvals[i])
	}
	if f.ended != nil && f.refused != nil {
		if f.ended.EndedAt.After(f.refused.DecidedAt) {
			f.refused = nil
		} else {
			f.ended = nil
		}
	}
	f.halt = f.findHalt()
	f.phase = f.findPhase()
	return f
}

func (f *facts) takeRun(r *bot.Run) {
	switch {
	case r.State == bot.RunWaiting:
		if f.waiting == nil {
			f.waiting = r
		}
	case r.Active():
		if f.active == nil {
			f.active = r
		}
	case f.ended == nil || r.EndedAt.After(f.ended.EndedAt):
		f.ended = r
	}
}

func (f *facts) takeApproval(a *bot.Approval) {
	switch a.State {
	case bot.ApprovalPending:
		if f.pending == nil {
			f.pending = a
		}
	case bot.ApprovalDenied, bot.ApprovalExpired:
		if f.refused == nil || a.DecidedAt.After(f.refused.DecidedAt) {
			f.refused = a
		}
	case bot.ApprovalApproved, bot.ApprovalWithdrawn:
	}
}

// findHalt is the Halt that stops what is at hand: everything, or the target or
// playbook of what runs, waits or is considered.
func (f facts) findHalt() *bot.Halt {
	for i, h := range f.Halts {
		if h.Scope != bot.HaltPlaybook && h.Scope != bot.HaltTarget || f.stops(h) {
			return &f.Halts[i]
		}
	}
	return nil
}

func (f facts) stops(h bot.Halt) bool {
	for _, r := range []*bot.Run{f.waiting, f.active} {
		if r != nil && h.Stops(r.Playbook, r.Target) {
			return true
		}
	}
	if f.pending != nil && h.Stops(f.pending.Playbook, f.pending.Target) {
		return true
	}
	for _, c := range f.Incident.Decision.Candidates {
		if h.Stops(c.Playbook, c.Target) {
			return true
		}
	}
	return false
}

func (f facts) findPhase() bot.Phase {
	state := f.Incident.State()
	switch {
	case state == bot.IncidentClosed, state == bot.IncidentMerged:
		return bot.PhaseClosed
	case f.waiting != nil:
		return bot.PhaseNeedsPerson
	case f.active != nil && f.active.State == bot.RunVerifying:
		return bot.PhaseVerifying
	case f.active != nil:
		return bot.PhaseRunning
	case f.pending != nil:
		return bot.PhaseAsking
	case f.Incident.SnoozedUntil.After(f.now):
		return bot.PhaseSnoozed
	case f.fixed():
		return bot.PhaseFixed
	case state == bot.IncidentResolved:
		return bot.PhaseResolved
	case f.Incident.Owner != "":
		return bot.PhaseTaken
	default:
		return f.openPhase()
	}
}

// fixed reports whether the last word is a Run that was verified, and no alert
// has started since.
func (f facts) fixed() bool {
	return f.ended != nil && f.ended.Kind != bot.PlanUndo && f.ended.State == bot.RunFixed &&
		f.ended.UndoneBy == 0 && !f.Incident.LastAt.After(f.ended.EndedAt)
}

// openPhase is the phase of an Incident that fires, that nobody holds, and for
// which nothing runs or asks.
func (f facts) openPhase() bot.Phase {
	switch {
	case f.refused != nil:
		return bot.PhaseNeedsPerson
	case f.ended != nil && f.ended.State != bot.RunFixed:
		return bot.PhaseNeedsPerson
	case f.ended != nil && f.ended.Kind == bot.PlanUndo:
		return bot.PhaseNeedsPerson
	case f.Incident.Decision.At.IsZero():
		return bot.PhaseLooking
	case len(f.Incident.Decision.Candidates) == 0:
		return bot.PhaseNeedsPerson
	default:
		return f.candidatePhase()
	}
}

// candidatePhase goes by what the guardrails said: with nothing allowed, people
// are needed unless the answer changes by itself or the playbook only observes.
func (f facts) candidatePhase() bot.Phase {
	phase := bot.PhaseNeedsPerson
	for _, c := range f.Incident.Decision.Candidates {
		switch {
		case c.Verdict.Ruling == bot.Allow, c.Verdict.Ruling == bot.AskPerson:
			return bot.PhaseLooking // its Run or Approval is about to appear
		case denies(c.Verdict, "halt"):
			return bot.PhaseNeedsPerson
		case !c.Verdict.RetryAt.IsZero(), denies(c.Verdict, "mode"):
			phase = bot.PhaseWatching
		}
	}
	return phase
}

// denies reports whether a rule of this name denied somewhere in the tree.
func denies(v bot.Verdict, rule string) bool {
	if v.Rule == rule && v.Ruling == bot.Deny {
		return true
	}
	for _, c := range v.Children {
		if denies(c, rule) {
			return true
		}
	}
	return false
}

// unhelped reports whether no playbook fitted when the Incident was looked at.
func (f facts) unhelped() bool {
	return len(f.Incident.Decision.Candidates) == 0 && f.waiting == nil && f.active == nil && f.pending == nil &&
		f.phase != bot.PhaseClosed
}
