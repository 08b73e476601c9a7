package brief

import (
	"cmp"
	"fmt"
	"time"

	"salve/bot"
)

// Noticed reports whether an Event may deserve a notice: whoever reads the log
// needs to ask Notice about no other.
func Noticed(e bot.Event) bool {
	switch e.Kind {
	case bot.EventProposed, bot.EventExpiring, bot.EventExpired, bot.EventEscalated, bot.EventRunEnded, bot.EventStepUnknown,
		bot.EventRunWaiting, bot.EventDecided, bot.EventAssigned, bot.EventHandover, bot.EventReminded:
		return e.Incident != 0
	default:
		return false
	}
}

// Paged reports whether an Event may deserve a page.
func Paged(e bot.Event) bool {
	switch e.Kind {
	case bot.EventExpired, bot.EventEscalated, bot.EventStepUnknown, bot.EventRunWaiting, bot.EventRunEnded:
		return e.Incident != 0
	default:
		return false
	}
}

// news is what an Event means to people who were not looking.
type news struct {
	about   string // behind the title, on a lock screen
	tail    string
	lines   []bot.Line
	buttons []bot.Button
	tone    bot.Tone
	page    bool // it wakes people who do not look at chat
}

// Notice is what people must hear of now. False: this kind of Event deserves
// none, or the state has moved on since. One happening gives one notice: of an
// unknown step, not of the Run that waits for it; of a question that expired,
// not of the call that follows.
func Notice(c bot.Card, e bot.Event, now time.Time, o Options) (bot.Message, bool) {
	n, ok := told(c, e, now)
	if !ok {
		return bot.Message{}, false
	}
	m := bot.Message{
		Kind: bot.MessageNotice, Tone: n.tone, Alone: alone(c, n.about, n.tail), Title: title(c, 78),
		Lines: n.lines, Buttons: n.buttons, Broadcast: true,
	}
	o.typedHere(m.Lines)
	return m, true
}

// Page is what wakes people by other means than chat: an undo that failed, a step
// of which nobody knows, a question that expired, a call for people.
func Page(c bot.Card, e bot.Event, now time.Time, o Options) (bot.Message, bool) {
	n, ok := told(c, e, now)
	if !ok || !n.page {
		return bot.Message{}, false
	}
	m := bot.Message{Kind: bot.MessagePage, Tone: bot.ToneUrgent, Alone: alone(c, n.about, n.tail), Title: title(c, 78), Lines: n.lines}
	o.typedHere(m.Lines)
	if s := cause(c, 200); s != "" {
		m.Lines = append(m.Lines, textLine(s))
	}
	if o.linked() {
		m.Lines = append(m.Lines, quiet(o.link("Open "+c.Incident.String(), "/incidents/"+c.Incident.String())))
	}
	return m, true
}

// typedHere makes commands of the shell in our own sentences into what is typed
// on this surface.
func (o Options) typedHere(lines []bot.Line) {
	for i, l := range lines {
		for j, s := range l.Spans {
			lines[i].Spans[j].Text = o.here(s.Text)
		}
	}
}

func told(c bot.Card, e bot.Event, now time.Time) (news, bool) {
	switch e.Kind {
	case bot.EventProposed, bot.EventExpiring:
		return toldQuestion(c, e, now)
	case bot.EventExpired:
		return toldExpired(c, e)
	case bot.EventStepUnknown, bot.EventRunWaiting:
		return toldWaiting(c, e)
	case bot.EventRunEnded:
		return toldEnded(c, e)
	case bot.EventEscalated:
		if e.Approval != 0 || over(c) || c.State != bot.IncidentOpen || c.Phase == bot.PhaseFixed {
			return news{}, false
		}
		return news{about: "a person is needed", lines: []bot.Line{textLine(capital(dot(e.Text)))}, buttons: held(c), tone: bot.ToneUrgent, page: true}, true
	case bot.EventDecided:
		return toldHelpless(c)
	case bot.EventAssigned, bot.EventHandover, bot.EventReminded:
		return toldOwner(c, e)
	default:
		return news{}, false
	}
}

// question is the pending question that the Event is about.
func question(c bot.Card, e bot.Event, now time.Time) (bot.CardProposal, bool) {
	for _, p := range c.Proposals {
		if p.Approval.ID == e.Approval && p.Approval.State == bot.ApprovalPending && now.Before(p.Approval.ExpiresAt) {
			return p, true
		}
	}
	return bot.CardProposal{}, false
}

func toldQuestion(c bot.Card, e bot.Event, now time.Time) (news, bool) {
	p, ok := question(c, e, now)
	if !ok {
		return news{}, false
	}
	n := news{tone: bot.ToneAsking, about: asking(c, p, now), lines: []bot.Line{planLine(p, 120), line(who(p, 1)...)}}
	if s := cause(c, 120); s != "" {
		n.lines = append([]bot.Line{textLine(s)}, n.lines...)
	}
	if e.Kind == bot.EventExpiring {
		n.about = "still nobody: " + n.about
		n.lines = append([]bot.Line{line(raw("Nobody has decided, and it expires at "), at(p.Approval.ExpiresAt), raw("."))}, n.lines...)
	}
	n.buttons = voteButtons(p)
	if c.Owner == "" && !over(c) {
		n.buttons = append(n.buttons, takeButton(c.Incident))
	}
	n.buttons = append(n.buttons, planButton(p.Approval))
	return n, true
}

// toldExpired is moot when somebody holds the Incident, something runs or is
// asked, or nothing fires any more.
func toldExpired(c bot.Card, e bot.Event) (news, bool) {
	_, running := active(c)
	_, asked := open(c)
	if c.Owner != "" || running || asked || c.State != bot.IncidentOpen || c.Phase == bot.PhaseFixed {
		return news{}, false
	}
	n := news{tone: bot.ToneUrgent, page: true, about: "nobody decided in time, nothing was done", buttons: held(c)}
	n.lines = []bot.Line{textLine(capital(dot(cmp.Or(e.Text, "Nobody decided in time"))))}
	for _, p := range c.Proposals {
		if p.Approval.ID == e.Approval && p.Approval.State == bot.ApprovalExpired {
			n.about = fmt.Sprintf("nobody decided about %s in time, nothing was done", clip(p.Approval.Playbook, 40))
			n.lines = []bot.Line{line(plain(fmt.Sprintf("Nobody decided about %s before", what(p))), raw(" "), at(p.Approval.ExpiresAt), raw("; nothing was changed there."))}
			n.lines = append(n.lines, textLine(fmt.Sprintf("A person is needed: take it, or ask again: salve run %s %s", p.Approval.Playbook, c.Incident)))
		}
	}
	return n, true
}

// CallsFrom is the severity from which on people are called to what automation
// has nothing for.
const CallsFrom = bot.SeverityHigh

// toldHelpless is about an Incident that nobody holds and that nothing was ever
// proposed for: people have to begin. What was proposed or ran has notices of its
// own.
func toldHelpless(c bot.Card) (news, bool) {
	if c.Phase != bot.PhaseNeedsPerson || c.State != bot.IncidentOpen || c.Owner != "" || c.Severity.Below(CallsFrom) ||
		len(c.Runs)+len(c.Proposals) > 0 {
		return news{}, false
	}
	n := news{tone: bot.ToneUrgent, about: "a person is needed", buttons: held(c), lines: []bot.Line{textLine(capital(dot(c.Headline)))}}
	if s := cause(c, 120); s != "" {
		n.lines = append(n.lines, textLine(s))
	}
	return n, true
}

// held is the way to take an Incident that nobody holds, and to run something.
func held(c bot.Card) []bot.Button {
	if over(c) {
		return nil
	}
	if c.Owner != "" {
		return []bot.Button{runButton(c.Incident)}
	}
	take := takeButton(c.Incident)
	take.Style = primary
	return []bot.Button{take, runButton(c.Incident)}
}

func toldWaiting(c bot.Card, e bot.Event) (news, bool) {
	r, ok := runOf(c, e.Run)
	if !ok || r.Run.State != bot.RunWaiting {
		return news{}, false
	}
	s, judged := unjudged(r.Run)
	unknown := judged && s.State == bot.StepUnknown
	if unknown != (e.Kind == bot.EventStepUnknown) {
		return news{}, false
	}
	n := news{tone: bot.ToneUrgent, page: judged, buttons: settling(c, r.Run)}
	n.about = fmt.Sprintf("%s %s %s", r.Run.ID, clip(r.Run.Playbook, 40), waits(r.Run))
	n.lines = []bot.Line{textLine(fmt.Sprintf("%s (%s on %s) %s.", r.Run.ID, clip(r.Run.Playbook, 60), clip(r.Run.Target, 60), waits(r.Run)))}
	if s.Error != "" {
		n.lines = append(n.lines, textLine(s.Error))
	} else if r.Run.Reason != "" {
		n.lines = append(n.lines, textLine(reason(r.Run)))
	}
	if judged {
		n.lines = append(n.lines, textLine(fmt.Sprintf("Look at %s, then say what became of it.", clip(r.Run.Target, 60))))
	}
	return n, true
}

// toldEnded is about a Run that went wrong. It is moot when nothing fires any
// more or somebody is at it already, unless something was left half done.
func toldEnded(c bot.Card, e bot.Event) (news, bool) {
	r, ok := runOf(c, e.Run)
	bad := ok && undoFailed(r.Run)
	if !ok || r.Run.Active() || !failed(r.Run) && r.Run.State != bot.RunUnverified {
		return news{}, false
	}
	if r.Run.Kind == bot.PlanUndo && r.Run.State == bot.RunUnverified {
		return news{}, false
	}
	if !bad && (c.State != bot.IncidentOpen || movedOn(c, r.Run)) {
		return news{}, false
	}
	n := news{tone: bot.ToneUrgent, page: bad, buttons: held(c)}
	n.about = fmt.Sprintf("%s %s %s", r.Run.ID, clip(r.Run.Playbook, 40), ended(r.Run))
	n.lines = []bot.Line{textLine(fmt.Sprintf("%s (%s on %s) %s.", r.Run.ID, clip(r.Run.Playbook, 60), clip(r.Run.Target, 60), ended(r.Run)))}
	if r.Run.Reason != "" {
		n.lines = append(n.lines, textLine(reason(r.Run)))
	}
	n.buttons = append(n.buttons, showButton("Show output", bot.ShowOutput, bot.Command{Incident: c.Incident, Run: r.Run.ID}))
	return n, true
}

// movedOn reports whether something came after the end of the Run: another one, a
// question, or a fix.
func movedOn(c bot.Card, r bot.Run) bool {
	for _, other := range c.Runs {
		if other.Run.ID != r.ID && (other.Run.Active() || other.Run.EndedAt.After(r.EndedAt)) {
			return true
		}
	}
	_, asked := open(c)
	return asked || c.Phase == bot.PhaseFixed
}

// toldOwner is for whoever holds the Incident now.
func toldOwner(c bot.Card, e bot.Event) (news, bool) {
	if c.Owner == "" || over(c) || e.Kind == bot.EventReminded && c.State != bot.IncidentOpen {
		return news{}, false
	}
	n := news{tone: bot.ToneAsking, about: "it is " + clip(c.Owner, maxLabel) + "'s now", lines: []bot.Line{textLine(capital(dot(e.Text)))}}
	if e.Kind == bot.EventReminded {
		n.about = clip(c.Owner, maxLabel) + " holds it, and automation waits"
	}
	n.buttons = []bot.Button{releaseButton(c.Incident), handoverButton(c.Incident)}
	return n, true
}
