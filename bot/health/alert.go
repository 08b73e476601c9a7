package health

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"strings"
	"time"

	"salve/bot"
)

// Fingerprint is the one of the alert about a Condition.
func Fingerprint(c bot.Condition) string { return FingerprintOf(c.Key()) }

// FingerprintOf is the one of the Condition with that key.
func FingerprintOf(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:8])
}

// Alert tells a Condition as an alert of the source salve. link is where people
// see more. Alerts of one name are one group, so one incident.
func Alert(c bot.Condition, link string, now time.Time) bot.Alert {
	labels := map[string]string{"alertname": alertName(c.Name), "condition": c.Name}
	if c.Subject != "" {
		labels["subject"] = c.Subject
	}
	maps.Copy(labels, c.About)
	return bot.Alert{
		AlertKey: bot.AlertKey{Source: bot.SourceSalve, Fingerprint: Fingerprint(c), StartsAt: c.Since},
		GroupKey: c.Name, State: bot.AlertFiring, Severity: c.Severity,
		Title: "Salve: " + c.Says, Labels: labels, Link: link, ReceivedAt: now,
		Annotations: map[string]string{"summary": c.Says, "description": c.Do, "docs": "docs/operations.md#when-salve-itself-is-unwell"},
	}
}

// alertName is SalveSourceSilent for source-silent.
func alertName(name string) string {
	var b strings.Builder
	b.WriteString("Salve")
	for word := range strings.SplitSeq(name, "-") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}
