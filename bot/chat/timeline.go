package chat

import (
	"fmt"
	"strings"
	"time"

	"salve/bot"
)

// entries is the timeline of a Card, oldest first. Deliveries of alerts that
// follow one another are one line, so that a storm does not hide what people
// did.
func entries(events []bot.Event) []bot.CardEntry {
	var out []bot.CardEntry
	for i := 0; i < len(events); i++ {
		e := events[i]
		line := bot.CardEntry{At: e.At, Who: e.Actor.Name, Kind: e.Kind, Text: e.Text}
		more := 0
		for e.Kind == bot.EventAlerts && i+1 < len(events) && events[i+1].Kind == bot.EventAlerts {
			i++
			more++
		}
		if more > 0 {
			line.Text += fmt.Sprintf(" (and %d more %s, the last at %s)", more, plural(more, "change"), stamp(events[i].At))
		}
		out = append(out, line)
	}
	return out[max(0, len(out)-maxTimeline):]
}

// Timeline writes the history of the Incident as Markdown that can be filed:
// what it was, how long it took to decide and to fix, and who did what when.
// Text from outside is escaped, so that it stays text.
func Timeline(s State) string {
	s = s.sorted()
	inc := s.Incident
	var b strings.Builder
	fmt.Fprintf(&b, "# %s %s\n\n", inc.ID, escape(inc.Title))
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "- %s: %s\n", name, value)
		}
	}
	row("Severity", inc.Severity.String())
	row("State", string(inc.State()))
	row("Source", escape(inc.Source))
	row("Began", full(inc.FirstAt))
	if !inc.ResolvedAt.IsZero() {
		row("Resolved", fmt.Sprintf("%s, after %s", full(inc.ResolvedAt), span(inc.ResolvedAt.Sub(inc.FirstAt))))
	}
	if !inc.ClosedAt.IsZero() {
		row("Closed", full(inc.ClosedAt)+reason(inc.CloseReason))
	}
	if inc.MergedInto != 0 {
		row("Merged into", inc.MergedInto.String())
	}
	row("Owner", escape(inc.OwnerName))
	row("Alerts", fmt.Sprintf("%d of %d firing", inc.Firing, inc.Total))
	row("Cause", escape(inc.Diagnosis.Summary))
	row("Time to decision", timeToDecision(s))
	row("Time to fix", timeToFix(s))
	writeEntries(&b, s.Events)
	writeNotes(&b, inc.Notes)
	return b.String()
}

func writeEntries(b *strings.Builder, events []bot.Event) {
	b.WriteString("\n## What happened\n\n| When (UTC) | After | Who | What |\n|---|---|---|---|\n")
	var start time.Time
	for i, e := range entries(events) {
		if i == 0 {
			start = e.At
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", e.At.UTC().Format("2006-01-02 15:04:05"), span(e.At.Sub(start)), escape(e.Who), escape(e.Text))
	}
}

func writeNotes(b *strings.Builder, notes []bot.Note) {
	if len(notes) == 0 {
		return
	}
	b.WriteString("\n## Notes\n\n")
	for _, n := range notes {
		fmt.Fprintf(b, "- %s, %s: %s\n", full(n.At), escape(n.By.Name), escape(n.Text))
	}
}

// timeToDecision is from the first question to its answer.
func timeToDecision(s State) string {
	for i := len(s.Approvals) - 1; i >= 0; i-- {
		a := s.Approvals[i]
		if a.State != bot.ApprovalApproved && a.State != bot.ApprovalDenied {
			continue
		}
		return fmt.Sprintf("%s (%s by %s)", span(a.DecidedAt.Sub(a.OpenedAt)), a.State, escape(a.DecidedBy.Name))
	}
	return ""
}

// timeToFix is from the beginning of the Incident to the first Run that was
// verified.
func timeToFix(s State) string {
	for i := len(s.Runs) - 1; i >= 0; i-- {
		r := s.Runs[i]
		if r.State == bot.RunFixed && r.Kind != bot.PlanUndo {
			return fmt.Sprintf("%s (%s, %s on %s)", span(r.EndedAt.Sub(s.Incident.FirstAt)), r.ID, escape(r.Playbook), escape(r.Target))
		}
	}
	return ""
}

func reason(text string) string {
	if text == "" {
		return ""
	}
	return ": " + escape(text)
}

// span writes a length of time, to the second.
func span(d time.Duration) string {
	if d < 0 {
		return "0s"
	}
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

var markdown = strings.NewReplacer(
	"\\", "\\\\", "`", "\\`", "*", "\\*", "_", "\\_", "[", "\\[", "]", "\\]", "<", "&lt;", ">", "&gt;",
	"&", "&amp;", "://", "&#58;//", "www.", "www&#46;", "@", "&#64;", "|", "\\|", "#", "\\#", "!", "\\!", "~", "\\~", "\r\n", " ", "\n", " ", "\r", " ", "\t", " ",
)

// escape keeps text from outside from being read as Markdown, HTML, a link or a
// mention, and on one line.
func escape(s string) string { return markdown.Replace(s) }

// full writes an instant for the record.
func full(t time.Time) string {
	if t.IsZero() {
		return "an unknown time"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}
