package report

import (
	"cmp"
	"slices"
	"time"

	"salve/bot"
)

const (
	minUntreated = 3 // recoveries of an alert without a run, for its runs to be compared with
	maxNoisiest  = 3
)

// Week counts what became of a Span out of its Events, and of Incidents and Runs.
// Those from outside the Span are not counted, but Incidents of the past serve
// for the time that was saved: a run that fixed an alert is held against the
// median time in which the same alert went away without one, from its start to
// its end, the worse as well as the better. An alert with fewer than three such
// recoveries is not compared.
func Week(span Span, events []bot.Event, incidents []bot.Incident, runs []bot.Run) bot.Week {
	w := bot.Week{From: span.From, To: span.To}
	answers := map[bot.EventKind]map[bot.ApprovalID]bool{bot.EventApproved: {}, bot.EventDenied: {}, bot.EventExpired: {}}
	for _, e := range events {
		if seen, ok := answers[e.Kind]; ok && span.has(e.At) {
			seen[e.Approval] = true
		}
	}
	w.Approved, w.Denied, w.Expired = len(answers[bot.EventApproved]), len(answers[bot.EventDenied]), len(answers[bot.EventExpired])
	for _, r := range runs {
		if !r.Active() && span.has(r.EndedAt) {
			countRun(&w, r)
		}
	}
	treated := byIncident(runs)
	for _, inc := range incidents {
		if !began(span, inc) {
			continue
		}
		w.Incidents++
		if _, fixed := firstFix(treated[inc.ID]); inc.Firing == 0 && !inc.ResolvedAt.IsZero() && !fixed {
			w.Resolved++
		}
	}
	w.Saved = saved(span, incidents, treated)
	w.Noisiest = noisiest(span, incidents)
	return w
}

func began(span Span, inc bot.Incident) bool { return inc.MergedInto == 0 && span.has(inc.FirstAt) }

func countRun(w *bot.Week, r bot.Run) {
	if r.Kind == bot.PlanUndo {
		if r.State == bot.RunFixed || r.State == bot.RunUnverified {
			w.Undone++
		}
		return
	}
	switch {
	case r.State == bot.RunFixed && r.Approval == 0:
		w.Alone++
	case r.State == bot.RunFixed:
		w.Agreed++
	case r.State == bot.RunFailed || r.State == bot.RunNotFixed:
		w.Failed++
	case r.State == bot.RunUnverified:
		w.Unclear++
	}
	if slices.ContainsFunc(r.Steps, func(s bot.Step) bool { return s.Undo && s.State == bot.StepSucceeded }) {
		w.Undone++
	}
}

// byIncident are the Runs that touched something, of each Incident.
func byIncident(runs []bot.Run) map[bot.IncidentID][]bot.Run {
	out := map[bot.IncidentID][]bot.Run{}
	for _, r := range runs {
		if r.Changed() {
			out[r.Incident] = append(out[r.Incident], r)
		}
	}
	return out
}

// firstFix is the Run that fixed an Incident first.
func firstFix(runs []bot.Run) (bot.Run, bool) {
	var fix bot.Run
	for _, r := range runs {
		if r.State == bot.RunFixed && r.Kind != bot.PlanUndo && (fix.ID == 0 || r.EndedAt.Before(fix.EndedAt)) {
			fix = r
		}
	}
	return fix, fix.ID != 0
}

// alert is what Incidents share that are about the same.
type alert struct{ source, name string }

func alertOf(inc bot.Incident) alert {
	return alert{inc.Source, cmp.Or(inc.Labels["alertname"], inc.Title)}
}

func saved(span Span, incidents []bot.Incident, treated map[bot.IncidentID][]bot.Run) *bot.Saved {
	alone := map[alert][]time.Duration{}
	for _, inc := range incidents {
		took := inc.ResolvedAt.Sub(inc.FirstAt)
		if len(treated[inc.ID]) == 0 && inc.MergedInto == 0 && inc.Firing == 0 && !inc.ResolvedAt.IsZero() && took >= 0 {
			alone[alertOf(inc)] = append(alone[alertOf(inc)], took)
		}
	}
	var total time.Duration
	out := bot.Saved{}
	used := map[alert]bool{}
	for _, inc := range incidents {
		fix, ok := firstFix(treated[inc.ID])
		others := alone[alertOf(inc)]
		if !ok || !span.has(fix.EndedAt) || len(others) < minUntreated {
			continue
		}
		end := fix.EndedAt
		if inc.Firing == 0 && inc.ResolvedAt.After(end) {
			end = inc.ResolvedAt // as those without a run are measured
		}
		total += median(others) - end.Sub(inc.FirstAt)
		out.Runs++
		if !used[alertOf(inc)] {
			used[alertOf(inc)] = true
			out.Untreated += len(others)
		}
	}
	if out.Runs == 0 {
		return nil
	}
	out.Time = bot.Duration(max(total, 0))
	return &out
}

func median(list []time.Duration) time.Duration {
	list = slices.Sorted(slices.Values(list))
	n := len(list)
	return (list[(n-1)/2] + list[n/2]) / 2
}

func noisiest(span Span, incidents []bot.Incident) []bot.Noise {
	by := map[alert]bot.Noise{}
	for _, inc := range incidents {
		if !began(span, inc) {
			continue
		}
		a := alertOf(inc)
		n := by[a]
		n.Alert, n.Source, n.Last = a.name, a.source, max(n.Last, inc.ID)
		n.Incidents++
		n.Alerts += inc.Total + inc.Truncated
		by[a] = n
	}
	var out []bot.Noise
	for _, n := range by {
		out = append(out, n)
	}
	slices.SortFunc(out, func(a, b bot.Noise) int {
		return cmp.Or(cmp.Compare(b.Alerts, a.Alerts), cmp.Compare(b.Incidents, a.Incidents), cmp.Compare(a.Alert, b.Alert), cmp.Compare(a.Source, b.Source))
	})
	return out[:min(len(out), maxNoisiest)]
}
