package main

import (
	"errors"
	"fmt"

	"salve/bot"
)

// check holds the promises against what happened.
func (r *Report) check(ev evidence) []error {
	broken := r.checkAlerts(ev)
	broken = append(broken, checkRuns(ev)...)
	broken = append(broken, r.checkApprovals(ev)...)
	for _, f := range ev.proof.Faults {
		broken = append(broken, fmt.Errorf("the audit does not prove: %s", f))
	}
	return broken
}

// checkAlerts holds every alert against what was done about it.
func (r *Report) checkAlerts(ev evidence) (broken []error) {
	runs := ev.byTarget()
	for uid := range ev.calls {
		if ev.sent[uid] == "" {
			broken = append(broken, fmt.Errorf("%d calls about %q, which nobody sent", len(ev.calls[uid]), uid))
		}
	}
	for uid, kind := range ev.sent {
		_, acked := ev.acked[uid]
		c := fate{uid: uid, kind: kind, acked: acked, known: ev.known[uid], calls: ev.calls[uid], runs: runs[uid]}
		if err := c.check(); err != nil {
			broken = append(broken, err)
		}
		r.count(c)
	}
	return broken
}

func (r *Report) count(c fate) {
	r.Calls += len(c.calls)
	if c.kind == keyed {
		r.Repeated += max(0, len(c.calls)-1)
	}
	if !c.waits() {
		return
	}
	r.Unknown++
	if c.kind == keyed {
		r.CutOff++
	}
}

// fate is one alert with what became of it.
type fate struct {
	uid, kind    string
	acked, known bool
	calls        []call
	runs         []bot.Run
}

// waits reports whether a person is asked what became of it.
func (c fate) waits() bool {
	for _, r := range c.runs {
		if r.State == bot.RunWaiting {
			return true
		}
	}
	return false
}

func (c fate) keys() (keys int, bare bool) {
	seen := map[string]bool{}
	for _, one := range c.calls {
		seen[one.key] = true
	}
	return len(seen), seen[""]
}

func (c fate) check() error {
	n := len(c.calls)
	keys, bare := c.keys()
	for _, one := range c.calls {
		if one.kind != c.kind {
			return fmt.Errorf("alert %s: the playbook for %s acted on an alert of kind %s", c.uid, one.kind, c.kind)
		}
	}
	switch {
	case c.acked && !c.known:
		return fmt.Errorf("alert %s was acknowledged and is lost", c.uid)
	case n > 0 && !c.known:
		return fmt.Errorf("alert %s: %d calls, and it is not on disk", c.uid, n)
	case keys > 1 || bare:
		return fmt.Errorf("alert %s: %d calls under %d keys", c.uid, n, keys)
	case len(c.runs) > 1:
		return fmt.Errorf("alert %s: %d runs", c.uid, len(c.runs))
	}
	return c.checkKind(n)
}

func (c fate) checkKind(n int) error {
	if c.kind == none {
		if n > 0 || len(c.runs) > 0 {
			return fmt.Errorf("alert %s: acted on without a playbook", c.uid)
		}
		return nil
	}
	if n > 1 && c.kind != keyed {
		return fmt.Errorf("alert %s: its unsafe step was done %d times", c.uid, n)
	}
	if c.known && n == 0 && !c.waits() { // a person is asked about one that a fault cut off
		return fmt.Errorf("alert %s: its %s step was never taken and nobody is asked%s", c.uid, c.kind, c.ends())
	}
	return nil
}

// ends tells how the runs stand, for whoever looks into it.
func (c fate) ends() (text string) {
	for _, r := range c.runs {
		text += fmt.Sprintf("; %s is %s: %s", r.ID, r.State, r.Reason)
	}
	return text
}

// checkApprovals wants one decision and at most one run an approval, and that
// what people were told they decided is what was decided.
func (r *Report) checkApprovals(ev evidence) (broken []error) {
	runs := map[bot.ApprovalID][]bot.Run{}
	for _, one := range ev.runs {
		runs[one.Approval] = append(runs[one.Approval], one)
	}
	for id, a := range ev.approvals {
		if a.State != bot.ApprovalPending {
			r.Decisions++
		}
		if err := checkApproval(a, runs[id], ev); err != nil {
			broken = append(broken, err)
		}
	}
	for id, told := range ev.said {
		if _, known := ev.approvals[id]; !known {
			broken = append(broken, fmt.Errorf("%s was decided and is lost", id))
		}
		if len(told) > 1 {
			broken = append(broken, fmt.Errorf("%d people were told that they decided %s, with runs %v", len(told), id, told))
		}
	}
	for id := range ev.audit.decisions {
		if _, known := ev.approvals[id]; !known {
			broken = append(broken, fmt.Errorf("the audit tells of a decision about %s, which is not there", id))
		}
	}
	return broken
}

func checkApproval(a bot.Approval, runs []bot.Run, ev evidence) error {
	decided, want := ev.audit.decisions[a.ID], 1
	if a.State == bot.ApprovalPending {
		want = 0
	}
	switch told := ev.said[a.ID]; {
	case decided != want:
		return fmt.Errorf("%s is %s, and the audit tells of %d decisions", a.ID, a.State, decided)
	case a.State == bot.ApprovalApproved && len(runs) != 1, a.State != bot.ApprovalApproved && len(runs) > 0:
		return fmt.Errorf("%s is %s and has %d runs", a.ID, a.State, len(runs))
	case len(told) > 0 && a.State != bot.ApprovalApproved:
		return fmt.Errorf("%s is %s, and somebody was told that they approved it", a.ID, a.State)
	case len(told) > 0 && runs[0].ID != told[0]:
		return fmt.Errorf("%s led to %s, and who approved it was told %s", a.ID, runs[0].ID, told[0])
	}
	var broken []error
	voters := map[bot.PersonID]bool{}
	for _, v := range a.Votes {
		voters[v.Person] = true
		if v.Digest != a.Digest {
			broken = append(broken, fmt.Errorf("%s is about %s, and %s voted on %s", a.ID, a.Digest, v.Person, v.Digest))
		}
	}
	if a.State == bot.ApprovalApproved && len(voters) != a.Rule.Quorum {
		broken = append(broken, fmt.Errorf("%s was approved by %d people instead of %d", a.ID, len(voters), a.Rule.Quorum))
	}
	return errors.Join(broken...)
}
