package paper

import (
	"fmt"
	"slices"
	"strings"

	"salve/bot/audit"
	"salve/bot/report"
)

func verdict(p Proof) string {
	if p.OK {
		return "the log proves"
	}
	return "THE LOG DOES NOT PROVE"
}

// covered says how far signed heads vouch for the span.
func covered(b Book) string {
	p, r := b.Proof, b.Report
	switch {
	case !p.OK:
		return "What follows is told from a log that was altered, and proves nothing."
	case !p.Given:
		return "Each event hashes to what it was sealed with and follows the one before it. No signed head was given, so that a log cut off at its end, or written anew as a whole, would not show."
	case r.Events == 0:
		return "There is no event in the span."
	case p.After != nil:
		return fmt.Sprintf("Each event hashes to what it was sealed with and follows the one before it, and the log agrees with the head of %d events that was signed with the key %s. The whole span is covered.", p.After.Size, p.After.Key)
	case p.To > 0:
		return fmt.Sprintf("Each event hashes to what it was sealed with and follows the one before it. The newest signed head covers the events up to %d; those after it, up to %d, are not signed.", p.To, r.Last.Seq)
	default:
		return "Each event hashes to what it was sealed with and follows the one before it. No signed head covers the span."
	}
}

func headText(c *audit.Checkpoint) string {
	if c == nil {
		return "none"
	}
	return fmt.Sprintf("%d events, %s UTC, root %s", c.Size, stamp(c.At), c.Root)
}

func approvers(r *report.Rule) string {
	if r == nil {
		return ""
	}
	return strings.Join(slices.Concat(r.Approvers, r.Also), " ")
}

func ruleText(r *report.Rule) string {
	if r == nil {
		return "the log does not say"
	}
	text := r.Mode
	if r.Mode == "auto" {
		text = "by itself below " + r.AutoBelow + ", else asked"
	}
	if len(r.Approvers) == 0 {
		return text + "; nobody can approve"
	}
	text = fmt.Sprintf("%s; %d of %s", text, max(r.Quorum, 1), strings.Join(r.Approvers, ", "))
	for _, g := range r.Also {
		text += " and 1 of " + g
	}
	return text
}

func ending(l report.Life) string {
	switch {
	case !l.Until.IsZero():
		return "stopped"
	case l.Killed:
		return "ended without saying so"
	default:
		return "going on"
	}
}

// plainly words a state for people.
func plainly(s string) string { return strings.ReplaceAll(s, "_", " ") }
