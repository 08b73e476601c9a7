package serve

import (
	"sync/atomic"

	"salve/bot"
	"salve/bot/flow/act"
	"salve/bot/flow/decide"
	"salve/bot/flow/post"
	"salve/bot/flow/tell"
	"salve/integrations/river"
)

// hints carries what a commit touched to whoever may want to look. Nothing rests
// on it: every leg scans by itself.
type hints struct{ to atomic.Pointer[legs] }

type legs struct {
	brake  *Brake
	decide *decide.Leg
	act    *act.Leg
	tell   *tell.Leg
	spread *river.Carrier // nil: there is no other process
	post   *post.Leg      // nil: there is no chat
}

func (h *hints) set(l legs) { h.to.Store(&l) }

// committed is called by the store after each commit; it never waits.
func (h *hints) committed(t bot.Touched) {
	l := h.to.Load()
	if l == nil {
		return
	}
	h.elsewhere(t)
	if l.spread != nil {
		l.spread.Carry(l.keep(t))
		return
	}
	if len(t.Incidents) > 0 {
		l.decide.Wake()
	}
	if len(t.Runs) > 0 {
		l.act.Hint(t.Runs...)
	}
}

// keep takes what this process can look at at once, and gives what is for others.
func (l *legs) keep(t bot.Touched) bot.Touched {
	if len(t.Incidents) > 0 && l.decide.Idle() {
		l.decide.Hint(t.Incidents...)
		t.Incidents = nil
	}
	if len(t.Runs) > 0 && l.act.Idle() {
		l.act.Hint(t.Runs...)
		t.Runs = nil
	}
	return t
}

// elsewhere is called after commits of other processes too: what they touched is
// shown, but theirs to look at.
func (h *hints) elsewhere(t bot.Touched) {
	l := h.to.Load()
	if l == nil {
		return
	}
	if t.Halts {
		l.brake.Forget()
	}
	l.tell.Publish(t)
	if l.post != nil {
		l.post.Wake()
	}
}

// Decide passes a hint of the queue on.
func (h *hints) Decide(ids []bot.IncidentID) {
	if l := h.to.Load(); l != nil {
		l.decide.Hint(ids...)
	}
}

// Act passes a hint of the queue on.
func (h *hints) Act(ids []bot.RunID) {
	if l := h.to.Load(); l != nil {
		l.act.Hint(ids...)
	}
}
