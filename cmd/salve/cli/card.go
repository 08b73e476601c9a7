package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"sort"
	"strings"
	"time"

	"salve/bot"
)

// card writes an incident as the console shows it, for a terminal.
func (s screen) card(c bot.Card) {
	s.line("%s  %s  %s", s.paint(styleBold, c.Incident.String()), s.severity(c.Severity), s.paint(styleBold, plain(c.Title)))
	s.line("%s", s.phase(c))
	s.line("since %s (%s ago), %d of %d alerts firing, from %s", c.Since.Local().Format(time.DateTime), s.ago(c.Since), c.Firing, c.Total, plain(c.Source))
	if c.Truncated > 0 {
		s.line("the source left out %d more alerts of this group", c.Truncated)
	}
	if c.Owner != "" {
		s.line("owner: %s", plain(c.Owner))
	}
	if c.TraceURL != "" {
		s.line("trace: %s", plain(c.TraceURL))
	}
	s.diagnosis(c.Diagnosis)
	for _, p := range c.Proposals {
		s.proposal(c.Incident, p)
	}
	for _, r := range c.Runs {
		s.line("")
		s.run(r.Run, &r.Plan)
	}
	if c.Nearest != nil {
		s.line("\nno playbook fits; nearest: %s, because %s", plain(c.Nearest.Playbook), plain(c.Nearest.WhyNot))
	}
	s.manual(c)
	if len(c.Actions) > 0 {
		s.line("\n%s", s.paint(styleBold, "you can"))
		for _, a := range c.Actions {
			s.line("  %s", plain(a.CLI))
		}
	}
}

// phase is the headline, with the phase before it unless it begins with that.
func (s screen) phase(c bot.Card) string {
	phase, said := string(c.Phase), plain(c.Headline)
	if n := len(phase); len(said) >= n && strings.EqualFold(said[:n], phase) {
		return s.paint(styleBold, said[:n]) + said[n:]
	}
	return s.paint(styleBold, phase) + ": " + said
}

func (s screen) diagnosis(d bot.Diagnosis) {
	if d.Summary == "" && len(d.Evidence) == 0 {
		return
	}
	s.line("\n%s", s.paint(styleBold, plain(d.Summary)))
	for _, h := range d.Hypotheses {
		s.line("  %3.0f%%  %s  %s", h.Confidence*100, plain(h.Cause), s.paint(styleDim, "["+strings.Join(h.Evidence, " ")+"]"))
	}
	for _, e := range d.Evidence {
		s.line("  %s", s.paint(styleDim, fmt.Sprintf("%s %s (%s)", e.ID, plain(e.Text), plain(e.Cites))))
	}
	for _, g := range d.Gaps {
		s.line("  %s", s.paint(styleDim, "not looked at: "+plain(g)))
	}
}

func (s screen) proposal(id bot.IncidentID, p bot.CardProposal) {
	s.line("\n%s %s on %s, %s", s.paint(styleBold, "proposed"), plain(p.Plan.Playbook), plain(p.Plan.Target), p.Approval.State)
	s.plan(p.Plan)
	s.line("  who may approve: %s", plain(p.WhoMay))
	switch p.Approval.State {
	case bot.ApprovalPending:
		s.line("  until %s (in %s)", p.Approval.ExpiresAt.Local().Format(time.TimeOnly), span(p.Approval.ExpiresAt.Sub(s.now)))
		if p.MayVote == "" {
			s.line("  approve: salve approve %s %s", id, p.Plan.Digest.Short())
			s.line("  deny:    salve deny %s --reason \"...\"", id)
		} else {
			s.line("  you may not approve: %s", plain(p.MayVote))
		}
	case bot.ApprovalApproved, bot.ApprovalDenied, bot.ApprovalExpired, bot.ApprovalWithdrawn:
		s.line("  %s by %s: %s", p.Approval.State, plain(p.Approval.DecidedBy.Name), plain(p.Approval.Reason))
	default:
		s.line("  state %s", p.Approval.State)
	}
}

// plan writes what will run, whole: what is not shown cannot be approved.
func (s screen) plan(p bot.Plan) {
	undo := "cannot be undone"
	if p.Reversible() {
		undo = "can be undone"
	}
	s.line("  digest %s, risk %s, %s", s.paint(styleBold, p.Digest.Short()), p.Risk, undo)
	for i, st := range p.Steps {
		s.step(i, st, "")
		if st.Undo != nil {
			s.step(i, *st.Undo, "undo ")
		}
	}
	if p.Verify == nil {
		s.line("  verified: not at all; the result will be unknown")
		return
	}
	for _, c := range p.Verify.Checks {
		s.line("  verified within %s: %s %s %s", p.Verify.Within, plain(c.Probe), args(c.Args), plain(c.Expect))
	}
}

func (s screen) step(i int, st bot.PlanStep, prefix string) {
	s.line("  %d. %s%s: %s %s", i+1, prefix, plain(st.Title), plain(st.Action), args(st.Args))
}

func args(m map[string]any) string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	parts := make([]string, 0, len(keys))
	for _, k := range keys {
		parts = append(parts, plain(k)+"="+arg(m[k]))
	}
	return strings.Join(parts, " ")
}

var oneWord = regexp.MustCompile(`^[A-Za-z0-9_./:@,+=?&%-]+$`)

// arg writes a value so that no two look alike: a list of two words is not a list
// of one with a space in it.
func arg(v any) string {
	if text, ok := v.(string); ok && oneWord.MatchString(text) {
		return text
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return plain(fmt.Sprintf("%q", fmt.Sprint(v)))
	}
	return escaped(strings.TrimSpace(b.String()))
}

func (s screen) run(r bot.Run, p *bot.Plan) {
	s.line("%s %s on %s: %s%s", s.paint(styleBold, r.ID.String()), plain(r.Playbook), plain(r.Target), s.runState(r.State), reasonOf(r.Reason))
	if p != nil && p.Kind == bot.PlanUndo {
		s.line("  undoes %s", p.Undoes)
	}
	for _, st := range r.Steps {
		took := ""
		if !st.EndedAt.IsZero() {
			took = " in " + span(st.EndedAt.Sub(st.StartedAt))
		}
		name := st.ID
		if st.Undo {
			name = "undo " + name
		}
		problem := ""
		if st.Error != "" {
			problem = ": " + short(st.Error, 200)
		}
		s.line("  %s %s: %s%s%s", s.mark(st.State), plain(name), st.State, took, problem)
		if st.Output != "" {
			s.line("      %s", s.paint(styleDim, short(st.Output, 200)))
		}
	}
	for _, c := range r.Checks {
		s.line("  check %s: %s %s", plain(c.ID), c.Fix, plain(c.Reason))
	}
}

func reasonOf(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + plain(reason) + ")"
}

func (s screen) runState(st bot.RunState) string {
	switch st {
	case bot.RunFixed:
		return s.paint(styleGreen, string(st))
	case bot.RunFailed, bot.RunNotFixed, bot.RunWaiting, bot.RunUnverified:
		return s.paint(styleRed, string(st))
	default:
		return s.paint(styleYellow, string(st))
	}
}

func (s screen) mark(st bot.StepState) string {
	switch st {
	case bot.StepSucceeded:
		return s.paint(styleGreen, "+")
	case bot.StepFailed, bot.StepUnknown:
		return s.paint(styleRed, "!")
	case bot.StepStarted:
		return s.paint(styleYellow, ">")
	default:
		return "-"
	}
}

func (s screen) manual(c bot.Card) {
	if c.Runbook != "" {
		s.line("\nrunbook: %s", plain(c.Runbook))
	}
	if len(c.Checklist) > 0 {
		s.line("\nby hand:")
		for _, l := range c.Checklist {
			s.line("  [ ] %s", plain(l))
		}
	}
}
