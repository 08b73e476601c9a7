package post

import (
	"salve/bot"
	"salve/bot/brief"
)

// Ranks: of what is due at one place, lower goes first; what is new goes before
// edits of what people have seen. Cards of what asks people or failed, and of what
// fires, take five ranks, the severest the first.
const (
	rankStorm    = -1
	rankUrgent   = 0
	rankNotice   = 5
	rankProgress = 6
	rankTold     = 7 // a notice that calls nobody
	rankEdit     = 8 // of what is urgent or goes on
	rankFiring   = 10
	rankQuiet    = 20
	rankWeekly   = 30
	rankPlot     = 40
)

// mood is what an Event does to how much its Incident needs people.
type mood int

const (
	moodSame mood = iota
	moodUrgent
	moodSettled
)

// worth is what an Event deserves on chat. Whether a notice or a page is still
// due when its turn comes is judged then.
type worth struct {
	card     bool // the card is made anew
	progress bool // so is the Message about its Run
	moved    bool // the Run changed its state: people see that at once
	notice   bool // a Message of its own
	wakes    bool // which mentions who is on call
	once     bool // as long as it stands: it is said again whenever something is decided
	page     bool // pagers call too
	mood     mood
}

// deserves is the whole table. What is not about an Incident is not shown.
func deserves(e bot.Event) worth {
	if e.Incident == 0 {
		return worth{}
	}
	w := worth{card: true, notice: brief.Noticed(e), page: brief.Paged(e), mood: moodOf(e.Kind)}
	w.progress, w.moved = ofRun(e)
	switch e.Kind {
	case bot.EventEscalated: // one that names a question stands beside its expiry, which is told
		w.notice, w.page = w.notice && e.Approval == 0, w.page && e.Approval == 0
	case bot.EventRunEnded:
		switch bot.RunState(e.Data["state"]) {
		case bot.RunFixed:
			w.notice, w.page, w.mood = false, false, moodSettled
		case bot.RunCancelled: // its undo may have failed
			w.mood = moodSettled
		}
	}
	w.once = e.Kind == bot.EventDecided
	w.wakes = w.notice && (w.mood == moodUrgent || w.once)
	return w
}

func moodOf(k bot.EventKind) mood {
	switch k {
	case bot.EventProposed, bot.EventExpiring, bot.EventExpired, bot.EventEscalated, bot.EventStepUnknown, bot.EventRunWaiting, bot.EventRunEnded:
		return moodUrgent
	case bot.EventApproved, bot.EventDenied, bot.EventWithdrawn, bot.EventTaken, bot.EventClosed, bot.EventMerged, bot.EventStepSettled:
		return moodSettled
	default:
		return moodSame
	}
}

// ofRun tells whether an Event is about how far a Run has got, and whether its
// state changed.
func ofRun(e bot.Event) (progress, moved bool) {
	switch e.Kind {
	case bot.EventStepStarted, bot.EventStepEnded, bot.EventStepUnknown, bot.EventStepSettled:
		return true, false
	case bot.EventRunPlanned, bot.EventRunVerifying, bot.EventRunUndoing, bot.EventRunWaiting, bot.EventRunEnded, bot.EventCancelAsked:
		return true, true
	default:
		return false, false
	}
}

// urgent is the rank of the card of an Incident that people are asked about, or
// where something runs or failed.
func urgent(inc bot.Incident) int { return rankUrgent + mildness(inc.Severity) }

// firing is the rank of the card of any other.
func firing(inc bot.Incident) int {
	if inc.State() != bot.IncidentOpen {
		return rankQuiet
	}
	return rankFiring + mildness(inc.Severity)
}

// mildness is 0 for the severest.
func mildness(s bot.Severity) int { return bot.SeverityCritical.Rank() - s.Rank() }

// severityOf is what the rank of a card says about its Incident.
func severityOf(rank int) bot.Severity {
	switch {
	case rank < rankNotice:
		return bot.SeverityCritical - bot.Severity(rank-rankUrgent)
	case rank >= rankFiring && rank < rankQuiet:
		return bot.SeverityCritical - bot.Severity(rank-rankFiring)
	default:
		return bot.SeverityInfo
	}
}
