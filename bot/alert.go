package bot

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// AlertState is firing or resolved.
type AlertState string

// The states of an Alert. resolved is final: a later start is another Alert.
const (
	AlertFiring   AlertState = "firing"
	AlertResolved AlertState = "resolved"
)

// SourceSalve is the source of alerts about Salve itself. No sender has its name.
const SourceSalve = "salve"

// SourcePeople is the source of what people raise. No sender has its name.
const SourcePeople = "people"

// AlertKey is what makes an Alert one row: the source that sent it, its
// fingerprint there, and when it started.
type AlertKey struct {
	Source      string    `json:"source"`
	Fingerprint string    `json:"fingerprint"`
	StartsAt    time.Time `json:"starts_at"` // UTC, millisecond precision
}

// Alert is one observation from a source. All text in it is untrusted.
type Alert struct {
	AlertKey
	Incident    IncidentID        `json:"incident,omitempty"` // given by the store
	GroupKey    string            `json:"group_key"`          // alerts with one source and group key belong together
	State       AlertState        `json:"state"`
	Severity    Severity          `json:"severity"`
	Title       string            `json:"title"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations,omitempty"`
	EndsAt      time.Time         `json:"ends_at,omitzero"`    // zero while firing
	Link        string            `json:"link,omitempty"`      // where the source explains it; http or https only
	Truncated   int               `json:"truncated,omitempty"` // alerts of the group that the source left out
	ReceivedAt  time.Time         `json:"received_at"`         // when its row was first written
}

// Merge joins two observations of the same Alert. It is commutative,
// associative and idempotent, so that the order of deliveries and their repeats
// cannot change the result: resolved beats firing, the later end wins, and text
// is taken from the resolved one, else from the one that sorts last. ReceivedAt
// is the earliest. Incident is kept from whichever has one.
func (a Alert) Merge(b Alert) Alert {
	top, low := a, b
	if less(a, b) {
		top, low = b, a
	}
	out := top
	out.Incident = max(a.Incident, b.Incident)
	out.Severity = a.Severity.Worse(b.Severity)
	out.Truncated = max(a.Truncated, b.Truncated)
	out.GroupKey = min(a.GroupKey, b.GroupKey)
	if low.State == top.State && low.EndsAt.After(top.EndsAt) {
		out.EndsAt = low.EndsAt
	}
	if !low.ReceivedAt.IsZero() && (out.ReceivedAt.IsZero() || low.ReceivedAt.Before(out.ReceivedAt)) {
		out.ReceivedAt = low.ReceivedAt
	}
	return out
}

// less orders observations of one Alert by which one's text is kept.
func less(a, b Alert) bool {
	if a.State != b.State {
		return a.State == AlertFiring
	}
	return compareText(a, b) < 0
}

func compareText(a, b Alert) int {
	if c := compareMaps(a.Annotations, b.Annotations); c != 0 {
		return c
	}
	if c := compareMaps(a.Labels, b.Labels); c != 0 {
		return c
	}
	if c := strings.Compare(a.Title, b.Title); c != 0 {
		return c
	}
	return strings.Compare(a.Link, b.Link)
}

func compareMaps(a, b map[string]string) int {
	if maps.Equal(a, b) {
		return 0
	}
	ka, kb := slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(b))
	for i := range min(len(ka), len(kb)) {
		if c := strings.Compare(ka[i], kb[i]); c != 0 {
			return c
		}
		if c := strings.Compare(a[ka[i]], b[kb[i]]); c != 0 {
			return c
		}
	}
	return len(ka) - len(kb)
}

// Same reports whether nothing that people or playbooks see differs.
func (a Alert) Same(b Alert) bool {
	return a.State == b.State && a.Severity == b.Severity && a.Truncated == b.Truncated &&
		a.EndsAt.Equal(b.EndsAt) && a.GroupKey == b.GroupKey && compareText(a, b) == 0
}
