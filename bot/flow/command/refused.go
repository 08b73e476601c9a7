package command

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"

	"salve/bot"
)

const (
	quietFor   = time.Minute // in which an equal refusal is not written again
	maxRefused = 4096        // refusals remembered for that
)

// refused remembers which refused votes were written down lately, so that a
// button that is stuck cannot fill the log.
type refused struct {
	mu   sync.Mutex
	last map[refusedKey]time.Time
}

// refusedKey is what makes two refusals equal: a person can vary what they type,
// and not this.
type refusedKey struct {
	person   string
	incident bot.IncidentID
	approval bot.ApprovalID
	verb     bot.Verb
	code     bot.RefusalCode
}

// first reports whether the refusal is to be written down.
func (r *refused) first(k refusedKey, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at, ok := r.last[k]; ok && now.Sub(at).Abs() < quietFor {
		return false
	}
	if len(r.last) >= maxRefused {
		for old, at := range r.last {
			if now.Sub(at).Abs() >= quietFor {
				delete(r.last, old)
			}
		}
		if len(r.last) >= maxRefused {
			return false
		}
	}
	if r.last == nil {
		r.last = map[refusedKey]time.Time{}
	}
	r.last[k] = now
	return true
}

// forget lets the refusal be written down again: it was not.
func (r *refused) forget(k refusedKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.last, k)
}

// ofAVote are the refusals that somebody's vote can get. What could not be
// understood was no vote, and what the store did not take it does not take now.
var ofAVote = []bot.RefusalCode{bot.RefusedForbidden, bot.RefusedIdentity, bot.RefusedMoved, bot.RefusedState}

var digestPattern = regexp.MustCompile(`^[0-9A-Fa-f]{8,64}$`)

// recordRefusal writes down a vote that was refused: who, on what, why, and on
// what it rested. It changes nothing about the answer.
func (d *Desk) recordRefusal(ctx context.Context, c bot.Command, err error) {
	r, ok := errors.AsType[*bot.Refusal](err)
	if !ok || c.Verb != bot.VerbApprove && c.Verb != bot.VerbDeny || !slices.Contains(ofAVote, r.Code) {
		return
	}
	ctx, cancel := context.WithTimeoutCause(ctx, d.opts.Timeout, errTimeout)
	defer cancel()
	a, ok := d.meant(ctx, c)
	if !ok {
		return
	}
	o := order{Command: c, by: c.Actor(), now: instant(time.Now())}
	o.Incident = a.Incident
	k := refusedKey{person: string(o.by.Person) + "\x00" + o.by.Name, incident: a.Incident, approval: a.ID, verb: c.Verb, code: r.Code}
	if !d.refused.first(k, o.now) {
		return
	}
	if err := d.commit(ctx, bot.Change{Events: []bot.Event{refusal(o, a, r)}}); err != nil {
		d.refused.forget(k)
		d.opts.Log.WarnContext(ctx, "a refused vote was not recorded", "incident", a.Incident, "approval", a.ID, "err", err)
	}
}

// refusal is the Event of a refused vote.
func refusal(o order, a bot.Approval, r *bot.Refusal) bot.Event {
	what := "a plan of " + a.Incident.String()
	if a.ID != 0 {
		what = fmt.Sprintf("%s (%s on %s)", a.ID, a.Playbook, a.Target)
	}
	e := o.event(bot.EventRefused, "tried to %s %s: %s", o.Verb, what, r.Why)
	e.Approval, e.Plan = a.ID, a.Plan
	e.Data = map[string]string{"verb": string(o.Verb), "code": string(r.Code), "surface": o.Surface}
	if digestPattern.MatchString(o.Digest) {
		e.Data["digest"] = o.Digest
	}
	o.Basis.AddTo(e.Data)
	return e
}

// meant is the question that a refused vote was about; without an ID, one of
// several of the incident. false: there is none.
func (d *Desk) meant(ctx context.Context, c bot.Command) (bot.Approval, bool) {
	if a, err := d.question(ctx, order{Command: c}); err == nil {
		return a, true
	}
	if c.Incident == 0 || c.Approval != 0 {
		return bot.Approval{}, false
	}
	all, err := d.store.Approvals(ctx, bot.ApprovalQuery{Incident: c.Incident, Limit: 2})
	switch {
	case err != nil || len(all) == 0:
		return bot.Approval{}, false
	case len(all) == 1:
		return all[0], true
	default:
		return bot.Approval{Incident: c.Incident}, true
	}
}

// withGroups adds to a person the approver groups that come of the surface's own
// groups, for this command alone.
func withGroups(p bot.Person, groups []string) bot.Person {
	p.Groups = slices.Clone(p.Groups)
	for _, g := range groups {
		if p.ID != "" && g != "" && !slices.Contains(p.Groups, g) {
			p.Groups = append(p.Groups, g)
		}
	}
	return p
}
