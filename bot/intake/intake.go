// Package intake turns what a source says into what Salve works with: severity
// by the source's own rules, the group that an alert belongs to, a title that
// people can read, and times that can be right.
//
// It promises the same result for the same alert, whatever came before it or
// with it, and never to change a label or an annotation: those are the sender's
// words and stay data.
//
// It assumes that the decoder has bounded sizes and that text is valid UTF-8.
//
// An alert that cannot be right is not repaired but returned as a Problem: a
// start that is moved would make every repeat another alert. The caller keeps
// the payload.
package intake

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"salve/bot"
)

const (
	// maxAge is how long ago an alert may have started. Nine years catch a
	// clock that is ten years off and no alert that anyone still works on.
	maxAge = 9 * 365 * 24 * time.Hour
	// maxAhead is how far a sender's clock may run before ours.
	maxAhead    = time.Hour
	maxGroupKey = 1 << 10 // bytes; longer ones are replaced by their digest
)

// ByFingerprint in Rules.GroupBy makes every alert a group of its own.
const ByFingerprint = "fingerprint"

// Rules are those of one source. The zero Rules are those of Alertmanager as
// most people run it.
type Rules struct {
	SeverityLabel string                  // the label that gives the severity; "": severity
	Severities    map[string]bot.Severity // what its values mean, in small letters, before the defaults
	GroupBy       []string                // labels that make the group instead of the sender's key; empty: the sender's
}

// Check reports what in the Rules cannot be meant, and what to write instead.
func (r Rules) Check() error {
	if strings.TrimSpace(r.SeverityLabel) != r.SeverityLabel {
		return errors.New("severity_label has white space around it; write the bare name of a label")
	}
	for value, s := range r.Severities {
		if value != fold(value) || value == "" {
			return fmt.Errorf("severities: %q can never match; write it in small letters, without white space around it", value)
		}
		if s < bot.SeverityUnknown || s > bot.SeverityCritical {
			return fmt.Errorf("severities: %q has no severity; write info, low, medium, high or critical", value)
		}
	}
	for i, name := range r.GroupBy {
		switch {
		case strings.TrimSpace(name) != name || name == "":
			return fmt.Errorf("group_by: %q is not the name of a label", name)
		case name == ByFingerprint && len(r.GroupBy) > 1:
			return fmt.Errorf("group_by: %s already separates every alert; write it alone", ByFingerprint)
		case slices.Contains(r.GroupBy[:i], name):
			return fmt.Errorf("group_by: %q is there twice", name)
		}
	}
	return nil
}

// Problem is an alert that cannot be taken, and why in words that carry
// nothing of its text.
type Problem struct {
	Key    bot.AlertKey
	Index  int // in the alerts given
	Reason string
}

func (p Problem) String() string { return fmt.Sprintf("alert %d %s", p.Index+1, p.Reason) }

// Apply fills in severity, group and title and sets times to UTC milliseconds.
// It works in place and returns the alerts that can be taken, in their order.
// Clocks are judged against each alert's ReceivedAt.
func (r Rules) Apply(alerts []bot.Alert) ([]bot.Alert, []Problem) {
	groupBy := slices.Sorted(slices.Values(r.GroupBy))
	var problems []Problem
	taken := alerts[:0]
	for i, a := range alerts {
		a.StartsAt, a.EndsAt, a.ReceivedAt = instant(a.StartsAt), instant(a.EndsAt), instant(a.ReceivedAt)
		if why := clock(a); why != "" {
			problems = append(problems, Problem{Key: a.AlertKey, Index: i, Reason: why})
			continue
		}
		if a.EndsAt.Before(a.StartsAt) && !a.EndsAt.IsZero() {
			a.EndsAt = a.StartsAt
		}
		a.Severity = r.severity(a)
		a.GroupKey = groupKey(a, groupBy)
		a.Title = title(a)
		taken = append(taken, a)
	}
	return taken, problems
}

func instant(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Millisecond)
}

// clock says why the times cannot be right; "" if they can.
func clock(a bot.Alert) string {
	const advice = "; set the clock of the sender, or Salve's"
	switch {
	case a.StartsAt.IsZero():
		return "has no start"
	case a.StartsAt.Before(a.ReceivedAt.Add(-maxAge)):
		return fmt.Sprintf("started at %s, more than 9 years before it was received at %s%s", stamp(a.StartsAt), stamp(a.ReceivedAt), advice)
	case a.StartsAt.After(a.ReceivedAt.Add(maxAhead)):
		return fmt.Sprintf("starts at %s, more than an hour after it was received at %s%s", stamp(a.StartsAt), stamp(a.ReceivedAt), advice)
	case a.EndsAt.After(a.ReceivedAt.Add(maxAhead)):
		return fmt.Sprintf("ended at %s, more than an hour after it was received at %s%s", stamp(a.EndsAt), stamp(a.ReceivedAt), advice)
	default:
		return ""
	}
}

func stamp(t time.Time) string { return t.Format(time.RFC3339) }

// groupKey is the sender's, or made of labels; with neither, the alert is a
// group of its own.
func groupKey(a bot.Alert, by []string) string {
	key := a.GroupKey
	switch {
	case len(by) == 1 && by[0] == ByFingerprint:
		key = ""
	case len(by) > 0:
		var b strings.Builder
		for i, name := range by {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(name)
			b.WriteByte('=')
			b.WriteString(strconv.Quote(a.Labels[name]))
		}
		key = b.String()
	}
	if key == "" {
		key = ByFingerprint + "=" + a.Fingerprint
	}
	if len(key) > maxGroupKey {
		sum := sha256.Sum256([]byte(key))
		key = "sha256=" + hex.EncodeToString(sum[:])
	}
	return key
}
