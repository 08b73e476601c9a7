package bot

import (
	"slices"
	"time"
)

// IncidentState is where an Incident stands for the world outside.
type IncidentState string

// The states of an Incident. open: at least one alert fires. resolved: none
// does; it takes new alerts of its group until it closes. closed and merged are
// final for alerts; reopen makes a closed one open or resolved again.
const (
	IncidentOpen     IncidentState = "open"
	IncidentResolved IncidentState = "resolved"
	IncidentClosed   IncidentState = "closed"
	IncidentMerged   IncidentState = "merged"
)

// Fold is the part of an Incident that is computed from its alert rows and from
// nothing else. Only the store writes it, inside the transaction that writes
// the alerts; it is the same for every order and every repeat of deliveries.
type Fold struct {
	Source     string            `json:"source"`
	GroupKey   string            `json:"group_key"`
	Title      string            `json:"title"`
	Severity   Severity          `json:"severity"` // worst of the firing alerts; of all, when none fires
	Firing     int               `json:"firing"`
	Total      int               `json:"total"`
	Truncated  int               `json:"truncated,omitempty"`  // alerts the source says it left out
	FirstAt    time.Time         `json:"first_at"`             // earliest StartsAt
	LastAt     time.Time         `json:"last_at"`              // latest StartsAt
	ResolvedAt time.Time         `json:"resolved_at,omitzero"` // latest EndsAt when none fires
	Labels     map[string]string `json:"labels"`               // those that all alerts share
}

// Work is the part of an Incident that decisions and people write. It is
// guarded by Version.
type Work struct {
	Owner        PersonID   `json:"owner,omitempty"` // who took it; automation pauses meanwhile
	OwnerName    string     `json:"owner_name,omitempty"`
	SnoozedUntil time.Time  `json:"snoozed_until,omitzero"`
	ClosedAt     time.Time  `json:"closed_at,omitzero"`
	CloseReason  string     `json:"close_reason,omitempty"`
	MergedInto   IncidentID `json:"merged_into,omitempty"`
	SplitFrom    IncidentID `json:"split_from,omitempty"`
	Diagnosis    Diagnosis  `json:"diagnosis"`
	Decision     Decision   `json:"decision"`
	Asked        []Ask      `json:"asked,omitempty"` // what people asked for and the decide leg has not yet taken up
	Notes        []Note     `json:"notes,omitempty"`
}

// Incident is alerts that belong together; one card in chat.
type Incident struct {
	ID      IncidentID `json:"id"`
	Version int64      `json:"version"`         // of Work; 0 for one that is new
	FoldRev int64      `json:"fold_rev"`        // counts the changes of Fold
	DueAt   time.Time  `json:"due_at,omitzero"` // when the decide leg looks next; zero: when something changes
	Fold
	Work
}

// State is computed, never stored by hand.
func (i Incident) State() IncidentState {
	switch {
	case i.MergedInto != 0:
		return IncidentMerged
	case !i.ClosedAt.IsZero():
		return IncidentClosed
	case i.Firing > 0:
		return IncidentOpen
	default:
		return IncidentResolved
	}
}

// Note is what a person wrote on an Incident.
type Note struct {
	At   time.Time `json:"at"`
	By   Actor     `json:"by"`
	Text string    `json:"text"`
}

// AskKind is what a person asks the decide leg for.
type AskKind string

// The kinds of Ask.
const (
	AskRun  AskKind = "run"  // plan this playbook for this incident
	AskUndo AskKind = "undo" // plan the undo of this run
)

// Ask is a person's request that becomes a Plan of its own, with guard and
// approval like any other.
type Ask struct {
	Kind     AskKind           `json:"kind"`
	By       Actor             `json:"by"`
	At       time.Time         `json:"at"`
	Playbook string            `json:"playbook,omitempty"`
	Params   map[string]string `json:"params,omitempty"`
	Run      RunID             `json:"run,omitempty"`
	// Replaces is the open question that goes when the new one is put: the same
	// playbook on the same target, with other params.
	Replaces ApprovalID `json:"replaces,omitempty"`
}

// Decision is what the decide leg made of an Incident the last time it looked:
// for each candidate the Verdict, in the order of the targets.
type Decision struct {
	At         time.Time   `json:"at,omitzero"`
	FoldRev    int64       `json:"fold_rev,omitempty"` // of the Fold that was looked at
	Headline   string      `json:"headline,omitempty"` // one sentence: what happens next and why
	Candidates []Candidate `json:"candidates,omitempty"`
	Targets    []string    `json:"targets,omitempty"`
	Skipped    int         `json:"skipped,omitempty"` // targets beyond the cap that nobody looked at
}

// Candidate is one playbook considered for one target.
type Candidate struct {
	Playbook string     `json:"playbook"`
	Target   string     `json:"target"`
	Plan     PlanID     `json:"plan,omitempty"`
	Approval ApprovalID `json:"approval,omitempty"`
	Run      RunID      `json:"run,omitempty"`
	Verdict  Verdict    `json:"verdict"`
}

// FoldAlerts computes a Fold from all alert rows of an Incident. Alerts may
// come in any order.
func FoldAlerts(alerts []Alert) Fold {
	var f Fold
	var firing, all Severity
	for i, a := range alerts {
		if i == 0 || a.Source+"\x00"+a.GroupKey < f.Source+"\x00"+f.GroupKey {
			f.Source, f.GroupKey = a.Source, a.GroupKey
		}
		f = f.widen(a, i == 0)
		all = worseOf(i == 0, all, a.Severity)
		if a.State == AlertFiring {
			firing = worseOf(f.Firing == 0, firing, a.Severity)
			f.Firing++
		}
	}
	f.Severity = all
	if f.Firing > 0 {
		f.Severity, f.ResolvedAt = firing, time.Time{}
	}
	return f
}

func worseOf(first bool, a, b Severity) Severity {
	if first {
		return b
	}
	return a.Worse(b)
}

// widen takes one alert into what only grows: count, times, common labels, and
// the title of the alert that started first.
func (f Fold) widen(a Alert, first bool) Fold {
	f.Total++
	f.Truncated = max(f.Truncated, a.Truncated)
	if first || a.StartsAt.Before(f.FirstAt) || (a.StartsAt.Equal(f.FirstAt) && a.Title < f.Title) {
		f.FirstAt, f.Title = a.StartsAt, a.Title
	}
	if a.StartsAt.After(f.LastAt) {
		f.LastAt = a.StartsAt
	}
	if a.EndsAt.After(f.ResolvedAt) {
		f.ResolvedAt = a.EndsAt
	}
	f.Labels = commonLabels(f.Labels, a.Labels, first)
	return f
}

func commonLabels(have, next map[string]string, first bool) map[string]string {
	out := make(map[string]string, len(next))
	for k, v := range next {
		if w, ok := have[k]; first || (ok && w == v) {
			out[k] = v
		}
	}
	return out
}

// Absorb takes one changed alert row into a Fold without reading the other
// rows. old is the row before (nil if it is new). It reports false when the
// result cannot be told from the two alone, as when the worst alert resolves;
// the caller then folds all rows again.
func (f Fold) Absorb(old *Alert, a Alert) (Fold, bool) {
	if old == nil {
		return f.add(a)
	}
	if old.State == AlertFiring && a.State == AlertResolved || old.GroupKey != a.GroupKey ||
		compareMaps(old.Labels, a.Labels) != 0 || old.Title != a.Title || old.Severity != a.Severity {
		return Fold{}, false
	}
	f.Truncated = max(f.Truncated, a.Truncated)
	if a.State == AlertResolved && f.Firing == 0 && a.EndsAt.After(f.ResolvedAt) {
		f.ResolvedAt = a.EndsAt
	}
	return f, true
}

func (f Fold) add(a Alert) (Fold, bool) {
	first := f.Total == 0
	if first {
		return FoldAlerts([]Alert{a}), true
	}
	if a.Source+"\x00"+a.GroupKey < f.Source+"\x00"+f.GroupKey {
		f.Source, f.GroupKey = a.Source, a.GroupKey
	}
	wasFiring, severity, resolvedAt := f.Firing, f.Severity, f.ResolvedAt
	f = f.widen(a, false)
	switch {
	case a.State == AlertFiring && wasFiring > 0:
		f.Firing, f.Severity, f.ResolvedAt = wasFiring+1, severity.Worse(a.Severity), time.Time{}
	case a.State == AlertFiring:
		f.Firing, f.Severity, f.ResolvedAt = 1, a.Severity, time.Time{}
	case wasFiring > 0:
		f.ResolvedAt = resolvedAt
	default:
		f.Severity = severity.Worse(a.Severity)
	}
	return f, true
}

// Same reports whether two Folds are equal.
func (f Fold) Same(g Fold) bool {
	return f.Source == g.Source && f.GroupKey == g.GroupKey && f.Title == g.Title && f.Severity == g.Severity &&
		f.Firing == g.Firing && f.Total == g.Total && f.Truncated == g.Truncated &&
		f.FirstAt.Equal(g.FirstAt) && f.LastAt.Equal(g.LastAt) && f.ResolvedAt.Equal(g.ResolvedAt) &&
		compareMaps(f.Labels, g.Labels) == 0
}

// Considers reports whether the last decision looked at the target.
func (d Decision) Considers(target string) bool { return slices.Contains(d.Targets, target) }
