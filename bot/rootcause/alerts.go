package rootcause

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"salve/bot"
)

// blamed are the labels whose shared value can be the cause, the most specific
// first, with how much it means that two things share it.
var blamed = []struct {
	label  string
	weight float64
}{
	{"instance", 1}, {"pod", 1}, {"container", 0.9}, {"host", 1}, {"hostname", 1}, {"node", 0.95},
	{"deployment", 0.9}, {"service", 0.9}, {"app", 0.85}, {"job", 0.6}, {"namespace", 0.5}, {"cluster", 0.3},
}

// summaries are the annotations in which rules say what is wrong, best first.
var summaries = []string{"summary", "message", "description"}

// ofAlerts is what the alerts of the Incident say about themselves.
func ofAlerts(c Case) []bot.Evidence {
	inc := c.Incident
	out := []bot.Evidence{{
		Kind: bot.EvidenceAlert, Cites: inc.ID.String(), At: inc.FirstAt, Text: firing(inc.Fold),
	}}
	out = append(out, quotes(c.Alerts)...)
	if len(inc.Labels) > 0 {
		out = append(out, bot.Evidence{
			Kind: bot.EvidenceAlert, Subject: place(inc.Labels), Cites: "labels of " + inc.ID.String(),
			Text: allShare(inc.Total) + pairs(inc.Labels),
		})
	}
	if inc.Truncated > 0 {
		out = append(out, bot.Evidence{
			Kind: bot.EvidenceAlert, Cites: inc.ID.String(),
			Text: inc.Source + " says that it left out " + count(inc.Truncated, "more alert", "more alerts") + " of this group",
		})
	}
	return out
}

// firing names instants, not spans: the text is read long after it was made.
func firing(f bot.Fold) string {
	since := "since " + clock(f.FirstAt)
	if f.Firing == 0 && f.Total == 1 {
		return "the alert does not fire any more; it began at " + clock(f.FirstAt)
	}
	if f.Firing == 0 {
		return fmt.Sprintf("none of %s fires any more; the first began at %s", count(f.Total, "alert", "alerts"), clock(f.FirstAt))
	}
	if f.Total == 1 {
		return fmt.Sprintf("1 alert of severity %s fires %s", f.Severity, since)
	}
	return fmt.Sprintf("%d of %d alerts fire, the worst of severity %s, the first %s", f.Firing, f.Total, f.Severity, since)
}

// quotes is what the first few alerts say in words, each wording once.
func quotes(alerts []bot.Alert) []bot.Evidence {
	var out []bot.Evidence
	seen := map[string]bool{}
	for _, a := range alerts {
		for _, name := range summaries {
			text := clean(a.Annotations[name])
			if text == "" || seen[text] {
				continue
			}
			seen[text] = true
			out = append(out, bot.Evidence{
				Kind: bot.EvidenceAlert, Text: text, At: a.StartsAt, Link: a.Link,
				Cites: name + " of alert " + a.Fingerprint,
			})
			if len(out) == alertsToQuote {
				return out
			}
		}
	}
	return out
}

// shareable is a label with a value that can be blamed.
type shareable struct{ label, value, subject string }

// places are the labels that can be blamed, the most specific first.
func places(labels map[string]string) []shareable {
	var out []shareable
	for _, b := range blamed {
		if v := labels[b.label]; v != "" {
			out = append(out, shareable{b.label, v, b.label + "=" + v})
		}
	}
	return out
}

// place is the most specific label that can be blamed, as "instance=web-1".
func place(labels map[string]string) string {
	if p := places(labels); len(p) > 0 {
		return p[0].subject
	}
	return ""
}

func allShare(total int) string {
	if total == 1 {
		return "the alert has "
	}
	return fmt.Sprintf("all %d alerts share ", total)
}

// pairs names the labels that can be blamed, then the others, a few of them.
func pairs(labels map[string]string) string {
	var keys []string
	for _, p := range places(labels) {
		keys = append(keys, p.label)
	}
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		if !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	left := max(len(keys)-maxSharedNamed, 0)
	var parts []string
	for _, k := range keys[:len(keys)-left] {
		parts = append(parts, k+"="+labels[k])
	}
	if left > 0 {
		parts = append(parts, count(left, "more label", "more labels"))
	}
	return strings.Join(parts, ", ")
}
