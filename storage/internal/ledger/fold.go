package ledger

import "salve/bot"

// counts go with a Fold so that an alert that ends can be taken into it without
// reading the other rows, however many they are.
type counts struct {
	Firing  [bot.SeverityCritical + 1]int `json:"firing"` // by severity
	All     [bot.SeverityCritical + 1]int `json:"all"`    // by severity
	LastEnd int64                         `json:"last_end"`
}

// tallied is a Fold with its counts, as it is stored.
type tallied struct {
	bot.Fold
	Counts counts `json:"counts"`
}

// foldAll computes both from all rows. An Incident that has lost all of them
// keeps what it was called, with nothing in it.
func foldAll(was bot.Fold, alerts []bot.Alert) tallied {
	if len(alerts) == 0 {
		was.Firing, was.Total, was.Truncated = 0, 0, 0
		return tallied{Fold: was}
	}
	f := tallied{Fold: bot.FoldAlerts(alerts)}
	for i := range alerts {
		f.Counts.add(&alerts[i])
	}
	return f
}

func (n *counts) add(a *bot.Alert) {
	s := place(a.Severity)
	n.All[s]++
	if a.State == bot.AlertFiring {
		n.Firing[s]++
	}
	n.LastEnd = max(n.LastEnd, MS(a.EndsAt))
}

// place is where a severity is counted; what is none of the known ones counts
// as unknown.
func place(s bot.Severity) bot.Severity {
	if s < bot.SeverityUnknown || s > bot.SeverityCritical {
		return bot.SeverityUnknown
	}
	return s
}

// absorb takes one changed row in. old is the row before, nil if it is new. It
// reports false when all rows must be folded again.
func (f *tallied) absorb(old *bot.Alert, a *bot.Alert) bool {
	if fold, ok := f.Fold.Absorb(old, *a); ok {
		f.Fold = fold
		if old == nil {
			f.Counts.add(a)
		}
		f.Counts.LastEnd = max(f.Counts.LastEnd, MS(a.EndsAt))
		return true
	}
	if old == nil || !onlyEnded(*old, *a) {
		return false
	}
	f.end(a)
	return true
}

// onlyEnded reports whether all that the Fold can see of the change is the end.
func onlyEnded(old, a bot.Alert) bool {
	if old.State != bot.AlertFiring || a.State != bot.AlertResolved {
		return false
	}
	old.State, old.EndsAt = a.State, a.EndsAt
	_, ok := bot.Fold{}.Absorb(&old, a)
	return ok
}

// end takes the end of a firing alert in.
func (f *tallied) end(a *bot.Alert) {
	f.Firing--
	f.Counts.Firing[place(a.Severity)]--
	f.Counts.LastEnd = max(f.Counts.LastEnd, MS(a.EndsAt))
	f.Truncated = max(f.Truncated, a.Truncated)
	if f.Firing > 0 {
		f.Severity = worst(f.Counts.Firing)
		return
	}
	f.Severity, f.ResolvedAt = worst(f.Counts.All), FromMS(f.Counts.LastEnd)
}

func worst(counted [bot.SeverityCritical + 1]int) bot.Severity {
	var w bot.Severity
	first := true
	for s, n := range counted {
		switch {
		case n == 0:
		case first:
			w, first = bot.Severity(s), false
		default:
			w = w.Worse(bot.Severity(s))
		}
	}
	return w
}
