package brief

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"salve/bot"
)

// StormCounts is how many Incidents there are, and of which kinds.
type StormCounts struct {
	Since      time.Time // when it began
	Total      int       // open incidents
	BySeverity map[bot.Severity]int
	ByPhase    map[bot.Phase]int
	Halts      []bot.Halt // that stand
}

const shownWorst = 5

var severities = []bot.Severity{bot.SeverityUnknown, bot.SeverityCritical, bot.SeverityHigh, bot.SeverityMedium, bot.SeverityLow, bot.SeverityInfo}

var phases = []bot.Phase{
	bot.PhaseNeedsPerson, bot.PhaseAsking, bot.PhaseRunning, bot.PhaseVerifying, bot.PhaseTaken, bot.PhaseSnoozed,
	bot.PhaseLooking, bot.PhaseWatching, bot.PhaseFixed, bot.PhaseResolved, bot.PhaseClosed,
}

// Storm is many Incidents at once in one Message: how many, the worst, and what
// waits for people.
func Storm(cards []bot.Card, n StormCounts, now time.Time, o Options) bot.Message {
	total := max(n.Total, len(cards))
	m := bot.Message{Kind: bot.MessageStorm, Tone: bot.ToneUrgent}
	m.Title = []bot.Span{strong(count(total, "incident") + " at once")}
	m.Alone = Cut(fmt.Sprintf("STORM: %s open at once; %s", count(total, "incident"), severityText(n.BySeverity)), bot.MaxAlone)
	m.Lines = []bot.Line{
		line(dots(words("%s", severityText(n.BySeverity)), when("since", n.Since))...),
	}
	if len(n.ByPhase) > 0 {
		m.Lines = append(m.Lines, textLine(phaseText(n.ByPhase)))
	}
	for _, h := range first(n.Halts, 3) {
		m.Lines = append(m.Lines, textLine(haltText(h)))
	}
	m.Lines = append(m.Lines, section("The worst"))
	cards = slices.Clone(cards)
	slices.SortStableFunc(cards, worse)
	for _, c := range first(cards, shownWorst) {
		m.Lines = append(m.Lines, item(entry(c, 60)...))
	}
	if left := total - min(len(cards), shownWorst); left > 0 {
		m.Lines = append(m.Lines, quiet(append([]bot.Span{plain(fmt.Sprintf("and %d more:", left)), raw(" ")}, o.typed("list"))...))
	}
	m.Buttons = []bot.Button{haltButton(), showButton("List", bot.ShowList, bot.Command{}), showButton("What I may approve", bot.ShowMine, bot.Command{})}
	return m
}

// worse orders Cards: what needs people most first, then the worst, the oldest.
func worse(a, b bot.Card) int {
	return cmp.Or(
		cmp.Compare(b.Severity.Rank(), a.Severity.Rank()), cmp.Compare(need(a.Phase), need(b.Phase)),
		a.Since.Compare(b.Since), cmp.Compare(a.Incident, b.Incident),
	)
}

func need(p bot.Phase) int {
	if i := slices.Index(phases, p); i >= 0 {
		return i
	}
	return 0
}

func severityText(by map[bot.Severity]int) string {
	var text string
	for _, s := range severities {
		if by[s] > 0 {
			text += fmt.Sprintf(", %d %s", by[s], s)
		}
	}
	return cmp.Or(trimLead(text), "severities not counted")
}

func phaseText(by map[bot.Phase]int) string {
	var text string
	for _, p := range phases {
		if by[p] > 0 {
			text += fmt.Sprintf(", %d %s", by[p], plainPhase(p, by[p]))
		}
	}
	return trimLead(text)
}

func plainPhase(p bot.Phase, n int) string {
	if p == bot.PhaseNeedsPerson && n != 1 {
		return "need a person"
	}
	return string(p)
}

func trimLead(s string) string {
	if len(s) > 2 {
		return s[2:]
	}
	return s
}

// entry is an Incident as a line of a list.
func entry(c bot.Card, limit int) []bot.Span {
	out := dots([]bot.Span{strong(c.Incident.String() + " " + shout(c.Severity))}, words("%s", clip(cmp.Or(c.Title, "no title"), limit)), words("%s", state(c)))
	if p, ok := open(c); ok {
		out = append(out, raw(": "), plain(clip(what(p), limit)), raw(", "), code(p.Approval.Digest.Short()))
	}
	return out
}

func haltText(h bot.Halt) string {
	name := "Everything is"
	switch h.Scope {
	case bot.HaltPlaybook:
		name = "Playbook " + clip(h.Name, 60) + " is"
	case bot.HaltTarget:
		name = "Target " + clip(h.Name, 60) + " is"
	case bot.HaltAll:
	}
	text := name + " halted by " + clip(h.By.Name, maxLabel)
	if h.Reason != "" {
		text += ": " + clip(h.Reason, 100)
	}
	return dot(text)
}
