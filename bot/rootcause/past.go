package rootcause

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"salve/bot"
)

const (
	namedEach = 5 // other incidents named for one subject
	week      = 7 * 24 * time.Hour
)

// Concurrent is what other open Incidents say about this one: those that share
// a label that can be blamed, under the most specific one that they share, the
// nearest in time first.
func Concurrent(c Case, others []bot.Incident) []bot.Evidence {
	var out []bot.Evidence
	named := map[string]int{}
	for _, n := range near(c, others) {
		if named[n.shares]++; named[n.shares] > namedEach {
			continue
		}
		o := n.incident
		out = append(out, bot.Evidence{
			Kind: bot.EvidenceConcurrent, Subject: n.shares, Cites: o.ID.String(), At: o.FirstAt,
			Text: fmt.Sprintf("%s %q (%s) fires too, shares %s, and began %s", o.ID, cut(o.Title, 80), o.Severity, n.shares, relative(c, *o)),
		})
	}
	return out
}

// neighbour is an open Incident that shares a label.
type neighbour struct {
	incident *bot.Incident
	shares   string
	apart    time.Duration
}

func near(c Case, others []bot.Incident) []neighbour {
	mine := places(c.Incident.Labels)
	var out []neighbour
	for i := range others {
		o := &others[i]
		if o.ID == c.Incident.ID || o.State() != bot.IncidentOpen {
			continue
		}
		for _, p := range mine {
			if o.Labels[p.label] == p.value {
				out = append(out, neighbour{o, p.subject, o.FirstAt.Sub(c.Incident.FirstAt).Abs()})
				break
			}
		}
	}
	slices.SortFunc(out, func(a, b neighbour) int {
		return cmp.Or(cmp.Compare(a.apart, b.apart), cmp.Compare(a.incident.ID, b.incident.ID))
	})
	return out
}

func relative(c Case, o bot.Incident) string {
	switch d := o.FirstAt.Sub(c.Incident.FirstAt); {
	case d < 0:
		return short(-d) + " earlier"
	case d > 0:
		return short(d) + " later"
	default:
		return "at the same time"
	}
}

// Recurrences is what earlier Incidents of the same source and title say, and
// which of the given Runs, which belong to them, fixed one. Both come newest
// first.
func Recurrences(c Case, earlier []bot.Incident, runs []bot.Run) []bot.Evidence {
	subject := recurrence(c)
	var out []bot.Evidence
	before := map[bot.IncidentID]bool{}
	for _, o := range earlier {
		if o.ID == c.Incident.ID || o.MergedInto != 0 || !o.FirstAt.Before(c.Incident.FirstAt) {
			continue
		}
		before[o.ID] = true
		if len(out) == namedEach {
			continue
		}
		out = append(out, bot.Evidence{
			Kind: bot.EvidenceRecurrence, Subject: subject, Cites: o.ID.String(), At: o.FirstAt,
			Text: fmt.Sprintf("%s broke the same way %s earlier%s", o.ID, short(c.Incident.FirstAt.Sub(o.FirstAt)), lasted(o)),
		})
	}
	return append(out, fixes(c, subject, before, runs)...)
}

func lasted(o bot.Incident) string {
	if o.Firing > 0 || o.ResolvedAt.IsZero() {
		return ""
	}
	return " and was over after " + short(o.ResolvedAt.Sub(o.FirstAt))
}

// fixes names the newest Run of each playbook that ended as fixed.
func fixes(c Case, subject string, of map[bot.IncidentID]bool, runs []bot.Run) []bot.Evidence {
	var out []bot.Evidence
	seen := map[string]bool{}
	for _, r := range runs {
		if r.State != bot.RunFixed || r.Kind == bot.PlanUndo || !of[r.Incident] || seen[r.Playbook] {
			continue
		}
		seen[r.Playbook] = true
		out = append(out, bot.Evidence{
			Kind: bot.EvidencePast, Subject: subject, Cites: r.ID.String(), At: r.EndedAt,
			Text: fmt.Sprintf("%s (playbook %s) fixed it last time, in %s at %s", r.ID, r.Playbook, r.Incident, clock(r.EndedAt)),
		})
	}
	return out
}

// Tried is what the Runs of this Incident found.
func Tried(c Case, runs []bot.Run) []bot.Evidence {
	var out []bot.Evidence
	for _, r := range runs {
		if r.Active() || r.Incident != c.Incident.ID || !r.Changed() {
			continue
		}
		text := fmt.Sprintf("%s (playbook %s on %s) ended as %s", r.ID, r.Playbook, r.Target, r.State)
		if r.Reason != "" {
			text += ": " + r.Reason
		}
		out = append(out, bot.Evidence{Kind: bot.EvidenceRun, Text: text, Cites: r.ID.String(), At: r.EndedAt})
	}
	return out
}

// recurrence is the subject of what is about this alert having fired before.
func recurrence(c Case) string { return "alert=" + c.Incident.Title }
