package decide

import (
	"context"
	"fmt"
	"slices"
	"time"

	"salve/bot"
	"salve/bot/guard"
)

// The rules that this leg adds to those of the guard.
const (
	ruleDenied  = "denied"
	ruleExpired = "expired"
	ruleRan     = "ran"
	ruleStopped = "stopped"
)

// judge asks the guard, and weighs what became of the same plan before. since
// is when the newest alert about the target came in; zero: a person asked.
func (k *look) judge(ctx context.Context, p bot.Plan, since time.Time) (bot.Verdict, error) {
	history, err := k.leg.store.History(ctx, p.Playbook, p.Target)
	if err != nil {
		return bot.Verdict{}, fmt.Errorf("read the history of %s: %w", p.Target, err)
	}
	v := guard.Evaluate(p, guard.Facts{
		Now: k.now, Incident: k.inc, Severity: k.inc.Severity, History: history,
		Halts: k.halts, Attempts: k.runs, Missing: k.missing,
	})
	if len(k.missing) > 0 {
		k.later(k.now.Add(5 * time.Second))
	}
	children := haltAsks(v.Children)
	if !since.IsZero() {
		children = append(children, k.before(p, since)...)
	}
	judged := bot.Judge(v.Rule, children...)
	if history.Active != nil {
		judged.RetryAt = k.poll(history.Active.CreatedAt)
	}
	return judged, nil
}

// haltAsks turns a halt that is all that denies into a question: what a halt
// stops never begins by itself, but people see what waits for them.
func haltAsks(children []bot.Verdict) []bot.Verdict {
	out := slices.Clone(children)
	halt := -1
	for i, c := range out {
		if c.Ruling != bot.Deny {
			continue
		}
		if c.Rule != guard.RuleHalt {
			return out
		}
		halt = i
	}
	if halt >= 0 {
		out[halt].Ruling = bot.AskPerson
		out[halt].Reason += "; a person must start it after the halt is lifted"
	}
	return out
}

// before is what became of this plan in this Incident already.
func (k *look) before(p bot.Plan, since time.Time) []bot.Verdict {
	var out []bot.Verdict
	for _, a := range k.approvals {
		if a.Digest != p.Digest || len(out) > 0 {
			continue
		}
		switch {
		case a.State == bot.ApprovalDenied:
			out = append(out, bot.Verdict{Ruling: bot.Deny, Rule: ruleDenied, Reason: fmt.Sprintf("%s denied this plan (%s): %s", a.DecidedBy.Name, a.ID, a.Reason)})
		case a.State == bot.ApprovalExpired && !a.OpenedAt.Before(since):
			out = append(out, bot.Verdict{Ruling: bot.Deny, Rule: ruleExpired, Reason: fmt.Sprintf("nobody decided about this plan before %s (%s)", clock(a.ExpiresAt), a.ID)})
		}
	}
	if v, ok := k.ran(p, since); ok {
		out = append(out, v)
	} else if r := k.instead(p, since); r != nil {
		out = append(out, bot.Verdict{Ruling: bot.Deny, Rule: ruleRan, Reason: fmt.Sprintf("%s carried out %s in the place of this plan, and it is fixed", r.ID, r.Playbook)})
	}
	if k.wasHalted(p) {
		out = append(out, bot.Verdict{Ruling: bot.AskPerson, Rule: ruleStopped, Reason: "a halt stopped it before, so a person must start it"})
	}
	return out
}

// ran looks at the newest Run of this plan since the alert came in. One that
// never began may be asked for, one that did is not repeated.
func (k *look) ran(p bot.Plan, since time.Time) (bot.Verdict, bool) {
	r := k.ranBefore(p)
	if r == nil || r.CreatedAt.Before(since) {
		return bot.Verdict{}, false
	}
	if r.State == bot.RunCancelled && !r.Changed() && r.CancelBy == (bot.Actor{}) {
		return bot.Verdict{Ruling: bot.AskPerson, Rule: ruleStopped, Reason: fmt.Sprintf("%s was stopped before it began (%s), so a person must start it", r.ID, r.Reason)}, true
	}
	text := fmt.Sprintf("%s carried out this plan since the alert came in and ended as %s", r.ID, r.State)
	if r.CancelBy != (bot.Actor{}) {
		text += " by " + r.CancelBy.Name
	}
	return bot.Verdict{Ruling: bot.Deny, Rule: ruleRan, Reason: text}, true
}

// instead is the Run that fixed the target in the place of this plan, which people
// were asked about until somebody wanted other parameters.
func (k *look) instead(p bot.Plan, since time.Time) *bot.Run {
	for i, r := range k.runs {
		if r.State != bot.RunFixed || r.Playbook != p.Playbook || r.Target != p.Target || r.Kind != p.Kind || r.CreatedAt.Before(since) {
			continue
		}
		for _, a := range k.approvals {
			if a.Digest == p.Digest && a.State == bot.ApprovalWithdrawn && a.ID < r.Approval {
				return &k.runs[i]
			}
		}
	}
	return nil
}

// askedBefore is the newest question about the same plan in this Incident that
// came to nothing.
func (k *look) askedBefore(p bot.Plan) *bot.Approval {
	for i, a := range k.approvals {
		if a.Digest == p.Digest && (a.State == bot.ApprovalDenied || a.State == bot.ApprovalExpired) {
			return &k.approvals[i]
		}
	}
	return nil
}

// ranBefore is the newest Run of the same plan in this Incident.
func (k *look) ranBefore(p bot.Plan) *bot.Run {
	for i, r := range k.runs {
		if r.Digest == p.Digest && r.Kind == p.Kind {
			return &k.runs[i]
		}
	}
	return nil
}

// wasHalted reports whether the last decision held this playbook back for a
// halt without asking.
func (k *look) wasHalted(p bot.Plan) bool {
	for _, c := range k.was.Decision.Candidates {
		if c.Playbook != p.Playbook || c.Target != p.Target || c.Approval != 0 || c.Run != 0 {
			continue
		}
		for _, v := range c.Verdict.Children {
			if v.Ruling != bot.Allow && (v.Rule == guard.RuleHalt || v.Rule == ruleStopped) {
				return true
			}
		}
	}
	return false
}
