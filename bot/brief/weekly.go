package brief

import (
	"fmt"

	"salve/bot"
)

// Weekly is what became of a week.
func Weekly(w bot.Week, o Options) bot.Message {
	m := bot.Message{Kind: bot.MessageWeekly, Tone: bot.ToneQuiet}
	m.Title = []bot.Span{strong(fmt.Sprintf("The week from %s to %s", w.From.UTC().Format("2 Jan"), w.To.UTC().Format("2 Jan 2006")))}
	m.Alone = Cut(fmt.Sprintf("The week: %s, %d fixed by itself, %d approved, %d denied, %d undone, %d failed",
		count(w.Incidents, "incident"), w.Alone, w.Approved, w.Denied, w.Undone, w.Failed), bot.MaxAlone)
	m.Lines = []bot.Line{
		textLine(fmt.Sprintf("%s began; %d of them ended without a run of Salve's.", count(w.Incidents, "incident"), w.Resolved)),
		item(plain(fmt.Sprintf("Fixed by itself: %d", w.Alone)), raw(" · "), plain(fmt.Sprintf("after people said yes: %d", w.Agreed))),
		item(plain(fmt.Sprintf("Approved: %d", w.Approved)), raw(" · "), plain(fmt.Sprintf("denied: %d", w.Denied)), raw(" · "), plain(fmt.Sprintf("expired: %d", w.Expired))),
		item(plain(fmt.Sprintf("Undone: %d", w.Undone)), raw(" · "), plain(fmt.Sprintf("failed: %d", w.Failed)), raw(" · "), plain(fmt.Sprintf("unclear: %d", w.Unclear))),
		textLine(savedText(w.Saved)),
	}
	if len(w.Noisiest) > 0 {
		m.Lines = append(m.Lines, section("The noisiest alerts"))
	}
	for _, n := range first(w.Noisiest, 3) {
		m.Lines = append(m.Lines, item(strong(clip(n.Alert, 80)), raw(" "), plain(fmt.Sprintf("%s in %s, the last in %s, from %s",
			count(n.Alerts, "alert"), count(n.Incidents, "incident"), n.Last, clip(n.Source, 60)))))
	}
	if o.linked() {
		m.Lines = append(m.Lines, quiet(o.link("All incidents", "/")))
	}
	return m
}

func savedText(s *bot.Saved) string {
	switch {
	case s == nil:
		return "Time saved: too few recoveries without a run to compare with."
	case s.Time <= 0:
		return fmt.Sprintf("Time saved: none, by %s against %s without one.", count(s.Runs, "run"), recoveries(s.Untreated))
	default:
		return fmt.Sprintf("Time saved: about %s, by %s against the median of %s of the same alerts without one.", rough(s.Time), count(s.Runs, "run"), recoveries(s.Untreated))
	}
}

func recoveries(n int) string {
	if n == 1 {
		return "1 recovery"
	}
	return fmt.Sprintf("%d recoveries", n)
}

// rough is a long time without false precision.
func rough(d bot.Duration) string {
	m := int(d.Std().Minutes())
	if m < 60 {
		return fmt.Sprintf("%d min", m)
	}
	return fmt.Sprintf("%d h %02d min", m/60, m%60)
}
