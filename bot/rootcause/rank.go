package rootcause

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"salve/bot"
)

// most is the highest confidence: nothing here proves a cause.
const most = 0.95

// rank groups the Evidence by what it speaks about and orders the groups by how
// much speaks for each. Kinds of Evidence are taken as independent witnesses.
func rank(c Case, evidence []bot.Evidence) []bot.Hypothesis {
	groups := map[string][]bot.Evidence{}
	var out []bot.Hypothesis
	for _, e := range evidence {
		if e.Subject == "" {
			continue
		}
		if groups[e.Subject] == nil {
			out = append(out, bot.Hypothesis{Subject: e.Subject})
		}
		groups[e.Subject] = append(groups[e.Subject], e)
	}
	for i, h := range out {
		g := groups[h.Subject]
		out[i].Cause, out[i].Confidence = cause(c, h.Subject, g), confidence(h.Subject, g)
		for _, e := range g {
			out[i].Evidence = append(out[i].Evidence, e.ID)
		}
	}
	slices.SortStableFunc(out, func(a, b bot.Hypothesis) int {
		return cmp.Or(cmp.Compare(b.Confidence, a.Confidence), cmp.Compare(a.Subject, b.Subject))
	})
	return out[:min(len(out), maxHypotheses)]
}

func confidence(subject string, group []bot.Evidence) float64 {
	doubt := 1.0
	n := tally(group)
	for _, kind := range kindsOf(group) { // in one order: floats do not commute
		doubt *= 1 - weigh(kind, n[kind], subject)
	}
	return math.Round(min(1-doubt, most)*100) / 100
}

func tally(group []bot.Evidence) map[bot.EvidenceKind]int {
	n := map[bot.EvidenceKind]int{}
	for _, e := range group {
		n[e.Kind]++
	}
	return n
}

// weigh is how much n pieces of one kind say. What else breaks at the same
// place says most, then what fixed it before, then that it broke before.
func weigh(kind bot.EvidenceKind, n int, subject string) float64 {
	switch kind {
	case bot.EvidenceConcurrent:
		return (0.4 + 0.1*float64(min(n, namedEach)-1)) * specific(subject)
	case bot.EvidencePast:
		return 0.4
	case bot.EvidenceRecurrence:
		return 0.15 + 0.05*float64(min(n, namedEach))
	case bot.EvidenceAlert:
		return 0.2 * specific(subject)
	default:
		return 0.3
	}
}

func specific(subject string) float64 {
	label, _, _ := strings.Cut(subject, "=")
	for _, b := range blamed {
		if b.label == label {
			return b.weight
		}
	}
	return 0.5
}

// cause says in one sentence what speaks for the subject, with the figures.
func cause(c Case, subject string, group []bot.Evidence) string {
	var parts []string
	for _, kind := range kindsOf(group) {
		of := slices.DeleteFunc(slices.Clone(group), func(e bot.Evidence) bool { return e.Kind != kind })
		switch kind {
		case bot.EvidenceConcurrent:
			parts = append(parts, together(c, of))
		case bot.EvidenceRecurrence:
			parts = append(parts, again(c, of))
		case bot.EvidenceAlert:
			parts = append(parts, allOnIt(c.Incident.Total))
		default:
			parts = append(parts, of[0].Text)
		}
	}
	text := strings.Join(parts, "; ")
	if subject == clean(recurrence(c)) {
		return clean(text)
	}
	return clean(strings.Replace(subject, "=", " ", 1) + ": " + text)
}

func allOnIt(total int) string {
	if total == 1 {
		return "the alert is on it"
	}
	return "all alerts of this incident are on it"
}

// kindsOf are the kinds in the group, the alert's own last: it says least.
func kindsOf(group []bot.Evidence) []bot.EvidenceKind {
	var kinds []bot.EvidenceKind
	for _, e := range group {
		if !slices.Contains(kinds, e.Kind) {
			kinds = append(kinds, e.Kind)
		}
	}
	slices.SortStableFunc(kinds, func(a, b bot.EvidenceKind) int { return last(a) - last(b) })
	return kinds
}

func last(k bot.EvidenceKind) int {
	if k == bot.EvidenceAlert {
		return 1
	}
	return 0
}

func together(c Case, of []bot.Evidence) string {
	var span time.Duration
	for _, e := range of {
		span = max(span, e.At.Sub(c.Incident.FirstAt).Abs())
	}
	n := atLeast(len(of))
	if len(of) == 1 {
		return n + " other incident shares it and began within " + short(span)
	}
	return n + " other incidents share it and began within " + short(span)
}

func again(c Case, of []bot.Evidence) string {
	recent := 0
	for _, e := range of {
		if c.Incident.FirstAt.Sub(e.At) <= week {
			recent++
		}
	}
	switch recent {
	case 0:
		return "this broke before, last on " + of[0].At.UTC().Format("2006-01-02")
	case 1:
		return "this broke once before in 7 days"
	default:
		return "this broke " + atLeast(recent) + " times before in 7 days"
	}
}

func atLeast(n int) string {
	if n >= namedEach {
		return fmt.Sprintf("at least %d", n)
	}
	return fmt.Sprintf("%d", n)
}

// likely is the confidence from which a cause is named before anything else.
const likely = 0.3

// summary says the likeliest cause, or what the alerts say beyond their title;
// what broke and since when stands beside it.
func summary(c Case, hypotheses []bot.Hypothesis) string {
	switch {
	case len(hypotheses) > 0 && hypotheses[0].Confidence >= likely && hypotheses[0].Subject == clean(recurrence(c)):
		if rest, ok := strings.CutPrefix(hypotheses[0].Cause, "this"); ok {
			return "This" + rest
		}
		return hypotheses[0].Cause
	case len(hypotheses) > 0 && hypotheses[0].Confidence >= likely:
		return clean("Most likely " + hypotheses[0].Cause)
	}
	for _, q := range quotes(c.Alerts) {
		if !strings.Contains(c.Incident.Title, q.Text) {
			return clean("No cause stands out. The alert says: " + q.Text)
		}
	}
	if where := place(c.Incident.Labels); where != "" {
		return clean("No cause stands out. It is on " + strings.Replace(where, "=", " ", 1))
	}
	return "No cause stands out"
}
