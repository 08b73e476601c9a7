// Package chat turns the state of an Incident into the Card that people see,
// and into a timeline that they can file.
//
// It promises to be pure and to know no vendor: the same State, viewer and time
// give the same Card. It says in one sentence what happens next and why, lists
// what this viewer may do with the command-line twin of each button, and offers
// an unknown viewer nothing but the halt. It judges nothing: what it offers is
// a help, and whoever carries a Command out asks every rule again.
//
// It assumes that State was read at about one time; rows that are missing are
// left out of the Card and never guessed. It cannot fail. All text from outside
// is passed on as plain, untrusted text; only what a person may copy into a
// shell is quoted.
package chat

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"salve/bot"
)

// What a Card holds at most; the rest is on the pages of a surface.
const (
	maxAlerts   = 20
	maxRuns     = 10
	maxTimeline = 200
)

// State is all that is known about one Incident.
type State struct {
	Incident  bot.Incident
	Alerts    []bot.Alert    // the worst first; may be cut
	Plans     []bot.Plan     // of this Incident
	Approvals []bot.Approval // of this Incident, in any order
	Runs      []bot.Run      // of this Incident, in any order
	Events    []bot.Event    // of this Incident, in the order of the chain; may be cut at the front
	Halts     []bot.Halt     // all that are set
	Nearest   *bot.CardNearest
	Playbooks []bot.Playbook // loaded ones, for runbook, checklist and "Run a playbook"
}

// Card shows the Incident to a viewer; a zero viewer is somebody unknown.
func Card(s State, viewer bot.Person, now time.Time) bot.Card {
	s = s.sorted()
	f := look(s, now)
	inc := s.Incident
	c := bot.Card{
		Incident: inc.ID, Revision: revision(s), Phase: f.phase, Headline: f.headline(),
		Title: inc.Title, Severity: inc.Severity, State: inc.State(),
		Since: inc.FirstAt, EndedAt: inc.ResolvedAt, Firing: inc.Firing, Total: inc.Total, Truncated: inc.Truncated,
		Source: inc.Source, Owner: inc.OwnerName, Diagnosis: inc.Diagnosis,
		Alerts: first(s.Alerts, maxAlerts), Proposals: f.proposals(viewer), Runs: f.cardRuns(),
		Candidates: inc.Decision.Candidates, Notes: inc.Notes, Timeline: entries(s.Events),
	}
	if inc.SnoozedUntil.After(now) {
		c.SnoozedUntil = inc.SnoozedUntil
	}
	if c.State == bot.IncidentClosed || c.State == bot.IncidentMerged {
		c.EndedAt = cmp.Or(inc.ResolvedAt, inc.ClosedAt)
	}
	if f.halt != nil && f.phase != bot.PhaseClosed && f.phase != bot.PhaseFixed && f.phase != bot.PhaseResolved {
		c.Halt = f.halt
	}
	if f.unhelped() {
		c.Nearest = s.Nearest
	}
	c.Runbook, c.Checklist = f.manual()
	c.Actions = f.actions(viewer)
	return c
}

// Proposal shows one question to a viewer.
func Proposal(a bot.Approval, p bot.Plan, viewer bot.Person, now time.Time) bot.CardProposal {
	return bot.CardProposal{Approval: a, Plan: p, WhoMay: whoMay(a.Rule), MayVote: mayNotVote(a, viewer, now)}
}

// revision grows with every change: every one of them writes an Event.
func revision(s State) int64 {
	rev := s.Incident.Version + s.Incident.FoldRev
	var last int64
	for _, e := range s.Events {
		last = max(last, e.Seq)
	}
	return rev + last
}

// sorted puts Runs and Approvals newest first, in copies.
func (s State) sorted() State {
	s.Runs, s.Approvals = slices.Clone(s.Runs), slices.Clone(s.Approvals)
	slices.SortFunc(s.Runs, func(a, b bot.Run) int { return cmp.Compare(b.ID, a.ID) })
	slices.SortFunc(s.Approvals, func(a, b bot.Approval) int { return cmp.Compare(b.ID, a.ID) })
	return s
}

func (s State) plan(id bot.PlanID) bot.Plan {
	for _, p := range s.Plans {
		if p.ID == id {
			return p
		}
	}
	return bot.Plan{}
}

func (s State) playbook(name string) (bot.Playbook, bool) {
	for _, p := range s.Playbooks {
		if p.Name == name {
			return p, true
		}
	}
	return bot.Playbook{}, false
}

// proposals are the open questions, and the one that was closed last.
func (f facts) proposals(viewer bot.Person) []bot.CardProposal {
	var out []bot.CardProposal
	closed := false
	for _, a := range f.Approvals {
		if a.State != bot.ApprovalPending {
			if closed {
				continue
			}
			closed = true
		}
		out = append(out, Proposal(a, f.plan(a.Plan), viewer, f.now))
	}
	slices.SortStableFunc(out, func(a, b bot.CardProposal) int {
		return cmp.Compare(rankOpen(a.Approval), rankOpen(b.Approval))
	})
	return out
}

func rankOpen(a bot.Approval) int {
	if a.State == bot.ApprovalPending {
		return 0
	}
	return 1
}

func (f facts) cardRuns() []bot.CardRun {
	var out []bot.CardRun
	for _, r := range first(f.Runs, maxRuns) {
		out = append(out, bot.CardRun{Run: r, Plan: f.plan(r.Plan)})
	}
	return out
}

// manual is what a person does by hand: the runbook and checklist of the
// playbook at hand, else of the nearest, else the runbook that the alert names.
func (f facts) manual() (string, []string) {
	for _, name := range f.playbooksAtHand() {
		if p, ok := f.playbook(name); ok && (p.Runbook != "" || len(p.Checklist) > 0) {
			return webOnly(cmp.Or(p.Runbook, f.alertRunbook())), p.Checklist
		}
	}
	return f.alertRunbook(), nil
}

func (f facts) playbooksAtHand() []string {
	var names []string
	for _, a := range f.Approvals {
		names = append(names, a.Playbook)
	}
	for _, r := range f.Runs {
		names = append(names, r.Playbook)
	}
	for _, c := range f.Incident.Decision.Candidates {
		names = append(names, c.Playbook)
	}
	if f.Nearest != nil {
		names = append(names, f.Nearest.Playbook)
	}
	return names
}

func (f facts) alertRunbook() string {
	for _, a := range f.Alerts {
		for _, key := range []string{"runbook_url", "runbook"} {
			if u := webOnly(a.Annotations[key]); u != "" {
				return u
			}
		}
	}
	return ""
}

// webOnly passes a link only if a browser opens it as a page.
func webOnly(u string) string {
	if strings.HasPrefix(u, "https://") || strings.HasPrefix(u, "http://") {
		return u
	}
	return ""
}

func first[T any](list []T, n int) []T { return list[:min(n, len(list))] }
